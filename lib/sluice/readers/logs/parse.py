"""One stretch of a request log into rows and rejects, in Arrow batches; plain Python, no Spark.

Lines of the format `space` are parsed by pyarrow, a block at a time. A block with anything unusual in it (a line of
another form, a byte that is no UTF-8, a value out of range) is parsed line by line, with the same outcome.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as pa_csv

from sluice.readers.logs.formats import FORMATS, MAX_SECONDS, LogFormat, Row, Unfit, parse_line, zone
from sluice.readers.shared.line_blocks import Lines, blocks
from sluice.readers.shared.records import raw_text

_QUARTER = 900  # seconds: no zone's offset changes within one
_MICROS = 1_000_000

SCHEMA = pa.schema(
    [
        ("_position", pa.int64()),
        ("requested_at", pa.timestamp("us", "UTC")),
        ("customer_id", pa.string()),
        ("request_path", pa.string()),
        ("status_code", pa.int32()),
        ("duration", pa.float64()),
        ("request_id", pa.string()),
        ("source", pa.string()),
        ("_raw", pa.string()),
        ("_reason", pa.string()),
    ]
)


@dataclass(frozen=True)
class LogLayout:
    """How to read one file: its lines are tried as the `formats` in order; `fields`: of a line of format `space`.

    Lines of records before the day `first_day` (days since 1970) are rejects.
    """

    reading: LogFormat
    formats: tuple[str, ...]
    fields: int = 0
    first_day: int | None = None


def found_layout(head: bytes, reading: LogFormat) -> LogLayout | None:
    """The layout of a file by its first good line; None if its head has none."""
    formats = (reading.format,) if reading.format else FORMATS
    for line in head.split(b"\n")[:1000]:
        text = line.decode("utf-8", "replace")
        for name in formats:
            try:
                parse_line(text, reading, (name,))
            except Unfit:
                continue
            fields = len([part for part in text.rstrip("\r").split(" ") if part])
            others = (other for other in formats if other != name)
            return LogLayout(reading, (name, *others), 0 if name != "space" or "T" in text[:11] else fields)
    return None


def parse(pieces: Iterable[tuple[int, bytes]], layout: LogLayout) -> Iterator[pa.RecordBatch]:
    """Rows and rejects of the lines in consecutive pieces of a file, each with its offset; the first begins a line."""
    for offset, data, too_long in blocks(pieces, layout.reading.max_record_bytes):
        if too_long:
            yield _batch([(offset, _too_long(layout), data)], layout)
        else:
            yield from parse_block(data, offset, layout)


def parse_block(block: bytes, offset: int, layout: LogLayout) -> Iterator[pa.RecordBatch]:
    """Rows and rejects of whole lines; `offset` is that of the first."""
    lines = Lines.of(block)
    quick = _quick(block, lines.starts + offset, layout) if layout.fields in (5, 6) else None
    if quick is None and layout.fields in (5, 6):
        good = _usual(block, lines)
        quick = _quick(_block(lines.where(good).cut_from(block)), lines.starts[good] + offset, layout)
        lines = lines if quick is None else lines.where(~good)
    elif quick is not None:
        lines = lines.where(np.zeros(len(lines), bool))
    if quick is not None:
        yield quick
    if len(lines):
        yield _line_by_line(block, lines, offset, layout)


_USUAL = (
    "^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} [!-~]+ [!-~]+ [1-5][0-9]{2}( (-|[0-9]+([.][0-9]+)?))?\r?$"
)


def _block(lines: list[bytes]) -> bytes:
    return b"".join([line + b"\n" for line in lines])


def _usual(block: bytes, lines: Lines) -> np.ndarray:
    """Which of the lines look like good ones of the format `space`."""
    return np.asarray(pc.match_substring_regex(pa.array(lines.cut_from(block), pa.binary()), _USUAL))


def _line_by_line(block: bytes, lines: Lines, offset: int, layout: LogLayout) -> pa.RecordBatch:
    texts = zip((lines.starts + offset).tolist(), lines.cut_from(block), strict=True)
    return _batch([(position, _outcome(line, layout), line) for position, line in texts if line.strip()], layout)


def _outcome(line: bytes, layout: LogLayout) -> Row | str:
    """The row of a line, or why it is none."""
    if len(line) > layout.reading.max_record_bytes:
        return _too_long(layout)
    if b"\0" in line:
        return "the line holds a NUL byte"
    try:
        row = parse_line(line.decode().removesuffix("\r"), layout.reading, layout.formats)
    except UnicodeDecodeError:
        return "bytes that are not utf-8"
    except Unfit as error:
        return str(error)
    if layout.first_day is not None and row.requested_at < _EPOCH + timedelta(days=layout.first_day):
        return _pruned(layout)
    return row


def _too_long(layout: LogLayout) -> str:
    return f"the line is longer than {layout.reading.max_record_bytes} bytes"


def _pruned(layout: LogLayout) -> str:
    return f"days before {(_EPOCH + timedelta(days=layout.first_day or 0)):%Y-%m-%d} are pruned"


def _batch(records: Sequence[tuple[int, Row | str, bytes]], layout: LogLayout) -> pa.RecordBatch:
    rows = [record[1] if isinstance(record[1], Row) else (None,) * 6 for record in records]
    columns = list(zip(*rows, strict=True)) or [()] * 6
    positions = [record[0] for record in records]
    raws = [None if isinstance(outcome, Row) else raw_text(line.rstrip(b"\r")) for _, outcome, line in records]
    reasons = [None if isinstance(outcome, Row) else outcome for _, outcome, _ in records]
    sources = [layout.reading.source] * len(records)
    arrays = [positions, *map(list, columns), sources, raws, reasons]
    return pa.record_batch(
        [pa.array(values, field.type) for values, field in zip(arrays, SCHEMA, strict=True)], schema=SCHEMA
    )


def _quick(block: bytes, positions: np.ndarray, layout: LogLayout) -> pa.RecordBatch | None:
    """The rows of a block of good lines of the format `space`; None if one may be anything else."""
    if b"\0" in block or block.count(b"\r") != block.count(b"\r\n") or not len(positions):
        return None
    if (
        len(block) > layout.reading.max_record_bytes
        and max(map(len, block.split(b"\n"))) > layout.reading.max_record_bytes
    ):
        return None
    try:
        table = pa_csv.read_csv(pa.py_buffer(block), *_options(len(block), layout.fields)).combine_chunks()
    except pa.ArrowInvalid:
        return None
    if table.num_rows != len(positions):
        return None
    columns = {name: table.column(name).chunk(0) for name in table.column_names}
    status = _statuses(columns["status"])
    duration = columns.get("duration", pa.nulls(len(positions), pa.float64()))
    if status is None or not _plain(columns, duration, layout):
        return None
    micros = _micros_in_utc(columns["date"], columns["time"], layout.reading.timezone)
    if layout.first_day is not None and micros.min() < layout.first_day * 86_400 * _MICROS:
        return None
    path = columns["path"]
    if not layout.reading.keep_query and b"?" in block:
        path = pc.replace_substring_regex(path, r"(?s)\?.*", "")
    none = pa.nulls(len(positions), pa.string())
    when = pa.array(micros).view(pa.timestamp("us", "UTC"))
    source = pa.repeat(pa.scalar(layout.reading.source), len(positions))
    values = [pa.array(positions), when, columns["customer"], path, status, duration, none, source, none, none]
    return pa.record_batch(values, schema=SCHEMA)


@lru_cache(16)
def _columns(fields: int) -> dict[str, pa.DataType]:
    types = (pa.date32(), pa.time64("us"), pa.string(), pa.string(), _DICTIONARY, pa.float64())
    return dict(zip(("date", "time", "customer", "path", "status", "duration")[:fields], types, strict=False))


_DICTIONARY = pa.dictionary(pa.int32(), pa.string())


def _options(size: int, fields: int) -> tuple[pa_csv.ReadOptions, pa_csv.ParseOptions, pa_csv.ConvertOptions]:
    types = _columns(fields)
    return (
        pa_csv.ReadOptions(use_threads=False, block_size=size + 1, column_names=list(types)),
        pa_csv.ParseOptions(delimiter=" ", quote_char=False),
        pa_csv.ConvertOptions(column_types=types, null_values=["", "-"], strings_can_be_null=False),
    )


def _statuses(column: pa.DictionaryArray) -> pa.Array | None:
    texts = column.dictionary.to_pylist()
    if not all(text.isascii() and text.isdigit() and len(text) < 10 and 100 <= int(text) <= 599 for text in texts):
        return None
    return pa.array([int(text) for text in texts], pa.int32()).take(column.indices)


def _plain(columns: dict[str, pa.Array], duration: pa.Array, layout: LogLayout) -> bool:
    """Whether no value asks for a closer look."""
    if columns["date"].null_count or columns["time"].null_count:
        return False
    if any(pc.min(pc.binary_length(columns[name])).as_py() == 0 for name in ("customer", "path")):
        return False
    seconds = duration.drop_null().to_numpy()
    return bool(np.all((seconds <= MAX_SECONDS) & ~np.signbit(seconds)))


def _micros_in_utc(dates: pa.Array, times: pa.Array, timezone: str) -> np.ndarray:
    """Microseconds since 1970 in UTC of local times, as `log_formats.in_utc` gives them."""
    local = dates.view(pa.int32()).to_numpy().astype(np.int64) * (86_400 * _MICROS)
    local = local + times.view(pa.int64()).to_numpy()
    if timezone == "UTC":
        return local
    quarters, numbers = np.unique(local // (_QUARTER * _MICROS), return_inverse=True)
    return local - np.array([_offset(timezone, int(quarter)) for quarter in quarters])[numbers]


@lru_cache(1 << 16)
def _offset(timezone: str, quarter: int) -> int:
    """A zone's offset in microseconds in a quarter of an hour of local time, counted from 1970."""
    local = datetime(1970, 1, 1) + timedelta(seconds=quarter * _QUARTER)
    offset = local.replace(tzinfo=zone(timezone)).utcoffset()
    assert offset is not None
    return offset // timedelta(microseconds=1)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def replace_first_day(layout: LogLayout, day: date) -> LogLayout:
    """The layout, with records of days before `day` as rejects."""
    return replace(layout, first_day=(day - date(1970, 1, 1)).days)
