"""The encoding of samples, by their bytes: UTF-8 is told for sure, others are guessed.

`charset-normalizer` is not asked: of short texts of six encodings, as exports have them, it recognised one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from sluice.readers.shared.encoding import decodes

_BROKEN = 10  # so many times more letters than broken bytes make a text UTF-8 all the same
_UTF8_LETTER = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH = re.compile(rb"[\x80-\xff]")
_IN_WORD = re.compile(rb"[A-Za-z][\x80-\x9f]|[\x80-\x9f][A-Za-z]")  # there DOS has letters, and Windows punctuation
_LETTER = re.compile(rb"[A-Za-z]")


class Encoding(NamedTuple):
    """An encoding, and what a user should know of the guess."""

    name: str
    note: str = ""


def guess_encoding(pieces: Iterable[bytes]) -> Encoding:
    """The encoding of pieces of text without a byte order mark."""
    odd = [piece for piece in pieces if not decodes(piece, "utf-8")]
    if not odd:
        return Encoding("utf-8")
    text = b"".join(odd)
    letters = len(_UTF8_LETTER.findall(text))
    broken = len(_HIGH.findall(_UTF8_LETTER.sub(b"", text)))
    if letters > _BROKEN * broken:
        return Encoding("utf-8", "some bytes are not UTF-8: their records will be rejects")
    high = len(_HIGH.findall(text))
    if high > len(_LETTER.findall(text)):
        return Encoding("cp1251", "a guess: not UTF-8, and most letters are beyond ASCII: look at a text in the table")
    if 2 * len(_IN_WORD.findall(text)) > high:
        return Encoding("cp850", "a guess: not UTF-8, letters as DOS has them: look at a text in the table")
    note = "a guess: not UTF-8; most such files are of Western Windows. If letters are wrong, try cp1250 or latin-1"
    return Encoding("cp1252" if decodes(text, "cp1252") else "iso8859-1", note)
