"""Lines of request logs: every format, lines of none, and blocks against single lines."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sluice.errors import UsageError
from sluice.readers.logs import parse as log_parse
from sluice.readers.logs.formats import DETECTED, LogFormat, parse_line
from sluice.readers.logs.layout import detect_layout, without_days_before
from sluice.readers.logs.quick import quick_rows
from sluice.readers.logs.row import Row
from sluice.readers.shared.line_blocks import LineSpans
from sluice.readers.shared.records import NotARecord

AT = datetime(2024, 10, 2, 5, 10, 46, tzinfo=UTC)
SPACE = "2024-10-02 05:10:46 cust_40 /api/v1/resource1 400 0.316"
JSON = (
    '{"requested_at": "2024-10-02T05:10:46Z", "customer_id": "cust_40", "request_path": "/api/v1/resource1", '
    '"status_code": 400, "duration": 0.316}'
)
COMMON = '10.0.0.1 - cust_40 [02/Oct/2024:07:10:46 +0200] "GET /api/v1/resource1 HTTP/1.1" 400 12'
COMBINED = f'{COMMON} "https://x/\\"y" "curl/8 (a b)"'


def parsed(line, **options):
    return parse_line(line, LogFormat(**options), DETECTED)


NAMED_TIMES = 'rt=0.316 uct="0.001" uht="0.3, 0.1" urt="-"'


@pytest.mark.parametrize(
    "line", [SPACE, JSON, *(f"{COMBINED} {tail}" for tail in ("0.316", NAMED_TIMES)), f"{COMMON} 0.316"]
)
def test_the_same_request_in_every_format(line):
    assert parsed(line) == Row(AT, "cust_40", "/api/v1/resource1", 400, 0.316)


@pytest.mark.parametrize("line", [SPACE[:-6], SPACE[:-5] + "-", COMMON, COMBINED, f"{COMBINED} -"])
def test_a_duration_that_was_not_logged_is_null(line):
    assert parsed(line).duration is None


@pytest.mark.parametrize(
    ("time", "timezone", "utc"),
    [
        ("2024-10-02 05:10:46", "UTC", "05:10:46"),
        ("2024-10-02T05:10:46.5", "UTC", "05:10:46.500000"),
        ("2024-10-02 05:10:46,25", "UTC", "05:10:46.250000"),
        ("2024-10-02T05:10:46+02:00", "America/New_York", "03:10:46"),
        ("2024-10-02 05:10:46", "Europe/Berlin", "03:10:46"),
    ],
)
def test_times_and_zones(time, timezone, utc):
    row = parsed(f"{time} c /p 200 1", timezone=timezone)
    assert row.requested_at == datetime.fromisoformat(f"2024-10-02T{utc}+00:00")


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2024-01-01 00:30:00", "2023-12-31T23:30:00"),  # another day in UTC
        ("2024-03-31 01:59:59", "2024-03-31T00:59:59"),
        ("2024-03-31 02:30:00", "2024-03-31T01:30:00"),  # never was: as if the clocks had not gone forward yet
        ("2024-03-31 03:00:00", "2024-03-31T01:00:00"),
        ("2024-10-27 02:30:00", "2024-10-27T00:30:00"),  # was twice: the first one
        ("2024-10-27 03:00:00", "2024-10-27T02:00:00"),
    ],
)
def test_daylight_saving_line_by_line_and_in_blocks(local, utc):
    reading = LogFormat(timezone="Europe/Berlin")
    line = f"{local} c /p 200 1"
    wanted = datetime.fromisoformat(f"{utc}+00:00")
    assert parse_line(line, reading, DETECTED).requested_at == wanted
    block = (line + "\n").encode()
    quick = quick_rows(block, LineSpans.of(block).starts, detect_layout(block, reading))
    assert quick["requested_at"].to_pylist() == [wanted]


@pytest.mark.parametrize(
    ("value", "micros"),
    [
        ("1727845846", 0),
        ("1727845846.5", 500_000),
        ("1727845846123", 123_000),
        ('"1727845846"', 0),
        ("1727845846123456", 123_456),
        ("1727845846123456789", 123_456),
        ('"1727845846123456789"', 123_456),
        ('"02/Oct/2024:07:10:46 +0200"', 0),
        ('"2024-10-02 07:10:46 +0200"', 0),
        ('"2024-10-02 05:10:46 UTC"', 0),
        ('"2024-10-02T05:10:46.5UTC"', 500_000),
        ('"2024-10-02 05:10:46"', 0),
    ],
)
def test_epochs_in_json(value, micros):
    line = JSON.replace('"2024-10-02T05:10:46Z"', value)
    assert parsed(line).requested_at == AT.replace(microsecond=micros)


def test_other_names_in_json():
    line = '{"at": 1727845846, "user": {"id": 7}, "url": "/p?q", "http.status": "204", "id": "r1", "duration": null}'
    fields = ("requested_at=at", "customer_id=user.id", "request_path=url", "status_code=http.status", "request_id=id")
    assert parsed(line, field=fields) == Row(AT, "7", "/p", 204, None, "r1")
    with pytest.raises(NotARecord, match="user is not an object"):
        parsed(line.replace('{"id": 7}', '"u7"'), field=fields)
    with pytest.raises(NotARecord, match="member 'id' comes twice"):
        parsed(line.replace('{"id": 7}', '{"id": 7, "id": 8}'), field=fields)
    for wrong in ("customer=user.id", "customer_id", "customer_id="):
        with pytest.raises(UsageError, match="--field"):
            LogFormat(field=(wrong,))


def test_customer_and_query():
    nobody = COMBINED.replace("cust_40", "-").replace("resource1", "resource1?a=b?c")
    assert parsed(nobody)[1:3] == ("10.0.0.1", "/api/v1/resource1")
    assert parsed(nobody, keep_query=True).request_path == "/api/v1/resource1?a=b?c"
    assert parsed(COMBINED, customer="address").customer_id == "10.0.0.1"
    assert parsed(COMBINED.replace("cust_40", "first last")).customer_id == "first last"
    assert parsed(COMBINED.replace("GET /api/v1/resource1 HTTP/1.1", "-")).request_path == "-"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("nothing like it", "the line is not of format space or json or combined"),
        ("2024-10-02 05:10:46 c /p 200 1 more", "the line is not of format"),
        ("2024-02-30 05:10:46 c /p 200 1", "not a possible time"),
        ("2024-10-02 25:10:46 c /p 200 1", "not a possible time"),
        ("2024-10-02 5h c /p 200 1", "is not a time like"),
        ("2024-10-02 05:10:46 c /p 600 1", "status '600' is not a number from 100 to 599"),
        ("2024-10-02 05:10:46 c /p 99 1", "status '99'"),
        ("2024-10-02 05:10:46 c /p 0xC8 1", "status '0xC8'"),
        ("2024-10-02 05:10:46 c /p 200 -0.1", "duration '-0.1' is not a number of seconds from 0 to 1,000,000"),
        ("2024-10-02 05:10:46 c /p 200 nan", "duration 'nan'"),
        ("2024-10-02 05:10:46 c /p 200 inf", "duration 'inf'"),
        ("2024-10-02 05:10:46 c /p 200 1s", "duration '1s'"),
        (JSON[:-1], "the line is not a JSON object"),
        (JSON.replace("customer_id", "customer"), "customer_id is missing"),
        (JSON.replace("400", "true"), "status 'True'"),
        (JSON.replace("0.316", "true"), "duration 'True'"),
        (JSON.replace('"cust_40"', "[1]"), "neither text nor a number"),
        (COMBINED.replace("Oct", "Okt"), "is not a time like 02/Oct/2024"),
        (COMBINED.replace("02/Oct", "31/Sep"), "not a possible time"),
        (COMBINED.replace(" 400 ", " 999 "), "status '999'"),
    ],
)
def test_lines_that_cannot_become_rows(line, reason):
    with pytest.raises(NotARecord, match=reason):
        parsed(line)


def test_an_unknown_zone_is_wrong_usage():
    with pytest.raises(UsageError, match="--timezone 'Mars/Base'"):
        LogFormat(timezone="Mars/Base")


def test_the_first_valid_line_decides_the_format():
    head = "# written by hand\n\n" + COMBINED + "\n" + SPACE
    assert detect_layout(head.encode(), LogFormat()).formats == ("combined", "space", "json")
    assert detect_layout(head.encode(), LogFormat(format="space")).formats == ("space",)
    assert detect_layout(head.encode(), LogFormat(format="json")).formats == ("json",)  # its lines become rejects


@pytest.mark.parametrize(
    ("lines", "options", "reason"),
    [
        ([], {}, "no line looks like one"),
        (["nothing", "known"], {}, "no line looks like one"),
        (["x", COMBINED.replace("Oct", "Okt")], {}, "'02/Okt/2024:07:10:46 +0200' is not a time like"),
        (["", "x", JSON, JSON], {"field": ("customer_id=custmer",)}, "custmer is missing, in line 3"),
        ([SPACE.replace("0.316", "0.3s")] * 2, {}, "duration '0.3s' is not a number of seconds"),
    ],
)
def test_a_file_without_a_valid_line_at_its_beginning_says_why(lines, options, reason):
    assert detect_layout("\n".join(lines).encode(), LogFormat(**options)).startswith(reason)


AFTER_ADDRESS = '[02/Oct/2024:07:10:46 +0200] "GET /api/v1/resource1 HTTP/1.1" 400 12'


@pytest.mark.parametrize(
    ("before", "customer", "virtual_host"),
    [
        ("192.0.2.12, 198.51.100.17 - -", "192.0.2.12", ""),
        ("192.0.2.12,198.51.100.17,10.0.0.1 - ann", "ann", ""),
        ("unknown, 198.51.100.17 - -", "unknown", ""),
        ("2001:db8::1, 198.51.100.17 - -", "2001:db8::1", ""),
        ("shop.example.com:443 192.0.2.12 - -", "192.0.2.12", "shop.example.com"),
        ("shop:80 client.example.net - ann", "ann", "shop"),
        ("shop.example.com 192.0.2.12 - -", "192.0.2.12", "shop.example.com"),
        ("shop.example.com 2001:db8::1 - -", "2001:db8::1", "shop.example.com"),
        ("shop.example.com 192.0.2.12, 198.51.100.17 - -", "192.0.2.12", "shop.example.com"),
        ("192.0.2.12:50123 - -", "192.0.2.12:50123", ""),
        ("192.0.2.12 - ann lee", "ann lee", ""),
        ("192.0.2.12 - -", "192.0.2.12", ""),
    ],
)
@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "2024-05-29T04:33:14.123456789Z stdout F ",
        "2024-05-29T04:33:14+02:00 stderr F ",
        "nginx-1  | ",
        "May 29 04:33:14 web1 nginx: ",
        "<190>May  9 04:33:14 web1 nginx[123]: ",
        "<165>1 2024-05-29T04:33:14.1Z web1 nginx 12 ID47 - ",
        '<165>1 2024-05-29T04:33:14.1Z web1 nginx - - [x@1 a="b"] ',
    ],
)
def test_what_stands_before_the_address(prefix, before, customer, virtual_host):
    row = parsed(f"{prefix}{before} {AFTER_ADDRESS}")
    assert row == Row(AT, customer, "/api/v1/resource1", 400, None, None, virtual_host)
    assert parsed(f"{prefix}{before} {AFTER_ADDRESS}", customer="address").customer_id == (
        before.split(",")[0].split(" ")[0] if not virtual_host else before.split(" ")[1].rstrip(",")
    )


@pytest.mark.parametrize(
    "line",
    [
        f"192.0.2.12 198.51.100.17 - - {AFTER_ADDRESS}",  # which of the two is the client's
        f"2024-05-29T04:33:14.1Z stdout P 192.0.2.12 - - {AFTER_ADDRESS}",  # the rest is on the next line
    ],
)
def test_what_cannot_be_told_before_the_address_makes_a_reject(line):
    with pytest.raises(NotARecord):
        parsed(line)


def test_other_formats_have_prefixes_too():
    assert parsed(f"web_1 | {SPACE}") == parsed(f"2024-05-29T04:33:14Z stdout F {JSON}") == parsed(SPACE)


@pytest.mark.parametrize(
    ("request_line", "path"),
    [
        ("GET /index.php?s=a b HTTP/1.1", "/index.php"),
        ("GET /a b/c d HTTP/1.1", "/a b/c d"),
        ("GET /old", "/old"),
        ("PRI * HTTP/2.0", "*"),
        ("CONNECT example.com:443 HTTP/1.1", "example.com:443"),
        ("\\x16\\x03\\x01\\x00 a", "\\x16\\x03\\x01\\x00 a"),
        ("\\x03\\x00/*\\xE0Cookie: mstshash=Administr", "\\x03\\x00/*\\xE0Cookie: mstshash=Administr"),
        ('{\\"id\\":1,\\"method\\":\\"a?b\\"}', '{\\"id\\":1,\\"method\\":\\"a?b\\"}'),
        ("GET", "GET"),
        ("GET  HTTP/1.1", "GET  HTTP/1.1"),
        ("GÉT /a HTTP/1.1", "GÉT /a HTTP/1.1"),
        ("x-custom+1 /a?b HTTP/1.1", "/a"),
        ("", "-"),
        ("-", "-"),
    ],
)
def test_requests_of_every_kind(request_line, path):
    assert parsed(f'10.0.0.1 - - [02/Oct/2024:07:10:46 +0200] "{request_line}" 400 12').request_path == path


def test_tails_of_access_lines_and_units_of_durations():
    for forwarded in ('"-"', '"192.0.2.1, 198.51.100.2"'):
        assert parsed(f"{COMBINED} {forwarded}") == Row(AT, "cust_40", "/api/v1/resource1", 400, None)
        assert parsed(f"{COMBINED} {forwarded} 0.316").duration == 0.316
    for unit, number in (("s", "0.316"), ("ms", "316"), ("us", "316000"), ("ns", "316000000")):
        for line in (f"{COMBINED} {number}", SPACE.replace("0.316", number), JSON.replace("0.316", number)):
            assert parsed(line, duration_unit=unit).duration == 0.316
    block = (SPACE.replace("0.316", "316") + "\n").encode()
    assert read(block, detect_layout(block, LogFormat(duration_unit="ms")), 100)[0]["duration"] == 0.316
    with pytest.raises(NotARecord, match="duration '1e10'"):
        parsed(SPACE.replace("0.316", "1e10"), duration_unit="ms")


def test_other_encodings():
    for encoding, name in (("cp1252", "jörg"), ("big5", "許功蓋"), ("shift_jis", "表")):
        block = SPACE.replace("cust_40", name).encode(encoding) + b"\n" + SPACE.replace("cust_40", "x").encode()
        (row, last) = read(block, detect_layout(block, LogFormat(encoding=encoding)), 100)
        assert (row["customer_id"], last["customer_id"]) == (name, "x")
        (reject, _) = read(block, detect_layout(block, LogFormat(format="space")), 100)
        assert reject["_reason"] == "bytes that are not utf-8: name the file's --encoding"
    for encoding in ("utf-16", "utf-7", "iso2022_jp", "hz"):
        with pytest.raises(UsageError, match="convert the file to UTF-8 first"):
            LogFormat(encoding=encoding)


def test_with_a_format_a_file_may_begin_with_anything():
    block = b"\0" * (5 << 20) + b"\n" + b"other\n" * 1001 + SPACE.encode()
    records = read(block, detect_layout(block, LogFormat(format="space")), 1 << 20)
    assert len(records) == 1003
    assert [record["customer_id"] for record in records if record["_reason"] is None] == ["cust_40"]
    assert isinstance(detect_layout(block, LogFormat()), str)


def test_a_virtual_host_is_the_source_where_none_is_given():
    block = f"shop.example.com:443 192.0.2.12 - - {AFTER_ADDRESS}\n{COMBINED}\n".encode()
    assert [row["source"] for row in read(block, detect_layout(block, LogFormat()), 500)] == ["shop.example.com", ""]
    given = detect_layout(block, LogFormat(source="web-1"))
    assert [row["source"] for row in read(block, given, 500)] == ["web-1", "web-1"]


def read(data, layout, size):
    """All records of a file that is read in pieces of a size."""
    pieces = ((at, data[at : at + size]) for at in range(0, len(data), size))
    records = [record for batch in log_parse.parse_log(pieces, layout) for record in batch.to_pylist()]
    return sorted(records, key=lambda record: record["_position"])


def test_a_line_longer_than_allowed_is_a_reject_wherever_pieces_end():
    data = f"{SPACE}\n{'x' * 200}\n{SPACE} \n".encode()
    layout = detect_layout(data, LogFormat(max_record_bytes=100))
    for size in (1, 7, 64, 1000):
        records = read(data, layout, size)
        assert [record["_reason"] for record in records] == [None, "the line is longer than 100 bytes", None]
        assert [record["_position"] for record in records] == [0, len(SPACE) + 1, len(SPACE) + 202]


def test_days_before_the_first_one_are_rejects():
    data = f"{SPACE}\n2024-10-01 23:59:59 c /p 200 1\n".encode()
    layout = without_days_before(detect_layout(data, LogFormat()), datetime(2024, 10, 2).date())
    assert [r["_reason"] for r in read(data, layout, 1000)] == [None, "days before 2024-10-02 are pruned"]


WORDS = st.sampled_from(
    [
        "2024-10-02",
        "2024-02-30",
        "05:10:46",
        "05:10",
        "25:00:00",
        "05:10:46.1234567",
        "c",
        "é",
        "",
        "/p",
        "/p?q",
        "200",
        "0200",
        "099",
        "0xC8",
        "+200",
        "600",
        "0.5",
        "-0.0",
        "1e-3",
        "1e400",
        ".5",
        "5.",
        "inf",
        "nan",
        "-",
        "+1",
        "\r",
    ]
)
LINES = st.one_of(
    st.just(SPACE),
    st.just(SPACE + "\r"),
    st.lists(WORDS, max_size=7).map(" ".join),
    st.tuples(st.integers(0, 5), WORDS).map(
        lambda at: " ".join([*SPACE.split()[: at[0]], at[1], *SPACE.split()[at[0] + 1 :]])
    ),
    st.sampled_from([JSON, COMBINED, "", " ", "\0", "\x85", "a\rb"]),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(LINES, max_size=12),
    st.sampled_from([5, 60, 10_000]),
    st.booleans(),
    st.sampled_from(["UTC", "Asia/Tokyo"]),
)
def test_blocks_give_what_single_lines_give(lines, size, ends, timezone):
    data = ("\n".join([SPACE, *lines]) + "\n" * ends).encode()
    layout = detect_layout(data, LogFormat(timezone=timezone))
    parse = partial(parse_line, reading=layout.reading, formats=layout.formats)
    batches = log_parse.line_by_line(data, LineSpans.of(data), 0, layout, parse)
    alone = [record for batch in batches for record in batch.to_pylist()]
    assert read(data, layout, size) == alone
