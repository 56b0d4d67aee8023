"""Rows arrive by COPY as they are: each text, number and moment, and null as none of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg2
import pyarrow as pa
import pytest
from sluice.export.copy_text import copy_text

TEXTS = [
    "",
    "\\N",
    "\\.",
    "a\tb",
    "\n",
    "\r\n",
    "\\",
    "x\\",
    "\\n",
    ",",
    '"',
    "'",
    "naïve 日本 \U0001f600",
    " x ",
    None,
]
END = datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC)
COLUMNS = {
    "text": (pa.array(TEXTS), TEXTS),
    "bigint": (pa.array([-(2**63), 2**63 - 1, None]), [-(2**63), 2**63 - 1, None]),
    "float8": (pa.array([0.1, 5e-324, 1e300, float("-inf"), None]), [0.1, 5e-324, 1e300, float("-inf"), None]),
    "numeric(38,9)": (
        pa.array([Decimal("1E-9"), Decimal(10) ** 28, None], pa.decimal128(38, 9)),
        [Decimal("1E-9"), Decimal(10) ** 28, None],
    ),
    "date": (pa.array([date.min, date.max, None]), [date.min, date.max, None]),
    "timestamptz": (pa.array([END, None], pa.timestamp("us", "UTC")), [END, None]),
    "boolean": (pa.array([True, False, None]), [True, False, None]),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_values_of_a_type_arrive(postgres_url, kind):
    array, values = COLUMNS[kind]
    # alone, its last text empty, and beside another column; from the middle of a longer batch too
    alone, beside = pa.record_batch({"v": array[::-1]}), pa.record_batch({"n": range(len(array)), "v": array}).slice(1)
    with psycopg2.connect(postgres_url) as connection, connection.cursor() as cursor:
        cursor.execute(
            f"SET timezone = 'UTC'; CREATE TEMP TABLE alone (v {kind}); CREATE TEMP TABLE beside (n int, v {kind})"
        )
        cursor.copy_expert("COPY alone FROM STDIN", pa.BufferReader(copy_text(alone)))
        cursor.copy_expert("COPY beside FROM STDIN", pa.BufferReader(copy_text(beside)))
        cursor.execute("SELECT v FROM alone")
        assert [row[0] for row in cursor.fetchall()] == values[::-1]
        cursor.execute("SELECT v FROM beside ORDER BY n")
        assert [row[0] for row in cursor.fetchall()] == values[1:]
        connection.rollback()
