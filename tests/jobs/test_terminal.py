"""The live line on a real pseudo terminal, and plain lines elsewhere."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import termios
import time

import pytest
from conftest import HEADER, write_products
from sluice.runtime.progress import Progress


@pytest.fixture
def on_terminal(submit, monkeypatch):
    """Runs a job with its standard error on a terminal; gives all that the terminal received."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("SLUICE_PROGRESS", "auto")

    def run(columns, *arguments):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = submit(*arguments, stderr=theirs)
        os.close(theirs)
        received = b""
        while True:
            try:
                data = os.read(ours, 1 << 16)
            except OSError:  # nobody holds the other end any more
                break
            received += data
        os.close(ours)
        assert process.wait() == 0
        return received.decode()

    return run


def screen(received, columns):
    """The lines that stand on a terminal in the end."""
    lines, row, column = [""], 0, 0
    for token in re.findall(r"\x1b\[[?\d;]*[A-Za-z]|.", received, re.DOTALL):
        if token == "\n":
            row += 1
        elif token == "\r":
            column = 0
        elif token == "\x1b[2K":
            lines[row] = ""
        elif token == "\x1b[1A":
            row -= 1
        elif not token.startswith("\x1b"):
            if column == columns:
                row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
            lines[row] = f"{lines[row][:column]:{column}}{token}{lines[row][column + 1 :]}"
            column += 1
        lines += [""] * (row + 1 - len(lines))
    return [line for line in lines if line]


@pytest.mark.slow
def test_one_line_is_drawn_anew_for_each_step_and_a_finished_one_stays(on_terminal, lake, tmp_path):
    columns = 38
    received = on_terminal(columns, "ingest", "products", write_products(tmp_path / "a.csv", 400_000))
    seconds = {int(found) for found in re.findall(r"read: (\d+) s", received)}
    assert len(seconds) >= 3
    rows = [int(found.replace(",", "")) for found in re.findall(r"read: \d+ s, ([\d,]+) rows", received)]
    assert rows == sorted(rows)
    assert 0 < rows[0] < 400_000
    assert received.count("\x1b[1A") == 5  # one a step, when it ends: the line never took two
    text = re.sub(r"\d\d:\d\d:\d\d ", "\n", "".join(screen(received, columns))).splitlines()[1:]
    steps = [re.sub(r"[\d.]+ s", "N s", line) for line in text]
    assert steps == [
        "start: N s",
        "read: N s, 400,000 rows",
        "keep rejects: N s",
        "merge: N s, 400,000 rows",
        "record: N s",
        "ingest: succeeded; 400,000 rows read: 400,000 inserted; products is at version 0; N s",
    ]
    assert "\x1b[36m" in received


@pytest.fixture
def watched(monkeypatch, job):
    """Runs a job in this process as if standard error were a terminal."""
    monkeypatch.setenv("SLUICE_TERMINAL", "1")
    return job


def test_without_colours(watched, csv_file, monkeypatch):
    path = csv_file("a.csv", HEADER, "s1,n,d")
    assert "\x1b[36mread …" in watched("ingest", "products", path, "--progress", "auto").stderr
    monkeypatch.setenv("NO_COLOR", "1")
    drawn = watched("ingest", "products", path, "--reprocess", "--progress", "auto").stderr
    assert "\x1b[2K" in drawn
    assert not re.search(r"\x1b\[[\d;]*m", drawn)


@pytest.mark.parametrize(("style", "told"), [("plain", ["read …"]), ("none", [])])
def test_no_live_line_when_not_wanted(watched, csv_file, style, told):
    err = watched("ingest", "products", csv_file("a.csv", HEADER, "s1,n,d"), "--progress", style).stderr
    assert "\x1b" not in err
    lines = [line[9:] for line in err.splitlines()]
    assert re.sub(r"[\d.]+ s$", "N s", lines[-1]) == (
        "ingest: succeeded; 1 row read: 1 inserted; products is at version 0; N s"
    )
    assert [line for line in lines if line.startswith("read")] == told


def test_a_failed_step_leaves_no_line(capsys):
    progress = Progress("auto", terminal=True)
    with pytest.raises(ValueError, match="why"), progress.step("read"):
        raise ValueError("why")
    drawn = capsys.readouterr().err
    assert "read …" in drawn
    assert screen(drawn, 80) == []


@pytest.mark.slow
def test_plain_lines_come_every_ten_seconds(spark, capsys):
    progress = Progress("plain")
    progress.spark = spark
    with progress.step("count", files=2):
        spark.range(2_000_000).persist().count()
        time.sleep(10.5)
    told = [line[9:] for line in capsys.readouterr().err.splitlines()]
    assert [re.sub(r"[\d,]+ rows a", "N rows a", line) for line in told] == [
        "count …",
        "count: 10 s, 2,000,000 rows, 2 files, N rows a second",
    ]


def test_rows_are_the_users_own_not_those_of_plans_and_logs(watched, csv_file):
    watched("ingest", "products", csv_file("a.csv", HEADER, "s1,n,d", "s2,n,d"))
    drawn = watched("ingest", "products", csv_file("b.csv", HEADER, "s1,m,d"), "--progress", "auto").stderr
    steps = [re.sub(r"[\d.]+ s", "N s", line[9:]) for line in screen(drawn.replace("\n", "\r\n"), 1000)]
    assert steps[1:5] == ["read: N s, 1 rows", "keep rejects: N s", "classify: N s, 2 rows", "merge: N s, 2 rows"]
