"""The metrics: each with its labels and what it tells, named and in the units that Prometheus' conventions ask for.

All are gauges: they tell of the last run, or of a table as it is now. A run's job is in the label `sluice_job`, since
Prometheus gives `job` to what it scrapes. A help that is published stays: node-exporter refuses files that differ in
it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import generate_latest

from sluice.runtime.log_lines import printable

_OF_FILE = ("command", "lake")
_OF_RUN = (*_OF_FILE, "sluice_job", "table")
_OF_TABLE = (*_OF_FILE, "table")

LAST_RUN = "sluice_last_run_timestamp_seconds"
LAST_SUCCESS = "sluice_last_success_timestamp_seconds"

FAMILIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "sluice_last_run_success": (
        "Whether the last run did what it should, which may be nothing (1) or not (0).",
        _OF_RUN,
    ),
    LAST_RUN: ("When the last run ended.", _OF_RUN),
    LAST_SUCCESS: ("When a run last did what it should.", _OF_RUN),
    "sluice_last_run_rows": ("Rows that the last run read, by what became of them.", (*_OF_RUN, "outcome")),
    "sluice_last_run_rejects": ("Rejects of the last run by their reason.", (*_OF_RUN, "reason")),
    "sluice_last_run_read_bytes": ("Bytes of the files that the last run read.", _OF_RUN),
    "sluice_last_run_step_seconds": ("How long the steps of the last run took.", (*_OF_RUN, "step")),
    "sluice_table_version": ("Version of the table.", _OF_TABLE),
    "sluice_table_rows": ("Rows in the table.", _OF_TABLE),
    "sluice_table_files": ("Files of the table's version.", _OF_TABLE),
    "sluice_table_size_bytes": ("Bytes of the files of the table's version.", _OF_TABLE),
    "sluice_table_error": ("Whether the table cannot be read or is declared wrongly (1) or not (0).", _OF_TABLE),
    "sluice_table_updated_timestamp_seconds": (
        "When a run last succeeded in reading files into the table.",
        _OF_TABLE,
    ),
    "sluice_table_rejects": ("Records that could not become rows of the table and are not yet replayed.", _OF_TABLE),
    "sluice_table_rejects_by_reason": (
        "Rejects of the table by their reason, in which values are left out.",
        (*_OF_TABLE, "reason"),
    ),
    "sluice_table_lock_held_seconds": ("How long the run that writes the table has been running, or 0.", _OF_TABLE),
    "sluice_table_waiting_runs": ("Runs that wait for the table.", _OF_TABLE),
    "sluice_aggregate_lag_versions": (
        "Versions of its table that the aggregate lacks.",
        (*_OF_TABLE, "aggregate_of"),
    ),
    "sluice_aggregate_lag_seconds": (
        "How long the aggregate has been behind its table.",
        (*_OF_TABLE, "aggregate_of"),
    ),
    "sluice_export_lag_versions": ("Versions that PostgreSQL's table lacks.", (*_OF_TABLE, "schema")),
    "sluice_export_lag_seconds": ("How long PostgreSQL's table has been behind.", (*_OF_TABLE, "schema")),
}


class Metrics:
    """The metrics of one file. `command`, its name, is a label of each: no other file of a folder has the same."""

    def __init__(self, command: str, lake: str) -> None:
        self._of_file = (command, lake)
        self._families: dict[str, GaugeMetricFamily] = {}

    def add(self, name: str, value: float | None, *labels: Any) -> None:
        """Sets a metric for the values of its labels, in their order but for those of the file; None leaves it out."""
        if value is None:
            return
        told, names = FAMILIES[name]
        family = self._families.setdefault(name, GaugeMetricFamily(name, told, labels=names))
        family.add_metric([printable(str(label)) for label in (*self._of_file, *labels)], value)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """As prometheus-client asks a collector."""
        yield from (self._families[name] for name in FAMILIES if name in self._families)

    def text(self) -> bytes:
        return generate_latest(self)
