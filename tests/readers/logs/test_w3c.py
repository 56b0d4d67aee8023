"""The W3C's extended log file format as IIS and CloudFront write it, with values of our own."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sluice.readers.logs import parse as log_parse
from sluice.readers.logs import reader
from sluice.readers.logs.formats import LogFormat
from sluice.readers.logs.layout import detect_layout

IIS = """\
#Software: Microsoft Internet Information Services 10.0
#Version: 1.0
#Date: 2024-10-02 05:10:46
#Fields: date time cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs-host sc-status time-taken
2024-10-02 05:10:46 GET /a b=1 443 - 192.0.2.1 Mozilla/5.0+(x;+"y") shop 200 561
2024-10-02 05:10:47 GET /a - 443 DOM\\ann 192.0.2.1 - - 404 -
#Software: Microsoft Internet Information Services 10.0
#Fields: date time cs-uri-stem c-ip sc-status
2024-10-02 05:10:48 /b 192.0.2.2 304
2024-10-02 05:10:48 /b 192.0.2.2
""".replace("\n", "\r\n")  # noqa: E501
LAST = IIS.rindex("2024")  # a line that has too few fields
CLOUDFRONT = """\
#Version: 1.0
#Fields: date time x-edge-location c-ip cs(Host) cs-uri-stem sc-status cs(User-Agent) cs-uri-query x-edge-request-id x-host-header time-taken
2024-10-02\t05:10:46\tFRA2\t2001:db8::1\td1.cdn.example\t/a\t200\tx%20y\tb=1\tSOX4xwn4XV6Q4==\tshop.example\t0.056
2024-10-02\t05:10:47\tFRA2\t192.0.2.1\td1.cdn.example\t/a\t000\tx\t-\tk6WGMNkEzR5B==\t-\t0.001
"""  # noqa: E501


def read(text, size=1 << 20, **options):
    """Rows as (second, customer, path, status, duration, request id, source), and rejects as (position, reason)."""
    data = text.encode()
    layout = detect_layout(data, LogFormat(**options))
    rows, rejects = [], []
    pieces = ((at, data[at : at + size]) for at in range(0, len(data), size))
    for batch in log_parse.parse_log(pieces, layout):
        for record in batch.to_pylist():
            if record["_reason"]:
                rejects.append((record["_position"], record["_reason"]))
                continue
            assert record["requested_at"].replace(second=0) == datetime(2024, 10, 2, 5, 10, tzinfo=UTC)
            names = ("customer_id", "request_path", "status_code", "duration", "request_id", "source")
            rows.append((record["requested_at"].second, *(record[name] for name in names)))
    return rows, rejects


@pytest.mark.parametrize("size", [1 << 20, 7])
@pytest.mark.parametrize("options", [{}, {"format": "w3c"}])
def test_fields_hold_until_the_next_directive(size, options):
    rows, rejects = read(IIS, size, **options)
    assert rows == [
        (46, "192.0.2.1", "/a", 200, 0.561, None, "shop"),
        (47, "DOM\\ann", "/a", 404, None, None, ""),
        (48, "192.0.2.2", "/b", 304, None, None, ""),
    ]
    assert rejects == [(LAST, "4 fields, but #Fields names 5")]


def test_cloudfront_has_tabs_seconds_and_an_id():
    rows, rejects = read(CLOUDFRONT, keep_query=True, source="")
    assert rows == [(46, "2001:db8::1", "/a?b=1", 200, 0.056, "SOX4xwn4XV6Q4==", "shop.example")]
    assert [reason for _, reason in rejects] == ["status '000' is not a number from 100 to 599"]


def test_options_are_those_of_other_formats():
    rows, _ = read(IIS, customer="address", keep_query=True, source="web-1", duration_unit="us")
    assert rows[:2] == [
        (46, "192.0.2.1", "/a?b=1", 200, 0.561, None, "web-1"),
        (47, "192.0.2.1", "/a", 404, None, None, "web-1"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (
            "#Fields: date time cs-method",
            "#Remark: date time cs-method",
            "no #Fields before the line tells its columns",
        ),
        ("#Fields: date time", "#Fields: day time", "date is missing"),
        (" 200 561", " 200 5.6.1", "duration '5.6.1' is not a number"),
        ("05:10:46 GET", "25:10:46 GET", "'2024-10-02T25:10:46' is not a possible time"),
    ],
)
def test_what_does_not_fit_is_a_reject(old, new, reason):
    assert old in IIS
    _, rejects = read(IIS.replace(old, new))
    assert rejects[0][1].startswith(reason)


def test_text_in_quotes_may_hold_blanks():
    text = '#Fields: date time cs-uri-stem sc-status c-ip x\n2024-10-02 05:10:46 /a 200 192.0.2.1 "a b ""c"""\n'
    assert read(text)[0] == [(46, "192.0.2.1", "/a", 200, None, None, "")]


@pytest.mark.parametrize(
    "text", ["# Fields: date time\n", "2024-10-02 05:10:46 ann /a 200 1\n" + IIS, IIS.replace("#", "##")]
)
def test_only_a_directive_at_the_beginning_makes_a_file_one(text):
    layout = detect_layout(text.encode(), LogFormat())
    assert isinstance(layout, str) or not layout.in_order


def test_a_file_of_the_format_is_not_cut(tmp_path, job, monkeypatch):
    monkeypatch.setattr(reader, "range_bytes", lambda spark, sources: 10_000)
    path = tmp_path / "u_ex241002.log"
    record = "2024-10-02 05:10:46 /b 192.0.2.2 304\r\n"
    path.write_bytes((IIS[:LAST] + record * 2_000 + IIS).encode())
    done = job("ingest", "requests", path, "--max-rejects", "1")
    assert done.counts == {"read": 2_007, "rejected": 1, "inserted": 2_006}
