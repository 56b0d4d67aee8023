"""Names and texts in SQL: quoted, so that none can end where it should not."""

from __future__ import annotations


def identifier(name: str) -> str:
    """A name in Spark's SQL."""
    return "`" + name.replace("`", "``") + "`"


def delta_table(path: str) -> str:
    """A Delta table by its path in Spark's SQL."""
    return f"delta.{identifier(path)}"


def spark_text(text: str) -> str:
    """A text in Spark's SQL, where a backslash escapes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def delta_rs_text(text: str) -> str:
    """A text in the SQL of delta-rs (DataFusion's), where only a quote is doubled."""
    return "'" + text.replace("'", "''") + "'"
