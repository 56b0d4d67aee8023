"""Declarations that Spark has found right, remembered in the user's cache: to check one takes seconds."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pyspark
from pyspark.sql import SparkSession

from sluice.catalog.expressions import check_in_spark, key_partitions
from sluice.files.output_file import output_file
from sluice.model.table import Table


def checked_key_partitions(spark: SparkSession, table: Table) -> tuple[str, ...]:
    """The `key_partitions` of a declared table, once Spark has checked its declaration, now or in an earlier run.

    Raises UsageError for SQL or a datetime format that Spark cannot use as meant.
    """
    path = _cache() / _fingerprint(table)
    with suppress(OSError, ValueError):
        return tuple(json.loads(path.read_text()))
    check_in_spark(spark, table)
    partitions = key_partitions(spark, table)
    with suppress(OSError):  # a cache that cannot be written only costs time
        path.parent.mkdir(parents=True, exist_ok=True)
        with output_file(path) as file:
            file.write(json.dumps(partitions).encode())
    return partitions


def _cache() -> Path:
    """As the XDG Base Directory Specification has it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "sluice" / "checked"


def _fingerprint(table: Table) -> str:
    """What the outcome depends on: Spark's version, Sluice's rules, and what the table declares for Spark."""
    rules = sorted((path.name, path.stat().st_mtime_ns) for path in Path(__file__).parent.glob("*.py"))
    declared = (table.columns, table.input_columns, table.key, table.partition_by, table.checks, table.delete_when)
    return sha256(repr((pyspark.__version__, rules, declared)).encode()).hexdigest()
