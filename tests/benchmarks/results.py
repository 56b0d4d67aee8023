"""What a tool made, read as an Arrow table, and whether it is what another made."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

import psycopg2
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from benchmarks.cases import Result
from deltalake import DeltaTable, QueryBuilder
from pyarrow import csv

_TOLERANCE = 1e-9  # of numbers whose sums may be added up in another order


def read(result: Result, folder: Path, answer: Path, schema: str, url: str) -> pa.Table:
    """The result's columns, in the order of its key."""
    names = list(result.columns)
    key = ", ".join(names[: result.key])
    if result.where == "answer":
        rows = _from_csv(answer, result)
    elif result.where == "postgres":
        statement = f"SELECT {', '.join(names)} FROM {schema}.{result.name} ORDER BY {key}"
        rows = _from_csv(_from_postgres(url, statement), result)
    elif (parquet := folder / f"{result.name}.parquet").exists():  # in order already
        rows = pq.read_table(parquet)
    else:
        rows = _from_delta(folder / result.name, f"SELECT {', '.join(names)} FROM rows ORDER BY {key}")
    return rows.select(names).cast(pa.schema(result.columns)).combine_chunks()


def execute(url: str, statement: str, output: BinaryIO | None = None) -> None:
    """Executes a statement in PostgreSQL; one that copies to standard output writes there."""
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        if output:
            cursor.copy_expert(statement, output)
        else:
            cursor.execute(statement)
    connection.close()


def _from_postgres(url: str, statement: str) -> io.BytesIO:
    """The rows of a statement as CSV."""
    text = io.BytesIO()
    execute(url, f"COPY ({statement}) TO STDOUT (FORMAT csv, HEADER)", text)
    text.seek(0)
    return text


def _from_csv(source: Path | io.BytesIO, result: Result) -> pa.Table:
    options = csv.ConvertOptions(
        column_types=result.columns, strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    return csv.read_csv(source, parse_options=csv.ParseOptions(newlines_in_values=True), convert_options=options)


def _from_delta(folder: Path, statement: str) -> pa.Table:
    return pa.table(QueryBuilder().register("rows", DeltaTable(folder)).execute(statement).read_all())


def difference(expected: pa.Table, found: pa.Table) -> str | None:
    """How the found rows differ from those expected, by the first that does; None if they agree."""
    if expected.num_rows != found.num_rows:
        return f"{found.num_rows:,} rows, expected {expected.num_rows:,}"
    for name in expected.column_names:
        place = pc.index(_alike(expected[name], found[name]), False).as_py()
        if place >= 0:
            rows = [str(list(table.slice(place, 1).to_pylist()[0].values())) for table in (found, expected)]
            return f"in {name} of row {place + 1}: {rows[0]}, expected {rows[1]}"
    return None


def _alike(expected: pa.ChunkedArray, found: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_floating(expected.type):
        limit = pc.multiply(pc.abs(expected), _TOLERANCE)
        equal = pc.less_equal(pc.abs(pc.subtract(expected, found)), limit)
    else:
        equal = pc.equal(expected, found)
    return pc.coalesce(equal, pc.and_(pc.is_null(expected), pc.is_null(found)))
