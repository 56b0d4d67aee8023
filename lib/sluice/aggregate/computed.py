"""What computing an aggregate's rows gives."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Computed:
    """The `rows` of an aggregate, cached, how many they are, and the files and bytes of its table read for them."""

    rows: DataFrame
    count: int
    files_read: int
    bytes_read: int
