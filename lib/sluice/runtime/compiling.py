"""How much Java and Spark compile, by how much a job reads: what is compiled for long must run for longer.

Java compiles twice: quickly, and again for hours of work. Spark compiles each query to Java; without that a query of
few rows is answered sooner. How much a job reads is known by its files' sizes and the tables' logs before Java starts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sluice.runtime.given import given

SMALL = 96 << 20  # bytes of text, up to which Java's quick compiler is enough: half a million products
TEXT_OF_PARQUET = 3  # so many bytes of text are in one of Parquet
TINY = 4 << 20  # bytes of text, up to which Spark compiles nothing, and neither plans again nor splits what it has read

_SHIPPED = Path(__file__).parents[3] / "conf" / "spark-defaults.conf"
# with room for code: of the 48 MB that the quick compiler has by itself it would throw out what it needs again
_JAVA = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"
_SPARK: Mapping[str, str] = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "1",
}


def java_options(size: int | None) -> str:
    """For a JVM that reads so many bytes (None: nobody knows). Options that come later replace these."""
    return _JAVA if size is not None and size <= SMALL else ""


def spark_options(size: int | None, options: Sequence[str]) -> list[str]:
    """The user's `options`, and before these, which replace them, what so many bytes need on this machine alone.

    Who has a file of settings of their own has chosen these too.
    """
    settings = _SPARK if _is_tiny(size, options) else {}
    return [*(part for name, value in settings.items() for part in ("--conf", f"{name}={value}")), *options]


def session_settings(size: int | None, options: Sequence[str]) -> dict[str, str]:
    """The same, but for those that the user chose, for a job in a JVM that started for jobs of all sizes."""
    if not _is_tiny(size, options):
        return {}
    return {name: value for name, value in _SPARK.items() if not any(text.startswith(f"{name}=") for text in options)}


def _is_tiny(size: int | None, options: Sequence[str]) -> bool:
    tiny = size is not None and size <= TINY and (given(options, "--master") or "").startswith("local")
    return tiny and Path(given(options, "--properties-file") or "") == _SHIPPED
