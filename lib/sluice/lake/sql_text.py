"""Names, texts and values in SQL: quoted, so that none can end where it should not."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import Column


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


def literal(value: Any) -> Column:
    """A value as a literal; a date as SQL: Java's class for them, as which PySpark passes them, has another calendar.

    It would miss days before 1582-10-15, and refuse those before the year 1000.
    """
    from pyspark.sql import functions as F

    return F.expr(f"DATE'{value.isoformat()}'") if isinstance(value, date) else F.lit(value)
