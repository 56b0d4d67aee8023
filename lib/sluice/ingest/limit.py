"""How many records of a file may be rejected before the run is refused."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RejectLimit:
    """How many records of a file may be rejected: a number, or a share in percent."""

    number: float
    percent: bool

    @property
    def everything(self) -> bool:
        return self.percent and self.number >= 100

    def exceeded(self, rejected: int, read: int) -> bool:
        return rejected > (read * self.number / 100 if self.percent else self.number)

    def __str__(self) -> str:
        return f"{self.number:g}%" if self.percent else f"{self.number:g}"
