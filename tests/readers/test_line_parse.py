"""Lines of a pattern and of JSON: values, rejects and their offsets, wherever a file is cut."""

from __future__ import annotations

import random
import time

import pytest
from sluice.errors import UsageError
from sluice.readers import line_parse
from sluice.readers.line_formats import JsonLines, LinePattern
from sluice.readers.line_parse import LineLayout

WORDS = LinePattern(r"(?P<a>\S+) (?P<b>\d+)(?: (?P<c>\S+))?")


def parsed(data, reading=WORDS, columns=("a", "b", "c"), size=1 << 20):
    pieces = [(at, data[at : at + size]) for at in range(0, len(data), size)]
    batches = line_parse.parse(pieces, LineLayout(reading, columns))
    records = sorted((record for batch in batches for record in batch.to_pylist()), key=lambda each: each["_position"])
    for record in records:
        line = data[record["_position"] :].split(b"\n")[0].removesuffix(b"\r").decode(reading.encoding, "replace")
        assert record["_reason"] or record["_raw"] == line
    return [
        tuple(None if name == "_raw" and not record["_reason"] else value for name, value in record.items())
        for record in records
    ]


def row(position, *values):
    return (position, *values, None, None)


def reject(position, raw, reason, columns=3):
    return (position, *[None] * columns, raw, reason)


NO_MATCH = "the line does not match the pattern"


@pytest.mark.parametrize("size", [1, 3, 7, 1 << 20])
def test_lines_of_a_pattern(size):
    data = "x 1\r\ny 2 zä\n\n \t \nnope\ny 3  \nlast 4".encode()
    assert parsed(data, size=size) == [
        row(0, "x", "1", None),
        row(5, "y", "2", "zä"),
        reject(18, "nope", NO_MATCH),
        reject(23, "y 3  ", NO_MATCH),
        row(29, "last", "4", None),
    ]


@pytest.mark.parametrize("size", [5, 1 << 20])
def test_lines_that_are_no_text(size):
    data = b"x 1\nbad\xff 1\nnul\0 1\n" + b"y" * 40 + b" 1\nz 2\n"
    reading = LinePattern(WORDS.pattern, max_record_bytes=20)
    found = parsed(data, reading, size=size)
    assert [(line[0], line[-1]) for line in found] == [
        (0, None),
        (4, "bytes that are not utf-8"),
        (11, "the line holds a NUL byte"),
        (18, "the line is longer than 20 bytes"),
        (61, None),
    ]
    assert found[1][-2] == "bad\\xff 1"


def test_another_encoding():
    reading = LinePattern(WORDS.pattern, encoding="cp1252")
    assert parsed("ä 1\n".encode("cp1252") + b"\x81 1\nx 2\n", reading) == [
        row(0, "ä", "1", None),
        reject(4, "\\x81 1", "bytes that are not cp1252"),
        row(8, "x", "2", None),
    ]


def test_a_pattern_takes_time_in_proportion_to_a_line():
    reading = LinePattern("(?P<a>(?:x+x+)+)y")
    began = time.monotonic()
    assert parsed(b"x" * 1_000_000, reading, ("a",)) == [reject(0, "x" * 65536, NO_MATCH, columns=1)]
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "pattern", [r"(\d+)", r"\d+", "(?P<a>x", "(?P<a>x)(?P<a>y)", r"(?P<a>x)(?=y)", r"(?P<a>x)\1", ""]
)
def test_a_pattern_that_is_none(pattern):
    with pytest.raises(UsageError, match="is not a regular expression of named groups") as raised:
        LinePattern(pattern)
    assert "\n" not in str(raised.value)


JSON = [
    ('{"a": "x", "b": 1, "c": {"d": 2.50}}', ("x", "1", "2.50")),
    (' {"b": -1.0E+2 , "c.d": "literal", "c": {"d": 1}} ', (None, "-100", "literal")),
    ('{"a": true, "b": null, "c": {"d": [1, 2.0, {"e": "\\u00e4"}]}}', ("true", None, '[1,2.0,{"e":"ä"}]')),
    ('{"a": "", "b": 12345678901234567890123456789012345678901234567890, "c": 3}', ("", "1234567890" * 5, None)),
    ('{"a": 1e999}', ("1e999", None, None)),
    ('{"a": "1"} {"a": "2"}', "the line is not a JSON object"),
    ('[{"a": 1}]', "the line is not a JSON object"),
    ("3", "the line is not a JSON object"),
    ("{'a': 1}", "the line is not a JSON object"),
    ('{"a": NaN}', "the line is not a JSON object"),
    ("{", "the line is not a JSON object"),
    ("[" * 100_000, "the line is not a JSON object"),
    ('{"a": ' + "[" * 5_000 + "]" * 5_000 + "}", "the line is not a JSON object"),
    ('{"a": "x\\u0000"}', "a holds a NUL character"),
    ('{"a": "\\ud800"}', "a holds half of a surrogate pair"),
    ('{"a": "\\ud83d\\ude00"}', ("\U0001f600", None, None)),
    ('{"a": ' + "9" * 5000 + "}", ("9" * 5000, None, None)),
]


@pytest.mark.parametrize(("line", "expected"), JSON, ids=[line[:30] for line, _ in JSON])
def test_lines_of_json(line, expected):
    (found,) = parsed(f"\n{line}\r\n".encode(), JsonLines(), ("a", "b", "c.d"))
    assert found[0] == 1
    if isinstance(expected, str):
        assert found == reject(1, line[:65536], expected)
    else:
        assert found == row(1, *expected)


@pytest.mark.parametrize("seed", range(5))
def test_random_files_cut_anywhere(seed):
    chance = random.Random(seed)
    lines = ["x 1", "", "äöü 2 z", "no", "y 3\r", " ", "\r", "q 44 r"]
    data = "\n".join(chance.choice(lines) for _ in range(40)).encode()
    whole = parsed(data)
    assert all(parsed(data, size=size) == whole for size in range(1, 20))
    texts = [data[position:].split(b"\n")[0].decode() for position, *_ in whole]
    assert texts == [text for text in data.decode().split("\n") if text.strip()]
