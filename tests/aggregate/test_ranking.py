"""Rankings: whatever happened to the table, they hold its first rows, and all rows are read only where they must be."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest
from deltalake import DeltaTable
from sluice.aggregate import ranking, refresh
from sluice.catalog import catalog
from sluice.errors import UsageError
from sluice.lake import log
from sluice.lake.change_feed import NotEnough
from sluice.model.aggregate import Ranking

TOP5 = Ranking("top_scores", ("id", "value"), ("-value", "id"), size=5)
SCORES = replace(catalog.BUILT_IN["scores"], aggregates=(TOP5,))
FEED = "id string, value decimal(38,9), _change_type string, _commit_version bigint"
RANKS = "rank int, id string, value decimal(38,9)"


@dataclass
class MemoryLake:
    """A table of scores, the feed of its changes and its ranking as it was last seen, without files."""

    spark: object
    root: str = "/nonexistent"
    now: dict[str, Decimal] = field(default_factory=dict)
    feed: list[tuple] = field(default_factory=list)
    version: int = 0
    ranks: list[tuple] = field(default_factory=list)

    def read(self, table, version):
        return self.spark.createDataFrame(self.ranks, RANKS)

    def changes(self, table, after, version):
        return self.spark.createDataFrame([row for row in self.feed if row[3] > after], FEED)

    def commit(self, changed):
        """One more version: ids to values, None for those to delete."""
        self.version += 1
        for id, value in changed.items():
            old, new = self.now.get(id), None if value is None else Decimal(value)
            kinds = ("update_preimage", "update_postimage") if None not in (old, new) else ("delete", "insert")
            states = zip((old, new), kinds, strict=True)
            self.feed += [(id, value, kind, self.version) for value, kind in states if value is not None]
            self.now = {**self.now, id: new} if new is not None else {k: v for k, v in self.now.items() if k != id}

    def first(self):
        ordered = sorted(self.now.items(), key=lambda item: (-item[1], item[0].encode()))
        return [(rank, id, value) for rank, (id, value) in enumerate(ordered[: TOP5.size], 1)]


def refreshed(lake, after):
    """The ranking's rows by its changes; NotEnough where they do not tell."""
    changed = ranking.from_changes(lake, SCORES, TOP5, after, lake.version).rows
    ranks = {row[0]: row for row in lake.ranks}
    for rank, id, value, gone in changed.collect():
        assert gone or ranks.get(rank) != (rank, id, value), "a rank whose row is as it was"
        ranks[rank] = None if gone else (rank, id, value)
    changed.unpersist()
    return [row for _, row in sorted(ranks.items()) if row]


def must_be_read(lake):
    """Whether fewer rows than the ranking takes are before its last one: the next is not among the changes."""
    if len(lake.ranks) < TOP5.size:
        return False
    _, last_id, last = lake.ranks[-1]
    before = [id for id, value in lake.now.items() if (-value, id.encode()) <= (-last, last_id.encode())]
    return len(before) < TOP5.size


def random_changes(chance, lake):
    """Few values, so that many are equal, and ids whose order as text, bytes and numbers differs."""
    ids = [*(str(n) for n in range(12)), "é", "Z", "a"]
    kinds = [lambda id: chance.randrange(6), lambda id: lake.now.get(id, 0) + 1, lambda id: None]
    weights = chance.choice([(6, 2, 1), (1, 1, 4), (2, 4, 1)])
    return {id: chance.choices(kinds, weights)[0](id) for id in chance.sample(ids, chance.randrange(1, 4))}


def run_random(spark, seed, steps):
    """Whether all rows had to be read, of each step: the ranking is the first rows after it, or says so."""
    chance, lake, read = random.Random(seed), MemoryLake(spark), []
    for _ in range(steps):
        after = lake.version
        for _ in range(chance.randrange(1, 5)):
            lake.commit(random_changes(chance, lake))
        read.append(must_be_read(lake))
        if read[-1]:
            with pytest.raises(NotEnough, match="of its 5 rows dropped out"):
                refreshed(lake, after)
        else:
            assert refreshed(lake, after) == lake.first(), lake
        lake.ranks = lake.first()
    return read


def test_after_random_changes_it_is_the_first_rows_and_all_are_read_only_where_they_must_be(spark):
    assert set(run_random(spark, seed=3, steps=6)) == {True, False}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 8))
def test_after_many_random_changes_it_is_the_first_rows(spark, seed):
    assert set(run_random(spark, seed, steps=25)) == {True, False}


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([{"x": 100}, {"x": 1}], "abcde"),  # high only for a moment
        ([{"x": 100}, {"x": None}], "abcde"),
        ([{"e": 1}, {"e": 6}], "abcde"),  # fell and came back
        ([{"e": None}, {"d2": 6}], "abcdd2"),  # equal to the last, before it by id
        ([{"e": None}, {"f": 6}], None),  # after the last: one that is not among the changes may be before it
        ([{"e": 5}], None),
        ([{"a": None, "b": None}, {"x": 9}], None),
        ([{"e": 5}, {"x": 9}], "xabcd"),
        ([{"low": 2}], "abcde"),
    ],
)
def test_the_last_state_of_a_row_counts(spark, versions, expected):
    lake = MemoryLake(spark)
    lake.commit({"a": 8, "b": 8, "c": 7, "d": 7, "e": 6, "low": 1})
    lake.ranks, after = lake.first(), lake.version
    for changed in versions:
        lake.commit(changed)
    if expected is None:
        with pytest.raises(NotEnough):
            refreshed(lake, after)
    else:
        assert "".join(id for _, id, _ in refreshed(lake, after)) == expected


def test_null_comes_last_in_either_direction_and_the_order_is_one_with_that_of_the_bound(spark):
    rows = spark.createDataFrame(
        [(1, 2.0, "b"), (2, 2.0, "a"), (3, None, "a"), (4, float("nan"), None), (5, -0.5, None), (6, None, None)],
        "k int, v double, t string",
    )
    for order, expected in (
        (("-v", "t", "-k"), [4, 2, 1, 5, 3, 6]),
        (("v", "-t", "k"), [5, 1, 2, 4, 3, 6]),
        (("t", "v", "k"), [2, 3, 1, 5, 4, 6]),
    ):
        by_order = Ranking("r", ("k", "v", "t"), order)
        first = ranking.first_rows(rows, by_order).orderBy("rank").collect()
        assert [row["k"] for row in first] == expected
        tests = [ranking.reaches(by_order, row).alias(f"reaches_{row['rank']}") for row in first]
        reached = rows.select("k", *tests).collect()
        for rank in range(1, 7):
            assert {row["k"] for row in reached if row[f"reaches_{rank}"]} == set(expected[:rank])


def test_a_ranking_that_is_no_total_order_or_lacks_what_it_is_ordered_by_is_a_wrong_declaration():
    with pytest.raises(UsageError, match="ranking r: its order has column 'value': add it to its columns"):
        Ranking("r", ("id",), ("-value", "id"))
    with pytest.raises(UsageError, match="ranking r: the order of rows equal in -value is open: end it with"):
        replace(SCORES, aggregates=(Ranking("r", ("id", "value"), ("-value",)),))


@pytest.fixture
def top5(monkeypatch):
    monkeypatch.setitem(catalog.BUILT_IN, "scores", SCORES)


def test_refreshed_from_changes_where_they_suffice_and_else_from_all_rows(job, lake, rows, scores, top5):
    job("ingest", "scores", scores("a.csv", *zip("abcdefgh", (9, 8, 7, 7, 7, 7, 2, 1), strict=True)))
    first = job("aggregate", "scores")
    assert (first.report["mode"], first.report["groups_recomputed"]) == ("full", 5)
    assert len(DeltaTable(lake / "top_scores").file_uris()) == 1
    ids = [id for _, id in rows("top_scores", "rank", "id")]
    assert ids == ["a", "b", "c", "d", "e"]

    job("ingest", "scores", scores("b.csv", ("cc", 7), ("h", 100), ("a", "8.5"), ("g", 3), ("new", 1)))
    DeltaTable(lake / "scores").delete("id = 'h'")
    dry = job("aggregate", "scores", "--dry-run").report
    several = job("aggregate", "scores").report
    assert (
        (several["mode"], several["groups_recomputed"]) == ("incremental", 3) == (dry["mode"], dry["groups_recomputed"])
    )
    assert (several["files_read"], several["bytes_read"]) == log.size_of_changes(str(lake), "scores", 0)
    assert rows("top_scores", "rank", "id", "value") == [
        (1, "a", Decimal("8.5")),
        (2, "b", 8),
        (3, "c", 7),
        (4, "cc", 7),
        (5, "d", 7),
    ]
    assert job("aggregate", "top_scores").report["status"] == "nothing_new"

    DeltaTable(lake / "scores").delete("id IN ('a', 'c')")
    fell = job("aggregate", "scores")
    assert "top_scores: full refresh: 2 of its 5 rows dropped out" in fell.stderr
    assert (fell.report["mode"], fell.report["groups_recomputed"]) == ("full", 5)
    assert (fell.report["files_read"], fell.report["bytes_read"]) == log.size(str(lake), "scores")
    assert [id for _, id in rows("top_scores", "rank", "id")] == ["b", "cc", "d", "e", "f"]

    for ranked, obstacle in ((TOP5, None), (replace(TOP5, size=4), "its definition changed")):
        assert refresh._obstacle(str(lake), refresh._look(str(lake), SCORES, ranked)) == obstacle


@pytest.mark.slow
def test_of_fewer_rows_than_it_takes_it_is_all_whatever_comes_and_goes(job, lake, rows, scores, top5):
    job("ingest", "scores", scores("a.csv", ("a", 2), ("b", 1)))
    job("aggregate", "scores")
    DeltaTable(lake / "scores").delete("id = 'a'")
    fewer = job("aggregate", "scores").report
    assert (fewer["mode"], fewer["groups_recomputed"]) == ("incremental", 2)
    assert rows("top_scores", "rank", "id") == [(1, "b")]
    job("ingest", "scores", scores("b.csv", *((f"n{n}", n) for n in range(9))))
    more = job("aggregate", "scores").report
    assert (more["mode"], more["groups_recomputed"]) == ("incremental", 5)
    assert rows("top_scores", "rank", "id") == [(n, f"n{9 - n}") for n in range(1, 6)]
