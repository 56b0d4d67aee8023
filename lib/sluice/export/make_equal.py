"""Makes a table of PostgreSQL equal to its staging table, as a part of the caller's transaction."""

from __future__ import annotations

from psycopg2 import sql

from sluice.export import exported_versions, unique_key
from sluice.export.statements import Statements
from sluice.export.target import GONE, VERSION, Target, column_definitions, column_list, index_columns, same_key

# In these t is the table and s the staging table; {latest} are the rows of the latter, one a key: its last state.
_INSERT = "INSERT INTO {table} ({columns}) SELECT {columns} FROM {latest} s WHERE NOT {gone}"
# within a version a new state comes after an old one: an overwrite deletes and inserts
_LAST_STATES = """
(SELECT DISTINCT ON ({key}) {columns}, {gone} FROM {staging} ORDER BY {key}, {version} DESC, {gone})"""
_UNCHANGED = """
SELECT count(*) FROM {latest} s JOIN {table} t ON {same_key}
WHERE NOT s.{gone} AND ({values_of_t}) IS NOT DISTINCT FROM ({values_of_s})"""
_DELETE_GONE = "DELETE FROM {table} t USING {latest} s WHERE s.{gone} AND {same_key}"
_DELETE_ABSENT = "DELETE FROM {table} t WHERE NOT EXISTS (SELECT FROM {staging} s WHERE {same_key})"
_UPSERT = """
WITH done AS (
  INSERT INTO {table} AS t ({columns}) SELECT {columns} FROM {latest} s WHERE NOT {gone}
  ON CONFLICT ({unique}) DO UPDATE SET {assignments} WHERE ({values_of_t}) IS DISTINCT FROM ({new_values})
  RETURNING xmax = 0 AS is_new
)
SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM done"""


def make_equal(statements: Statements, target: Target, run_id: str) -> dict[str, int]:
    """Creates or changes the table, records the version that it holds, and drops the staging table.

    Gives the number of rows by outcome: `unchanged`, `inserted`, `updated`, `deleted` (its key is gone from the Delta
    table), `removed` (a full export lacks it).
    """
    parts = _parts(statements, target)
    statements.execute("ANALYZE {staging}", **parts)
    if statements.columns(target.name):
        counts = _change(statements, target, parts)
    else:
        counts = _create(statements, target, parts)
    if target.full:  # without statistics of its new size PostgreSQL may not use the table's indexes
        statements.execute("ANALYZE {table}", **parts)
    exported_versions.record(statements, target, run_id)
    statements.execute("DROP TABLE {staging}", **parts)
    return counts


def _parts(statements: Statements, target: Target) -> dict[str, sql.Composable]:
    """The composed parts of the statements above."""
    assignments = [sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in target.values]
    parts = {
        "table": statements.name(target.name),
        "staging": statements.name(target.staging_name),
        "columns": column_list(target.columns),
        "key": column_list(target.key),
        "gone": sql.Identifier(GONE),
        "version": sql.Identifier(VERSION),
        "same_key": same_key(target),
        "values_of_t": column_list(target.values, "t"),
        "values_of_s": column_list(target.values, "s"),
        "new_values": column_list(target.values, "excluded"),
        "assignments": sql.SQL(", ").join(assignments),
    }
    return {**parts, "latest": parts["staging"] if target.full else sql.SQL(_LAST_STATES).format(**parts)}


def _create(statements: Statements, target: Target, parts: dict[str, sql.Composable]) -> dict[str, int]:
    """Makes the table of the staged rows; its indexes at the end, which is far quicker than row by row."""
    statements.execute("CREATE TABLE {table} ({definitions})", definitions=column_definitions(target), **parts)
    inserted = statements.execute(_INSERT, **parts)
    unique_key.create(statements, target)
    for entries in target.indexes:
        statements.execute("CREATE INDEX ON {table} ({entries})", entries=index_columns(entries), **parts)
    return {"inserted": inserted, **dict.fromkeys(("unchanged", "updated", "deleted", "removed"), 0)}


def _change(statements: Statements, target: Target, parts: dict[str, sql.Composable]) -> dict[str, int]:
    """Gives the table, which exists, the staged rows."""
    _match_columns(statements, target, parts)
    unique = unique_key.prepare(statements, target)
    counts = {"unchanged": statements.count(_UNCHANGED, **parts), "deleted": 0, "removed": 0}
    if target.full:
        counts["removed"] = statements.execute(_DELETE_ABSENT, **parts)
    else:
        counts["deleted"] = statements.execute(_DELETE_GONE, **parts)
    counts["inserted"], counts["updated"] = statements.rows(_UPSERT, unique=unique, **parts)[0]
    return counts


def _match_columns(statements: Statements, target: Target, parts: dict[str, sql.Composable]) -> None:
    """Adds the columns that the Delta table gained, which are null in rows that did not change; drops those it lost.

    A Delta table loses columns when it is restored to before they were added.
    """
    existing = statements.columns(target.name)
    for name, kind in target.types.items():
        if name not in existing:
            statements.execute("ALTER TABLE {table} ADD COLUMN {column} " + kind, column=sql.Identifier(name), **parts)
    for name in exported_versions.columns(statements, target.name):
        if name in existing and name not in target.columns:
            statements.execute("ALTER TABLE {table} DROP COLUMN {column}", column=sql.Identifier(name), **parts)
