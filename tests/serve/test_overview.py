"""What the page shows of the lake: as `status` sees it, now, without Spark."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
from deltalake import write_deltalake
from sluice.lake import small_tables
from sluice.lake.small_tables import arrow_table
from sluice.lake.writer import Writer
from sluice.ledger import rejects, runs

NOW = datetime.now(UTC)
WRITER = Writer("test", 9, print)


def fill(lake):
    """A table, a run that failed, and two rejects for one reason."""
    write_deltalake(lake / "scores", pa.table({"id": ["a", "b"]}))
    report = json.dumps({"job": "ingest", "seconds": {"read": 2.0, "merge": 3.5}, "rows_read": 10})
    arguments = json.dumps({"inputs": ["/in/a.txt"]})
    row = ("run-1", 1, "ingest", "scores", "failed", NOW, NOW + timedelta(seconds=9), arguments, report, "it is bad")
    small_tables.append(str(lake), "runs", arrow_table(runs.SCHEMA, [row]), WRITER)
    refused = [("run-1", "scores", "file:///in/a", n, "<b>", f"'{n}' is bad", NOW, None, NOW, None) for n in range(2)]
    small_tables.append(str(lake), "rejects", arrow_table(rejects.SCHEMA, refused), WRITER)


def test_the_lake_as_it_is_now(serve, lake):
    with serve() as server:
        empty = server.client.get("/overview").raise_for_status().json()
        assert empty["lake"] == str(lake)
        assert {row["version"] for row in empty["tables"]} == {None}
        assert (empty["runs"], empty["rejects"]) == ([], [])
        fill(lake)
        found = server.client.get("/overview").raise_for_status().json()
        assert [(row["table"], row["rows"]) for row in found["tables"] if row["version"] == 0] == [("scores", 2)]
        (run,) = found["runs"]
        assert (run["status"], run["seconds"], run["error"]) == ("failed", 9.0, "it is bad")
        assert run["steps"] == {"read": 2.0, "merge": 3.5}
        assert "/in/a.txt" not in json.dumps(run)  # how jobs were started is for those who start them
        (group,) = found["rejects"]
        assert (group["table"], group["reason"], group["count"]) == ("scores", "'…' is bad", 2)
        assert [each["raw"] for each in group["examples"]] == ["<b>", "<b>"]
