"""Files of lines opened: what they must begin with, and members that the table lacks."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest
from sluice.files.find import find_files
from sluice.model.table import Column, Table
from sluice.readers.lines import parse as line_parse
from sluice.readers.lines import reader as lines
from sluice.readers.lines.formats import JsonLines, LinePattern
from sluice.readers.shared import in_spark
from sluice.readers.shared.opening import Opened


@pytest.fixture
def found(tmp_path):
    """Files of these contents."""

    def write(**contents):
        for name, data in contents.items():
            packed = gzip.compress(data) if name.endswith("_gz") else data
            (tmp_path / name.replace("_gz", ".gz")).write_bytes(packed)
        return find_files([str(tmp_path)])

    return write


def table(reading=None):
    return Table(
        name="users",
        columns=(Column("id"), Column("customer", field="user.id")),
        key=("id",),
        reader=lines,
        reading=reading or JsonLines(),
        input_columns=("id", "user.id"),
    )


def opened(found, on_new_column="fail", of=None):
    of = of or table()
    return lines.open_all(found, of, of.reading, on_new_column)


KNOWN = b'{"id": 1, "user": {"id": 7}}\n{"id": 2, "user.id": 8}\n'
NEW = b'{"id": 3, "size": 1}\nnothing\n[1]\n{"id": 4, "color": "red", "size": 2}'


def test_members_that_are_columns_are_not_new(found):
    result = opened(found(a=KNOWN, b_gz=b"\xef\xbb\xbf" + KNOWN))
    assert [(source.begin, source.new, source.layout.columns) for source in result.sources] == [
        (0, (), ("id", "user.id")),
        (3, (), ("id", "user.id")),
    ]
    assert (result.failures, result.gained) == ((), ())


def test_members_of_an_object_that_columns_come_from_are_new_too(found):
    there = found(a=b'{"id": 1, "user": {"id": 7, "name": "x"}}')
    assert "a: column 'user.name' is not in table users" in str(opened(there).failures[0])
    assert "'user.name' cannot be the name of a column" in str(opened(there, "add").failures[0])
    assert opened(there, "ignore").sources[0].new == ("user.name",)
    whole = replace(table(), columns=(Column("id"), Column("user")), input_columns=("id", "user"))
    assert opened(there, of=whole).sources[0].new == ()  # a column of the object itself has all of it
    later = opened(found(a=b'{"id": 1}\n')).sources[0].layout
    (last,) = line_parse.parse_block(b'{"id": 2, "user": {"id": 7, "name": "x"}}\n', 0, later)
    assert last.column("_reason").to_pylist() == ["member 'user.name' is not a column of the table"]


@pytest.mark.parametrize(
    ("on_new_column", "reason"), [("fail", "member 'size' is not a column of the table"), ("ignore", None)]
)
def test_members_that_come_later_make_a_reject_unless_ignored(found, on_new_column, reason):
    there = found(a=b'{"id": 1}\n' * 1000 + b'{"id": 2, "size": 1}\n')
    (source,) = opened(there, on_new_column).sources
    (last,) = line_parse.parse_block(b'{"id": 2, "size": 1}\n', 0, source.layout)
    assert last.column("_reason").to_pylist() == [reason]


def test_new_members_fail_or_are_ignored_or_added(found):
    there = found(a=KNOWN, b=NEW)
    failed = opened(there)
    assert len(failed.sources) == 1
    assert "b: columns 'size', 'color' are not in table users: add to the table with" in str(failed.failures[0])
    ignored = opened(there, "ignore")
    assert [source.new for source in ignored.sources] == [(), ("size", "color")]
    assert {source.layout.columns for source in ignored.sources} == {("id", "user.id")}
    added = opened(there, "add")
    assert added.gained == ("size", "color")
    assert {source.layout.columns for source in added.sources} == {("id", "user.id", "size", "color")}


def test_columns_gained_before_are_read(found):
    there = found(a=NEW)
    (source,) = opened(there, of=table().gaining(["size", "color"])).sources
    assert (source.new, source.layout.columns) == ((), ("id", "user.id", "size", "color"))
    (source,) = opened(there, "add", table().gaining(["color"])).sources
    assert source.layout.columns == ("id", "user.id", "color", "size")


def test_lines_that_end_with_cr_alone_would_be_one(found):
    failed = opened(found(a=b'{"id": 1}\r{"id": 2}\r')).failures[0]
    assert "a: its lines end with CR alone: convert them first (tr '\\r' '\\n')" in str(failed)
    assert len(opened(found(a=b'{"id": 1}\r')).sources) == 1


def test_new_members_that_cannot_be_columns(found):
    there = found(a=b'{"id": 1, "a b": 2}')
    assert "'a b' cannot be the name of a column" in str(opened(there, "add").failures[0])
    assert opened(there, "ignore").sources[0].new == ("a b",)
    assert "clashes with" in str(opened(found(a=b'{"id": 1, "customer": 2}'), "add").failures[0])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "a: the file is empty: expected lines of table users"),
        (b"\n \n", r"a: no line at its beginning fits table users \(all are blank\): check the file"),
        (b"\n[1]\nx\n", r"a: no line at its beginning fits table users \(the line is not a JSON object\): check"),
        (b'{"id": "\\u0000"}', "NUL"),
        (b"x\n" * 1000 + b"{}", "no line at its beginning"),
    ],
)
def test_files_that_do_not_fit(found, data, reason):
    result = opened(found(a=data))
    assert result.sources == ()
    with pytest.raises(type(result.failures[0]), match=reason):
        raise result.failures[0]


def test_a_pattern_has_no_new_columns(found):
    of = table(LinePattern("(?P<id>[0-9]+) (?P<more>.*)"))
    (source,) = opened(found(a=b"x\n1 2"), of=of).sources
    assert source.new == ()


def test_nothing_to_open():
    assert opened([], "add") == opened([]) == Opened()


def test_rows_of_all_ranges_and_files(spark, found, monkeypatch):
    monkeypatch.setattr(in_spark, "MAX_RANGE_BYTES", 100)
    there = found(a=KNOWN * 50, b_gz=NEW)
    read = lines.read(spark, opened(there, "add").sources)
    rows = sorted(tuple(row) for row in read.collect())
    assert read.columns == ["_file", "_position", "id", "user.id", "size", "color", "_raw", "_reason"]
    first, second = (line.decode() for line in KNOWN.splitlines())
    assert rows[:100] == sorted(
        row
        for at in range(0, len(KNOWN) * 50, len(KNOWN))
        for row in (
            (0, at, "1", "7", None, None, first, None),
            (0, at + len(first) + 1, "2", "8", None, None, second, None),
        )
    )
    assert [(row[:2], row[2:6], row[-1]) for row in rows[100:]] == [
        ((1, 0), ("3", None, "1", None), None),
        ((1, 21), (None,) * 4, "the line is not a JSON object"),
        ((1, 29), (None,) * 4, "the line is not a JSON object"),
        ((1, 33), ("4", None, "2", "red"), None),
    ]
