"""What failures of Spark, delta-rs and Python say of disks and files, and the lines that are made of it."""

from __future__ import annotations

import pytest
from sluice.errors import InputError, SluiceError, UsageError
from sluice.lake.storage_failure import require_space, storage_failure

READING = (
    "Py4JJavaError: SparkException: [FAILED_READ_FILE.{}] Encountered error while reading file {}. {} SQLSTATE: KD001"
)


@pytest.mark.parametrize(
    "text",
    [
        "java.io.FileNotFoundException: /tmp/blockmgr-1/0c/temp_shuffle_2 (No space left on device)",
        "Failed to parse parquet: External: Unable to copy data to file: No space left on device (os error 28)",
        "[Errno 122] Disk quota exceeded: '/lake/_locks/products'",
    ],
)
def test_a_full_disk_names_both_places_and_their_free_bytes(text, tmp_path, monkeypatch):
    monkeypatch.setenv("SPARK_LOCAL_DIRS", str(tmp_path / "spark"))
    lake = str(tmp_path / "lake")
    line = str(storage_failure(text, lake))
    assert line.startswith(f"a disk is full: free space for the lake in {lake}, where ")
    assert f" MB are free, or for temporary files in {tmp_path}/spark (SPARK_LOCAL_DIRS), where " in line
    assert line.endswith("then run again: it resumes safely")
    assert str(storage_failure(text, "s3://b/lake")).startswith("a disk is full: free space for temporary files in ")


@pytest.mark.parametrize(
    ("lake", "uri"),
    [
        ("/a/lake", "file:/a/lake/orders/day=2024-10-01/part-1.c000.zstd.parquet"),
        ("lake", "file:/a/lake/orders/day=2024-10-01/part-1.c000.zstd.parquet"),
        ("/ä b/läke", "file:/%C3%A4%20b/l%C3%A4ke/orders/day=2024-10-01/part-1.c000.zstd.parquet"),
        ("s3a://b/x/lake/", "s3a://b/x/lake/orders/day=2024-10-01/part-1.c000.zstd.parquet"),
    ],
)
@pytest.mark.parametrize(("kind", "state"), [("FILE_NOT_EXIST", "is missing"), ("NO_HINT", "is damaged")])
def test_a_file_that_cannot_be_read_is_named_with_its_table(lake, uri, kind, state):
    failure = storage_failure(READING.format(kind, uri, "File does not exist." * (state == "is missing")), lake)
    assert isinstance(failure, InputError)
    assert str(failure) == (
        f"table orders: its file day=2024-10-01/part-1.c000.zstd.parquet {state}: "
        "see 'Damaged files' in docs/running.md"
    )


@pytest.mark.parametrize(
    "line",
    [
        "[Errno 13] Permission denied: '/lake/_locks/products'",
        "java.io.FileNotFoundException: /lake/products/_delta_log/.0.json (Read-only file system)",
    ],
)
def test_a_lake_that_may_not_be_written_is_one_line(line):
    failure = storage_failure(f"An error occurred:\n{line}\n\tat java.base", "/lake")
    assert isinstance(failure, UsageError)
    assert str(failure) == f"{line}: check the rights on the lake in /lake, and who owns it"


def test_other_failures_are_none_of_these():
    assert storage_failure("java.lang.IllegalStateException: x", "lake") is None


def test_a_lake_without_room_for_a_commit_is_refused_before_it(tmp_path, small_disk):
    require_space(str(tmp_path / "not" / "yet"))
    require_space("s3://b/lake")
    disk = small_disk("2m")
    require_space(str(disk / "lake"))
    (disk / "other").write_bytes(bytes(1_500_000))
    with pytest.raises(
        SluiceError, match=f"a disk is full: free space for the lake in {disk}/lake, where 0 MB are free"
    ):
        require_space(str(disk / "lake"))
