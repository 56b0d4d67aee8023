"""Numbers: integers and decimals with room for more digits, and texts of digits that are no numbers.

Ingest converts `-1234.50`. Numbers as spreadsheets show them (`1.234,50`, `$1,234.50`, `(12)`) are converted by SQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from sluice.draft.guess import Guess
from sluice.draft.values import Values

_MOST_DIGITS = 38  # of a decimal
_MOST_OF_FLOATS = 18  # digits that programs write of them, with zeros before and after the point
_ROOM = 3  # digits before the point: values may grow to a thousand times what was seen
_INT_ROOM = 10  # times that an int may grow
_MAX_INT, _MAX_BIGINT = 2**31 - 1, 2**63 - 1
_FEW_DIGITS = 18  # every integer of so many is a bigint
_CODES = re.compile(r"(^|_)(zip|zip_?code|post_?code|postal_?code|plz|cp|cap|phone|tel|telefon|mobile|fax|iban)($|_)")
_PLAIN = re.compile(r"-?(9+)?(?:[.](9*))?")
_REAL = re.compile(r"-?(?:9+[.]?9*|[.]9+)(?:[eE][+-]?9+)?")
_SIGN = r"[^0-9A-Za-z]*"  # currency, sign, parenthesis, blanks


def guess_number(values: Values, *, european: bool) -> Guess | None:
    """A number type that all values fit; None if they are no numbers. `european`: other columns have decimal commas."""
    shapes = values.shapes
    if not shapes or not all(any(c == "9" for c in shape) for shape in shapes):
        return None
    if european and all(re.fullmatch(r"-?9{1,3}([.]999)*", shape) for shape in shapes) and "." in "".join(shapes):
        return _styled(values, european=True)
    if all(_PLAIN.fullmatch(shape) for shape in shapes):
        return _plain(values)
    if all(_REAL.fullmatch(shape) for shape in shapes):
        return Guess("double", note="with exponents, as programs write floats", is_amount=True)
    return _styled(values, european=european)


def _plain(values: Values) -> Guess:
    if zeros := values.count("^-?0[0-9]"):
        return Guess(
            note=f"digits, {zeros:,} of {values.filled:,} with a zero at the beginning, which numbers do not keep"
        )
    if all("." not in shape for shape in values.shapes):
        return _integer(values)
    found = [_PLAIN.fullmatch(shape) for shape in values.shapes]
    whole = max(len(match[1] or "") for match in found if match)
    fractions = {len(match[2]) for match in found if match and match[2] is not None}
    is_float = max(fractions) > 9 and (len(fractions) > 1 or "number" in values.kinds)
    if is_float and whole + max(fractions) <= _MOST_OF_FLOATS:
        return Guess("double", note="as many digits as programs write of floats", is_amount=True)
    return _decimal(whole, fractions, values) or Guess(note=f"numbers of more than {_MOST_DIGITS} digits")


def _integer(values: Values) -> Guess:
    most = max(shape.count("9") for shape in values.shapes)
    if values.kinds == {"string"}:
        return Guess(note="digits in quotes: write bigint if it is a number")
    if _CODES.search(values.name.lower()):
        return Guess(note="digits, but others of this kind may begin with 0 or have letters")
    if most > _FEW_DIGITS + 1:
        return Guess(note=f"digits, up to {most} of them: more than a bigint holds")
    least, greatest = _bounds(values, pa.decimal128(38))
    if max(-least, greatest) > _MAX_BIGINT:
        return Guess(note="digits: some values are greater than a bigint holds")
    shown = f"{least:,} to {greatest:,}" if least != greatest else f"always {least:,}"
    if {least, greatest} <= {0, 1} and least != greatest:
        return Guess("int", note="0 and 1: write boolean if they mean no and yes")
    if max(-least, greatest) * _INT_ROOM > _MAX_INT:
        return Guess("bigint", note=shown)
    return Guess("int", note=shown, is_amount=True)


def _bounds(values: Values, kind: pa.DataType) -> tuple[int, int]:
    ends = pc.min_max(values.distinct.cast(kind))
    return int(ends["min"].as_py()), int(ends["max"].as_py())


def _decimal(whole: int, fractions: Iterable[int], values: Values) -> Guess | None:
    """A decimal with room for more digits; None if it would need more than there are.

    After the point too, unless all values have the same two or more digits there: others were cut of zeros.
    """
    lengths = {*fractions} - {0} or {0}
    scale = max(lengths) if len(lengths) == 1 and max(lengths) >= 2 else max(lengths) + 2
    if whole + scale > _MOST_DIGITS:
        return None
    precision = min(whole + _ROOM + scale, _MOST_DIGITS)
    return Guess(f"decimal({precision},{scale})", is_amount=True)


class _Style(NamedTuple):
    """Numbers with marks between their digits: the pattern of their shapes, and the mark before decimals."""

    shape: re.Pattern[str]
    point: str


_EUROPEAN = _Style(re.compile("(9{1,3}(?:[.' \u00a0\u202f\u2019]999)+|9+)(?:,(9+))?"), ",")
_ENGLISH = _Style(re.compile("(9{1,3}(?:[,' \u00a0\u202f\u2019]999)+|9+)?(?:[.](9+))?"), ".")
_DRESS = re.compile("[-+ \u00a0\u202f$€£¥%()]*")  # what may stand before and after the digits


def _styled(values: Values, *, european: bool) -> Guess | None:
    """Numbers with a currency, groups of thousands or a decimal comma, which SQL converts."""
    cores = [_undressed(shape) for shape in values.shapes]
    if None in cores:
        return None
    fitting = [style for style in (_EUROPEAN, _ENGLISH) if all(style.shape.fullmatch(core or "") for core in cores)]
    if not fitting:
        return None
    style = (fitting[0] if european else fitting[-1]) if len(fitting) > 1 else fitting[0]
    open_ = len(fitting) > 1 and any("," in (core or "") for core in cores)
    note = _described(values, style, is_open=open_)
    return _by_sql(values, [core or "" for core in cores], style, note)


def has_decimal_commas(values: Values) -> bool:
    """Whether a column holds numbers whose comma can only be that of decimals."""
    cores = [_undressed(shape) or "" for shape in values.shapes if "9" in shape]
    is_european = bool(cores) and all(_EUROPEAN.shape.fullmatch(core) for core in cores)
    return is_european and not all(_ENGLISH.shape.fullmatch(core) for core in cores)


def _undressed(shape: str) -> str | None:
    """The number of a shape without currency and sign; None if there is anything else before or behind it."""
    first, last = shape.index("9"), shape.rindex("9")
    first -= shape[first - 1 : first] in (".", ",") and first > 0
    before, after = shape[:first], shape[last + 1 :]
    return shape[first : last + 1] if _DRESS.fullmatch(before) and _DRESS.fullmatch(after) else None


def _described(values: Values, style: _Style, *, is_open: bool) -> str:
    example = values.shown[0][:40]
    if is_open:
        other = "groups of thousands" if style is _EUROPEAN else "decimals"
        return f"texts such as '{example}': the sample cannot tell if the comma is of {other}"
    return f"texts such as '{example}'"


def _by_sql(values: Values, cores: Sequence[str], style: _Style, note: str) -> Guess | None:
    found = [match for core in cores if (match := style.shape.fullmatch(core))]
    whole = max((match[1] or "").count("9") for match in found)
    fractions = {len(match[2]) for match in found if match[2]}
    if not fractions and whole <= _FEW_DIGITS:
        guess: Guess | None = Guess("bigint" if whole > 8 else "int", is_amount=True)
    else:
        guess = _decimal(whole, fractions or {0}, values)
    if guess is None:
        return None
    return Guess(guess.type, note=note, sql=_sql(style, guess.type), is_amount=True)


def _sql(style: _Style, kind: str) -> str:
    """SQL that makes a number of such text, and null of any other."""
    scale = int(kind.rstrip(")").partition(",")[2] or 0)
    fraction = f"([{style.point}][0-9]{{1,{scale}}})?" if scale else ""
    pattern = f"^{_SIGN}([0-9]{{1,3}}([^0-9A-Za-z{style.point}-][0-9]{{3}})+|[0-9]*){fraction}{_SIGN}$"
    digits = f"regexp_replace({{}}, '[^0-9{style.point}]', '')"
    number = f"translate({digits}, ',', '.')" if style.point == "," else digits
    signed = f"concat(if({{}} rlike '[(-]', '-', ''), {number})"
    return f"case when {{}} rlike '{pattern}' then try_cast({signed} as {kind}) end"
