"""How files are read: each family of readers has a dataclass for it, whose fields change the rows of a file.

The ledger keeps their values with each file: a file that was read with the same ones is in the table already.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

MAX_RECORD_BYTES = 16 << 20  # that may be asked for: a few rows of 60 MB fill the memory of a driver that has 2 GB
DECLARED = {"declared": True}  # metadata of a field that only a table's declaration sets
LATER = {"later": True}  # of one that ledgers of earlier versions lack: while it has its default, it is left out


def stored_options(reading: Any) -> dict[str, Any]:
    """The values that the ledger keeps, by name."""
    defaults, values = _later_defaults(reading), asdict(reading)
    return {name: value for name, value in values.items() if name not in defaults or value != defaults[name]}


def changed_options(reading: Any, stored: Mapping[str, Any]) -> dict[str, Any]:
    """What the ledger has kept of options that have another value now, by name."""
    before = {**_later_defaults(reading), **stored}
    now = asdict(reading)
    return {name: before.get(name) for name in now if json.dumps(before.get(name)) != json.dumps(now[name])}


def _later_defaults(reading: Any) -> dict[str, Any]:
    return {item.name: item.default for item in fields(reading) if item.metadata.get("later")}
