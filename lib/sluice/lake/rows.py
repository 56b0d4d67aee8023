"""Rows of tables of any size by delta-rs's SQL engine (DataFusion), without a JVM.

It leaves out rows marked as deleted, and reads only the files, columns and row groups that a query needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder
from deltalake.exceptions import DeltaError

from sluice.errors import InputError, UsageError, no_column
from sluice.files.s3.client import is_on_s3
from sluice.lake import log
from sluice.lake.opened import delta_rs_errors, opened

_SETTINGS = {"datafusion.execution.parquet.coerce_int96": "us"}  # else the years 1 and 9999 become others
_OF_STORAGE = re.compile("Object Store|ObjectStore|Failed to fetch|Kernel error|No such file|Generic (S3|Local)")
_ESCAPED = re.compile(r"[^A-Za-z0-9._~!$&'()*+,;=:@/-]")  # what a URL escapes, and %
_GONE = re.compile("not found|No such file|NotFound")
_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/""", re.DOTALL)


def read(
    lake: str, table: str, version: int, columns: Sequence[str] | None = None, where: str | None = None
) -> pa.Table:
    """The rows of a version of a table, or those for which the SQL `where` is true; all columns, or only `columns`.

    Raises UsageError for a column that the table lacks, a condition that cannot be, and a version that was vacuumed.
    """
    delta = with_marks(lake, table, at_version(lake, table, version))
    chosen = _chosen(table, schema_of(delta), columns)
    if where is not None:
        _check_parentheses(table, where)
    condition = "" if where is None else f" WHERE (\n{where}\n)"
    sql = f"SELECT {listed(chosen.names)} FROM {quoted(table)}{condition}"
    with query_errors(lake, table, version, where):
        return answer(sql, {table: delta}, chosen)


def batches(lake: str, table: str, delta: DeltaTable) -> Iterator[pa.RecordBatch]:
    """All rows of a table as it was opened, in batches as they are read; its marks must be found (`finds_marks`)."""
    schema = schema_of(delta)
    with query_errors(lake, table, delta.version()):
        yield from _stream(f"SELECT {listed(schema.names)} FROM {quoted(table)}", {table: delta}, schema)


def count(lake: str, table: str, version: int) -> int:
    """How many rows a version of a table has, without those marked as deleted."""
    delta = with_marks(lake, table, at_version(lake, table, version))
    with query_errors(lake, table, version):
        counted = answer(f"SELECT count(*) AS n FROM {quoted(table)}", {table: delta}, pa.schema([("n", pa.int64())]))
    return int(counted.column("n")[0].as_py())


def at_version(lake: str, table: str, version: int) -> DeltaTable:
    """The table at a version that it has or had. Raises UsageError if its log does not reach back so far."""
    try:
        delta = opened(lake, table, version)
    except DeltaError:
        raise UsageError(
            f"table {table}: version {version} cannot be read any more, its log was cleaned: choose a later one"
        ) from None
    if delta is None:
        raise InputError(f"table {table} is not in lake {lake} any more: ingest files into it again")
    return delta


def finds_marks(lake: str, delta: DeltaTable) -> bool:
    """Whether delta-rs (1.6) finds which rows of a table are marked as deleted, if any are.

    On S3 it escapes a folder's blanks and letters beyond ASCII twice where it looks for the marks.
    """
    may_have_marks = "deletionVectors" in (delta.protocol().reader_features or ())
    return not (may_have_marks and is_on_s3(lake) and _ESCAPED.search(lake))


def with_marks(lake: str, table: str, delta: DeltaTable) -> DeltaTable:
    """The same table. Raises UsageError if its marks are not found."""
    if not finds_marks(lake, delta):
        raise UsageError(
            f"table {table}: rows of it may be marked as deleted, and in a folder on S3 with blanks or letters beyond "
            "ASCII only Spark finds which: read it with Spark"
        )
    return delta


def schema_of(delta: DeltaTable) -> pa.Schema:
    """A table's columns, without what delta-rs notes beside names and types."""
    return pa.schema([pa.field(field.name, field.type) for field in pa.schema(delta.schema())])


def answer(sql: str, tables: Mapping[str, DeltaTable], schema: pa.Schema) -> pa.Table:
    """The rows that a query over these tables gives, in the types of a schema."""
    return _stream(sql, tables, schema).read_all()


def _stream(sql: str, tables: Mapping[str, DeltaTable], schema: pa.Schema) -> pa.RecordBatchReader:
    engine = QueryBuilder(_SETTINGS)
    for name, delta in tables.items():
        engine.register(quoted(name), delta)
    rows = pa.RecordBatchReader.from_stream(engine.execute(sql))
    return rows.cast(schema)  # by batches: else the texts of a few rows hold the memory of all


def quoted(name: str) -> str:
    """A name in DataFusion's SQL, which would write it in small letters."""
    return '"' + name.replace('"', '""') + '"'


def listed(names: Sequence[str]) -> str:
    return ", ".join(map(quoted, names))


def _chosen(table: str, schema: pa.Schema, columns: Sequence[str] | None) -> pa.Schema:
    names = schema.names if columns is None else list(dict.fromkeys(columns))
    for name in names:
        if name not in schema.names:
            raise UsageError(f"table {table} has {no_column(str(name), schema.names)}")
    if not names:
        raise UsageError(f"no column of table {table} is named: leave `columns` out to read all")
    return pa.schema([schema.field(name) for name in names])


def _check_parentheses(table: str, where: str) -> None:
    """Raises UsageError for a condition that would leave the parentheses that are put around it."""
    depth = 0
    for letter in re.sub("[^()]", "", _QUOTED.sub("", where)):
        depth += 1 if letter == "(" else -1
        if depth < 0:
            break
    if depth:
        raise _wrong(table, where, "its parentheses do not match")


def _wrong(table: str, where: str, cause: str) -> UsageError:
    return UsageError(f"table {table}: where {' '.join(where.split())[:200]!r}: {cause}")


@contextmanager
def query_errors(lake: str, table: str, version: int, where: str | None = None) -> Iterator[None]:
    """Raises as UsageError what is wrong with a condition, and where files of an earlier version are gone."""
    with delta_rs_errors(lake, table):
        try:
            yield
        except (OSError, DeltaError, pa.ArrowInvalid) as error:
            text = " ".join(str(error).split())
            if where is not None and not _OF_STORAGE.search(text):
                raise _wrong(table, where, text[:300]) from None
            if _GONE.search(text) and version != log.version(lake, table):
                raise UsageError(
                    f"table {table}: files of version {version} were vacuumed: choose a later one"
                ) from None
            raise
