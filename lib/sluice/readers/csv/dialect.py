"""What a CSV file's bytes mean: the options that change its rows."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from sluice.errors import UsageError

LF, CR = 0x0A, 0x0D


@dataclass(frozen=True)
class Dialect:
    """RFC 4180 by default. `delimiter`, `quote` and `escape` are single ASCII characters ("" for none).

    A record of more than `max_record_bytes` is a reject.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    encoding: str = "utf-8"
    skip_lines: int = 0
    header: bool = True
    max_record_bytes: int = 1 << 20

    def __post_init__(self) -> None:
        marks = [mark for mark in (self.delimiter, self.quote, self.escape) if mark]
        if not self.delimiter:
            raise UsageError("--delimiter is empty: give one character")
        for mark in marks:
            if len(mark) != 1 or not mark.isascii() or mark in "\r\n\0":
                raise UsageError(f"{mark!r} is not one ASCII character: delimiter, quote and escape must be")
        if len(set(marks)) != len(marks):
            raise UsageError("delimiter, quote and escape must differ (a doubled quote needs no --escape)")
        object.__setattr__(self, "encoding", byte_wise(self.encoding))

    @property
    def cuttable(self) -> bool:
        """Whether a file can be cut after any newline byte: not where that byte may be escaped."""
        return not self.escape

    def decodes(self, text: bytes) -> bool:
        """Whether the bytes are of the encoding."""
        return decodes(text, self.encoding)


def decodes(text: bytes, encoding: str) -> bool:
    """Whether the bytes are of an encoding in which ASCII stands for itself."""
    try:
        return text.isascii() or bool(text.decode(encoding))
    except UnicodeDecodeError:
        return False


def byte_wise(encoding: str) -> str:
    """The canonical name of an encoding in which every byte below 128 stands for itself.

    The scanner looks for single bytes, which a UTF-16 or Shift-JIS file has in the middle of characters.
    """
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise UsageError(f"--encoding {encoding!r} is unknown: use utf-8 or a name like cp1252") from None
    name = "utf-8" if name == "utf-8-sig" else name  # a byte order mark is skipped in any case
    ascii_bytes = bytes(range(1, 128))
    try:
        single = name == "utf-8" or (
            ascii_bytes.decode(name) == ascii_bytes.decode("ascii")
            and all(len(bytes([byte, byte]).decode(name, "replace")) == 2 for byte in range(128, 256))
        )
    except (LookupError, UnicodeError):
        single = False
    if not single:
        raise UsageError(f"--encoding {encoding!r} is not read here: convert the file to UTF-8 first (iconv)")
    return name
