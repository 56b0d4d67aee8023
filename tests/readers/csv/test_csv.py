"""CSV files through Spark: ranges of a few bytes give what a whole read gives; files that change; S3."""

from __future__ import annotations

import os
from collections import Counter
from urllib.parse import unquote, urlsplit

import pytest
from conftest import s3_client
from sluice.catalog import catalog
from sluice.files.find import find_files
from sluice.readers.csv import reader as csv
from sluice.readers.csv.dialect import Dialect
from sluice.readers.shared import in_spark

PRODUCTS = catalog.BUILT_IN["products"]
RECORDS = 'a,5" pipe,x\n"b","c\n""d""\n","\r\n"\n\n\nwrong\né,"",\nlast,n,"é\n"'.encode()


def opened(*paths, dialect=Dialect()):
    return csv.open_all(find_files(map(str, paths)), PRODUCTS, dialect, "fail").sources


def collected(frame):
    """The rows, sorted; the raw texts without the line ends that may come after them."""
    rows = [row.asDict() for row in frame.collect()]
    return sorted((tuple({**row, "_raw": (row.get("_raw") or "").rstrip()}.values()) for row in rows), key=repr)


@pytest.fixture
def cut_every(monkeypatch):
    """Cuts files into ranges of so many bytes."""
    return lambda size: monkeypatch.setattr(in_spark, "MAX_RANGE_BYTES", size)


def test_ranges_of_any_size_give_the_same_records_and_positions(spark, csv_file, cut_every):
    header = b"\xef\xbb\xbfsku,name,description\n"
    path = csv_file("a.csv", data=header + RECORDS)
    whole = collected(csv.read(spark, opened(path)))
    begins = [len(header) + RECORDS.index(text) for text in (b"a,5", b'"b"', b"wrong", "é,".encode(), b"last")]
    assert sorted(row[1] for row in whole) == begins
    for size in (1, 7, 16, 40):
        cut_every(size)
        assert collected(csv.read(spark, opened(path))) == whole, size


def test_columns_keep_their_names_whatever_the_order_in_each_file(spark, csv_file):
    first = csv_file("1.csv", "name,sku,description", "n1,s1,d1")
    second = csv_file("2.csv", "description,name,sku", "d2,n2,s2")
    frame = csv.read(spark, opened(first, second)).select("_file", "sku", "name", "description", "_reason")
    assert sorted(map(tuple, frame.collect())) == [(0, "s1", "n1", "d1", None), (1, "s2", "n2", "d2", None)]


@pytest.mark.parametrize(("change", "message"), [("grow", "changed while being read"), ("remove", "disappeared while")])
@pytest.mark.parametrize("size", [1 << 20, 10])
def test_a_file_that_changes_or_vanishes_after_it_was_found(spark, csv_file, change, message, size, cut_every):
    cut_every(size)
    path = csv_file("a.csv", "sku,name,description", *(f"s{i},n,d" for i in range(20)))
    sources = opened(path)
    if change == "grow":
        with path.open("a") as file:
            file.write("more,n,d\n")
    else:
        path.unlink()
    *_, failure = sorted(csv.read(spark, sources).collect(), key=lambda row: row._position is None)
    assert failure._position is None
    assert failure._reason.startswith(f"{path.as_uri()}: {message}")


def test_many_small_files_share_tasks(spark, csv_file):
    paths = [csv_file(f"{i:03}.csv", "sku,name,description", f"s{i},n,d") for i in range(50)]
    frame = csv.read(spark, opened(*paths))
    assert frame.rdd.getNumPartitions() == 1
    assert [(row._file, row.sku) for row in sorted(frame.collect())] == [(i, f"s{i}") for i in range(50)]


@pytest.fixture
def bucket(s3):
    client = s3_client()
    client.create_bucket(Bucket="landing")
    return client


def test_objects_are_listed_and_read_in_ranges(spark, bucket, csv_file, cut_every):
    data = b"sku,name,description\n" + RECORDS
    for key in ("day/1.csv", "day/_SUCCESS", "day/.hidden/x.csv", "other/1.csv"):
        bucket.put_object(Bucket="landing", Key=key, Body=data)
    [found] = find_files(["s3://landing/day"])
    assert (found.uri, found.size) == ("s3a://landing/day/1.csv", len(data))
    bucket.put_object(Bucket="landing", Key="day/sub/1.csv", Body=data)
    assert [file.uri for file in find_files(["s3a://landing/*/1.csv"])] == [found.uri, "s3a://landing/other/1.csv"]
    assert len(find_files(["s3a://landing/**/1.csv"])) == 3
    bucket.delete_object(Bucket="landing", Key="day/sub/1.csv")
    local = collected(csv.read(spark, opened(csv_file("1.csv", data=data))))
    for size in (1 << 20, 9):
        cut_every(size)
        assert collected(csv.read(spark, opened("s3a://landing/day/1.csv"))) == local


def test_an_object_into_the_table(spark, job, rows, bucket, s3):
    bucket.put_object(Bucket="landing", Key="p/a.csv", Body=b"sku,name,description\ns1,n,d\n")
    s3.clear()
    assert job("ingest", "products", "s3://landing/p/").counts == {"read": 1, "inserted": 1}
    assert Counter(request.kind for request in s3.requests) == {"LIST": 1, "GET": 2}  # its header, then all of it
    assert job("ingest", "products", "s3a://landing/p/a.csv").report["status"] == "nothing_new"
    assert job("ingest", "products", "s3://landing/nothing.csv").exit_code == 3
    assert job("ingest", "products", "s3://nowhere/a.csv").exit_code == 3
    bucket.put_object(Bucket="landing", Key="empty.csv", Body=b"")
    assert "the file is empty" in job("ingest", "products", "s3://landing/empty.csv").stderr
    sources = opened("s3://landing/p/a.csv")
    bucket.put_object(Bucket="landing", Key="p/a.csv", Body=b"sku,name,description\ns2,n,d\n")
    [failure] = csv.read(spark, sources).collect()
    assert "changed while being read" in failure._reason
    assert rows("products", "sku") == [("s1",)]


def test_uris_keep_every_character_of_a_path(csv_file):
    path = csv_file("a b%20ü#?.csv", "sku,name,description")
    [found] = find_files([str(path)])
    assert unquote(urlsplit(found.uri).path) == str(path)
    assert found.size == os.path.getsize(path)
