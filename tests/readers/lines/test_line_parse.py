"""Lines by a pattern and as JSON objects: rows, rejects, and the same ones however a file is cut."""

from __future__ import annotations

import json
import time
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sluice.errors import UsageError
from sluice.files.find import find_files
from sluice.readers.lines import parse as line_parse
from sluice.readers.lines.formats import JsonLines, LinePattern
from sluice.readers.lines.layout import LineLayout
from sluice.readers.lines.reader import LineFile
from sluice.readers.shared import line_ranges

PAIR = LinePattern("(?P<id>[^=]*)=(?P<value>.*)", unmatched="no =")


def by_position(batches):
    """The records by position: values, or raw and reason of a reject."""
    rows = [tuple(record.values()) for batch in batches for record in batch.to_pylist()]
    return sorted((row[:-2] if row[-1] is None else (row[0], *row[-2:]) for row in rows), key=lambda row: row[0])


def records(data, reading, columns, size=1 << 20):
    """All records of a file that is read in pieces of a size."""
    layout = LineLayout(reading, columns)
    batches = list(line_parse.parse_lines(((at, data[at : at + size]) for at in range(0, len(data), size)), layout))
    for batch in batches:
        assert batch.schema == layout.schema()
        batch.validate(full=True)
    return by_position(batches)


def pairs(data, reading=PAIR, size=1 << 20):
    return records(data, reading, ("id", "value"), size)


def test_groups_of_whole_lines_become_columns():
    assert pairs(b"a=1\nb=2=3\r\n\xc3\xa9=4") == [(0, "a", "1"), (4, "b", "2=3"), (11, "é", "4")]
    assert records(b"a=1\n", PAIR, ("value", "other", "id")) == [(0, "1", None, "a")]


def test_empty_groups_are_null_and_blank_lines_are_no_records():
    assert pairs(b"\n \t\r\n\r\n=1\n   \na=\n\n \x0b\x0c ") == [(7, None, "1"), (14, "a", None)]
    assert pairs(b"") == pairs(b"\n") == pairs(b" \n \n") == []
    optional = LinePattern("(?P<id>[a-z]+)(?: (?P<value>[0-9]+))?")
    assert pairs(b"a 1\nb\n", optional) == [(0, "a", "1"), (4, "b", None)]
    assert pairs(b" \nx\n", LinePattern("(?P<id>.*)")) == [(2, "x", None)]


def test_the_whole_line_must_match():
    digits = LinePattern("(?P<id>[0-9]+)|x(?P<value>y)")
    assert pairs(b"1\n1 \n 1\nxy\nxyz\n", digits) == [
        (0, "1", None),
        (2, "1 ", "the line does not match the pattern"),
        (5, " 1", "the line does not match the pattern"),
        (8, None, "y"),
        (11, "xyz", "the line does not match the pattern"),
    ]


def test_lines_that_cannot_be_read_are_rejects():
    data = b"a=1\nb\x00=2\r\nc=\xff\r\nnothing\r\nd=" + b"x" * 20 + b"\r\ne=5\n" + b" " * 30 + b"\n"
    assert pairs(data, LinePattern(PAIR.pattern, max_record_bytes=12, unmatched="no =")) == [
        (0, "a", "1"),
        (4, "b\\x00=2", "the line holds a NUL byte"),
        (10, "c=\\xff", "bytes that are not utf-8: name the file's --encoding"),
        (15, "nothing", "no ="),
        (24, "d=xxxxxxxxxx", "the line is longer than 12 bytes"),
        (48, "e", "5"),
        (52, " " * 12, "the line is longer than 12 bytes"),
    ]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_cr_within_a_line_makes_a_reject(size):
    data = b"\r\na=1\rb=2\nc=3\r\n\r \r\nd=4\r\re=5\n"
    reason = "a CR within the line, where other tools end it: convert the line ends first"
    found = pairs(data, size=size)
    assert [(record[0], record[-1]) for record in found] == [(2, reason), (10, "3"), (19, reason)]
    assert records(b'{"id": 1}\r{"id": 2}\n', JsonLines(), ("id",))[0][-1] == "the line is not a JSON object"


@pytest.mark.parametrize("size", [1, 2, 7, 100, 5000])
def test_long_lines_are_rejects_wherever_pieces_end(size):
    data = b"a=1\n" + b"x" * 3000 + b"\nb=2\n" + b"y" * 3000
    reading = LinePattern(PAIR.pattern, max_record_bytes=100)
    reason = "the line is longer than 100 bytes"
    assert pairs(data, reading, size) == [
        (0, "a", "1"),
        (4, "x" * 100, reason),
        (3005, "b", "2"),
        (3009, "y" * 100, reason),
    ]


def test_other_encodings():
    data = "a=café\nb=€\n \nc=1\n".encode("cp1252")
    assert pairs(data, LinePattern(PAIR.pattern, encoding="CP1252")) == [
        (0, "a", "café"),
        (7, "b", "€"),
        (13, "c", "1"),
    ]
    assert pairs(data + b"d=\x81\nno\x80\n", LinePattern(PAIR.pattern, encoding="cp1252", unmatched="no =")) == [
        *[(0, "a", "café"), (7, "b", "€"), (13, "c", "1")],
        (17, "d=\\x81", "bytes that are not cp1252: name the file's --encoding"),
        (21, "no€", "no ="),
    ]
    assert LinePattern("(?P<a>x)", encoding="UTF8").encoding == "utf-8"
    with pytest.raises(UsageError, match="utf-16"):
        LinePattern("(?P<a>x)", encoding="utf-16")


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(?P<a>x", r"is not valid: missing \)"),
        ("a)|(?:(?P<b>x)", "is not valid"),
        ("(?P<a>x(?=y))", "look-arounds and backreferences are not supported"),
        (r"(?P<a>x)\1", "look-arounds and backreferences are not supported"),
        ("x", r"no named group: write \(\?P<name>…\)"),
        ("", "no named group"),
        ("(?P<a>(x)+)", r"a group without a name: write \(\?:…\)"),
        ("(?P<a>x)(?P<a>y)", "the group 'a' twice"),
        ("(?P<a>x\n", "is not valid"),
        (r"(?P<a>x)\Q", "is not valid"),
        ("(?P<a>\ud800)", "surrogate"),
    ],
)
def test_patterns_that_are_not_valid_are_wrong_usage(pattern, reason):
    with pytest.raises(UsageError, match=reason) as caught:
        LinePattern(pattern)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("reading", [LinePattern("(?P<a>.*)"), JsonLines()])
def test_rows_keep_their_text_too_for_values_that_do_not_fit(reading):
    for value in ("é", "é" * 70_000):
        lines = ['{"a": 1}', f'{{"a" : "{value}"}}']
        data = "".join(f"{line}\r\n" for line in lines).encode()
        (batch,) = line_parse.parse_lines([(0, data)], LineLayout(reading, ("a",)))
        assert batch["_raw"].to_pylist() == [line.encode()[: 64 * 1024].decode() for line in lines]


def test_groups_are_named_in_order():
    assert LinePattern("(?P<b>x)(?P<a>(?P<c>y)?)").groups == ("b", "a", "c")


def test_no_pattern_backtracks_forever():
    reading = LinePattern("(?P<id>(?:x+x+)+)y")
    begin = time.monotonic()
    assert [len(row) for row in pairs(b"x" * (1 << 20) + b"\nxxy\n", reading)] == [3, 3]
    assert time.monotonic() - begin < 5


def values(line, *columns):
    found = records(line if isinstance(line, bytes) else line.encode(), JsonLines(), columns)
    assert len(found) == 1
    return found[0][1:]


def test_members_become_text():
    line = (
        '{"s": "a é\\n", "n": 1.50, "t": true, "f": false, "z": null, "e": "", "o": {"b": [1.0, "x", null], "é": {}}}'
    )
    found = values(line, "s", "n", "t", "f", "z", "e", "missing", "o")
    assert found == ("a é\n", "1.50", "true", "false", None, "", None, '{"b":[1.0,"x",null],"é":{}}')


def test_dotted_names_lead_into_objects_unless_a_member_has_that_name():
    assert values('{"user": {"id": 7, "x": {"y": 1}}}', "user.id", "user.x.y", "user.no", "no.id") == (
        "7",
        "1",
        None,
        None,
    )
    assert values('{"user": {"id": 7}, "user.id": 8}', "user.id") == ("8",)
    assert values('{"user": null}', "user.id") == (None,)


def reason(line, *columns):
    return records(line.encode(), JsonLines(), columns)[0][2]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"user": 7}', "user is not an object, so it has no member 'id'"),
        ('{"user": "u2"}', "user is not an object, so it has no member 'id'"),
        ('{"user": [{"id": 1}]}', "user is not an object, so it has no member 'id'"),
        ('{"user": {"id": 1, "id": 2}}', "member 'id' comes twice in one object"),
        ('{"user": {"id": 1}, "user": {}}', "member 'user' comes twice in one object"),
        ('{"user": {"id": 1}, "a": {"\\u0062": 1, "b": 2}}', "member 'b' comes twice in one object"),
    ],
)
def test_members_that_cannot_be_told_make_a_reject(line, why):
    assert reason(line, "user.id", "a") == why


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("12345678901234567890.10", "12345678901234567890.10"),
        ("9" * 10_000, "9" * 10_000),
        ("-0", "-0"),
        ("1e3", "1000"),
        ("1.25E+2", "125"),
        ("-1.5e-3", "-0.0015"),
        ("1e-60", "0." + "0" * 59 + "1"),
        ("1e61", "1e61"),
        ("1E0060", "1" + "0" * 60),
        ("1e99999999999999999999", "1e99999999999999999999"),
        ("1." + "1" * 100 + "e2", "111." + "1" * 98),
    ],
)
def test_numbers_lose_nothing(number, text):
    assert values(f'{{"n": {number}}}', "n") == (text,)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("nothing", "the line is not a JSON object"),
        ('{"a": 1', "the line is not a JSON object"),
        ('{"a": 1} 2', "the line is not a JSON object"),
        ("{'a': 1}", "the line is not a JSON object"),
        ("[1]", "the line is not a JSON object"),
        ('"a"', "the line is not a JSON object"),
        ("1", "the line is not a JSON object"),
        ("null", "the line is not a JSON object"),
        ('{"a": 01}', "the line is not a JSON object"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ('{"b": -Infinity}', "-Infinity is not a JSON number"),
        ('{"a": "x\\u0000"}', "a member's text holds a NUL"),
        ('{"a": {"b": "\\ud800"}}', "a member's text holds half of a surrogate pair"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "the line is not a JSON object"),
        ('{"a": "x\x00"}', "the line holds a NUL byte"),
    ],
)
def test_lines_that_are_not_objects_are_rejects(line, reason):
    raw = line[: 64 * 1024].replace("\0", "\\x00")
    assert values(line, "a") == (raw, reason)


def test_objects_are_always_utf_8():
    assert values(b'{"a": "\xe9"}', "a") == ('{"a": "\\xe9"}', "bytes that are not utf-8: name the file's --encoding")
    assert values('{"a": "\\ud83d\\ude00 \\u00e9"}\r\n', "a") == ("😀 é",)
    assert records(b' {"a": 1} \n\n{"a": 2}', JsonLines(), ("a",)) == [(0, "1"), (12, "2")]
    assert values(b'{"a": "12345678"}', "a") == ("12345678",)
    assert records(b'{"a": "12345678"}', JsonLines(max_record_bytes=10), ("a",)) == [
        (0, '{"a": "123', "the line is longer than 10 bytes")
    ]


BAD = [b"no", b"\x00=1", b"a=\xff", b"y" * 60, b" " * 60, b"[]", b'{"id": "\\u0000"}']
GOOD = [b"", b"\r", b" ", b"a=1", b"a=1\r", b"=", b"\xc3\xa9=\xc3\xa9", b'{"id": 1}', b'{"value": [1.0]}\r', b"{}"]
LINES = st.one_of(st.sampled_from(GOOD + BAD), st.binary(max_size=8))


@settings(max_examples=150, deadline=None)
@given(st.lists(LINES, max_size=12), st.booleans(), st.integers(1, 90), st.sampled_from([PAIR.pattern, None, "cp1252"]))
@example([b"a=1", b"b=2"], False, 4, None)
def test_ranges_give_the_same_records_as_the_whole(tmp_path_factory, lines, ended, size, kind):
    path = tmp_path_factory.getbasetemp() / "lines.txt"
    path.write_bytes(b"\n".join(lines) + b"\n" * ended)
    pattern = {"max_record_bytes": 40, "pattern": PAIR.pattern, "encoding": "cp1252" if kind == "cp1252" else "utf-8"}
    reading = LinePattern(**pattern) if kind else JsonLines(max_record_bytes=40)
    data = path.read_bytes()
    whole = records(data, reading, ("id", "value"))
    assert [row[0] for row in whole] == expected_positions(data)
    (file,) = find_files([str(path)])
    source = LineFile(file, LineLayout(reading, ("id", "value")), 0)
    parts = line_ranges.line_ranges([source], size)
    assert (
        by_position(
            batch for part in parts for batch in line_parse.parse_lines(line_ranges.read_lines(part), source.layout)
        )
        == whole
    )


def expected_positions(data):
    """Where lines begin that are not blank, or are longer than 40 bytes."""
    at, found = 0, []
    for line in data.split(b"\n"):
        if line.strip(b" \t\r\f\v") or len(line) > 40:
            found.append(at)
        at += len(line) + 1
    return found


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    )
)
def test_any_value_is_kept(value):
    line = json.dumps({"a": value})
    if "\\u0000" in line:
        return
    (found, *reason) = values(line, "a")
    assert not reason
    if isinstance(value, (bool, dict, list)):
        assert json.loads(found) == value
    elif isinstance(value, (int, float)):
        assert Decimal(found) == Decimal(json.dumps(value))
    else:
        assert found == value
