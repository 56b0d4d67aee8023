"""Names of columns and tables that Sluice takes, made of any text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from sluice.catalog.schema import RESERVED_PREFIX
from sluice.model.table import is_taken

_LONGEST = 63
_SPELLED = str.maketrans(
    {"ß": "ss", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "œ": "oe", "%": " percent ", "#": " number "}
)


def valid_name(text: str, otherwise: str, taken: Collection[str] = ()) -> str:
    """A name like `order_id` for a text such as `OrderID`, `Order ID` or `Öffnung (m)`; none of those that are taken.

    `otherwise`: the name for a text that has no letter of ours.
    """
    words = re.sub("([a-z0-9])([A-Z])|([A-Z])(?=[A-Z][a-z])", r"\1\3_\2", text)
    plain = unicodedata.normalize("NFKD", words.lower().translate(_SPELLED)).encode("ascii", "ignore").decode()
    name = re.sub("[^a-z0-9]+", "_", plain).strip("_")
    if not re.search("[a-z]", name):
        name = otherwise
    if not name[0].isalpha() or name.startswith(RESERVED_PREFIX):
        name = f"c_{name}"
    name = name[:_LONGEST].rstrip("_")
    if is_taken(name):
        name = f"{name[: _LONGEST - 6]}_input"
    return _apart(name, taken)


def _apart(name: str, taken: Collection[str]) -> str:
    """The name, with a number behind it if it is taken."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name[: _LONGEST - 1 - len(str(number))]}_{number}"
    return free
