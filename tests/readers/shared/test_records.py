"""What no table can hold, and what no parser foresaw, is a reject; it never ends a run."""

from __future__ import annotations

import json

import pytest
from sluice.readers.lines import parse as line_parse
from sluice.readers.lines.formats import JsonLines
from sluice.readers.lines.layout import LineLayout
from sluice.readers.logs import parse as log_parse
from sluice.readers.logs.formats import LogFormat
from sluice.readers.logs.layout import detect_layout
from sluice.readers.processes import listing, ps
from sluice.readers.shared.records import NotARecord, storable

PS = "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND\n"
SURROGATE = "\ud800"


def test_text_that_can_be_stored():
    assert storable("é😀") == "é😀"
    for text, reason in (("a\0", "the name holds a NUL"), (SURROGATE, "the name holds half of a surrogate pair")):
        with pytest.raises(NotARecord, match=reason):
            storable(text, "the name")


def outcomes(text, encoding="utf-8", data=None):
    return [outcome for _, outcome, _ in listing.parse_listing(text.encode() if data is None else data, encoding)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("u 1 0.0 0.1 1 9999999999999999 ? S 10:00 0:01 a", "the resident_bytes 10239999999999998976 is out of range"),
        ("u 1 0.0 0.1 999999999999999 1 ? S 10:00 0:01 a", "the virtual_bytes 1023999999999998976 is out of range"),
        ("u 1 99999999999999 0.1 1 1 ? S 10:00 0:01 a", "the cpu_percent 99999999999999.0 is out of range"),
        ("u 1 0 0.1 1 1 ? S 10:00 999999999999-10:00:00 a", "the cpu_seconds"),
        ("u 1 0 0.1 1 1 ? S 10:00 " + "9" * 5000 + "-10:00:00 a", "unexpected: ValueError: Exceeds the limit"),
        ("u 1 0 0.1 1 1 ? S 10:00 0:01 a\0b", "the name holds a NUL"),
    ],
)
def test_values_of_processes_that_are_not_possible(line, reason):
    (outcome, good) = outcomes(f"{PS}{line}\nu 2 0.0 0.1 1 1 ? S 10:00 0:01 good\n")
    assert str(outcome).startswith(reason)
    assert good.pid == 2


def test_half_a_surrogate_pair_in_a_listing_of_utf_16():
    text = f"{PS}u 1 0.0 0.1 1 1 ? S 10:00 0:01 a{SURROGATE}b\nu 2 0.0 0.1 1 1 ? S 10:00 0:01 good\n"
    data = b"\xff\xfe" + text.encode("utf-16-le", "surrogatepass")
    reject, good = outcomes("", data=data)
    assert (reject, good.pid) == ("the name holds half of a surrogate pair", 2)


LOG = {"requested_at": "2024-10-02T05:10:46Z", "customer_id": "c", "request_path": "/p", "status_code": 200}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"customer_id": SURROGATE}, "a value holds half of a surrogate pair"),
        ({"request_path": "/\0"}, "a value holds a NUL"),
        ({"request_id": "\0"}, "a value holds a NUL"),
        ({"requested_at": 10**400}, "10000"),
        ({"requested_at": 1e300}, "1e+300 is not a possible time"),
        ({"requested_at": "9" * 400}, "inf is not a possible time"),
        ({"duration": 10**400}, "duration '10000"),
        ({"requested_at": "0001-01-01T00:00:00+02:00"}, "'0001-01-01T00:00:00+02:00' is not a possible time"),
        ({"requested_at": "9999-12-31T23:59:59-02:00"}, "'9999-12-31T23:59:59-02:00' is not a possible time"),
    ],
)
def test_values_of_logs_that_cannot_be_kept(changes, reason):
    lines = [json.dumps(LOG | changes), json.dumps(LOG)]
    data = "\n".join(lines).encode()
    layout = detect_layout(data, LogFormat())
    records = [record for batch in log_parse.parse_log([(0, data)], layout) for record in batch.to_pylist()]
    assert (records[0]["_reason"] or "").startswith(reason)
    assert (records[1]["customer_id"], records[1]["_reason"]) == ("c", None)


@pytest.mark.parametrize(
    ("line", "timezone", "is_row"),
    [
        ("0000-01-01 00:00:00 c /p 200 1", "UTC", False),
        ("0001-01-01 00:00:00 c /p 200 1", "UTC", True),
        ("0001-01-01 00:00:00 c /p 200 1", "Asia/Tokyo", False),
        ("9999-12-31 23:59:59 c /p 200 1", "UTC", True),
        ("9999-12-31 23:59:59 c /p 200 1", "America/New_York", False),
    ],
)
def test_times_at_the_ends_of_the_calendar_in_blocks_and_alone(line, timezone, is_row):
    data = f"2024-10-02 05:10:46 c /p 200 1\n{line}\n".encode()
    layout = detect_layout(data, LogFormat(timezone=timezone))
    records = [record for batch in log_parse.parse_log([(0, data)], layout) for record in batch.to_pylist()]
    assert [record["_reason"] is None for record in records] == [True, is_row]


def broken(*_, **__):
    raise ZeroDivisionError("why")


def test_what_no_parser_foresaw_is_a_reject(monkeypatch):
    reason = "unexpected: ZeroDivisionError: why"
    monkeypatch.setattr(line_parse, "parse_object", broken)
    (batch,) = line_parse.parse_lines([(0, b'{"a": 1}\n')], LineLayout(JsonLines(), ("a",)))
    assert batch.column("_reason").to_pylist() == [reason]
    layout = detect_layout(b"2024-10-02 05:10:46 c /p 200 1", LogFormat())
    monkeypatch.setattr(log_parse, "parse_line", broken)
    (batch,) = log_parse.parse_log([(7, b"2024-10-02 05:10 c\n")], layout)
    assert batch.column("_reason").to_pylist() == [reason]
    monkeypatch.setattr(ps, "_process", broken)
    assert outcomes(f"{PS}u 1 0.0 0.1 1 1 ? S 10:00 0:01 a\n") == [reason]


def test_the_run_goes_on_and_asks_to_report_it(job, rows, tmp_path):
    """Seen from outside: a CPU time of 5,000 digits, more than Python converts."""
    path = tmp_path / "host" / "2024-09-01T10-00-00Z.txt"
    path.parent.mkdir()
    path.write_text(PS + "u 1 0 0.1 1 1 ? S 10:00 " + "9" * 5000 + "-10:00:00 a\nu 2 0 0.1 1 1 ? S 10:00 0:01 b\n")
    done = job("ingest", "processes", path, "--max-rejects", 1)
    assert done.counts == {"read": 2, "rejected": 1, "inserted": 1}
    assert "a record could not be parsed, which is a bug of Sluice (unexpected: ValueError: Exceeds" in done.stderr
    assert rows("processes", "pid") == [(2,)]
