"""`rejects replay` and `rejects list`: files of rejects read again, and what their rows may overwrite."""

from __future__ import annotations

import pytest

HEADER = "sku,name,description"
LATIN = "s1,plain,d\ns2,café,d\n"


@pytest.fixture
def latin(csv_file):
    """A file one of whose records is not UTF-8."""
    return csv_file("a.csv", data=f"{HEADER}\n{LATIN}".encode("latin-1"))


def test_what_now_fits_is_taken_and_the_rejects_are_replaced(job, rows, latin):
    job("ingest", "products", latin, "--max-rejects", 1)
    done = job("rejects", "replay", "products", "--encoding", "latin-1")
    assert (done.exit_code, done.report["status"], done.report["files"]) == (0, "succeeded", 1)
    assert done.counts == {"read": 2, "unchanged": 1, "inserted": 1}
    assert rows("products", "sku", "name") == [("s1", "plain"), ("s2", "café")]
    assert rows("rejects", "raw") == []
    assert job("rejects", "replay", "products").report["status"] == "nothing_new"
    assert job("ingest", "products", latin, "--encoding", "latin-1").report["status"] == "nothing_new"


def test_a_mended_file_is_read_as_before(job, rows, csv_file):
    path = csv_file("a.csv", "sku|name|description", "s1|n|d", "s2|n")
    job("ingest", "products", path, "--delimiter", "|", "--max-rejects", 1)
    csv_file(
        "a.csv", "sku|name|description", "s1|n|d", "s2|mended|d", "s3|n|d", "|n|d", *(f"t{i}|n|d" for i in range(99))
    )
    done = job("rejects", "replay")
    assert done.counts == {"read": 103, "rejected": 1, "unchanged": 1, "inserted": 101}
    assert ("s2", "mended") in rows("products", "sku", "name")
    assert rows("rejects", "raw", "reason") == [("|n|d", "sku is empty")]
    assert job("ingest", "products", path, "--delimiter", "|").report["status"] == "nothing_new"


def test_rows_that_later_runs_brought_stay(job, rows, latin, csv_file):
    job("ingest", "products", latin, "--max-rejects", 1)
    job("ingest", "products", csv_file("b.csv", HEADER, "s1,later,d", "s2,later,d"))
    done = job("rejects", "replay", "--encoding", "latin-1")
    assert done.counts == {"read": 2, "duplicate": 2}
    assert rows("products", "sku", "name") == [("s1", "later"), ("s2", "later")]


def test_rows_that_earlier_runs_brought_do_not(job, rows, latin, csv_file):
    job("ingest", "products", csv_file("0.csv", HEADER, "s2,earlier,d"))
    job("ingest", "products", latin, "--max-rejects", 1)
    assert job("rejects", "replay", "--encoding", "latin-1").counts == {"read": 2, "unchanged": 1, "updated": 1}
    assert rows("products", "sku", "name") == [("s1", "plain"), ("s2", "café")]


def test_the_last_record_of_a_key_wins_within_the_file(job, rows, csv_file):
    path = csv_file("a.csv", data=f"{HEADER}\ns1,café,d\ns1,last,d\ns2,first,d\ns2,crème,d\n".encode("latin-1"))
    assert job("ingest", "products", path, "--max-rejects", 2).counts == {"read": 4, "rejected": 2, "inserted": 2}
    assert job("rejects", "replay", "--encoding", "latin-1").counts == {
        "read": 4,
        "duplicate": 2,
        "unchanged": 1,
        "updated": 1,
    }
    assert rows("products", "sku", "name") == [("s1", "last"), ("s2", "crème")]


def test_a_refused_file_is_ingested_and_the_limit_holds_for_it(job, rows, latin):
    assert job("ingest", "products", latin).exit_code == 4
    assert job("rejects", "replay").exit_code == 4
    assert job("rejects", "replay", "--encoding", "latin-1").counts == {"read": 2, "inserted": 2}
    assert rows("products", "sku") == [("s1",), ("s2",)]


def test_rejects_that_were_allowed_are_not_refused_again(job, rows, latin):
    job("ingest", "products", latin, "--max-rejects", "100%")
    assert job("rejects", "replay").counts == {"read": 2, "rejected": 1, "unchanged": 1}
    assert len(rows("rejects", "raw")) == 1


def test_a_file_that_is_gone_keeps_its_rejects(job, rows, csv_file, latin):
    gone = csv_file("gone.csv", HEADER, "s9")
    job("ingest", "products", latin, gone, "--max-rejects", "100%")
    gone.unlink()
    done = job("rejects", "replay", "--encoding", "latin-1")
    assert (done.exit_code, done.counts) == (0, {"read": 2, "unchanged": 1, "inserted": 1})
    assert done.stderr.count("gone.csv: no such file") == 1
    assert rows("rejects", "file") == [(gone.as_uri(),)]
    left = job("rejects", "replay")
    assert (left.exit_code, left.report["status"]) == (3, "failed")
    assert f"{gone}: no such file" in left.stderr.splitlines()[-1].replace("file://", "")
    assert len(rows("rejects", "raw")) == 1


def test_files_read_in_different_ways_are_replayed_each_in_its_own(job, rows, csv_file):
    job("ingest", "products", csv_file("a.csv", HEADER, "s1"), "--max-rejects", "100%")
    job(
        "ingest",
        "products",
        csv_file("b.csv", "sku|name|description", "s2"),
        "--delimiter",
        "|",
        "--max-rejects",
        "100%",
    )
    csv_file("a.csv", HEADER, "s1,n,d")
    csv_file("b.csv", "sku|name|description", "s2|n|d")
    done = job("rejects", "replay", "products")
    assert [step["rows_inserted"] for step in done.report["steps"]] == [1, 1]
    assert rows("products", "sku") == [("s1",), ("s2",)]


def test_a_dry_run_changes_nothing(job, rows, latin):
    job("ingest", "products", latin, "--max-rejects", 1)
    assert job("rejects", "replay", "--encoding", "latin-1", "--dry-run").counts == {
        "read": 2,
        "unchanged": 1,
        "inserted": 1,
    }
    assert (rows("products", "sku"), len(rows("rejects", "raw"))) == ([("s1",)], 1)


def test_rejects_are_filtered_by_run_file_and_reason(job, csv_file):
    first = csv_file("first.csv", HEADER, ",x,", "s")
    second = csv_file("second.csv", HEADER, "t")
    job("ingest", "products", first, "--max-rejects", "100%", "--run-id", "one")
    job("ingest", "products", second, "--max-rejects", "100%", "--run-id", "two")

    def raws(*options):
        return [row["raw"] for row in job("rejects", "list", *options).report["rows"]]

    assert raws() == ["t", ",x,", "s"]
    assert raws("--run", "one") == [",x,", "s"]
    assert raws("--file", "second") == ["t"]
    assert raws("--reason", "fields") == ["t", "s"]
    assert raws("products", "--run", "one", "--reason", "empty") == [",x,"]
    assert raws("--run", "three") == []
    assert "1 of 3 rejects shown" in job("rejects", "list", "--limit", 1).stderr
