"""Twenty exports of different programs: what a draft says of each, and that ingest takes the very file by it."""

from __future__ import annotations

import tomllib
from datetime import date
from decimal import Decimal

import pytest
from conftest import Outcome, run_job
from draft.exports import EXPORTS, Export
from sluice.catalog.load import read_declaration


@pytest.fixture
def drafted(tmp_path, monkeypatch):
    """Drafts a declaration for an export, as `tables draft FILE --output NAME.toml`: its text and what it declares."""
    monkeypatch.setenv("SLUICE_LAKE", str(tmp_path / "lake"))

    def draft(export: Export) -> tuple[str, dict]:
        (tmp_path / export.name).write_bytes(export.data)
        path = tmp_path / "drafted.toml"
        outcome = run_job("tables", "draft", tmp_path / export.name, "--output", path)
        assert outcome.exit_code == 0, outcome.stderr
        text = path.read_text()
        return text, tomllib.loads(text)

    return draft


def uncommented(text: str) -> str:
    """The text with all that it suggests in comments."""
    marks = ("# order_by =", "# partition_by =", "# [aggregates.", "# by =", "# measures =")
    return "".join(line.removeprefix("# ") if line.startswith(marks) else line for line in text.splitlines(True))


def told_type(column: dict | str) -> str:
    """The type of a column, and its format if it has one."""
    if isinstance(column, str):
        return column
    return f"{column['type']} {column['format']}" if "format" in column else column["type"]


@pytest.mark.parametrize("name", EXPORTS)
def test_what_a_draft_says(name, drafted, tmp_path):
    export = EXPORTS[name]()
    text, declared = drafted(export)
    assert tuple(declared["key"]) == export.key
    assert declared.get("order_by", "") == export.order_by
    given = {key: value for key, value in declared["source"].items() if key not in ("format", "header") or not value}
    assert given == export.source
    columns = declared["columns"]
    assert {column: told_type(columns[column]) for column in export.types} == export.types
    assert {column: columns[column]["field"] for column in export.inputs} == export.inputs
    assert [words for words in export.says if words not in text] == []
    (tmp_path / "with_all.toml").write_text(uncommented(text))
    table = read_declaration(tmp_path / "with_all.toml")
    assert len(table.aggregates) == (1 if "[aggregates." in text else 0)


def ingested(job, export: Export, name: str, tmp_path) -> Outcome:
    """Drafts a table for an export, checks the declaration with all that it suggests, and ingests the file."""
    tables, path = tmp_path / "tables", tmp_path / export.name
    tables.mkdir(exist_ok=True)
    path.write_bytes(export.data)
    declaration = tables / f"{name}.toml"
    assert job("tables", "draft", path, "--output", declaration).exit_code == 0
    declaration.write_text(uncommented(declaration.read_text()))
    checked = job("tables", "check", declaration)
    assert checked.exit_code == 0, checked.stderr
    return job("ingest", name, path, "--tables", tables, "--max-rejects", export.broken)


# a row of some tables, by column, as the file has it
ROWS = {
    "excel_german": {"auftragsnr": 4_100_000, "betrag_eur": Decimal("8322.66"), "bestelldatum": date(2024, 1, 27)},
    "excel_us": {"invoice_number": "INV-00063", "amount": Decimal("-370.30"), "discount": 0},
    "french": {"raison_sociale": "Société Générale", "montant_ttc": Decimal("48980.63")},
    "mysql": {"column_1": 2, "column_3": None, "column_5": "two\nlines"},
    "oracle": {"employee_id": 1, "hire_date": date(2024, 1, 28), "commission_pct": Decimal("0.01")},
    "sensors": {"device": "sensor-0", "ts": 1_706_342_585_000, "date": date(2024, 1, 27)},
    "mixed_nulls": {"case": 1, "count": 2, "seen": date(2024, 1, 28), "score": None, "word": "text"},
    "sql_server": {"order_guid": "15CEB3A1-0B35-10B0-B46E-E1DA317017A6", "row_version_no": None, "comment": None},
}
QUICK = ("excel_german",)
SLOW = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in EXPORTS]


@pytest.mark.parametrize("name", SLOW)
def test_ingest_takes_the_file_by_its_draft(name, job, rows, tmp_path):
    export = EXPORTS[name]()
    outcome = ingested(job, export, name, tmp_path)
    assert outcome.exit_code == 0, outcome.stderr
    expected = {"read": export.rows, "rejected": export.broken, "inserted": export.rows - export.broken}
    assert outcome.counts == {kind: count for kind, count in expected.items() if count}
    if name in ROWS:
        assert tuple(ROWS[name].values()) in rows(name, *ROWS[name])
