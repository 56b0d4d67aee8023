"""What a file's first bytes say of it: its compression, its byte order mark, or that it cannot be read here.

Names are not asked: `a.csv.gz` may have been unpacked on the way, and `a.csv` may be compressed.
"""

from __future__ import annotations

from sluice.errors import InputError

# by the formats' specifications: RFC 1952, RFC 8878 (a frame, and one to skip), bzip2 (a block, or an empty stream)
_COMPRESSIONS = {
    "gzip": (b"\x1f\x8b\x08",),
    "zstd": (b"\x28\xb5\x2f\xfd", *(bytes([low]) + b"\x2a\x4d\x18" for low in range(0x50, 0x60))),
    "bz2": tuple(
        b"BZh%d" % level + mark for level in range(1, 10) for mark in (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")
    ),
}
_UNFIT = {
    b"PK\x03\x04": "a ZIP archive or an office document",
    b"\xfd7zXZ\x00": "compressed with xz",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"\x04\x22\x4d\x18": "compressed with LZ4",
}
HEAD_BYTES = 10  # the longest of these beginnings

UTF8_MARK = b"\xef\xbb\xbf"
UTF16_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_UTF32_MARKS = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")


def compression_of(uri: str, head: bytes) -> str | None:
    """How a file with these first bytes is compressed, None if it is not. Raises InputError for another archive."""
    for beginning, what in _UNFIT.items():
        if head.startswith(beginning):
            raise InputError(f"{uri}: is {what}: unpack it first (gzip, bzip2 and zstd are read as they are)")
    return next((name for name, marks in _COMPRESSIONS.items() if head.startswith(marks)), None)


def utf16_of(uri: str, piece: bytes) -> str | None:
    """The kind of UTF-16 that a file's first piece, decompressed, is marked as; None if it is not.

    Raises InputError for UTF-32, and for UTF-16 without a byte order mark.
    """
    if piece.startswith(_UTF32_MARKS):
        raise InputError(f"{uri}: is UTF-32: convert it first (iconv -f UTF-32 -t UTF-8)")
    marked = next((name for mark, name in UTF16_MARKS.items() if piece.startswith(mark)), None)
    if marked is None and (unmarked := _unmarked_utf16(piece)):
        raise InputError(
            f"{uri}: looks like UTF-16 without a byte order mark: convert it first (iconv -f {unmarked} -t UTF-8)"
        )
    return marked


def _unmarked_utf16(piece: bytes) -> str:
    """`UTF-16LE` or `UTF-16BE` if nearly every second byte is 0 as in Latin text, and hardly any other; else ""."""
    half = len(piece) // 2
    even, odd = piece[0 : 2 * half : 2].count(0), piece[1 : 2 * half : 2].count(0)
    if half < 4 or min(even, odd) * 20 > half or max(even, odd) * 10 < half * 8:
        return ""
    return "UTF-16LE" if odd > even else "UTF-16BE"
