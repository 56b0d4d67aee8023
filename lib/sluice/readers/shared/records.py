"""Records of text in Arrow batches: what the parsers of files give."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa


def schema(columns: Sequence[str]) -> pa.Schema:
    """One row a record: _position (byte offset), the columns as text, _raw, _reason (null for a row)."""
    texts = [pa.field(column, pa.string()) for column in columns]
    return pa.schema([("_position", pa.int64()), *texts, ("_raw", pa.string()), ("_reason", pa.string())])


def rejects(columns: Sequence[str], records: Sequence[tuple[int, bytes, str]], encoding: str) -> pa.RecordBatch:
    """Records that are no rows: position, bytes and reason of each."""
    return pa.record_batch(
        [
            pa.array([position for position, _, _ in records], pa.int64()),
            *(pa.nulls(len(records), pa.string()) for _ in columns),
            pa.array([raw_text(record, encoding) for _, record, _ in records], pa.string()),
            pa.array([reason for _, _, reason in records], pa.string()),
        ],
        schema=schema(columns),
    )


MAX_RAW_BYTES = 64 * 1024


def raw_text(record: bytes, encoding: str = "utf-8") -> str:
    """A record as text of at most 64 KiB, undecodable bytes as `\\\\xNN`."""
    text = record[:MAX_RAW_BYTES].decode(encoding, "backslashreplace").replace("\0", "\\x00")
    return text.encode()[:MAX_RAW_BYTES].decode("utf-8", "ignore")


UNCLOSED_QUOTE = "a quote is still open at the end of the file; it was opened at byte "
