"""Dates and times: the datetime pattern that reads all of a column, and what the sample cannot tell of it.

The shape of a text says nearly all: `99.99.9999 99:99`. Which of two numbers is the day, only their values can tell.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sluice.draft.guess import Guess
from sluice.draft.time_patterns import SHAPE, Form, date_pattern, form_of, time_pattern
from sluice.draft.values import Values
from sluice.ingest.convert import FINER, ISO_DATE, ISO_TIMESTAMP

_EPOCHS = {10: ("seconds", 1), 13: ("millis", 10**3), 16: ("micros", 10**6)}
_EPOCH_NAME = re.compile(
    r"(^|_|[a-z])(time|timestamp|ts|at|date|epoch|created|updated|modified|seen)($|_|ms$|millis$)", re.I
)
_FIRST_MOMENT, _LAST_MOMENT = 946_684_800, 4_102_444_800  # the years 2000 to 2099, in seconds
_UTC = re.compile("utc|gmt", re.I)
_NO_OFFSET = 'no offset: taken as UTC; if it is local time, add timezone = "Europe/Berlin" or what it is'


class DayFirst(NamedTuple):
    """Whether dates have the day before the month: as other columns `told` (None: they do not), or as is likely."""

    told: bool | None = None
    likely: bool = False


def guess_time(values: Values, day_first: DayFirst) -> Guess | None:
    """A date or timestamp that all values are; None if they are not."""
    if values.match(ISO_DATE):
        return Guess("date", days=len(values.distinct)) if _are_days(values, "ymd") else None
    if values.match(ISO_TIMESTAMP):
        return _iso(values)
    if values.match("^[0-9]{8}$") and len(values.distinct) > 2 and _are_days(values, "compact"):
        return Guess(
            "date", "yyyyMMdd", "digits that are all days of this and the last century", days=len(values.distinct)
        )
    found = [SHAPE.fullmatch(shape) for shape in values.shapes]
    if not found or None in found:
        return None
    return _by_shapes(values, [match for match in found if match], day_first)


def _iso(values: Values) -> Guess | None:
    if not _are_days(values, "ymd"):
        return None
    if finer := values.count(FINER):
        return Guess(note=f"times, {finer:,} of them finer than a microsecond, the finest that a timestamp holds")
    with_offset = values.count("(Z|[+-][0-9]{2}:[0-9]{2})$")
    note = "" if with_offset == values.filled else _about_offset(values)
    if 0 < with_offset < values.filled:
        note = f"{with_offset:,} of {values.filled:,} with an offset, the others are taken as UTC"
    midnight = "always midnight" if values.match("^.{10}[T ]00:00(:00([.]0*)?)?$") else ""
    return Guess("timestamp", note="; ".join(filter(None, (midnight, note))), days=_count_days(values))


def _about_offset(values: Values) -> str:
    return "" if _UTC.search(values.name) else _NO_OFFSET


def _count_days(values: Values) -> int:
    return len(pc.unique(pc.utf8_slice_codeunits(values.distinct, 0, 10)))


def _by_shapes(values: Values, found: Sequence[re.Match[str]], day_first: DayFirst) -> Guess | None:
    forms = {form_of(match) for match in found}
    if None in forms:
        return None
    if len(forms) > 1:
        return Guess(
            note=f"dates or times in several forms, such as '{values.shown[0][:40]}' and '{values.shown[-1][:40]}'"
        )
    form = forms.pop()
    assert form is not None
    note = ""
    if form.order == "any":
        order, note = _order(values, day_first, form.mark)
        if not order:
            return Guess(note=note) if note else None
        swapped = date_pattern(form._replace(order="mdy" if order == "dmy" else "dmy"), found)
        form, note = form._replace(order=order), note.replace("{}", swapped)
    if form.year == 2:
        note = "; ".join(filter(None, (note, "years of two digits are 2000 to 2099")))
    if not form.gap:
        return Guess("date", date_pattern(form, found), note, days=len(values.distinct))
    if finer := values.count(FINER):
        return Guess(note=f"times, {finer:,} of them finer than a microsecond, the finest that a timestamp holds")
    note = "; ".join(filter(None, (note, "" if form.offset else _about_offset(values))))
    return Guess(
        "timestamp", date_pattern(form, found) + time_pattern(form, found), note, days=_days_before(values, form)
    )


_NUMBERS = {
    "ymd": r"^(?P<y>[0-9]{4})[-/.](?P<m>[0-9]{1,2})[-/.](?P<d>[0-9]{1,2})",
    "compact": r"^(?P<y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})$",
    "any": r"^(?P<m>[0-9]{1,2})[-/.](?P<d>[0-9]{1,2})[-/.]",
}


def _numbers(values: Values, kind: str) -> dict[str, np.ndarray]:
    groups = pc.extract_regex(values.distinct, pattern=_NUMBERS[kind])
    parts = zip([field.name for field in groups.type], groups.flatten(), strict=True)
    return {name: part.cast(pa.int32()).to_numpy(zero_copy_only=False) for name, part in parts}


def _are_days(values: Values, kind: str) -> bool:
    parts = _numbers(values, kind)
    right = (parts["m"] >= 1) & (parts["m"] <= 12) & (parts["d"] >= 1) & (parts["d"] <= 31)
    if kind == "compact":
        right &= (parts["y"] >= 1900) & (parts["y"] < 2100)
    return bool(np.all(right & (parts["y"] > 0)))


def _order(values: Values, day_first: DayFirst, mark: str) -> tuple[str, str]:
    """`dmy` or `mdy`, and what the sample does not tell; the order is empty where neither reads all."""
    parts = _numbers(values, "any")
    first, second = int(parts["m"].max()), int(parts["d"].max())
    if first > 12 and second > 12:
        may_be = max(first, second) <= 31
        return "", "dates with the day before the month, and others with the month before the day" if may_be else ""
    if max(first, second) > 31 or min(parts["m"].min(), parts["d"].min()) < 1:
        return "", ""
    if first > 12 or second > 12:
        return ("dmy" if first > 12 else "mdy"), ""
    if mark == ".":
        return "dmy", ""
    if day_first.told is not None:
        return ("dmy" if day_first.told else "mdy"), "day and month as in other columns: no number here is over 12"
    note = "THE SAMPLE CANNOT TELL day and month apart, as no number is over 12: the other order is {}"
    return ("dmy" if day_first.likely else "mdy"), note


def tells_day_first(values: Values) -> bool | None:
    """Whether the dates of a column have the day before the month; None if they do not tell, or are no such dates."""
    found = [SHAPE.fullmatch(shape) for shape in values.shapes]
    if not found or not all(match and match["any"] for match in found):
        return None
    mark = next(match["s2"] for match in found if match)
    order, note = _order(values, DayFirst(), mark)
    return None if note or not order else order == "dmy"


def _days_before(values: Values, form: Form) -> int:
    """How many different dates stand before the times."""
    dates = pc.replace_substring_regex(
        values.distinct, pattern=re.escape(form.gap) + "[0-9]{1,2}[:.].*$", replacement=""
    )
    return len(pc.unique(dates))


def guess_epoch(values: Values, guess: Guess) -> Guess:
    """The guess of an integer, with the moment that it may count: of the years 2000 to 2099, since 1970."""
    lengths = {len(shape) for shape in values.shapes}
    if guess.type not in ("int", "bigint") or len(lengths) != 1 or not _EPOCH_NAME.search(values.name):
        return guess
    unit, per_second = _EPOCHS.get(lengths.pop(), ("", 1))
    if not unit:
        return guess
    moments = values.distinct.cast(pa.int64()).to_numpy(zero_copy_only=False) // per_second
    if moments.min() < _FIRST_MOMENT or moments.max() > _LAST_MOMENT:
        return guess
    days = len(np.unique(moments // 86_400))
    return Guess("bigint", note=f"{unit} since 1970", moment=f"timestamp_{unit}({{}})", days=days)
