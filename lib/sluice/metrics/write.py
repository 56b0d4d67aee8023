"""Writes the metrics of a run that has ended, and of the tables that it is about, for node-exporter to pick up."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sluice.catalog.catalog import Catalog
from sluice.files.output_file import output_file
from sluice.metrics.earlier import successes_in
from sluice.metrics.families import Metrics
from sluice.metrics.runs import Successes, add_run, reports_in
from sluice.metrics.tables import add_locks, add_table
from sluice.runtime.report import Report
from sluice.status.reject_groups import reason_counts
from sluice.status.run_log import RunLog
from sluice.status.tables import Tables


def write_metrics(file: str, report: Report, lake: str, tables: str) -> None:
    """Writes what the report of a run on `lake` tells, and the state of its tables, as a whole or not at all.

    `tables` is the folder of declarations; `lake` is empty if the run failed before it knew it. Raises OSError if the
    file cannot be written, and what reading the lake does.
    """
    target, now = Path(file).expanduser().absolute(), datetime.now(UTC)
    earlier = successes_in(target)
    report = _with_table(report, earlier)
    metrics = Metrics(target.stem, lake)
    add_run(metrics, report, now, earlier)
    try:
        _add_state(metrics, report, lake, tables, now)
    finally:  # that a run failed is told even if its lake cannot be read, which may be why
        with output_file(target) as output:
            output.write(metrics.text())


def _with_table(report: Report, earlier: Successes) -> Report:
    """The report; of a run that failed before it knew its table, with the one that its command was about before."""
    known = {table for job, table in earlier if job == report.job and table}
    if report.table is None and not report.steps and len(known) == 1:
        report = copy(report)
        report.table = known.pop()
    return report


def _add_state(metrics: Metrics, report: Report, lake: str, tables: str, now: datetime) -> None:
    if report.under_way is not None:  # `status` knows it by now
        rows = report.rows or []
        add_locks(metrics, rows, report.under_way)
    else:
        rows = _rows(report, lake, tables, now)
    for row in rows:
        add_table(metrics, row)
    _add_reasons(metrics, report, lake, [row["table"] for row in rows if row["rejects"]])


def _rows(report: Report, lake: str, tables: str, now: datetime) -> list[dict[str, Any]]:
    names = {table for _, table in reports_in(report) if table}
    return Tables(lake, Catalog(tables), RunLog(lake), now, names).rows() if lake and names else []


def _add_reasons(metrics: Metrics, report: Report, lake: str, tables: Sequence[str]) -> None:
    """Adds the reasons of the tables that have rejects, and of those that this run rejected."""
    for group in reason_counts(lake, tables) if tables else ():
        metrics.add("sluice_table_rejects_by_reason", group.count, group.table, group.reason)
    reading = [each for each in reports_in(report).values() if each.rows_rejected and each.table]
    for each in reading:
        for group in reason_counts(lake, [str(each.table)], report.run_id):
            metrics.add("sluice_last_run_rejects", group.count, each.job, each.table, group.reason)
