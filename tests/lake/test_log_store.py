"""The log of a Delta table on S3: of two writers of a version one gets a conflict, whichever library it writes with."""

from __future__ import annotations

import threading
import time

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from py4j.protocol import Py4JJavaError
from sluice.errors import Busy
from sluice.files.s3 import client, objects
from sluice.lake import lease
from sluice.lake.writer import Writer


@pytest.fixture
def on_s3(spark, s3_lake):
    """The session, set up to reach the lake as a job sets it up."""
    for name, value in client.spark_options().items():
        spark.conf.set(name, value)
    return spark


@pytest.fixture
def write(on_s3, s3_lake):
    """Writes an entry of the log of `t`: `write(version, *lines)`."""
    hadoop_conf = on_s3._jsparkSession.sessionState().newHadoopConf()
    store = on_s3._jvm.sluice.lake.ConditionalPutLogStore(hadoop_conf)

    def put(version, *lines, overwrite=False):
        path = on_s3._jvm.org.apache.hadoop.fs.Path(entry(s3_lake, version))
        store.write(path, on_s3._jvm.java.util.ArrayList(list(lines)).iterator(), overwrite, hadoop_conf)

    return put


def entry(lake, version):
    return f"{lake}/t/_delta_log/{version:020}.json"


def test_an_entry_is_made_once(write, s3_lake):
    write(0, "first", "é")
    with pytest.raises(Py4JJavaError, match="FileAlreadyExistsException"):
        write(0, "second")
    assert objects.read(entry(s3_lake, 0)).data == "first\né\n".encode()
    write(0, "third", overwrite=True)
    assert objects.read(entry(s3_lake, 0)).data == b"third\n"


def test_a_put_whose_answer_is_lost_is_no_conflict(write, s3, s3_lake):
    s3.fail("PUT", "/_delta_log/", drop=True)
    write(0, "first")
    assert s3.faults_left == 0
    assert objects.read(entry(s3_lake, 0)).data == b"first\n"
    s3.fail("PUT", "/_delta_log/", drop=True)
    with pytest.raises(Py4JJavaError, match="FileAlreadyExistsException"):
        write(0, "second")


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_that_is_busy_for_a_moment_is_asked_again(write, s3, s3_lake, status):
    s3.fail("PUT", "/_delta_log/", times=2, status=status)
    write(0, "first")
    assert s3.faults_left == 0
    assert objects.read(entry(s3_lake, 0)).data == b"first\n"


def test_no_entry_is_written_without_the_lease_of_its_table(write, on_s3, s3_lake):
    deadline = on_s3._jvm.sluice.lake.LeaseDeadline
    deadline.extend(f"{s3_lake}/t", 60.0)
    write(0, "in time")
    deadline.extend(f"{s3_lake}/t", 0.0)
    with pytest.raises(Py4JJavaError, match="SLUICE_LEASE_LOST"):
        write(1, "too late")
    assert objects.read(entry(s3_lake, 1)) is None
    deadline.extend(f"{s3_lake}/t", 60.0)
    write(1, "taken again")
    deadline.forget(f"{s3_lake}/t")
    write(2, "without one")


def test_a_run_that_loses_its_lease_writes_no_entry_any_more(write, on_s3, s3_lake, monkeypatch):
    for name, seconds in (("_RENEWED", 0.2), ("_OURS", 2.0)):
        monkeypatch.setattr(lease, name, seconds)

    def hold():
        with lease.held(s3_lake, "t", Writer("first", 1, print), on_s3):
            write(0, "in time")
            objects.write(f"{s3_lake}/_locks/t", b'{"run_id": "next"}')
            time.sleep(2.5)
            with pytest.raises(Py4JJavaError, match="SLUICE_LEASE_LOST"):
                write(1, "too late")

    with pytest.raises(Busy, match="could not renew its lease"):
        hold()
    with pytest.raises(Py4JJavaError, match="SLUICE_LEASE_LOST"):
        write(1, "by what was still under way")
    assert objects.read(entry(s3_lake, 1)) is None
    on_s3._jvm.sluice.lake.LeaseDeadline.forget(f"{s3_lake}/t")


def test_commits_of_spark_and_delta_rs_at_once_are_all_there(on_s3, s3_lake):
    path, options, count = f"{s3_lake}/t", client.delta_rs_options(s3_lake), 5
    on_s3.range(1).write.format("delta").save(path)

    def by_delta_rs():
        for number in range(count):
            write_deltalake(path, pa.table({"id": [200 + number]}), mode="append", storage_options=options)

    thread = threading.Thread(target=by_delta_rs)
    thread.start()
    for number in range(count):
        on_s3.range(100 + number, 101 + number).write.format("delta").mode("append").save(path)
    thread.join()
    expected = [0, *range(100, 100 + count), *range(200, 200 + count)]
    assert sorted(row.id for row in on_s3.read.format("delta").load(path).collect()) == expected
    delta = DeltaTable(path, storage_options=options)
    assert sorted(delta.to_pyarrow_table().column("id").to_pylist()) == expected
    assert delta.version() == 2 * count
