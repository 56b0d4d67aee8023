"""A table of PostgreSQL that is to equal a Delta table: its names, types and columns as SQL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from psycopg2 import sql

from sluice.lake.log import State
from sluice.model.aggregate import direction

# columns of a staging table beside the target's
GONE = "sluice_gone"  # whether the row was in the Delta table before the version, and not after it
VERSION = "sluice_version"  # the Delta table's version that changed the row
STAGING_PREFIX = "sluice_staging_"
_LONGEST_NAME = 63
_TYPES = {
    "string": "text",
    "bigint": "bigint",
    "int": "integer",
    "smallint": "smallint",
    "tinyint": "smallint",
    "float": "real",
    "double": "double precision",
    "date": "date",
    "timestamp": "timestamp with time zone",
    "boolean": "boolean",
}


@dataclass(frozen=True)
class DeltaVersion:
    """A version of a Delta table: what a table of PostgreSQL holds."""

    lake: str
    table_id: str
    version: int
    mark: str | None = None  # of the version's commit; None: unknown, for what earlier versions of Sluice exported

    @property
    def state(self) -> State:
        return State(self.table_id, self.version, self.mark)


@dataclass(frozen=True)
class Target:
    """A table of PostgreSQL that is to equal a version of a Delta table.

    * `columns`: name → Spark's type.
    * `key`: the columns that its unique key has. `nullable_key`: whether they may be null.
    * `indexes`: a list of columns each; `-` before a name: descending. Text in them is ordered by its bytes, as Delta
      orders it, whatever the database's own order is.
    * `full`: whether the staging table has all rows, not only those that changed.
    """

    name: str
    columns: dict[str, str]
    key: tuple[str, ...]
    nullable_key: bool
    indexes: tuple[tuple[str, ...], ...]
    version: DeltaVersion
    full: bool

    @property
    def staging_name(self) -> str:
        """At most as long as PostgreSQL's names may be: it would cut two long ones to the same."""
        name = f"{STAGING_PREFIX}{self.name}"
        return name if len(name) <= _LONGEST_NAME else f"{name[:54]}_{sha256(name.encode()).hexdigest()[:8]}"

    @property
    def types(self) -> dict[str, str]:
        """The columns with PostgreSQL's types."""
        return {name: postgres_type(spark_type) for name, spark_type in self.columns.items()}

    @property
    def values(self) -> tuple[str, ...]:
        """The columns besides the key."""
        return tuple(name for name in self.columns if name not in self.key)


def postgres_type(spark_type: str) -> str:
    """PostgreSQL's type for one of Spark's."""
    if spark_type.startswith("decimal"):
        return f"numeric{spark_type.removeprefix('decimal')}"
    return _TYPES[spark_type]


def column_definitions(target: Target) -> sql.Composable:
    """The columns with their types, as CREATE TABLE takes them."""
    indexed = {direction(entry)[0] for entries in target.indexes for entry in entries}
    definitions = []
    for name, kind in target.types.items():
        collation = ' COLLATE "C"' if kind == "text" and name in indexed else ""
        definitions.append(sql.SQL(f"{{}} {kind}{collation}").format(sql.Identifier(name)))
    return sql.SQL(", ").join(definitions)


def column_list(names: Iterable[str], alias: str = "") -> sql.Composable:
    """Names with commas between them, of the table with the alias."""
    return sql.SQL(", ").join(sql.Identifier(alias, name) if alias else sql.Identifier(name) for name in names)


def index_columns(entries: Iterable[str]) -> sql.Composable:
    """An index's columns, as CREATE INDEX takes them."""
    columns = []
    for name, descending in map(direction, entries):
        columns.append(sql.SQL("{} DESC" if descending else "{}").format(sql.Identifier(name)))
    return sql.SQL(", ").join(columns)


def same_key(target: Target) -> sql.Composable:
    """Whether rows of t and s have one key. A key with nulls is compared by its text: PostgreSQL can hash that."""
    if target.nullable_key:
        rows = column_list(target.key, "t"), column_list(target.key, "s")
        return sql.SQL("ROW({})::text = ROW({})::text").format(*rows)
    tests = [sql.SQL("t.{0} = s.{0}").format(sql.Identifier(name)) for name in target.key]
    return sql.SQL(" AND ").join(tests)
