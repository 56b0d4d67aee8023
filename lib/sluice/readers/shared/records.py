"""What every parser gives: records in Arrow batches, rows and rejects alike.

A record with a `_reason` is a reject: it says why the record cannot become a row, and `_raw` is its text. All others
are rows. `_position` is the byte offset at which a record begins in the decompressed file.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence

import pyarrow as pa

MAX_RAW_BYTES = 64 * 1024

# `ingest/tally.py` recognises a quote that was left open by this beginning of the reason: such a quote swallows the
# rest of the file, so the file is refused as a whole.
UNCLOSED_QUOTE = "a quote is still open at the end of the file; it was opened at byte "


class NotARecord(ValueError):
    """Why a line, an object or a cell cannot become a row: the reason of a reject."""


UNEXPECTED = "unexpected: "  # begins the reason of a reject that no rule of a parser foresaw


def unexpected(error: Exception) -> str:
    """The reason of a record whose parsing failed in a way that nobody foresaw: one record must not end a run."""
    return f"{UNEXPECTED}{type(error).__name__}: {str(error)[:200]}"


def storable(text: str, what: str = "a value") -> str:
    """The text, if tables and PostgreSQL can hold it. Raises NotARecord for a NUL or half of a surrogate pair."""
    if "\0" in text:
        raise NotARecord(f"{what} holds a NUL")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotARecord(f"{what} holds half of a surrogate pair") from None
    return text


def text_schema(columns: Sequence[str]) -> pa.Schema:
    """The schema of records whose columns are all text: `_position`, the columns, `_raw`, `_reason`."""
    texts = [pa.field(column, pa.string()) for column in columns]
    return pa.schema([("_position", pa.int64()), *texts, ("_raw", pa.string()), ("_reason", pa.string())])


def reject_batch(columns: Sequence[str], rejects: Sequence[tuple[int, bytes, str]], encoding: str) -> pa.RecordBatch:
    """Rejects in the schema of these columns: the position, bytes and reason of each."""
    return pa.record_batch(
        [
            pa.array([position for position, _, _ in rejects], pa.int64()),
            *(pa.nulls(len(rejects), pa.string()) for _ in columns),
            pa.array([raw_text(record, encoding) for _, record, _ in rejects], pa.string()),
            pa.array([reason for _, _, reason in rejects], pa.string()),
        ],
        schema=text_schema(columns),
    )


def raw_text(record: bytes, encoding: str = "utf-8") -> str:
    """A record as text of at most 64 KiB in UTF-8; bytes that cannot be decoded, and NUL, become `\\xNN`."""
    decoder = codecs.getincrementaldecoder(encoding)("backslashreplace")
    is_all = len(record) <= MAX_RAW_BYTES  # else half of a character may be at the end: it is left out
    text = decoder.decode(record[:MAX_RAW_BYTES], final=is_all).replace("\0", "\\x00")
    return text.encode()[:MAX_RAW_BYTES].decode("utf-8", "ignore")
