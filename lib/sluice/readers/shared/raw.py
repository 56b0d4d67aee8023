"""The text of a record as rejects keep it."""

from __future__ import annotations

MAX_RAW_BYTES = 64 * 1024


def raw_text(record: bytes, encoding: str = "utf-8") -> str:
    """A record as text of at most 64 KiB, undecodable bytes as `\\\\xNN`."""
    text = record[:MAX_RAW_BYTES].decode(encoding, "backslashreplace").replace("\0", "\\x00")
    return text.encode()[:MAX_RAW_BYTES].decode("utf-8", "ignore")
