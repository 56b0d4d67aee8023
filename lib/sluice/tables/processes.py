"""Processes: what the operating systems' own tools list as running; one row per host, moment and process id.

Everything that is particular to this kind of record is in this file. Times are UTC, sizes bytes, CPU times seconds. A
file is one snapshot of one host and replaces what the table holds of that host and moment.
"""

from __future__ import annotations

from sluice.model.aggregate import Aggregate, Exact
from sluice.model.table import Column, Table
from sluice.readers.processes import reader
from sluice.readers.processes.snapshot import SnapshotOptions

CPU_PERCENT = Exact("CAST(round(cpu_percent * 1000000) AS bigint)", 1_000_000)

_INPUTS = {"hour": "hour(snapshot_at)", "cpu_micros": CPU_PERCENT.sql}
_MEASURES = {
    "snapshots": "count_distinct:snapshot_at",
    "samples": "count",
    "cpu_percent_micros": "sum:cpu_micros",
    "cpu_percent_count": "count:cpu_percent",
    "cpu_percent_max": "max:cpu_percent",
    "resident_bytes_sum": "sum:resident_bytes",
    "resident_bytes_count": "count:resident_bytes",
    "resident_bytes_max": "max:resident_bytes",
}
_DERIVED = {
    "cpu_percent_sum": "cpu_percent_micros / 1000000D",
    "cpu_percent_mean": "cpu_percent_micros / (nullif(cpu_percent_count, 0) * 1000000D)",
    "resident_bytes_mean": "resident_bytes_sum / CAST(nullif(resident_bytes_count, 0) AS double)",
}

TABLE = Table(
    name="processes",
    columns=(
        Column("snapshot_at", "timestamp"),
        Column("date", "date", sql="to_date(snapshot_at)"),
        Column("os_type"),
        Column("host"),
        Column("pid", "bigint"),
        Column("parent_pid", "bigint"),
        Column("name"),
        Column("command"),
        Column("user"),
        Column("state"),
        Column("cpu_percent", "double"),
        Column("memory_percent", "double"),
        Column("resident_bytes", "bigint"),
        Column("virtual_bytes", "bigint"),
        Column("cpu_seconds", "double"),
        Column("terminal"),
        Column("started"),
        Column("threads", "int"),
    ),
    key=("host", "snapshot_at", "pid"),
    reader=reader,
    reading=SnapshotOptions(),
    partition_by=("date", "os_type"),
    key_partitions=("date",),
    replaces=("host", "snapshot_at"),
    exact={"cpu_percent": CPU_PERCENT},
    aggregates=tuple(
        Aggregate(name, by, _MEASURES, inputs=_INPUTS, derived=_DERIVED)
        for name, by in (
            ("process_statistics_by_hour", ("date", "hour", "os_type", "host", "name")),
            ("process_statistics_by_day", ("date", "os_type", "host", "name")),
        )
    ),
)
