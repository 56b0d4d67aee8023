"""Files of lines have no options of their own: only a table's declaration says how they are read."""

from __future__ import annotations

HEADING = "Lines"
OPTIONS = ()
