"""What `status` says of tables, aggregates and exports: facts of real tables, made older by hand."""

from __future__ import annotations

import json
import os
import re
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from conftest import HEADER, run_job
from deltalake import DeltaTable
from processes import held
from sluice.lake import contents, log, small_tables
from sluice.lake.writer import Writer
from sluice.runtime import wrapper

FIRST, SECOND = f"{HEADER}\n1,x,\n2,y,\n,no key,\n", f"{HEADER}\n3,x,\n"


def age(lake, table, version, hours):
    """Makes a commit older, and gives its time."""
    path = lake / table / "_delta_log" / f"{version:020}.json"
    entry, at = path.read_text(), datetime.now(UTC) - timedelta(hours=hours)
    (line,) = [line for line in entry.splitlines() if '"commitInfo"' in line]
    info = json.loads(line)
    info["commitInfo"]["timestamp"] = int(at.timestamp() * 1000)
    path.write_text(entry.replace(line, json.dumps(info, separators=(",", ":"))))
    path.with_suffix(".crc").unlink(missing_ok=True)
    return at


def age_runs(lake, where, hours):
    """Makes runs end so many hours ago."""
    at = datetime.now(UTC) - timedelta(hours=hours)
    small_tables.update(str(lake), "runs", where, {"finished_at": at}, Writer("test", 9, print))


def ingested_twice(folder):
    """Products, whose aggregate holds the first of two versions."""
    (folder / "a.csv").write_text(FIRST)
    (folder / "b.csv").write_text(SECOND)
    run_job("ingest", "products", folder / "a.csv", "--max-rejects", "50%", "--run-id", "first")
    run_job("aggregate", "products", "--run-id", "first")
    run_job("ingest", "products", folder / "b.csv", "--run-id", "second")


def shown(*arguments):
    """The rows by name, of a status that succeeded."""
    done = run_job("status", *arguments)
    assert done.exit_code == 0, done.stderr
    return {row["table"]: row for row in done.report["rows"]}


def test_tables_and_how_far_aggregates_are_behind(template, lake):
    template(ingested_twice)
    since = age(lake, "products", 1, 5)
    done = run_job("status")
    rows = {row["table"]: row for row in done.report["rows"]}
    products, aggregate = rows["products"], rows["products_agg"]
    files = list(DeltaTable(lake / "products").file_uris())
    assert (products["rows"], products["version"], products["rejects"]) == (3, 1, 1)
    assert (products["files"], products["bytes"]) == (len(files), sum(map(os.path.getsize, files)))
    last = products["last_run"]
    assert (last["run_id"], last["job"], last["status"], last["attempt"]) == ("second", "ingest", "succeeded", 1)
    assert products["updated_at"] == last["finished_at"]
    assert (products["lag"], products["exports"], products["error"]) == (None, [], None)
    assert (aggregate["aggregate_of"], aggregate["rows"], aggregate["version"]) == ("products", 2, 0)
    assert (aggregate["lag"]["versions"], aggregate["lag"]["why"]) == (1, None)
    assert aggregate["lag"]["hours"] == pytest.approx((datetime.now(UTC) - since).total_seconds() / 3600, abs=0.1)
    assert aggregate["last_run"]["job"] == "aggregate"
    assert (rows["scores"]["rows"], rows["scores"]["last_run"], rows["scores"]["error"]) == (None, None, None)
    lines = done.stderr.splitlines()
    assert " ".join(lines[0].split()) == "table rows files size version last run rejects behind its table"
    assert re.match(r"products  .*  ingest succeeded \d+ s ago  ", lines[1])
    assert re.match(r"  products_agg  .*  1 version, 5.0 h$", lines[2])
    assert lines[3].startswith("not in the lake yet: ")
    assert list(shown("products")) == ["products", "products_agg"]
    assert list(shown("products_agg", "scores")) == ["products_agg", "scores", "top_scores"]


def test_on_a_terminal_the_answer_is_the_table(template, monkeypatch):
    template(ingested_twice)
    done = run_job("status", "--format", "table")
    assert done.answer.splitlines()[1].startswith("products ")
    assert len(done.stderr.splitlines()) == 1
    monkeypatch.setenv("SLUICE_LOG_FORMAT", "json")  # every line on standard error is an object
    (line,) = run_job("status").stderr.splitlines()
    assert json.loads(line)["message"].startswith("status: succeeded; ")


def test_the_wrapper_says_whether_a_terminal_shows_the_answer(tmp_path, monkeypatch):
    monkeypatch.setenv("SLUICE_WRAPPER", str(tmp_path))
    for seen in ("1", "0"):
        monkeypatch.setenv("SLUICE_STDOUT_TERMINAL", seen)
        assert wrapper.prints_to_terminal() == (seen == "1")


def test_without_a_lake_nothing_is_there(lake):
    done = run_job("status")
    assert {row["version"] for row in done.report["rows"]} == {None}
    assert done.stderr.splitlines()[0] == "no table is in the lake"
    assert not lake.exists()
    unknown = run_job("status", "product")
    assert (unknown.exit_code, unknown.report["error"]) == (
        2,
        "unknown table or aggregate 'product': did you mean 'products'?",
    )


def test_exports_as_the_lakes_runs_know_them(job, lake, csv_file, database):
    first = csv_file("a.csv", HEADER, "1,x,")
    job("run", "products", first, "--with-records")
    export = {"schema": "fresh", "version": 0, "last_status": "succeeded"}
    assert {name: row["exports"][0].items() >= export.items() for name, row in shown("products").items()} == {
        "products": True,
        "products_agg": True,
    }
    assert [row["exports"][0]["lag"]["versions"] for row in shown("products").values()] == [0, 0]
    job("ingest", "products", csv_file("b.csv", HEADER, "2,x,"))
    age(lake, "products", 1, 30)
    rows = shown("products")
    assert rows["products"]["exports"][0]["lag"] == {"versions": 1, "hours": pytest.approx(30, abs=0.1), "why": None}
    assert rows["products_agg"]["exports"][0]["lag"]["versions"] == 0
    assert rows["products_agg"]["lag"] == {"versions": 1, "hours": pytest.approx(30, abs=0.1), "why": None}
    late = job("status", "--fail-if-older-than", "29h")
    assert late.report["error"] == (
        "older than 29.0 h: products in PostgreSQL, schema fresh (behind products: 1 version, 30.0 h); "
        "products_agg (behind products: 1 version, 30.0 h)"
    )


def test_what_is_late_is_named_in_the_last_line_and_is_exit_1(template, lake):
    template(ingested_twice)
    assert run_job("status", "--fail-if-older-than", "26h").exit_code == 0
    age_runs(lake, "job = 'ingest'", 30)
    for version in (0, 1):
        age(lake, "products", version, 31 - version / 2)
    late = run_job("status", "--fail-if-older-than", "26h")
    assert (late.exit_code, late.report["status"]) == (1, "failed")
    assert "products_agg" in [row["table"] for row in late.report["rows"]]
    line = late.stderr.splitlines()[-1]
    assert line.startswith("status: older than 26.0 h: products (brought up to date 30.0 h ago, 20")
    assert line.endswith("); products_agg (behind products: 1 version, 30.5 h)")
    assert run_job("status", "--fail-if-older-than", "2d").exit_code == 0
    assert run_job("status", "products_agg", "--fail-if-older-than", "1829m").report["error"] == (
        "older than 30.5 h: products_agg (behind products: 1 version, 30.5 h)"
    )
    missing = run_job("status", "scores", "--fail-if-older-than", "26h")
    assert (missing.exit_code, missing.report["error"]) == (1, "older than 26.0 h: scores (not in the lake)")


def test_an_empty_lake_is_late(lake):
    late = run_job("status", "--fail-if-older-than", "26h")
    assert (late.exit_code, late.report["error"]) == (1, "older than 26.0 h: no table is in the lake")


def test_a_table_put_back_is_as_old_as_its_log_and_its_aggregate_says_so(template, lake, tmp_path):
    template(ingested_twice)
    shutil.copytree(lake / "products", tmp_path / "backup")
    (tmp_path / "c.csv").write_text(f"{HEADER}\n4,z,\n")
    run_job("ingest", "products", tmp_path / "c.csv")
    run_job("aggregate", "products")
    shutil.rmtree(lake / "products")
    shutil.copytree(tmp_path / "backup", lake / "products")
    at = age(lake, "products", 1, 40)
    rows = shown("products")
    assert abs(datetime.fromisoformat(rows["products"]["updated_at"]) - at) < timedelta(milliseconds=1)
    assert rows["products_agg"]["lag"]["versions"] is None
    assert rows["products_agg"]["lag"]["why"] == "its table was made anew or put back from a backup"
    assert run_job("status", "--fail-if-older-than", "26h", "products").exit_code == 1


def test_damage_of_one_table_does_not_hide_the_others(template, lake):
    template(ingested_twice)
    shutil.copytree(lake / "products", lake / "scores")
    (lake / "scores" / "_delta_log" / f"{1:020}.json").write_text("")
    shutil.rmtree(lake / "products_agg" / "_delta_log")
    (lake / "odd <b> näme").mkdir()
    (lake / "file.txt").write_text("no folder")
    with held(lake, "products_agg"):  # a first run that is under way
        assert shown()["products_agg"]["error"] is None
    rows = shown()
    assert rows["products"]["rows"] == 3
    assert rows["scores"]["error"].startswith("table scores: the newest entry of its log")
    assert rows["products_agg"]["error"].startswith("its folder has no log")
    assert {"odd <b> näme", "file.txt"} & rows.keys() == set()
    late = run_job("status", "--fail-if-older-than", "26h")
    assert (late.exit_code, "scores (table scores: the newest entry of its log" in late.report["error"]) == (1, True)


def test_a_table_without_a_declaration_and_one_whose_declaration_is_wrong(template, lake, tmp_path):
    template(ingested_twice)
    shutil.copytree(lake / "products", lake / "gone")
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "bad.toml").write_text("key = 1")
    rows = shown("--tables", tmp_path / "tables")
    assert (rows["gone"]["declared"], rows["gone"]["aggregate_of"], rows["gone"]["rows"]) == (False, None, 3)
    assert (rows["bad"]["declared"], rows["bad"]["version"]) == (True, None)
    assert "bad.toml" in rows["bad"]["error"]


def test_counts_by_columns_are_aggregates_of_their_table(job, csv_file):
    job("ingest", "products", csv_file("a.csv", HEADER, "1,x,"))
    job("aggregate", "products", "--by", "name")
    row = shown()["products_by_name"]
    assert (row["aggregate_of"], row["declared"], row["lag"]["versions"]) == ("products", False, 0)


def test_rows_marked_as_deleted_are_not_counted(template, lake, monkeypatch):
    template(ingested_twice)
    monkeypatch.setattr(contents, "marked_rows_of", lambda delta: 2)
    assert shown()["products"]["rows"] == 1


def test_a_run_with_its_steps(template, lake):
    template(ingested_twice)
    first, second = run_job("status", "--run", "first").report["rows"]
    assert [row["job"] for row in (first, second)] == ["ingest", "aggregate"]
    assert (first["table"], first["attempt"], first["status"], first["error"]) == ("products", 1, "succeeded", None)
    assert set(first["steps"]) >= {"read", "merge", "record"}
    assert first["seconds"] >= first["steps"]["read"]
    assert first["report"]["rows_inserted"] == 2
    text = run_job("status", "--run", "first", "--format", "table").answer
    steps = [re.match(r"  (.+?) +[\d.]+", line).group(1) for line in text.splitlines() if "█" in line]
    assert {"read", "merge"} <= {*steps} <= first["steps"].keys() | second["steps"].keys()
    odd = run_job("status", "--run", "it's <no> run\n")
    assert (odd.exit_code, odd.report["error"]) == (
        2,
        f"no run \"it's <no> run\\n\" is recorded in lake {lake}: `status` shows each table's last",
    )


def test_one_run_is_not_shown_with_anything_else(lake):
    for more in (["products"], ["--html", "p.html"], ["--fail-if-older-than", "1h"]):
        done = run_job("status", "--run", "r", *more)
        assert (done.exit_code, done.report["error"][:19]) == (2, "--run shows one run")


@pytest.mark.parametrize("value", ["26", "h", "-1h", "0h", "26 weeks", "1e3h", ""])
def test_an_age_is_a_number_and_a_unit(lake, value):
    done = run_job("status", "--fail-if-older-than", value)
    assert (done.exit_code, "is not an age such as 90m, 26h or 2d" in done.report["error"]) == (2, True)


def test_the_log_tells_when_rows_changed(template, lake):
    template(ingested_twice)
    assert log.changed_at(str(lake), "products") == log.commit_time(str(lake), "products", 1)
    assert log.changed_at(str(lake), "nothing") is None
    assert log.commit_time(str(lake), "products", 2) is None
