"""The table `sluice_exports` of a schema: which version of which Delta table each exported table holds."""

from __future__ import annotations

from sluice.errors import DatabaseError
from sluice.export.statements import Statements
from sluice.export.target import DeltaVersion, Target

_TABLE = "sluice_exports"
_CREATE = """
CREATE TABLE IF NOT EXISTS {exports} (
  table_name text PRIMARY KEY, lake text NOT NULL, table_id text NOT NULL, version bigint NOT NULL,
  run_id text NOT NULL, exported_at timestamptz NOT NULL, mark text
)"""
_ADD_MARK = "ALTER TABLE {exports} ADD COLUMN IF NOT EXISTS mark text"  # which earlier versions did not have
_RECORD = """
INSERT INTO {exports} VALUES (%s, %s, %s, %s, %s, now(), %s)
ON CONFLICT (table_name) DO UPDATE SET lake = excluded.lake, table_id = excluded.table_id, version = excluded.version,
  run_id = excluded.run_id, exported_at = now(), mark = excluded.mark"""


def create(statements: Statements) -> None:
    """Creates the table if it does not exist."""
    statements.execute(_CREATE, exports=statements.name(_TABLE))
    if "mark" not in statements.columns(_TABLE):
        statements.execute(_ADD_MARK, exports=statements.name(_TABLE))


def record(statements: Statements, target: Target, run_id: str) -> None:
    """Records the version that a table now holds."""
    holds = target.version
    values = (target.name, holds.lake, holds.table_id, holds.version, run_id, holds.mark)
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
