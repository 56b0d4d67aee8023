"""How a table of PostgreSQL has each key once: by the key's columns, or by hashes of its text where that is long.

An entry of PostgreSQL's B-tree holds 2,704 bytes. Once a longer key arrives, the unique constraint over the columns
gives way to a unique index over two hashes of each text column; a hash index on each of these serves look-ups: it
holds text of any length. Rows are always matched by the text itself.
"""

from __future__ import annotations

from psycopg2 import sql

from sluice.export.statements import Statements
from sluice.export.target import Target, column_list

LONGEST = 2_000  # bytes of a key's text that surely fit into an entry, with its other columns
_TEXT_BYTES = "SELECT coalesce(max({bytes}), 0) FROM {staging}"
_CONSTRAINT = """
SELECT conname FROM pg_constraint WHERE conrelid = to_regclass(%s) AND contype = 'u' AND (
  SELECT array_agg(attname::text) @> %s AND array_agg(attname::text) <@ %s FROM pg_attribute
  WHERE attrelid = conrelid AND attnum = ANY(conkey))"""
_IS_HASHED = "SELECT count(*) FROM pg_index WHERE indrelid = to_regclass(%s) AND indisunique AND indexprs IS NOT NULL"


def create(statements: Statements, target: Target) -> None:
    """Makes the key of a table of the staged rows unique."""
    table = statements.name(target.name)
    if _has_long_key(statements, target):
        _change_to_hashes(statements, target, statements.quoted(table))
    else:
        add = "ALTER TABLE {table} ADD UNIQUE " + _nulls(target) + " ({key})"
        statements.execute(add, table=table, key=column_list(target.key))


def prepare(statements: Statements, target: Target) -> sql.Composable:
    """What the key is unique by, as `ON CONFLICT` takes it; changes the table to hashes if a staged key is long."""
    table = statements.quoted(statements.name(target.name))
    hashed = bool(statements.rows(_IS_HASHED, table)[0][0])
    if not hashed and _has_long_key(statements, target):
        _change_to_hashes(statements, target, table)
        hashed = True
    return _hashes(target) if hashed else column_list(target.key)


def _has_long_key(statements: Statements, target: Target) -> bool:
    """Whether a staged key's text is longer than an entry of an index may be."""
    lengths = [sql.SQL("coalesce(octet_length({}), 0)").format(sql.Identifier(name)) for name in _texts(target)]
    if not lengths:
        return False
    staging = statements.name(target.staging_name)
    return statements.count(_TEXT_BYTES, bytes=sql.SQL(" + ").join(lengths), staging=staging) > LONGEST


def _change_to_hashes(statements: Statements, target: Target, table: str) -> None:
    parts = {"table": statements.name(target.name), "hashes": _hashes(target)}
    for (name,) in statements.rows(_CONSTRAINT, table, list(target.key), list(target.key)):
        statements.execute("ALTER TABLE {table} DROP CONSTRAINT {name}", name=sql.Identifier(name), **parts)
    statements.execute("CREATE UNIQUE INDEX ON {table} ({hashes}) " + _nulls(target), **parts)
    for name in _texts(target):
        statements.execute("CREATE INDEX ON {table} USING hash ({text})", text=sql.Identifier(name), **parts)


def _hashes(target: Target) -> sql.Composable:
    """The key's columns, text as two MD5 hashes: two texts can be made to agree in one of them, but not in both."""
    entries: list[sql.Composable] = []
    for name in target.key:
        column = sql.Identifier(name)
        if name in _texts(target):
            entries += [sql.SQL("(md5({})::uuid)").format(column), sql.SQL("(md5(reverse({}))::uuid)").format(column)]
        else:
            entries.append(column)
    return sql.SQL(", ").join(entries)


def _texts(target: Target) -> list[str]:
    return [name for name in target.key if target.types[name] == "text"]


def _nulls(target: Target) -> str:
    return "NULLS NOT DISTINCT" if target.nullable_key else ""
