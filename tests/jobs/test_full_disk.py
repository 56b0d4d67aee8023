"""A disk that is full in the middle of a run: one line, nothing half committed, and the same command completes it."""

from __future__ import annotations

import json
import random
import subprocess

import pytest
from conftest import HEADER
from processes import finished, read_until

LINE = "a disk is full: free space for "


def products(count):
    """Rows that do not compress."""
    dice = random.Random(3)
    return [f"k{i},n{i % 97},{dice.getrandbits(400):x}" for i in range(count)]


def fill(disk):
    with open(disk / "filler", "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError:
            pass


def test_a_lake_on_a_full_disk_is_one_line_and_once_there_is_space_the_same_command_works(
    job, rows, csv_file, small_disk, monkeypatch
):
    disk = small_disk("2m")
    monkeypatch.setenv("SLUICE_LAKE", str(disk / "lake"))
    path = csv_file("a.csv", HEADER, *products(60_000))
    done = job("ingest", "products", path)
    assert (done.exit_code, done.report["error"].startswith(f"{LINE}the lake in {disk}/lake, where ")) == (1, True)
    assert 'File "' not in done.stderr
    assert done.stderr.splitlines()[-1] == f"ingest: {done.report['error']}"
    subprocess.run(["mount", "-o", "remount,size=20m", disk], check=True)
    assert job("ingest", "products", path).counts == {"read": 60_000, "inserted": 60_000}
    assert len(rows("products", "sku")) == 60_000


STEPS = ["read", "keep rejects", "classify", "merge", "record", "aggregate", "write", "send products_agg"]


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_a_lake_whose_disk_is_full_in_a_step(submit, job, rows, csv_file, small_disk, monkeypatch, database, step):
    disk = small_disk("60m")
    monkeypatch.setenv("SLUICE_LAKE", str(disk / "lake"))
    assert job("run", "products", csv_file("a.csv", HEADER, "k1,x,", "old,x,")).exit_code == 0
    path = csv_file("b.csv", HEADER, *products(60_000), "no name")
    arguments = ("run", "products", path, "--progress", "plain")
    process = submit(*arguments)
    read_until(process, f" {step} …")
    fill(disk)
    code, out, err = finished(process)
    assert (code, LINE in json.loads(out)["error"]) == (1, True)
    assert 'File "' not in err
    assert LINE in err.splitlines()[-1]
    if step != STEPS[-1]:
        assert database("SELECT * FROM products_agg") == [("x", 2)]
    (disk / "filler").unlink()
    assert job(*arguments).exit_code == 0
    assert len(rows("products", "sku")) == 60_001
    assert rows("rejects", "raw") == [("no name",)]
    assert database("SELECT count(*), sum(no_of_products) FROM products_agg") == [(98, 60_001)]
    assert job(*arguments).report["status"] == "nothing_new"


@pytest.mark.slow
def test_temporary_files_on_a_full_disk(submit, job, rows, csv_file, small_disk, monkeypatch):
    disk = small_disk("3m")
    path = csv_file("b.csv", HEADER, *products(200_000))
    monkeypatch.setenv("SPARK_LOCAL_DIRS", str(disk))
    code, out, err = finished(submit("ingest", "products", path))
    monkeypatch.delenv("SPARK_LOCAL_DIRS")
    assert (code, LINE in json.loads(out)["error"]) == (1, True)
    assert f"temporary files in {disk} (SPARK_LOCAL_DIRS), where " in err.splitlines()[-1]
    assert 'File "' not in err
    assert job("ingest", "products", path).counts == {"read": 200_000, "inserted": 200_000}
