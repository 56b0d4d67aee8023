"""Whether the first record of CSV text names the columns, and whether a table can take its names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError

from sluice.catalog.checks import check_inputs_differ
from sluice.catalog.schema import Input
from sluice.draft.csv_dialect import Record
from sluice.errors import UsageError

_VALUE = re.compile(
    r"""[-+(]?\W?\d[\d.,:/ 'eE+-]*\W*              # a number, a date, an amount of money
    |\d+[-./]\w{3}[-./]\d+.*|\d{4}-\d\d-\d\d.*    # a date or time with letters in it
    |[0-9a-f-]{16,}|.*@.*\..*|.*://.*             # a hash, an address
    |true|false|null|\\N""",
    re.VERBOSE | re.IGNORECASE,
)
_LONGEST_NAME = 100  # characters


def has_header(found: Sequence[Record]) -> tuple[bool, str]:
    """Whether the first record names the columns of the others, and what to say of it where that is not sure."""
    first, others = found[0].fields, [record.fields for record in found[1:]]
    names = [name.strip() for name in first]
    if any(_VALUE.fullmatch(name) or len(name) > _LONGEST_NAME for name in names) or not any(names):
        return False, "the first line holds values, no names: rename the columns"
    below = [[fields[i].strip() for fields in others if i < len(fields)] for i in range(len(names))]
    if any(name and name in values for name, values in zip(names, below, strict=True)):
        return False, "a guess: the first line has texts that come again below it: rename the columns"
    if any(_VALUE.fullmatch(value) for values in below for value in values[:100]) or not others:
        return True, ""
    return True, "a guess, as all values are texts: if the first line is a record, write header = false here"


def why_by_place(names: Sequence[str]) -> str:
    """Why a table cannot take its columns by the names of a header; "" if it can."""
    if "" in names:
        return f"column {list(names).index('') + 1} has no name in the header"
    for i, name in enumerate(names):
        if name in names[:i]:
            return f"the header names {name[:40]!r} twice"
    try:
        check_inputs_differ(names)
        TypeAdapter(list[Input]).validate_python(list(names))
    except UsageError:
        return "names in the header differ only in case"
    except ValidationError as error:
        return f"the header has {error.errors()[0]['input'][:40]!r}, which cannot be an input's name"
    return ""
