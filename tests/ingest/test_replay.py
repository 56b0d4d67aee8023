"""`rejects replay` and `rejects list`: files of rejects read again, and what their rows may overwrite."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from conftest import HEADER
from deltalake import write_deltalake
from sluice.ledger import rejects

LATIN = [
    "s1,plain,d",
    "s2,café,d",
    "earlier,café,d",
    "later,café,d",
    "later2,plain,d",
    "last,café,d",  # the last record of a key wins within the file
    "last,plain,d",
    "first,plain,d",
    "first,crème,d",
]
REPLAYED = [
    ("earlier", "café"),
    ("first", "crème"),
    ("last", "plain"),
    ("later", "of a later run"),
    ("later2", "of a later run"),
    ("s1", "plain"),
    ("s2", "café"),
]


@pytest.fixture
def latin(csv_file):
    """A file that is not UTF-8 in five of its records."""
    return csv_file("a.csv", data="\n".join([HEADER, *LATIN, ""]).encode("latin-1"))


def test_what_now_fits_is_taken_but_for_what_later_runs_brought_and_the_rejects_are_replaced(
    job, rows, latin, csv_file
):
    job("ingest", "products", csv_file("0.csv", HEADER, "earlier,of an earlier run,d"))
    first = job("ingest", "products", latin, "--max-rejects", "100%").counts
    assert first == {"read": 9, "rejected": 5, "inserted": 4}
    later = csv_file("b.csv", HEADER, "later,of a later run,d", "later2,of a later run,d")
    assert job("ingest", "products", later).counts == {"read": 2, "inserted": 1, "updated": 1}
    before = rows("products", "sku", "name")

    as_it_was = job("rejects", "replay")  # rejects that were allowed are not refused again
    assert as_it_was.counts == {"read": 9, "rejected": 5, "unchanged": 3, "duplicate": 1}
    dry = job("rejects", "replay", "--encoding", "latin-1", "--dry-run")
    assert dry.counts == {"read": 9, "unchanged": 2, "inserted": 1, "updated": 2, "duplicate": 4}
    assert (rows("products", "sku", "name"), len(rows("rejects", "raw"))) == (before, 5)

    outside = job("rejects", "replay", "--encoding", "latin-1", "--input-root", latin.parent.parent / "lake")
    assert (outside.exit_code, f"{latin}: is not in --input-root" in outside.report["error"]) == (2, True)
    done = job("rejects", "replay", "products", "--encoding", "latin-1", "--input-root", latin.parent)
    assert (done.exit_code, done.report["status"], done.report["files"]) == (0, "succeeded", 1)
    assert done.counts == dry.counts
    assert (rows("products", "sku", "name"), rows("rejects", "raw")) == (REPLAYED, [])
    assert job("rejects", "replay", "products").report["status"] == "nothing_new"
    assert job("ingest", "products", latin, "--encoding", "latin-1").report["status"] == "nothing_new"


def test_mended_files_are_read_as_before_each_in_its_own_way(job, rows, csv_file):
    pipes = "sku|name|description"
    job("ingest", "products", csv_file("a.csv", HEADER, "c1"), "--max-rejects", "100%")
    path = csv_file("b.csv", pipes, "s1|n|d", "s2|n")
    job("ingest", "products", path, "--delimiter", "|", "--max-rejects", 1)
    csv_file("a.csv", HEADER, "c1,n,d")
    csv_file("b.csv", pipes, "s1|n|d", "s2|mended|d", "s3|n|d", "|n|d", *(f"t{i}|n|d" for i in range(99)))
    done = job("rejects", "replay")
    steps = [
        [step[f"rows_{name}"] for name in ("read", "rejected", "unchanged", "inserted")]
        for step in done.report["steps"]
    ]
    assert sorted(steps) == [[1, 0, 0, 1], [103, 1, 1, 101]]
    assert {("c1", "n"), ("s2", "mended")} <= {*rows("products", "sku", "name")}
    assert len(rows("products", "sku")) == 103
    assert rows("rejects", "raw", "reason") == [("|n|d", "sku is empty")]
    assert job("ingest", "products", path, "--delimiter", "|").report["status"] == "nothing_new"


def test_refused_files_are_ingested_and_one_that_is_gone_keeps_its_rejects(job, rows, csv_file, latin):
    gone = csv_file("gone.csv", HEADER, "s9")
    assert job("ingest", "products", latin, gone).exit_code == 4
    assert job("rejects", "replay").exit_code == 4  # the limit holds for files of which nothing was taken
    gone.unlink()
    done = job("rejects", "replay", "--encoding", "latin-1")
    assert (done.exit_code, done.counts) == (0, {"read": 9, "inserted": 7, "duplicate": 2})
    assert done.stderr.count("gone.csv: no such file") == 1
    assert [sku for (sku,) in rows("products", "sku")] == [sku for sku, _ in REPLAYED]
    assert rows("rejects", "file") == [(gone.as_uri(),)]
    left = job("rejects", "replay")
    assert (left.exit_code, left.report["status"]) == (3, "failed")
    assert f"{gone}: no such file" in left.stderr.splitlines()[-1].replace("file://", "")
    assert rows("rejects", "file") == [(gone.as_uri(),)]


@pytest.fixture
def three_rejects(lake):
    """Rejects of two runs, as `rejects list` shows them: `,x,` and `s` of the first, then `t` of the second."""
    first, second = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC)
    stored = [
        ("one", "products", "file:///first.csv", 25, "s", "1 fields instead of 3", first),
        ("two", "products", "file:///second.csv", 21, "t", "1 fields instead of 3", second),
        ("one", "products", "file:///first.csv", 21, ",x,", "sku is empty", first),
    ]
    names = ("run_id", "table", "file", "position", "raw", "reason", "rejected_at")
    rejected = [{**dict(zip(names, row, strict=True)), "read_at": first, "read_by": "[]"} for row in stored]
    write_deltalake(lake / "rejects", pa.Table.from_pylist(rejected))
    return str(lake)


@pytest.mark.parametrize(
    ("table", "filters", "raws"),
    [
        (None, {}, ["t", ",x,", "s"]),
        ("products", {}, ["t", ",x,", "s"]),
        ("requests", {}, []),
        (None, {"run": "one"}, [",x,", "s"]),
        (None, {"file": "second"}, ["t"]),
        (None, {"reason": "fields"}, ["t", "s"]),
        ("products", {"run": "one", "reason": "empty"}, [",x,"]),
        (None, {"run": "three"}, []),
    ],
)
def test_rejects_are_filtered_by_run_file_and_reason(three_rejects, table, filters, raws):
    found = rejects.newest(three_rejects, table, **filters)
    assert [row["raw"] for row in found] == raws
    assert all({*row} == {"run_id", "table", "file", "position", "raw", "reason", "rejected_at"} for row in found)


def test_the_list_shows_the_newest_rejects_that_match(three_rejects, job):
    options = ["products", "--run", "one", "--file", "first", "--reason", "empty"]
    assert [row["raw"] for row in job("rejects", "list", *options).report["rows"]] == [",x,"]
    some = job("rejects", "list", "--limit", 1)
    assert [row["raw"] for row in some.report["rows"]] == ["t"]
    assert "1 of 3 rejects shown" in some.stderr
