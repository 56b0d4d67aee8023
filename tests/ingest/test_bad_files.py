"""Folders of many files with some that cannot be read, or are still written."""

from __future__ import annotations

import gzip
import os
import time

import pytest

HEADER = "sku,name,description"


@pytest.fixture
def folder(csv_file, tmp_path):
    """1,001 files: one empty, one cut short, one a bomb, one with an open quote, one still growing, all others good."""
    for i in range(996):
        csv_file(f"{i:04}.csv", HEADER, f"s{i},n,d", f"t{i},n,d", *(["wrong"] if i == 7 else []))
    csv_file("empty.csv", data=b"")
    noise = "\n".join(f"k{i},{os.urandom(200).hex()},d" for i in range(2_000))
    csv_file("short.csv.gz", data=gzip.compress(f"{HEADER}\n{noise}\n".encode())[:150_000])
    csv_file("bomb.csv.gz", data=gzip.compress(f"{HEADER}\nb1,n,d\nb2,n,".encode() + b"d" * (9 << 20)))
    csv_file("unclosed.csv", HEADER, "u1,n,d", "wrong too", 'u2,n,"d')
    csv_file("growing.csv", HEADER, "g1,n,d")
    path = tmp_path / "in"
    for file in path.iterdir():
        os.utime(file, (file.stat().st_mtime - 100,) * 2)
    os.utime(path / "growing.csv", (time.time() + 3600,) * 2)
    return path


def test_of_a_thousand_files_bad_ones_fail_the_run_or_are_left_out_and_named_and_the_young_one_waits(
    job, lake, rows, folder
):
    failed = job("ingest", "products", folder, "--min-age", 30)
    assert (failed.exit_code, (lake / "products").exists()) == (3, False)
    assert f"{folder}/empty.csv: the file is empty" in failed.stderr.splitlines()[-1]

    options = ["--on-bad-file", "skip", "--min-age", 30, "--max-rejects", "50%", "--max-decompressed", "8M"]
    counted = job("ingest", "products", folder, *options, "--dry-run")
    done = job("ingest", "products", folder, *options)
    for each in (counted, done):
        assert (each.exit_code, each.counts) == (0, {"read": 1993, "rejected": 1, "inserted": 1992})
        assert (each.report["files"], each.report["files_skipped"]) == (996, 4)
        left = [line for line in each.stderr.splitlines() if "left out: " in line]
        names = ["empty", "short", "bomb", "unclosed"]  # the first two fail as they are opened
        assert [name in line for name, line in zip(names, left, strict=True)] == [True] * 4, left
    assert len(rows("products", "sku")) == 1992
    assert len(rows("ingested_files", "file")) == 996
    assert rows("rejects", "file", "raw") == [((folder / "0007.csv").as_uri(), "wrong")]  # none of bad files
    # the next run finds the rest as it is, and takes what has come to be readable
    again = job("ingest", "products", folder, *options)
    assert (again.exit_code, again.report["status"], again.report["files_skipped"]) == (0, "nothing_new", 1000)
    (folder / "unclosed.csv").write_text(f'{HEADER}\nu1,n,d\nu2,n,"d"\n')
    os.utime(folder / "growing.csv", (1, 1))
    os.utime(folder / "unclosed.csv", (1, 1))
    assert job("ingest", "products", folder, *options).counts == {"read": 3, "inserted": 3}


def test_where_none_can_be_read_it_is_a_failure(job, csv_file, tmp_path):
    csv_file("a.csv", data=b"")
    done = job("ingest", "products", tmp_path / "in", "--on-bad-file", "skip")
    assert (done.exit_code, "a.csv: the file is empty" in done.stderr.splitlines()[-1]) == (3, True)
    csv_file("b.csv", "nothing like it")
    done = job("ingest", "products", tmp_path / "in", "--on-bad-file", "skip")
    assert (done.exit_code, done.report["status"]) == (3, "failed")
    assert "none of 2 files could be read" in done.stderr.splitlines()[-1]
