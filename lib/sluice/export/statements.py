"""SQL statements in one schema of a connection. Names are composed by psycopg2, never glued; values are parameters."""

from __future__ import annotations

from typing import Any

from psycopg2 import sql


class Statements:
    """In each statement `{name}` stands for the composed part of that name, and `%s` for a value."""

    def __init__(self, connection: Any, schema: str) -> None:
        self._connection = connection
        self.schema = schema

    def name(self, table: str) -> sql.Identifier:
        """A table of the schema."""
        return sql.Identifier(self.schema, table)

    def execute(self, statement: str, *values: Any, **parts: sql.Composable) -> int:
        """Gives the number of rows that the statement changed."""
        with self._connection.cursor() as cursor:
            cursor.execute(*self._composed(statement, values, parts))
            return int(cursor.rowcount)

    def rows(self, statement: str, *values: Any, **parts: sql.Composable) -> list[tuple]:
        with self._connection.cursor() as cursor:
            cursor.execute(*self._composed(statement, values, parts))
            return list(cursor.fetchall())

    def _composed(self, statement: str, values: tuple, parts: dict[str, sql.Composable]) -> tuple[sql.Composable, Any]:
        """What psycopg2 executes. Beside values it would take a `%` in a name for the place of one."""
        if values:
            parts = {name: sql.SQL(self.quoted(part).replace("%", "%%")) for name, part in parts.items()}
        return sql.SQL(statement).format(**parts), values or None

    def count(self, statement: str, **parts: sql.Composable) -> int:
        """The one number that the statement gives."""
        return int(self.rows(statement, **parts)[0][0])

    def columns(self, table: str) -> dict[str, str]:
        """A table's columns with PostgreSQL's types, in order; none if it does not exist."""
        return dict(
            self.rows(
                "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = to_regclass(%s) "
                "AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
                self.quoted(self.name(table)),
            )
        )

    def quoted(self, part: sql.Composable) -> str:
        """A part as text."""
        return str(part.as_string(self._connection))
