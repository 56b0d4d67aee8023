"""What the lake says of uploads, read without Spark: reports that were lost, counts and rejects of single files.

A job's report is of its whole batch; what is of an upload alone is found by its file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from sluice.files.s3.client import is_on_s3, split
from sluice.lake import small_tables
from sluice.ledger import ingested_files, rejects, runs


def uri_of(file: str) -> str:
    """How the lake names a landed file."""
    return "s3a://" + "/".join(split(file)) if is_on_s3(file) else Path(file).as_uri()


def with_recorded(lake: str, report: Mapping[str, Any]) -> Mapping[str, Any]:
    """A report whose ingest, if it found nothing new, is as an earlier attempt of the same run recorded it.

    So it tells what became of the rows, also where the job that merged them was lost before it could.
    """
    ingest = ingest_of(report)
    if ingest is None or ingest["status"] != "nothing_new":
        return report
    where = pc.field("run_id") == report["run_id"]
    found = small_tables.read(lake, runs.NAME, where, ["run_id", "job", "table", "status", "report"])
    for row in () if found is None else found.to_pylist():
        if (row["job"], row["table"], row["status"]) == ("ingest", ingest["table"], "succeeded"):
            recorded = json.loads(row["report"])
            others = [step for step in report["steps"] if step is not ingest]
            return {**report, "status": "succeeded", "steps": [recorded, *others]}
    return report


def ingest_of(report: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The part of a report that tells of rows read; None if there is none."""
    return next((step for step in report.get("steps") or () if step["job"] == "ingest"), None)


def of_file(lake: str, table: str, file: str, most: int) -> dict[str, Any]:
    """What the lake says of a landed file: `rows_read` and `rows_rejected`, null unless it is in the table, `rejects`.

    `rejects` has the first `most` of its records that did not become rows: `position` (of its first byte), `raw`,
    `reason`.
    """
    where = (pc.field("table") == table) & (pc.field("file") == uri_of(file))
    read = small_tables.read(lake, ingested_files.NAME, where, ["table", "file", "rows_read", "rows_rejected"])
    columns = ["table", "file", "position", "raw", "reason"]
    refused = small_tables.read(lake, rejects.NAME, where, columns)
    (counts,) = read.to_pylist()[-1:] if read is not None and len(read) else [{}]
    shown = [] if refused is None else refused.sort_by("position").slice(0, most).select(columns[2:]).to_pylist()
    return {"rows_read": counts.get("rows_read"), "rows_rejected": counts.get("rows_rejected"), "rejects": shown}
