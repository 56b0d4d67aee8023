"""A guess of what a column's texts are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Guess:
    """A type, as a declaration has it, and what to say beside the column.

    `sql`: where ingest does not convert such text by itself: SQL that does, with `{}` in place of the column of text;
    null where it cannot. `moment`: of a number that counts time, SQL that makes a timestamp of it. `days`: how many
    days the dates and times are of. `is_amount`: whether it makes sense to add the values up.
    """

    type: str = "string"
    format: str = ""
    note: str = ""
    sql: str = ""
    moment: str = ""
    days: int = 0
    is_amount: bool = False

    @property
    def is_time(self) -> bool:
        return self.type in ("date", "timestamp")
