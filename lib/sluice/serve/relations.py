"""The tables that `export` wrote, as PostgreSQL's catalog knows them: columns, types, key."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from sluice.errors import closest
from sluice.serve.database import Database, Snapshot, quoted
from sluice.serve.problems import Problem, unfit

# The columns of the unique index are the key. One over hashes of long text has none itself, but depends on them.
_SELECT = """
SELECT e.table_name AS name, e.lake, e.version, e.exported_at, nullif(c.reltuples, -1)::bigint AS rows,
  (SELECT json_object_agg(attname, format_type(atttypid, atttypmod) ORDER BY attnum)::text FROM pg_attribute
   WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns,
  (SELECT array_agg(a.attname::text
     ORDER BY CASE WHEN i.indexprs IS NULL THEN array_position(i.indkey::smallint[], a.attnum) END, a.attnum)
   FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND (a.attnum = ANY (i.indkey) OR i.indexprs IS NOT NULL
     AND EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = i.indexrelid
       AND refobjid = c.oid AND refobjsubid = a.attnum))
   WHERE i.indexrelid = (SELECT min(indexrelid) FROM pg_index WHERE indrelid = c.oid AND indisunique)) AS key
FROM {exports} e JOIN pg_class c ON c.relname = e.table_name
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = $1"""


@dataclass(frozen=True)
class Relation:
    """A table of PostgreSQL: `columns` with PostgreSQL's types, `rows` as it estimates them, None if it cannot."""

    name: str
    sql: str
    columns: dict[str, str]
    key: tuple[str, ...]
    lake: str
    version: int
    exported_at: datetime
    rows: int | None

    def refuse_unknown(self, names: Sequence[str], others: Sequence[str]) -> None:
        """Raises a Problem that names the parameters which are neither columns nor others."""
        known = [*self.columns, *others]
        unknown = [name for name in names if name not in self.columns]
        errors = [(name, f"table {self.name} has no such column: {closest(name, known)}") for name in unknown]
        if errors:
            raise unfit(errors)


async def find_all(snapshot: Snapshot) -> list[Relation]:
    """All exported tables by name; none if nothing is exported yet."""
    return await _find(snapshot, "ORDER BY e.table_name")


async def find(snapshot: Snapshot, name: str) -> Relation:
    """An exported table of a name that is known. Raises a Problem that says how to export it."""
    found = await find_any(snapshot, name)
    if found is None:
        raise not_exported(name)
    return found


async def find_any(snapshot: Snapshot, name: str) -> Relation | None:
    """An exported table, if there is one of this name, which may be any text."""
    found = await _find(snapshot, "WHERE e.table_name = $2", name) if "\0" not in name else []  # which no name has
    return found[0] if found else None


async def _find(snapshot: Snapshot, which: str, *values: str) -> list[Relation]:
    database = snapshot.database
    exports = database.name("sluice_exports")
    if not await snapshot.connection.fetchval("SELECT to_regclass($1) IS NOT NULL", exports):
        return []
    statement = f"{_SELECT.format(exports=exports)} {which}"
    return [_relation(database, row) for row in await snapshot.fetch(statement, database.schema, *values)]


def not_exported(table: str) -> Problem:
    """The answer about a table that PostgreSQL lacks."""
    return Problem(404, f"table {table} is not exported yet: run ./spark-submit.sh export {table}")


def _relation(database: Database, row: asyncpg.Record) -> Relation:
    columns = json.loads(row["columns"])
    key = tuple(row["key"] or columns)
    fields = {name: row[name] for name in ("name", "lake", "version", "exported_at", "rows")}
    return Relation(sql=database.name(row["name"]), columns=columns, key=key, **fields)


def column(name: str, alias: str = "") -> str:
    """A column as SQL, of the table with the alias."""
    return f"{alias}.{quoted(name)}" if alias else quoted(name)
