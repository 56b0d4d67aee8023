"""The shapes of dates and times, such as `99.99.9999 99:99`, and the datetime patterns that read them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

SHAPE = re.compile(
    r"(?:(?P<ymd>9999(?P<s1>[-/.])99?(?P=s1)99?)"
    r"|(?P<any>99?(?P<s2>[-/.])99?(?P=s2)(?:9999|99))"
    r"|(?P<dmy>99?(?P<s3>[- /])(?P<m1>[A-Za-z]{3,9})(?P=s3)(?:9999|99))"
    r"|(?P<mdy>(?P<m2>[A-Za-z]{3,9}) 99?, 9999))"
    r"(?:(?P<gap>T| |, |:)(?P<hour>99?)(?P<colon>[:.])99(?P<second>(?P=colon)99)?"
    r"(?P<fraction>[.,]9{1,9})?(?P<half> ?[AaPp][Mm])?(?P<offset> ?(?:Z|[+-]99(?::?99)?))?)?"
)
_MONTHS = "January February March April May June July August September October November December"


class Form(NamedTuple):
    """What all texts of a column must have in common to be read by one pattern."""

    order: str
    mark: str
    year: int
    month: int
    gap: str
    colon: str
    half: bool
    comma: bool
    offset: str


def form_of(match: re.Match[str]) -> Form | None:
    """None for a word that is no English month."""
    order = next(name for name in ("ymd", "any", "dmy", "mdy") if match[name])
    word = match["m1"] or match["m2"] or ""
    names = {name[:3].lower() if len(word) == 3 else name.lower() for name in _MONTHS.split()}
    if word and word.lower() not in names:
        return None
    day = match[order]
    offset = re.sub("[+-]", "+", match["offset"] or "")
    return Form(
        order,
        match["s1"] or match["s2"] or match["s3"] or "",
        4 if "9999" in day else 2,
        len(word) and min(len(word), 4),
        match["gap"] or "",
        match["colon"] or "",
        bool(match["half"]),
        (match["fraction"] or "").startswith(","),
        "Z" if offset == "Z" else offset.replace("9", "0"),
    )


def date_pattern(form: Form, found: Sequence[re.Match[str]]) -> str:
    texts = [match[name] for match in found for name in ("ymd", "any", "dmy", "mdy") if match[name]]
    year = "yyyy" if form.year == 4 else "yy"
    month = "MMM" if form.month == 3 else "MMMM"
    if form.order == "mdy" and form.month:
        return f"{month} d, {year}"
    if form.month:
        day = "dd" if all(text.startswith("99") for text in texts) else "d"
        return form.mark.join((day, month, year))
    padded = all(len(part) >= 2 for text in texts for part in text.split(form.mark))
    parts = {"y": year, "m": "MM" if padded else "M", "d": "dd" if padded else "d"}
    return form.mark.join(parts[part] for part in form.order)


def time_pattern(form: Form, found: Sequence[re.Match[str]]) -> str:
    """The pattern of what stands behind the date; what not all texts have is optional."""
    hour = ("h" if form.half else "H") * min(len(match["hour"]) for match in found)
    pattern = ("'T'" if form.gap == "T" else form.gap) + hour + form.colon + "mm"
    seconds = [len(match["second"] or "") for match in found]
    if max(seconds):
        part = form.colon + "ss"
        pattern += part if min(seconds) else f"[{part}]"
    fractions = [len(match["fraction"] or "") for match in found]
    if max(fractions):
        part = ("," if form.comma else ".") + "S" * (max(fractions) - 1)
        pattern += part if min(fractions) else f"[{part}]"
    if form.half:
        pattern += " a" if any(" " in (match["half"] or "") for match in found) else "a"
    offsets = {"Z": "X", "+00": "X", "+0000": "XX", "+00:00": "XXX"}
    blank = " " if form.offset.startswith(" ") else ""
    return pattern + (blank + offsets[form.offset.strip()] if form.offset else "")
