"""A run as metrics: its report, and that of each of its parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from sluice.metrics.families import LAST_RUN, LAST_SUCCESS, Metrics
from sluice.runtime.report import DONE, ROWS, Report

Successes = Mapping[tuple[str, str], float]  # job and table → when a run of them last succeeded, in seconds


def reports_in(report: Report) -> dict[tuple[str, str], Report]:
    """Job and table → report: the run's own first, then those of its parts. A part of several tables has none."""
    found: dict[tuple[str, str], Report] = {}
    for each in _all(report):
        found.setdefault((each.job, each.table or ""), each)
    return found


def _all(report: Report) -> Iterator[Report]:
    yield report
    for part in report.steps or ():
        yield from _all(part)


def add_run(metrics: Metrics, report: Report, now: datetime, earlier: Successes) -> None:
    """Adds what a run that ended `now` did. Of `earlier` successes those stay that it does not replace.

    What a run that succeeded did not do is not its work any more, so that these are left out.
    """
    reports = reports_in(report)
    successes = {} if report.status in DONE else dict(earlier)
    for key, each in reports.items():
        metrics.add("sluice_last_run_success", float(each.status in DONE), *key)
        metrics.add(LAST_RUN, now.timestamp(), *key)
        if each.status in DONE:
            successes[key] = now.timestamp()
        _add_work(metrics, each, key)
    for key, time in successes.items():
        metrics.add(LAST_SUCCESS, time, *key)


def _add_work(metrics: Metrics, report: Report, key: tuple[str, str]) -> None:
    if report.steps is None:
        for outcome in ROWS:
            metrics.add("sluice_last_run_rows", getattr(report, f"rows_{outcome}"), *key, outcome)
        metrics.add("sluice_last_run_read_bytes", report.bytes_read, *key)
    for step, seconds in report.seconds.items():
        metrics.add("sluice_last_run_step_seconds", seconds, *key, step)
