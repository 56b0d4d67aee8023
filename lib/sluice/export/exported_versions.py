"""The table `sluice_exports` of a schema: for each exported table, the Delta table that it holds, and its version.

`mark` and `column_names` are null in rows of earlier versions of Sluice, which did not have them.
"""

from __future__ import annotations

from sluice.errors import DatabaseError
from sluice.export.statements import Statements
from sluice.export.target import DeltaVersion, Target

_TABLE = "sluice_exports"
_CREATE = """
CREATE TABLE IF NOT EXISTS {exports} (
  table_name text PRIMARY KEY, lake text NOT NULL, table_id text NOT NULL, version bigint NOT NULL,
  run_id text NOT NULL, exported_at timestamptz NOT NULL, mark text, column_names text[]
)"""
_LATER = {"mark": "text", "column_names": "text[]"}
_RECORD = """
INSERT INTO {exports} (table_name, lake, table_id, version, run_id, exported_at, mark, column_names)
VALUES (%s, %s, %s, %s, %s, now(), %s, %s)
ON CONFLICT (table_name) DO UPDATE SET lake = excluded.lake, table_id = excluded.table_id, version = excluded.version,
  run_id = excluded.run_id, exported_at = now(), mark = excluded.mark,
  column_names = excluded.column_names"""


def create(statements: Statements) -> None:
    """Creates the table if it does not exist."""
    statements.execute(_CREATE, exports=statements.name(_TABLE))
    existing = statements.columns(_TABLE)
    for name in _LATER.keys() - existing.keys():
        add = f"ALTER TABLE {{exports}} ADD COLUMN {name} {_LATER[name]}"
        statements.execute(add, exports=statements.name(_TABLE))


def record(statements: Statements, target: Target, run_id: str) -> None:
    """Records the version that a table now holds."""
    holds = target.version
    values = (target.name, holds.lake, holds.table_id, holds.version, run_id, holds.mark, list(target.columns))
    statements.execute(_RECORD, *values, exports=statements.name(_TABLE))


def find(statements: Statements, table: str) -> DeltaVersion | None:
    """What a table holds; None if it does not exist. Raises DatabaseError for one that Sluice did not make."""
    rows, columns = [], statements.columns(_TABLE)
    if columns:
        mark = "mark" if "mark" in columns else "NULL"
        select = f"SELECT lake, table_id, version, {mark} FROM {{exports}} WHERE table_name = %s"
        rows = statements.rows(select, table, exports=statements.name(_TABLE))
    if not statements.columns(table):
        return None
    if not rows:
        raise DatabaseError(
            f"PostgreSQL's table {statements.schema}.{table} was not made by Sluice: rename it, "
            "or choose another --schema"
        )
    return DeltaVersion(*rows[0])


def columns(statements: Statements, table: str) -> list[str]:
    """The columns that the latest export gave a table; none if that is not known."""
    if "column_names" not in statements.columns(_TABLE):
        return []
    select = "SELECT unnest(column_names) FROM {exports} WHERE table_name = %s"
    return [name for (name,) in statements.rows(select, table, exports=statements.name(_TABLE))]
