"""Records in JSON as files: each table's own kind, and nothing that a record could hide in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import PROJECT
from sluice.catalog.catalog import Catalog
from sluice.serve.items import as_file, lines, parsed
from sluice.serve.problems import Problem

CATALOG = Catalog(str(Path(PROJECT, "conf", "tables")))


def data(table: str, *records: str) -> bytes:
    """The file of records that are given as text in JSON."""
    return as_file(CATALOG.table(table), parsed(b'{"items": [%s]}' % ", ".join(records).encode(), 100)).data


def test_a_table_of_csv_gets_csv():
    first = '{"sku": "1", "name": "a, \\"b\\"\\nc", "description": null}'
    assert data("products", first, '{"sku": 2, "size": 1.50}') == (
        b'sku,name,description,size\n1,"a, ""b""\nc",,\n2,,,1.50\n'
    )
    file = as_file(CATALOG.table("products"), [{"sku": "1"}])
    assert "--delimiter=," in file.options


def test_numbers_keep_their_digits():
    record = '{"id": 12345678901234567890123, "amount": 1.10, "e": [1e400, -0.0, true], "n": null}'
    assert data("events", record) == f"{record}\n".encode()


def test_a_table_of_lines_gets_lines_and_logs_get_either():
    assert data("scores", '"1_10"', '" 2 3"') == b"1_10\n 2 3\n"
    assert data("requests", '"a line"', '{"status": 200}') == b'a line\n{"status": 200}\n'


def test_half_of_a_surrogate_pair_is_left_to_the_reader():
    assert data("scores", '"\\ud800_1"') == b"\xed\xa0\x80_1\n"
    assert data("events", '{"id": "\\ud800"}') == b'{"id": "\\ud800"}\n'


@pytest.mark.parametrize(
    ("table", "record", "name"),
    [
        ("products", '"1,Lamp,"', "items.0"),
        ("products", '{"sku": ["1"]}', "items.0.sku"),
        ("products", '{"sku": {"a": 1}}', "items.0.sku"),
        ("scores", '{"id": "1"}', "items.0"),
        ("scores", "1", "items.0"),
        ("scores", '"1_1\\n2_2"', "items.0"),
        ("scores", '"1_1\\r"', "items.0"),
        ("events", '"text"', "items.0"),
        ("events", "[]", "items.0"),
        ("requests", "7", "items.0"),
    ],
)
def test_a_record_that_no_file_can_hold_is_named(table, record, name):
    with pytest.raises(Problem) as raised:
        data(table, record)
    assert (raised.value.status_code, [error[0] for error in raised.value.errors]) == (422, [name])


def test_listings_are_files():
    with pytest.raises(Problem, match="listing"):
        data("processes", '"PID"')


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"items": []}',
        b'{"items": {}}',
        b'{"records": [1]}',
        b'{"items": [1, 2, 3]}',
        b'{"items": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_a_body_that_is_no_list_of_records_is_refused(body):
    with pytest.raises(Problem) as raised:
        parsed(body, 2)
    assert raised.value.status_code == 422


def test_lines_are_where_their_lengths_say():
    assert json.loads(b'{"items": ["\\u00e4_1"]}')["items"] == ["ä_1"]
    assert len(lines(["ä_1"])) == 5
