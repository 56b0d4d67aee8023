"""Requests: what servers log of each request; one row per request, and of equal ones as many as the log with the most.

Everything that is particular to this kind of record is in this file: its columns, which lines are the same request, and
its statistics. Times are UTC, durations are seconds (null where none was logged).
"""

from __future__ import annotations

from sluice.model.aggregate import Aggregate, Exact
from sluice.model.table import Column, Occurrences, Table
from sluice.readers.logs import reader
from sluice.readers.logs.formats import LogFormat

SUCCESS = "status_code BETWEEN 200 AND 299"
MICROS = "CAST(round(duration * 1000000) AS bigint)"  # sums of integers are exact in any order

_INPUTS = {
    "success": f"CASE WHEN {SUCCESS} THEN 1 END",
    "failure": f"CASE WHEN NOT {SUCCESS} THEN 1 END",
    "micros": MICROS,
    "success_micros": f"CASE WHEN {SUCCESS} THEN {MICROS} END",
}
_DURATIONS = {
    "durations": "count:duration",
    "duration_micros": "sum:micros",
    "duration_p50": "p50:duration",
    "duration_p99": "p99:duration",
}
_MEAN = "duration_micros / (nullif(durations, 0) * 1000000D)"
# the percentage of the time spent in requests that was spent in successful ones; of their number where none was spent
_UPTIME = (
    "CASE WHEN duration_micros > 0 THEN 100 * coalesce(success_micros, 0) / CAST(duration_micros AS double) "
    "ELSE 100 * success_requests / CAST(success_requests + failed_requests AS double) END"
)

TABLE = Table(
    name="requests",
    columns=(
        Column("record_id"),
        Column("requested_at", "timestamp"),
        Column("date", "date", sql="to_date(requested_at)"),
        Column("customer_id"),
        Column("request_path"),
        Column("status_code", "int"),
        Column("duration", "double"),
        Column("occurrence", "int"),
        Column("request_id"),
        Column("source"),
    ),
    key=("record_id",),
    reader=reader,
    reading=LogFormat(),
    partition_by=("date",),
    exact={"duration": Exact(MICROS, 1_000_000)},
    bounds=("requested_at", "customer_id", "status_code", "duration"),
    occurrences=Occurrences(
        key="record_id",
        column="occurrence",
        of=("source", "requested_at", "date", "customer_id", "request_path", "status_code", "duration"),
        id="request_id",
    ),
    aggregates=(
        Aggregate(
            "resource_statistics_by_day",
            ("customer_id", "date"),
            {
                "success_requests": "count:success",
                "failed_requests": "count:failure",
                "success_micros": "sum:success_micros",
                **_DURATIONS,
            },
            inputs=_INPUTS,
            derived={"duration_mean": _MEAN, "uptime_percentage": _UPTIME},
        ),
        Aggregate(
            "resource_statistics_by_day_path_status",
            ("customer_id", "date", "request_path", "status_code"),
            {"requests": "count", **_DURATIONS},
            inputs=_INPUTS,
            derived={"duration_mean": _MEAN},
        ),
    ),
)
