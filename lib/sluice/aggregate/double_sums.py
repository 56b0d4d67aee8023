"""Sums of doubles that are correct to the last bit, in whatever order the values come and however they are split.

A finite double is an integer of fewer than 56 bits times a power of two (IEEE 754). Spark adds up the integers of equal
powers as decimals, Python the few sums of a group as one integer, which is rounded once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType

_BITS = 53  # of a double
_LEAST = -1074 - 1 - _BITS  # the least power of `exact_sums`: that of the least double, with its exponent one too low


def exact_sums(rows: DataFrame, by: Sequence[str], column: str) -> DataFrame:
    """The sum of each group's values; infinity and NaN are added up as Spark does, and null values are left out.

    in: `by`, `column` (float or double). out: `by`, `_sum` double, `_count` of values; no row for a group without any.
    """
    value = F.col(column).cast("double")
    is_finite = F.abs(value) < F.lit(math.inf)  # NaN is greater than all numbers
    exponent = F.coalesce(F.floor(F.log2(F.abs(value))).cast("int"), F.lit(0))  # may be wrong by one; null for zero
    half = F.floor((F.lit(_BITS) - exponent) / 2)  # two steps: a factor of them at once may exceed what a double holds
    integer = value * F.pow(F.lit(2.0), half) * F.pow(F.lit(2.0), F.lit(_BITS) - exponent - half)
    sums = (
        rows.where(F.col(column).isNotNull())
        .select(
            *by,
            F.when(is_finite, exponent - _BITS).alias("_power"),
            F.when(is_finite, integer.cast("bigint").cast("decimal(38,0)")).alias("_integer"),
            F.when(~is_finite, value).alias("_not_finite"),
        )
        .groupBy(*by, "_power")
        .agg(
            F.sum("_integer").alias("_integer"),
            F.sum("_not_finite").alias("_not_finite"),
            F.count(F.lit(1)).alias("_count"),
        )
    )
    parts = F.collect_list(F.when(F.col("_power").isNotNull(), F.struct("_power", "_integer")))
    groups = sums.groupBy(*by).agg(
        parts.alias("_parts"), F.sum("_not_finite").alias("_not_finite"), F.sum("_count").alias("_count")
    )
    rounded = F.udf(_rounded, DoubleType(), useArrow=False)
    return groups.select(*by, F.coalesce("_not_finite", rounded("_parts")).alias("_sum"), "_count")


def _rounded(parts: Iterable[Row]) -> float | None:
    """The double next to the sum of `_integer` times 2 to `_power`; None for no parts."""
    terms = [int(part["_integer"]) << (part["_power"] - _LEAST) for part in parts]
    total = sum(terms)
    try:
        return total / (1 << -_LEAST) if terms else None  # Python rounds a quotient of integers correctly
    except OverflowError:
        return math.inf if total > 0 else -math.inf
