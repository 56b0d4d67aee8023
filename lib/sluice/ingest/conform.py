"""Records of a reader → the table's columns, and the reason why a record is not a row: typed, derived, judged."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sluice.ingest import convert
from sluice.lake.sql_text import literal
from sluice.model import table as model
from sluice.model.table import MAX_KEY_BYTES, MAX_WHOLE_KEY_BYTES, Check, Table

_OF_READER = ("_file", "_position", "_raw", "_reason")  # columns that each reader adds, see sluice.ingest


def conform(records: DataFrame, table: Table) -> DataFrame:
    """One row a record.

    in: `_file`, `_position`, the inputs (text, or typed by the reader), `_raw`, `_reason`.
    out: `_file`, `_position`, the table's columns without those that `occurrences` adds later, `_raw`, `_reason`.
    `_reason` (null for a row of the table) is the first of: what the reader says, a text that is not a value of its
    column's type, a time that other tools do not have, an empty or long key, an empty ordering column, a pruned day, a
    check that is not passed. `_raw` stays only beside a reason.
    """
    added_later = (table.occurrences.key, table.occurrences.column) if table.occurrences else ()
    columns = [column for column in table.columns if column.name not in added_later]
    key = [name for name in table.key if name not in added_later]
    return _judged(_derived(_typed(records, columns), columns, table), table, key)


def _typed(records: DataFrame, columns: Sequence[model.Column]) -> DataFrame:
    """The inputs as typed columns; other inputs stay, unless a column has their name: Spark ignores case.

    Texts, their values and the reasons are made one after the other: in one expression Spark would strip and convert a
    text anew wherever it is used.
    """
    types = dict(records.dtypes)
    columns = [column for column in columns if not column.sql]
    prefix = _unused_prefix(types)
    texts = {
        column: f"{prefix}{number}"
        for number, column in enumerate(columns)
        if convert.is_converted(column, types[column.input])
    }
    records = records.select("*", *(convert.text(column).alias(name) for column, name in texts.items()))
    typed = [
        (convert.value(F.col(texts[column]), column) if column in texts else _as_it_is(column)).alias(column.name)
        for column in columns
    ]
    taken = {*(column.name.lower() for column in columns), *_OF_READER}
    inputs = [f"`{name}`" for name in types if name.lower() not in taken]
    rows = records.select("_file", "_position", *inputs, *typed, *texts.values(), "_raw", "_reason")
    reasons = [convert.why_no_value(F.col(f"`{column.name}`"), F.col(name), column) for column, name in texts.items()]
    return rows.withColumn("_reason", F.coalesce("_reason", *reasons)).drop(*texts.values())


def _unused_prefix(names: Iterable[str]) -> str:
    """A prefix that none of the names has, whatever a file's header says."""
    prefix = "_text"
    while any(name.lower().startswith(prefix) for name in names):
        prefix += "_"
    return prefix


def _as_it_is(column: model.Column) -> Column:
    """An input that is of the column's type or is cast to it."""
    return F.col(f"`{column.input}`").cast(column.type)


def _derived(rows: DataFrame, columns: Sequence[model.Column], table: Table) -> DataFrame:
    """Adds the columns that are made by SQL, each from those before it, and drops the inputs."""
    for column in columns:
        if column.sql:
            rows = rows.withColumn(column.name, F.expr(column.sql).cast(column.type))
        if column.name in table.partition_by and column.type == "string":  # Delta keeps an empty one as null
            rows = rows.withColumn(column.name, F.nullif(F.col(column.name), F.lit("")))
    return rows.select("_file", "_position", *(F.col(f"`{column.name}`") for column in columns), "_raw", "_reason")


def _judged(rows: DataFrame, table: Table, key: Sequence[str]) -> DataFrame:
    """Sets `_reason` to the first reason why a record is not a row; `_raw` stays only beside one."""
    times = [_unfit_time(column) for column in table.columns if column.type in _BOUNDS]
    reasons = [F.col("_reason"), *times, *map(_wrong_key, key), _long_key(key)]
    if table.order_by:
        reasons.append(F.when(F.col(table.order_by).isNull(), f"{table.order_by} is empty"))
    if table.pruned_before and "date" in table.partition_by:
        is_pruned = F.col("date") < literal(table.pruned_before)
        reasons.append(F.when(is_pruned, f"days before {table.pruned_before} are pruned"))
    types = {column.name: column.type for column in table.columns}
    reasons += [_unfit_partition(name) for name in table.partition_by if types[name] == "string"]
    reasons += [F.when(~passed(check), failed_check_reason(check)) for check in table.checks if check.action != "warn"]
    raw = F.when(F.col("_reason").isNotNull(), F.regexp_replace("_raw", "[\r\n]+$", ""))
    return rows.withColumn("_reason", F.coalesce(*reasons)).withColumn("_raw", raw)


_BOUNDS = {  # of the years that Python, delta-rs and ISO 8601 have; Spark's own are far wider
    "date": ("DATE'0001-01-01'", "DATE'9999-12-31'"),
    "timestamp": ("TIMESTAMP'0001-01-01 00:00:00Z'", "TIMESTAMP'9999-12-31 23:59:59.999999Z'"),
}


def _unfit_time(column: model.Column) -> Column:
    """Why a date or timestamp cannot be kept; null if it can."""
    first, last = map(F.expr, _BOUNDS[column.type])
    return F.when(~F.col(column.name).between(first, last), f"{column.name} is not in the years 1 to 9999 (UTC)")


_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"  # the folder of null: the text itself would come back as null
_LONGEST_FOLDER = 255  # bytes of a name in a file system
# what Spark writes as %XX in the name of a partition's folder (ExternalCatalogUtils.escapePathName)
_ESCAPED = r"""[\x01-\x1F"#%'*/:=?\\\x7F{\[\]^]"""


def _unfit_partition(name: str) -> Column:
    """Why a text cannot be the value of a partition; null if it can."""
    folder = F.concat(F.lit(f"{name}="), F.regexp_replace(name, _ESCAPED, "%XX"))
    # looked at first, as the search for what is escaped takes much longer
    may_be_long = F.octet_length(name) * 3 + len(f"{name}=".encode()) > _LONGEST_FOLDER
    return F.when(F.col(name) == _NULL_PARTITION, f"{name} is {_NULL_PARTITION}, which stands for an empty one").when(
        may_be_long & (F.octet_length(folder) > _LONGEST_FOLDER), f"{name} is too long for a partition's folder"
    )


def passed(check: Check) -> Column:
    """Whether a row passes a check: as in SQL only false fails, null passes."""
    return F.coalesce(F.expr(check.sql), F.lit(True))


def failed_check_reason(check: Check) -> str:
    """The reason of a reject that does not pass a check."""
    return f"check {check.name} not passed: {check.sql}"


def _wrong_key(column: str) -> Column:
    text = F.col(column).cast("string")
    too_long = F.when(F.octet_length(text) > MAX_KEY_BYTES, f"{column} is longer than {MAX_KEY_BYTES} bytes")
    return F.when(text.isNull() | (text == ""), f"{column} is empty").otherwise(too_long)


def _long_key(columns: Sequence[str]) -> Column:
    size = reduce(operator.add, (F.octet_length(F.col(name).cast("string")) for name in columns), F.lit(0))
    return F.when(size > MAX_WHOLE_KEY_BYTES, f"the key is longer than {MAX_WHOLE_KEY_BYTES} bytes")
