"""Which encodings can be scanned byte by byte, and whether bytes are of one."""

from __future__ import annotations

import codecs

from sluice.errors import UsageError

LF, CR = 0x0A, 0x0D
_ASCII = bytes(range(1, 128)) + b'\x1b$B$"\x1b(B'  # by the sequence behind them ISO-2022 has letters in ASCII bytes


def decodes(text: bytes, encoding: str) -> bool:
    """Whether the bytes are text of an encoding that `byte_wise` accepts."""
    try:
        return text.isascii() or bool(text.decode(encoding))
    except UnicodeDecodeError:
        return False


def line_wise(encoding: str) -> str:
    """The canonical name of an encoding whose lines end with the byte LF, which is part of no other character.

    Raises UsageError for any other encoding, such as UTF-16, and for an unknown one.
    """
    name = _canonical(encoding)
    try:
        ascii_is_the_same = _ASCII.decode(name) == _ASCII.decode("ascii")
    except (LookupError, UnicodeError):
        ascii_is_the_same = False
    if not ascii_is_the_same:
        raise _not_supported(encoding)
    return name


def byte_wise(encoding: str) -> str:
    """The canonical name of an encoding in which every byte below 128 is an ASCII character.

    The readers look for single bytes (line ends, quotes, delimiters); UTF-16 and Shift-JIS have the same bytes in the
    middle of other characters. Raises UsageError for such an encoding, and for an unknown one.
    """
    name = line_wise(encoding)
    single = all(len(bytes([byte, byte]).decode(name, "replace")) == 2 for byte in range(128, 256))
    if name != "utf-8" and not single:
        raise _not_supported(encoding)
    return name


def _not_supported(encoding: str) -> UsageError:
    return UsageError(f"--encoding {encoding!r} is not supported: convert the file to UTF-8 first (iconv)")


def _canonical(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise UsageError(f"--encoding {encoding!r} is unknown: use utf-8 or a name like cp1252") from None
    return "utf-8" if name == "utf-8-sig" else name  # a byte order mark is skipped in any case
