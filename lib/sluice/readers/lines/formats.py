"""What the lines of a file mean: a pattern with named groups, or one JSON object each.

A table's declaration chooses one of the two classes. Their fields are also the options of a run, except those marked
as declared: they are the table's own.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from sluice.errors import UsageError
from sluice.readers.shared.encoding import line_wise
from sluice.readers.shared.reading import DECLARED


@dataclass(frozen=True)
class LinePattern:
    """Each line matches a regular expression as a whole; its named groups `(?P<name>…)` are the columns.

    The syntax is RE2's (https://github.com/google/re2/wiki/Syntax), which has no look-arounds and no backreferences: so
    its time grows with a line's length alone, and no pattern can backtrack forever. A group that is empty or takes no
    part in the match is null. A line that does not match is a reject with `unmatched` as its reason; so is one of more
    than `max_record_bytes`. Raises UsageError for a pattern that is not valid.
    """

    pattern: str = field(metadata=DECLARED)
    unmatched: str = field(default="the line does not match the pattern", metadata=DECLARED)
    encoding: str = "utf-8"
    max_record_bytes: int = 1 << 20

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoding", line_wise(self.encoding))
        _group_types(self.pattern)  # by itself too: `a)|(?:b` is valid only within `full_pattern`
        names = self.groups
        if not names:
            raise UsageError(f"{_shown(self.pattern)} has no named group: write (?P<name>…) for each column")
        for name, times in Counter(names).items():
            if times > 1:
                raise UsageError(f"{_shown(self.pattern)} has the group {name!r} twice: rename one of them")

    @property
    def full_pattern(self) -> str:
        """The pattern that matches from the beginning of a line to its end."""
        return rf"\A(?:{self.pattern})\z"

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the groups, in the pattern's order."""
        return tuple(item.name for item in _group_types(self.full_pattern))


@dataclass(frozen=True)
class JsonLines:
    """Each line is a JSON object in UTF-8, whose members are the columns, by dotted names where they are nested.

    A line of more than `max_record_bytes` is a reject.
    """

    max_record_bytes: int = 1 << 20
    encoding: ClassVar[str] = "utf-8"


def _group_types(pattern: str) -> pa.StructType:
    """The pattern's groups as fields of a struct. Raises UsageError for a pattern that RE2 cannot compile."""
    try:
        return pc.extract_regex(pa.nulls(0, pa.string()), pattern=pattern).type
    except pa.ArrowInvalid as error:
        if "unnamed groups" in str(error):
            raise UsageError(f"{_shown(pattern)} has a group without a name: write (?:…) or (?P<name>…)") from None
        problem = " ".join(str(error).removeprefix("Invalid regular expression: ").split())
        hint = "look-arounds and backreferences are not supported (RE2)"
        raise UsageError(f"{_shown(pattern)} is not valid: {problem[:200]}; {hint}") from None
    except UnicodeEncodeError:
        raise UsageError(f"{_shown(pattern)} holds half of a surrogate pair") from None


def _shown(pattern: str) -> str:
    return f"the pattern {pattern[:200]!r}"
