"""The CSV reader against Python's `csv`, on whole files and on files cut at every byte."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from sluice.errors import UsageError
from sluice.readers.csv import parse as csv_parse
from sluice.readers.csv import ranges as csv_ranges
from sluice.readers.csv.dialect import Dialect
from sluice.readers.csv.layout import CsvLayout
from sluice.readers.shared import line_ranges, pieces, records

HARD = [
    b"",
    b"a,b\n",
    b"a,b",
    b"a,b\r\nc,d\r\n",
    b"a,b\rc,d\r",
    b'"a\nb",c\nd,e\n',
    b'"a\r\nb","c\rd"\r\ne,f\r\n',
    b'"say ""hi""",x\n"""",""""""\n',
    b'"",\n,""\n',
    b'5" pipe,x\ny,6"\n',
    b'5" pipe,"x\ny"\n7" pipe,8" pipe\n',
    b'a"b,"c\nd"\n"e\nf",g""h\n',
    b'"a"b"c",d\n"a" "b",c\n',
    b'"a"\n,b\n',
    b"\n\n\na,b\n\r\n\r\nc,d\n\n",
    b'"\n\n",\n\n"\n"\n',
    b'x,"\n""\n""\n"\n"""\n""",y\n',
    b'a,b,c\nd\n"e\n",f\n',
    'né,"süß\n日本"\n€,\U0001f600\n'.encode(),
    b'a,"b""\n"\n',
    b' "a",b\n "c,"d\n e"\n',
    b'""x,"y""z"w\n"q"",",r\n',
]


def read(data: bytes, ranges: list[tuple[int, int]], layout: CsvLayout):
    """Rows as (position, fields) and rejects as (position, raw, reason), in file order."""
    rows, rejects = [], []
    for begin, end in ranges:
        stream = io.BytesIO(data)
        stream.seek(begin)
        for batch in csv_parse.parse_csv(stream, begin, end, layout):
            for record in batch.to_pylist():
                if record["_reason"] is None:
                    rows.append((record["_position"], tuple(record[c] for c in layout.columns)))
                else:
                    rejects.append((record["_position"], record["_raw"], record["_reason"]))
    return sorted(rows), sorted(rejects)


def layout_of(dialect: Dialect = Dialect(), columns: int = 2, max_record_bytes: int = 1 << 20) -> CsvLayout:
    dialect = replace(dialect, max_record_bytes=max_record_bytes)
    names = tuple(f"c{i}" for i in range(columns))
    return CsvLayout(dialect, names, names)


def oracle(data: bytes, dialect: Dialect, columns: int = 2) -> tuple[list, list]:
    """Rows and why other records are rejects, by Python's csv; the caller leaves out files that end inside quotes."""
    text = io.StringIO(data.decode(dialect.encoding), newline="")
    reader = csv.reader(
        text,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        escapechar=dialect.escape or None,
        skipinitialspace=dialect.skip_initial_space,
    )
    records = [row for row in reader if row]
    reasons = [
        "text after a closing quote" if damaged else f"{len(row)} fields, expected {columns}"
        for row, damaged in zip(records, states(data, dialect)[1], strict=True)
        if damaged or len(row) != columns
    ]
    good = [row for row, damaged in zip(records, states(data, dialect)[1], strict=True) if not damaged]
    return [tuple(value or None for value in row) for row in good if len(row) == columns], reasons


def reasons_of(rejects) -> list[str]:
    return [reason for _, _, reason in rejects]


def states(data: bytes, dialect: Dialect) -> tuple[bool, list[bool]]:
    """Whether the data end inside quotes, and of each record that is not blank whether text follows a closing quote.

    By the definition, one byte at a time. Also true where an escape follows a closed quote, which has no rule.
    """
    state, held, damaged, blank = "start", False, [False], True
    for byte in data.decode("latin-1"):
        if byte in "\r\n" and not held and state != "quoted":
            damaged += [] if blank else [False]
            state, blank = "start", True
            continue
        blank = False
        if byte == " " and state == "start" and dialect.skip_initial_space and not held:
            continue
        if held:
            held = False
            state = "plain" if state == "start" else state
        elif dialect.escape and byte == dialect.escape:
            if state == "closed":
                return True, []
            held = True
        elif state == "quoted":
            state = "closed" if byte == dialect.quote else "quoted"
        elif byte == dialect.quote and state in ("start", "closed"):
            state = "quoted"
        else:
            damaged[-1] |= state == "closed" and byte != dialect.delimiter
            state = "start" if byte == dialect.delimiter else "plain"
    return state == "quoted", damaged[:-1] if blank else damaged


def ends_in_quotes(data: bytes, dialect: Dialect) -> bool:
    return states(data, dialect)[0]


def cuts(data: bytes, size: int, dialect: Dialect, begin: int = 0) -> list[tuple[int, int]]:
    """The record-safe ranges of a file cut every `size` bytes."""
    scans = []
    for i, (start, end) in enumerate(line_ranges.even_ranges(begin, len(data), size)):
        stream = io.BytesIO(data)
        stream.seek(start - (i > 0))
        scans.append(csv_ranges.scan_range(stream, start, end, dialect, first=i == 0))
    return csv_ranges.chain(begin, len(data), scans)


@pytest.mark.parametrize("data", HARD)
def test_same_rows_as_python_csv(data):
    rows, rejects = read(data, [(0, len(data))], layout_of())
    expected, wrong = oracle(data, Dialect())
    assert [fields for _, fields in rows] == expected
    assert reasons_of(rejects) == wrong


@pytest.mark.parametrize("data", HARD)
def test_cut_at_every_byte_gives_the_same_rows_and_rejects(data):
    whole = read(data, [(0, len(data))], layout_of())
    for size in range(1, len(data) + 1):
        assert read(data, cuts(data, size, Dialect()), layout_of()) == whole, size
    for at in range(1, len(data)):
        streams = [io.BytesIO(data), io.BytesIO(data)]
        streams[1].seek(at - 1)
        scans = [
            csv_ranges.scan_range(streams[0], 0, at, Dialect(), first=True),
            csv_ranges.scan_range(streams[1], at, len(data), Dialect(), first=False),
        ]
        assert read(data, csv_ranges.chain(0, len(data), scans), layout_of()) == whole, at


@pytest.mark.parametrize("data", HARD)
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_read_in_pieces_of_any_size(data, size, monkeypatch):
    whole = read(data, [(0, len(data))], layout_of())
    monkeypatch.setattr(pieces, "PIECE_BYTES", size)
    assert read(data, [(0, len(data))], layout_of()) == whole
    assert read(data, cuts(data, 4, Dialect()), layout_of()) == whole


ALPHABET = st.sampled_from(['"', ",", "\n", "\r", "a", "é", " ", '""', '"\n', ',"', '",', "\r\n"])


@settings(max_examples=600, deadline=None)
@given(st.lists(ALPHABET, max_size=60).map("".join), st.integers(1, 20))
@example('a"\n"b,c\n', 3)
def test_random_files(text, size):
    data, dialect = text.encode(), Dialect()
    rows, rejects = read(data, [(0, len(data))], layout_of())
    assert read(data, cuts(data, size, dialect), layout_of()) == (rows, rejects)
    if ends_in_quotes(data, dialect):
        assert [reason for _, _, reason in rejects if reason.startswith(records.UNCLOSED_QUOTE)]
        return
    expected, wrong = oracle(data, dialect)
    assert [fields for _, fields in rows] == expected
    assert reasons_of(rejects) == wrong


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(["'", "|", "\n", "\\", "a", "\\\n", "\\'", "|'", "'|", "\\|"]), max_size=40).map("".join)
)
def test_random_files_with_an_escape(text):
    dialect, data = Dialect(delimiter="|", quote="'", escape="\\"), text.encode()
    assume(not ends_in_quotes(data, dialect) and not text.endswith("\\"))
    rows, rejects = read(data, [(0, len(data))], layout_of(dialect))
    expected, wrong = oracle(data, dialect)
    assert [fields for _, fields in rows] == expected
    assert reasons_of(rejects) == wrong


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(['"', ";", "\n", "\r", "a", "é"]), max_size=40).map("".join), st.integers(1, 20))
def test_random_files_without_quoting_in_latin_1(text, size):
    dialect, data = Dialect(delimiter=";", quote="", encoding="latin-1"), text.encode("latin-1")
    rows, rejects = read(data, cuts(data, size, dialect), layout_of(dialect))
    expected, wrong = oracle(data, dialect)
    assert [fields for _, fields in rows] == expected
    assert reasons_of(rejects) == wrong


@pytest.mark.parametrize(
    ("record", "strict", "reason"),
    [
        (b'"1,"x, y"', False, "text after a closing quote"),
        (b'1,"5" pipe"', False, "text after a closing quote"),
        (b'"a" ,b', False, "text after a closing quote"),
        (b'""a,b', False, "text after a closing quote"),
        (b'""""a,b', False, "text after a closing quote"),
        (b'"a","b"', True, None),
        (b'"a""","""b"', True, None),
        (b'"",""""', True, None),
        (b'1x"p,q"', False, None),
        (b"5\" pipe,Men's", False, None),
        (b'1x"p,q"', True, "a quote within a field that does not begin with one"),
        (b'a,5"" pipe', True, "a quote within a field that does not begin with one"),
        (b'a, "b"', True, "a quote within a field that does not begin with one"),
    ],
)
def test_quotes_that_damage_a_record(record, strict, reason):
    data = b"x,y\n" + record + b'\n"z\n",""\n'
    rows, rejects = read(data, [(0, len(data))], layout_of(Dialect(strict_quotes=strict)))
    assert [fields for _, fields in rows][:: len(rows) - 1] == [("x", "y"), ("z\n", None)]
    assert [(position, why) for position, _, why in rejects] == ([(4, reason)] if reason else [])


@settings(max_examples=600, deadline=None)
@given(
    st.lists(st.sampled_from([*' ",\n\ra', '""', ', "', '" ', "  ", "é"]), max_size=60).map("".join), st.integers(1, 20)
)
@example('1, "x, y", 2\n a ,  "b\n c" \n', 4)
@example(' \n  \r a,\n, "', 1)
def test_random_files_with_blanks_before_fields(text, size):
    data, dialect = text.encode(), Dialect(skip_initial_space=True)
    rows, rejects = read(data, [(0, len(data))], layout_of(dialect))
    assert read(data, cuts(data, size, dialect), layout_of(dialect)) == (rows, rejects)
    if not ends_in_quotes(data, dialect):
        expected, wrong = oracle(data, dialect)
        assert [fields for _, fields in rows] == expected
        assert reasons_of(rejects) == wrong


@settings(max_examples=600, deadline=None)
@given(
    st.lists(st.sampled_from([*'",\n\ra<', '""', ',"', '",', "\r\n", "\\", "é"]), max_size=60).map("".join),
    st.integers(1, 20),
    st.sampled_from(["", "\\"]),
)
@example('a,"b<,c"\n<,<\n', 3, "")
@example("a,b\\,c,d\n", 1, "\\")
def test_a_delimiter_of_several_characters_is_read_as_one_of_a_single_character(text, size, escape):
    single, several = Dialect(escape=escape), Dialect(delimiter="<>", escape=escape)
    longer = {",": "<>", "\\,": "\\<\\>"}  # an escape covers only the first character of a delimiter
    data = re.sub(r"\\.|," if escape else ",", lambda m: longer.get(m[0], m[0]), text, flags=re.DOTALL).encode()
    expected, wrong = read(text.encode(), [(0, len(text.encode()))], layout_of(single))
    rows, rejects = read(data, [(0, len(data))], layout_of(several))
    if not escape:
        assert read(data, cuts(data, size, several), layout_of(several)) == (rows, rejects)
    fields = [tuple(field and field.replace(",", "<>") for field in row) for _, row in expected]
    assert [row for _, row in rows] == fields
    assert [why.split("byte")[0] for why in reasons_of(rejects)] == [why.split("byte")[0] for why in reasons_of(wrong)]


def test_delimiters_of_several_characters():
    dialect = Dialect(delimiter="||", null="NULL")
    data = b'a|||b\n"x||\ny"||NULL\n||\n1||2||3\na\x1fb||c\nz|||"q"\nlast||'
    whole = [(0, len(data))]
    rows, rejects = read(data, whole, layout_of(dialect))
    assert [fields for _, fields in rows] == [
        ("a", "|b"),
        ("x||\ny", None),
        (None, None),
        ("z", '|"q"'),
        ("last", None),
    ]
    assert reasons_of(rejects) == [
        "3 fields, expected 2",
        "the record holds byte 0x1F, and the delimiter has several characters",
    ]
    rows, rejects = read(b'1, "x, y"\n', [(0, 10)], layout_of(Dialect(delimiter=", ")))
    assert ([fields for _, fields in rows], rejects) == ([("1", "x, y")], [])
    for wrong in ("", '|"', "|\n", "é|"):
        with pytest.raises(UsageError, match="delimiter"):
            Dialect(delimiter=wrong)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_delimiters_cut_by_a_piece(size, monkeypatch):
    dialect = Dialect(delimiter="||", max_record_bytes=8)
    data = b'a||"b"\n"||"||c\n"' + b"x||" * 9 + b'"||"y"\n"d"||"e"'
    whole = read(data, [(0, len(data))], layout_of(dialect, max_record_bytes=8))
    monkeypatch.setattr(pieces, "PIECE_BYTES", size)
    in_pieces = read(data, [(0, len(data))], layout_of(dialect, max_record_bytes=8))
    assert (in_pieces[0], [(at, why) for at, _, why in in_pieces[1]]) == (
        whole[0],
        [(at, why) for at, _, why in whole[1]],
    )
    assert [fields for _, fields in whole[0]] == [("a", "b"), ("||", "c"), ("d", "e")]


def test_dumps_of_databases():
    postgresql = Dialect(delimiter="\t", quote="", escape="\\", null="\\N", escape_sequences=True)
    data = b"\\N\ta\\\\nb\\tc\\nd\n1\t\\N\n\\\\N\tN\nx\\\ty\t\\\nz\nno\\N\t\\N"
    rows, rejects = read(data, [(0, len(data))], layout_of(postgresql))
    assert [fields for _, fields in rows] == [
        (None, "a\\nb\tc\nd"),
        ("1", None),
        ("\\N", "N"),
        ("x\ty", "\nz"),
        ("noN", None),
    ]
    assert rejects == []
    mysql = replace(postgresql, delimiter=",", quote='"')
    data = b'"a,\\\\N,b",\\N\n"say \\"hi\\"",NULL\n'
    rows, rejects = read(data, [(0, len(data))], layout_of(mysql))
    assert ([fields for _, fields in rows], rejects) == ([("a,\\N,b", None), ('say "hi"', "NULL")], [])
    data = b'NULL,"NULL"\n,x\n'
    rows, _ = read(data, [(0, len(data))], layout_of(Dialect(null="NULL")))
    assert [fields for _, fields in rows] == [(None, None), (None, "x")]
    with pytest.raises(UsageError, match="--escape-sequences needs --escape"):
        Dialect(escape_sequences=True)


def test_the_header_again_is_no_row():
    data = b'a,b\n1,2\na,b\r\n\xef\xbb\xbfa,b\n"a,b",3\nxa,b\na,b'
    for kind, again in (("reject", 3), ("keep", 0)):
        layout = replace(layout_of(Dialect(header_rows=kind)), header_record=b"a,b")
        rows, rejects = read(data, [(4, len(data))], layout)
        assert (len(rows), reasons_of(rejects)) == (6 - again, ["the header again"] * again)


def test_position_is_the_byte_offset_of_the_record():
    data = 'é,1\n\n"x\ny",2\r\n\r\nz,3'.encode()
    rows, _ = read(data, [(0, len(data))], layout_of())
    assert rows == [(0, ("é", "1")), (6, ("x\ny", "2")), (17, ("z", "3"))]
    assert [data[position:][:1] for position, _ in rows] == [b"\xc3", b'"', b"z"]


def test_rejects_keep_position_raw_and_reason():
    data = b"a,b\n1,2,3\nx\xff,y\nn\0,m\nq\xff\nlong" + b"g" * 40 + b',z\n"c\nd",e\n'
    rows, rejects = read(data, [(0, len(data))], layout_of(max_record_bytes=40))
    assert [fields for _, fields in rows] == [("a", "b"), ("c\nd", "e")]
    assert rejects == [
        (4, "1,2,3", "3 fields, expected 2"),
        (10, "x\\xff,y", "bytes that are not utf-8: name the file's --encoding"),
        (15, "n\\x00,m", "the record holds a NUL byte"),
        (20, "q\\xff", "bytes that are not utf-8: name the file's --encoding"),
        (23, "long" + "g" * 40 + ",z", "the record is longer than 40 bytes"),
    ]


@pytest.mark.parametrize("size", [1, 7, 64])
def test_a_record_longer_than_allowed_costs_one_reject_and_no_memory(size, monkeypatch):
    data = b'a,b\n"' + b'x""\n' * 100 + b'",y\nc,d\n' + b"z" * 300 + b",w"
    monkeypatch.setattr(pieces, "PIECE_BYTES", size)
    rows, rejects = read(data, [(0, len(data))], layout_of(max_record_bytes=30))
    assert [fields for _, fields in rows] == [("a", "b"), ("c", "d")]
    assert [(position, reason) for position, _, reason in rejects] == [
        (4, "the record is longer than 30 bytes"),
        (413, "the record is longer than 30 bytes"),
    ]
    assert all(len(raw) <= 30 + 2 * size for _, raw, _ in rejects)


@pytest.mark.parametrize("limit", [10, 1000])
@pytest.mark.parametrize("size", [3, 20, 1000])
def test_an_open_quote_is_told_with_the_byte_where_it_opened(limit, size):
    data = b'a,b\nc,"x","d\n' + b'e,f\n""g,h\n' * 5
    rows, rejects = read(data, cuts(data, size, Dialect()), layout_of(max_record_bytes=limit))
    assert [fields for _, fields in rows] == [("a", "b")]
    assert [(position, reason) for position, _, reason in rejects] == [(4, f"{records.UNCLOSED_QUOTE}10")]


def test_more_rows_than_pyarrow_holds_in_one_parser_block():
    data = b"a,b\n" * 300_000
    rows, rejects = read(data, [(0, len(data))], layout_of())
    assert (len(rows), rejects) == (300_000, [])
    assert rows[-1] == (len(data) - 4, ("a", "b"))


def test_raw_is_at_most_64_kib():
    data = b'a,"' + "é".encode() * 50_000 + b'",c\n'
    _, [(_, raw, _)] = read(data, [(0, len(data))], layout_of())
    assert raw == 'a,"' + "é" * 32_766  # 3 bytes and 65,532: another é would be one byte too much
