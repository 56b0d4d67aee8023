"""What a new table is declared as is stored before its first row: no kill can leave rows without it."""

from __future__ import annotations

import pytest
from sluice.lake import log

DECLARED = """
key = ["id"]
partition_by = ["kind"]
[source]
format = "csv"
[columns]
id = "bigint"
kind = "string"
label = { type = "string", sql = "upper(kind)" }
"""


@pytest.fixture
def declare(tmp_path, monkeypatch):
    monkeypatch.setenv("SLUICE_TABLES", str(tmp_path / "tables"))
    (tmp_path / "tables").mkdir()

    def write(text):
        (tmp_path / "tables" / "things.toml").write_text(text)

    return write


@pytest.mark.parametrize("delete_when", ["", "delete_when = \"kind = 'gone'\"\n"])
def test_the_declaration_is_stored_before_any_row(spark, job, rows, lake, tmp_path, declare, delete_when):
    declare(delete_when + DECLARED)
    (tmp_path / "a.csv").write_text("id,kind\n1,a\n2,b\n")
    assert job("ingest", "things", tmp_path / "a.csv").counts == {"read": 2, "inserted": 2}
    assert [(commit["version"], log.marks_of(commit)["job"]) for commit in log.history(str(lake), "things")] == [
        (1, "ingest"),
        (0, "ingest"),
    ]
    assert spark.read.format("delta").option("versionAsOf", 0).load(str(lake / "things")).count() == 0
    stored = log.stored(str(lake), "things", 0)
    assert stored.declaration["columns"]["label"] == "string upper(kind)"
    assert log.opened(str(lake), "things").metadata().configuration["delta.enableChangeDataFeed"] == "true"
    assert log.opened(str(lake), "things").metadata().partition_columns == ["kind"]
    assert rows("things", "id", "kind", "label") == [(1, "a", "A"), (2, "b", "B")]
    declare((delete_when + DECLARED).replace("upper(kind)", "lower(kind)"))
    (tmp_path / "b.csv").write_text("id,kind\n3,C\n")
    refused = job("ingest", "things", tmp_path / "b.csv")
    assert refused.exit_code == 2
    assert "column label was string upper(kind), is string lower(kind)" in refused.report["error"]
