"""`tables draft`: what it prints and writes, several files, and what it refuses in one line."""

from __future__ import annotations

import gzip
import json
import os
import tomllib

import pytest
from conftest import run_job
from sluice.draft import sample

ORDERS = "order_id,amount,updated_at\n" + "".join(
    f"{i},{i}.50,2024-01-{i % 28 + 1:02}T10:00:00Z\n" for i in range(1, 301)
)


@pytest.fixture
def draft(tmp_path, monkeypatch):
    """Drafts from a file of these bytes, and gives the outcome and what it declares."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLUICE_LAKE", str(tmp_path / "lake"))

    def run(name, data, *options):
        (tmp_path / name).write_bytes(data.encode() if isinstance(data, str) else data)
        outcome = run_job("tables", "draft", name, *options)
        return outcome, tomllib.loads(outcome.answer)

    return run


def test_the_declaration_is_printed_in_place_of_the_report(draft):
    outcome, declared = draft("my orders-2024-01.csv", ORDERS)
    first, *_ = outcome.answer.splitlines()
    assert first == "# Drafted from my orders-2024-01.csv: 300 rows of 1 file were looked at (all rows)."
    assert "tables: succeeded; " in outcome.stderr.splitlines()[-1]
    assert "drafted table my_orders" in outcome.stderr
    assert declared["key"] == ["order_id"]
    assert declared["columns"]["amount"] == "decimal(8,2)"


def test_an_output_is_written_once_and_shown(draft, tmp_path):
    outcome, _ = draft("a.csv", ORDERS, "--output", "shop.toml")
    assert tomllib.loads((tmp_path / "shop.toml").read_text())["order_by"] == "updated_at"
    assert outcome.report["table"] == "shop"
    assert (outcome.report["files"], outcome.report["status"]) == (1, "succeeded")
    assert [row["column"] for row in outcome.report["rows"]] == ["order_id", "amount", "updated_at"]
    before = (tmp_path / "shop.toml").read_text()
    outcome, _ = draft("a.csv", "other\n1\n", "--output", "shop.toml")
    assert (outcome.exit_code, outcome.report["error"]) == (
        2,
        "--output shop.toml: exists already: remove it, or choose another name",
    )
    assert (tmp_path / "shop.toml").read_text() == before


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--output", "shop.txt"], "--output shop.txt: a declaration is a file NAME.toml, NAME that of the table"),
        (["--output", "Shop.toml"], "Shop.toml: 'Shop' is not a valid table name: "),
        (["--output", "no/shop.toml"], "--output no/shop.toml: its folder does not exist: create it first"),
        (["--output", "products.toml"], "products.toml: its name: 'products' is taken by a built-in table"),
        (["--key", "orderid"], "--key: the files have no column 'orderid': did you mean 'order_id'?"),
    ],
)
def test_wrong_usage_is_a_line_and_leaves_nothing(draft, tmp_path, options, error):
    outcome, _ = draft("a.csv", ORDERS, *options)
    assert outcome.exit_code == 2
    assert outcome.report["error"].startswith(error)
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_the_key_may_be_given_by_names_of_either_side(draft):
    data = "Id,Float\n1,1e-3\n2,2e-3\n"
    _, declared = draft("a.csv", data, "--key", "Float,id")
    assert declared["key"] == ["float", "id"]
    assert declared["columns"]["float"]["type"] == "string"  # a key is exact
    assert declared["columns"]["id"] == {"type": "bigint", "field": "Id"}


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9, "is not text"),
        (os.urandom(5000), "a.csv: "),
        (b"PK\x03\x04....", "is a ZIP archive or an office document"),
        ("a,b\n1,2\n".encode("utf-16-le"), "looks like UTF-16 without a byte order mark"),
        (b"x" * (20 << 20), "have no line end"),
        (b'[{"a": 1}, {"a": 2}]', "is one JSON array: write an object a line: jq -c '.[]' FILE > NEW_FILE"),
        (b'{\n  "a": 1\n}\n', "has JSON over several lines"),
        (
            b'127.0.0.1 - - [10/Oct/2024:13:55:36 +0000] "GET / HTTP/1.1" 200 2\n',
            "is a request log (combined): ingest req",
        ),
    ],
)
def test_a_file_that_is_not_of_records_is_a_line(draft, data, error):
    outcome, _ = draft("a.csv", data)
    assert outcome.exit_code == 3
    assert error in outcome.report["error"]
    assert "\n" not in outcome.report["error"]


def test_inputs_that_are_not_there(tmp_path, lake):
    assert run_job("tables", "draft", tmp_path / "none.csv").exit_code == 3
    outcome = run_job("tables", "draft", tmp_path)
    assert (outcome.exit_code, outcome.report["error"]) == (
        3,
        f"{tmp_path}: no files there: name a file to draft from",
    )


@pytest.mark.parametrize(
    ("data", "columns"),
    [
        ("a,b\n1,x\n", {"a": "bigint", "b": "string"}),  # one row
        ("a,b\n1,x\n2,\0\n3,z\n", {"a": "bigint", "b": "string"}),  # a NUL
        ("a,b\n1,x\n" + "2," + "y" * (3 << 20) + "\n3,z\n", {"a": "bigint", "b": "string"}),  # a long record
        ("a\tb\r1\tx\r2\ty\r", {"a": "bigint", "b": "string"}),  # lines of old Macs
        ("run_id,_file,Select,a`b\n1,2,3,4\n", None),  # names that no column can have
    ],
)
def test_odd_files_are_drafted_all_the_same(draft, data, columns):
    outcome, declared = draft("a.csv", data)
    assert outcome.exit_code == 0, outcome.stderr
    if columns:
        assert declared["columns"] == columns
    else:
        assert list(declared["columns"]) == ["run_id_input", "file", "select", "a_b"]
        assert declared["source"] == {"format": "csv", "header": False, "skip_lines": 1}


@pytest.mark.slow
def test_five_thousand_columns(draft):
    names = ",".join(f"c{i}" for i in range(5000))
    _, declared = draft("a.csv", names + "\n" + ("1," * 4999 + "1\n") * 3)
    assert len(declared["columns"]) == 5000


def test_a_large_file_is_looked_at_in_several_places(draft, monkeypatch):
    monkeypatch.setattr(sample, "_RUN_BYTES", 256 << 10)
    monkeypatch.setattr(sample, "_LEAST_BYTES", 16 << 10)
    lines = [f'{i},"two\nlines, {i}",7' for i in range(60_000)]
    lines[59_999] = lines[59_999].removesuffix("7") + "late"
    outcome, declared = draft("a.csv", "id,text,late\n" + "\n".join(lines))
    assert declared["columns"] == {"id": "bigint", "text": "string", "late": "string"}
    assert "(a sample)" in outcome.answer
    assert "would be a reject" not in outcome.answer


def test_compressed_files_are_looked_at_from_the_beginning(draft):
    _, declared = draft("a.csv.gz", gzip.compress(ORDERS.encode()))
    assert list(declared["columns"]) == ["order_id", "amount", "updated_at"]


def test_files_are_read_by_their_own_headers(draft, tmp_path):
    (tmp_path / "b.csv").write_text("amount,order_id,updated_at,more\n7,1,2024-01-01T10:00:00Z,x\n")
    outcome, declared = draft("a.csv", ORDERS, "b.csv")
    assert "a.csv and 1 file more: 301 rows of 2 files" in outcome.answer
    assert declared["key"] == ["order_id"]  # once in each file
    assert declared["columns"]["more"] == {"type": "string", "optional": True}


@pytest.mark.parametrize("other", ["x;y\n1;2\n", '{"order_id": 1}\n'])
def test_files_of_different_kinds_are_refused(draft, tmp_path, other):
    (tmp_path / "b.csv").write_text(other)
    outcome, _ = draft("a.csv", ORDERS, "b.csv")
    assert outcome.exit_code == 3
    assert "b.csv: " in outcome.report["error"]


def test_changes_of_rows_are_ordered_by_their_time(draft):
    rows = "".join(f"{i % 100},2024-01-01 10:{i // 60:02}:{i % 60:02},x\n" for i in range(300))
    _, declared = draft("a.csv", "id,updated_at,what\n" + rows)
    assert (declared["key"], declared["order_by"]) == (["id"], "updated_at")


def test_members_that_no_table_can_take_are_left_out(draft):
    rows = [{"id": i, "Id": 1, "a`b": 2, "m": {f"k{i}": 1}, "d": {"x.y": 1}} for i in range(100)]
    outcome, declared = draft("a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    assert list(declared["columns"]) == ["id", "m", "d"]
    assert "Left out" in outcome.answer
