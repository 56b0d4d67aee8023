"""Records without an id: which number each has among its like, and which of those in several files counts."""

from __future__ import annotations

import pytest
from sluice.ingest import occurrences
from sluice.model.table import Column, Occurrences, Table

LOG = Table(
    "log",
    tuple(map(Column, ("key", "date", "source", "line", "id", "number"))),
    ("key",),
    reader=None,
    reading=None,
    partition_by=("date",),
    occurrences=Occurrences(key="key", column="number", of=("source", "date", "line"), id="id"),
)
MONDAY, TUESDAY = "2025-01-06", "2025-01-07"
# record: its identity (date, source, line, id), and for each file what becomes of its rows: number, whether it counts
CASES = {
    "alone": ((MONDAY, "s", "x", None), {0: [(1, True)]}),
    "on another day": ((TUESDAY, "s", "x", None), {0: [(1, True)]}),
    "of another source": ((MONDAY, "t", "x", None), {1: [(1, True)]}),
    "without a line": ((MONDAY, "s", None, None), {1: [(1, True)]}),
    "repeated": (
        (MONDAY, "s", "r", None),
        {
            0: [(1, True), (2, True)],
            1: [(1, False)],
            2: [(1, False), (2, False), (3, True), (4, True)],
            3: [(1, False), (2, False), (3, False)],
        },
    ),
    "repeated on another day": ((TUESDAY, "s", "r", None), {1: [(1, True), (2, True)]}),
    "in two files": ((MONDAY, "s", "y", None), {1: [(1, True)], 2: [(1, False)]}),
    "with an id": ((MONDAY, "s", "x", "i"), {0: [(1, False), (1, False)], 2: [(1, True)]}),
    "with an id, on another day": ((TUESDAY, "s", "x", "i"), {0: [(1, True)]}),
    "with an id of its own": ((MONDAY, "s", "x", "j"), {0: [(1, True)]}),
}


def numbered(spark, cases):
    """Of each case the rows that `numbered` gives for them, in order."""
    rows, position = [], 0
    for name, (identity, files) in cases.items():
        for file, outcomes in files.items():
            for _ in outcomes:
                position += 1
                day, source, line, id = identity
                line = f"{line}, changed" if id and file else line  # an id alone tells which record it is
                rows.append((name, file, position, day, source, line, id))
    schema = "name string, _file int, _position bigint, date string, source string, line string, id string"
    spread = occurrences.spread(spark.createDataFrame(rows, schema), LOG, 2)
    found = occurrences.numbered(spread, LOG, 2)
    assert not {"_high", "_low"} & {*found.columns}
    in_order = sorted(found.collect(), key=lambda row: row["_position"])
    assert len(in_order) == len(rows)
    return {name: [row for row in in_order if row["name"] == name] for name in cases}


@pytest.mark.parametrize("many", [occurrences.MANY, 0])  # records repeated so often that all are sorted
def test_equal_records_of_a_file_are_numbered_and_the_file_with_the_most_counts(spark, monkeypatch, many):
    monkeypatch.setattr(occurrences, "MANY", many)
    found = numbered(spark, CASES)
    assert {name: [(row["_file"], row["number"], not row["_superseded"]) for row in found[name]] for name in CASES} == {
        name: [(file, *outcome) for file, outcomes in files.items() for outcome in outcomes]
        for name, (_, files) in CASES.items()
    }
    keys = {name: {(row["number"], row["key"]) for row in found[name]} for name in CASES}
    assert len(set.union(*keys.values())) == sum(len({number for number, _ in pairs}) for pairs in keys.values())
    assert len({key for pairs in keys.values() for _, key in pairs}) == sum(map(len, keys.values()))


def test_a_record_has_the_same_key_whatever_it_is_read_with(spark):
    alone = {name: CASES[name] for name in ("alone", "on another day", "with an id of its own")}
    found, among_others = numbered(spark, alone), numbered(spark, CASES)
    assert [[(row["number"], row["_superseded"]) for row in rows] for rows in found.values()] == [[(1, False)]] * 3
    assert {name: found[name][0]["key"] for name in alone} == {name: among_others[name][0]["key"] for name in alone}
