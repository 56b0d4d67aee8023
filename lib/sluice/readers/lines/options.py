"""No options: how files of lines are read only a declaration says."""

from __future__ import annotations

HEADING = "Lines"
OPTIONS = ()
