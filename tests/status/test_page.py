"""The page of `status --html`: what is in it, that hostile names and rejects are only text, how a browser shows it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pytest
from conftest import run_job
from deltalake import write_deltalake
from sluice.lake import small_tables
from sluice.lake.small_tables import arrow_table
from sluice.lake.writer import Writer
from sluice.ledger import rejects, runs
from sluice.status.days import rows_by_day
from sluice.status.html import text
from sluice.status.reject_groups import OTHERS, reject_groups

EVIL = "<script>alert('x')</script>\"&amp;\u202e\0'"
SHOWN = EVIL.replace("\u202e", r"\u202e").replace("\0", r"\x00")  # what readers see of it
NOW = datetime.now(UTC)
WRITER = Writer("test", 9, print)
VOID = {"meta", "line", "rect"}


class Page(HTMLParser):
    """Tags with their attributes, the text, and whether every tag is closed in its order."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.tags, self.open, self.text = [], [], ""
        self.feed(source)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert tag in VOID or self.open.pop() == tag

    def handle_data(self, data):
        self.text += data if self.open and self.open[-1] != "style" else ""

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def run_row(lake, number, status="succeeded", table="scores", error=None, **report):
    started = NOW - timedelta(hours=5 - number)
    written = {"job": "ingest", "seconds": {"read": 2.0, "merge": 3.5}, "rows_read": 10, "rows_inserted": 7, **report}
    ended = None if status == "running" else started + timedelta(seconds=9)
    row = (f"run-{number}", 1, "ingest", table, status, started, ended, "{}", json.dumps(written), error)
    small_tables.append(str(lake), "runs", arrow_table(runs.SCHEMA, [row]), WRITER)


def reject_rows(lake, *reasons):
    rows = [
        ("r", "scores", f"file:///in/{EVIL}", n, f"raw {EVIL}", each, NOW, None, NOW, None)
        for n, each in enumerate(reasons)
    ]
    small_tables.append(str(lake), "rejects", arrow_table(rejects.SCHEMA, rows), WRITER)


@pytest.fixture
def hostile(lake):
    """A lake with a table, runs of all outcomes, and rejects, all of whose texts try to break out of the page."""
    write_deltalake(lake / "scores", pa.table({"id": [1, 2]}))
    run_row(lake, 0)
    run_row(lake, 1, "failed", error=f"failed: {EVIL}")
    run_row(lake, 2, "running", table=EVIL)
    run_row(lake, 3, rows_rejected=2, rows_updated=1)
    reject_rows(lake, "'a' is not a number", "'b' is not a number", EVIL)
    return lake


def written(tmp_path, *arguments):
    file = tmp_path / "status.html"
    assert run_job("status", "--html", file, *arguments).exit_code == 0
    return file.read_text()


def test_hostile_text_is_only_text_and_nothing_is_loaded(hostile, tmp_path):
    source = written(tmp_path)
    page = Page(source)
    assert page.all("script") == page.all("img") == page.all("link") == page.all("iframe") == []
    assert [a for _, a in page.tags if any(name.startswith("on") or name in ("src", "style") for name in a)] == []
    assert {a["href"][0] for a in page.all("a")} == {"#"}
    assert not re.search(r"url\(|@import|https?:", source)
    assert "default-src 'none'" in page.all("meta")[2]["content"]
    assert page.text.count(SHOWN) >= 5  # a lane, a run, an error, a file, a raw reject
    assert "\u202e" not in source
    assert "\0" not in source


def test_it_has_tables_runs_rejects_and_charts(hostile, tmp_path):
    page = Page(written(tmp_path))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for a in page.all("a")} <= {*ids}
    assert {"tables", "under-way", "runs", "rejects", "rows-by-day", "run-0", "run-3"} <= {*ids}
    labels = [svg["aria-label"] for svg in page.all("svg") if "aria-label" in svg]
    assert {"Runs by table and time", "Rows read by day into scores", "read 2.0 s, merge 3.5 s"} <= {*labels}
    assert "2'…' is not a number" in page.text  # two of them, counted as one reason
    assert [rect["class"] for rect in page.all("rect") if rect["class"].startswith("is-")] == [
        "is-succeeded",
        "is-failed",
        "is-interrupted",
        "is-succeeded",
    ]


def test_without_a_lake_the_page_says_so(lake, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where processes that stay are looked for
    page = Page(written(tmp_path))
    for line in ("No table is in the lake.", "Nothing runs.", "No run is recorded.", "There are no rejects."):
        assert line in page.text


def test_a_page_that_cannot_be_written_is_one_line(lake, tmp_path):
    done = run_job("status", "--html", tmp_path / "nowhere" / "p.html")
    assert (done.exit_code, done.report["error"]) == (
        2,
        f"--html {tmp_path}/nowhere/p.html: cannot be written (No such file or directory): name a file in a folder of "
        "yours",
    )


def test_reasons_beyond_fifty_are_one_and_examples_are_three(hostile):
    reject_rows(hostile, *(f"reason {number}" for number in range(60)), *["'a' is not a number"] * 9)
    first, *_, last = reject_groups(str(hostile))
    assert (first.reason, first.count, len(first.examples)) == ("'…' is not a number", 11, 3)
    assert (last.reason, last.count, len(last.examples)) == (OTHERS, 12, 3)  # 62 reasons, of which 50 are shown
    assert sum(group.count for group in reject_groups(str(hostile))) == 3 + 69


def test_rejects_on_s3(s3_lake):
    reject_rows(s3_lake, "'a' is short", "'b' is short")
    (group,) = reject_groups(s3_lake)
    assert (group.table, group.reason, group.count, len(group.examples)) == ("scores", "'…' is short", 2, 2)


def test_rows_by_day_add_up_and_old_days_are_left_out():
    def run(day, **report):
        at = datetime(2024, 3, day, 23, 59, tzinfo=UTC)
        return {"table": "t", "finished_at": at, "report": json.dumps(report)}

    runs_ = [
        run(1, rows_read=5, rows_inserted=5),
        run(31, rows_read=9, rows_inserted=3, rows_updated=2, rows_rejected=1),
        run(31, rows_read=1, rows_inserted=1),
        run(30, rows_read=0),
        {"table": "other", "finished_at": None, "report": None},
    ]
    found = rows_by_day(runs_, date(2024, 3, 31))
    assert list(found) == ["t"]
    assert [str(day) for day in found["t"]][:: len(found["t"]) - 1] == ["2024-03-02", "2024-03-31"]
    assert {day: sum(counts.values()) for day, counts in found["t"].items() if any(counts.values())} == {
        date(2024, 3, 31): 10
    }
    assert found["t"][date(2024, 3, 31)] == {"inserted": 4, "updated": 2, "other": 3, "rejected": 1}


def test_text_is_escaped_and_visible():
    assert text("<a href='x'>\u202e\0\ud800é") == "&lt;a href=&#x27;x&#x27;&gt;\\u202e\\x00\\ud800é"
    assert text(None) == ""
    assert text("a\nb") == r"a\nb"


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def browser(folder: Path, *options: str) -> str:
    command = [str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += [
        f"--user-data-dir={folder}/profile",
        "--enable-logging=stderr",
        *options,
        f"file://{folder}/status.html",
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=True).stdout


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
def test_in_chromium_it_is_light_and_dark_and_runs_nothing(hostile, tmp_path):
    written(tmp_path)
    page = Page(browser(tmp_path, "--dump-dom"))
    assert page.all("script") == []
    assert page.text.count(SHOWN) >= 5
    brightness = {}
    for name, scheme in (("dark", 0), ("light", 1)):
        picture = tmp_path / f"{name}.png"
        options = ["--window-size=900,1400", f"--blink-settings=preferredColorScheme={scheme}"]
        browser(tmp_path, *options, f"--screenshot={picture}")
        brightness[name] = first_pixel(picture)
    assert brightness["dark"] < 60
    assert brightness["light"] > 200


def first_pixel(picture: Path) -> int:
    """The red of the first pixel of a PNG."""
    import struct
    import zlib

    data, at, packed = picture.read_bytes(), 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        packed += data[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    return zlib.decompress(packed)[1]
