"""The type of a column: the narrowest that all values that were seen fit, and that others of the kind will fit too."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sluice.draft.guess import Guess
from sluice.draft.numbers import guess_number, has_decimal_commas
from sluice.draft.times import DayFirst, guess_epoch, guess_time, tells_day_first
from sluice.draft.values import Values

_BOOLEANS = ({"true", "false"}, {"t", "f"}, {"y", "n"}, {"yes", "no"})  # as Spark reads them
_YES = {"ja": "nein", "oui": "non", "si": "no", "sí": "no", "wahr": "falsch", "vrai": "faux", "tak": "nie", "on": "off"}
_NEARLY = 0.9  # of the values
_FEW_VALUES, _OFTEN = 6, 4  # that many values are listed, if they come so often on average
_NUMBER = "^-?[0-9]+([.,][0-9]+)*$"
_DAY = "^[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}"


@dataclass(frozen=True)
class Context:
    """What columns tell of each other: whether numbers have decimal commas, and where dates have the day."""

    european: bool = False
    day_first: DayFirst = DayFirst()

    @classmethod
    def of(cls, columns: Iterable[Values], delimiter: str) -> Context:
        columns = list(columns)
        european = any(map(has_decimal_commas, columns))
        told = {tells_day_first(values) for values in columns} - {None}
        likely = european or delimiter == ";"
        return cls(european, DayFirst(told.pop() if len(told) == 1 else None, likely))


def guess_type(values: Values, context: Context) -> Guess:
    """What a column's values are."""
    if not len(values.distinct):
        return Guess(note="always empty: its type cannot be told" if values.rows else "no rows to tell its type by")
    if values.kinds & {"array", "object"}:
        return Guess(note=f"{' or '.join(sorted(values.kinds))}, as JSON text")
    if (guess := _boolean(values)) or (guess := guess_time(values, context.day_first)):
        return guess
    if guess := guess_number(values, european=context.european):
        return guess_epoch(values, guess)
    return Guess(note=_about_text(values))


def _boolean(values: Values) -> Guess | None:
    words = {word.lower() for word in values.shown[:5]}
    if words <= _BOOLEANS[0] or words in _BOOLEANS[1:]:
        return Guess("boolean")
    for yes, no in _YES.items():
        if words == {yes, no}:
            return Guess(note=f"'{yes}' and '{no}': made a boolean by sql = \"lower(…) = '{yes}'\"")
    return None


def _about_text(values: Values) -> str:
    """What to say of text: that nearly all of it is numbers or dates, or which few values it has."""
    for pattern, kind in ((_NUMBER, "numbers"), (_DAY, "dates")):
        fitting = values.count(pattern)
        if fitting >= _NEARLY * values.filled:
            other = values.without([text for text in values.shown if re.search(pattern, text)]).shown[:1]
            example = f" such as '{other[0][:40]}'" if other else ""
            return (
                f"{fitting:,} of {values.filled:,} are {kind}; others{example} would be rejects if the type were "
                "narrower"
            )
    shown = values.shown
    if len(shown) <= _FEW_VALUES and values.filled >= _OFTEN * len(shown) and max(map(len, shown)) <= 20:
        return f"{len(shown)} values: {', '.join(sorted(shown))}" if len(shown) > 1 else f"always {shown[0]}"
    return ""
