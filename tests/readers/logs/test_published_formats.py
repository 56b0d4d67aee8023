"""Lines as the documentation of other servers shows them, with values of our own."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sluice.readers.logs.formats import DETECTED, LogFormat, parse_line
from sluice.readers.logs.row import Row
from sluice.readers.shared.records import NotARecord

AT = datetime(2024, 10, 2, 5, 10, 46, tzinfo=UTC)
MILLIS = AT.replace(microsecond=655_000)
LINES = {
    "traefik": (
        '192.0.2.1 - - [02/Oct/2024:05:10:46 +0000] "GET /a?b HTTP/1.1" 200 415 "-" "x y" 12 "web@docker" '
        '"http://10.0.0.2:80" 561ms',
        Row(AT, "192.0.2.1", "/a", 200, 0.561),
    ),
    "traefik_json": (
        '{"ClientHost":"192.0.2.1","ClientUsername":"-","DownstreamStatus":200,"Duration":561000,"RequestHost":"shop",'
        '"RequestPath":"/a?b","StartUTC":"2024-10-02T05:10:46.655Z","level":"info"}',
        Row(MILLIS, "192.0.2.1", "/a", 200, 0.000561, virtual_host="shop"),
    ),
    "caddy": (
        '{"level":"info","ts":1727845846.655,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":'
        '"10.0.0.1","client_ip":"192.0.2.1","proto":"HTTP/2.0","method":"GET","host":"shop","uri":"/a?b"},'
        '"user_id":"ann","duration":0.000929675,"size":10900,"status":200}',
        Row(MILLIS, "ann", "/a", 200, 0.000929675, virtual_host="shop"),
    ),
    "envoy": (
        '[2024-10-02T05:10:46.655Z] "POST /a?b HTTP/2" 204 - 154 0 226 100 "192.0.2.1,10.0.0.1" "x" '
        '"cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "shop" "tcp://10.0.2.1:80"',
        Row(MILLIS, "192.0.2.1", "/a", 204, 0.226, virtual_host="shop"),
    ),
    "haproxy": (
        "Oct  2 07:10:46 lb haproxy[14389]: 192.0.2.1:33317 [02/Oct/2024:05:10:46.655] http-in static/srv1 "
        '10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {x} {} "GET /a?b HTTP/1.1"',
        Row(MILLIS, "192.0.2.1", "/a", 200, 0.109),
    ),
    "alb": (
        "https 2024-10-02T05:10:46.655000Z app/lb/50dc 192.0.2.1:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 0 57 "
        '"GET https://shop:443/a?b HTTP/1.1" "x y" ECDHE TLSv1.2 arn:x "Root=1" "shop" "arn:y" 0 '
        '2024-10-02T05:10:46.364000Z "authenticate,forward" "-" "-" "10.0.0.1:80" "200" "-" "-"',
        Row(MILLIS, "192.0.2.1", "/a", 200, 0.171),
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_a_line_of_each_format(name):
    line, row = LINES[name]
    assert parse_line(line, LogFormat(format=name, duration_unit="us"), (name,)) == row
    kept = parse_line(line, LogFormat(format=name, keep_query=True), (name,))
    assert kept.request_path == "/a?b"
    for other in LINES:
        if {name, other} != {"traefik_json", "caddy"} and other != name:
            with pytest.raises(NotARecord):
                parse_line(line, LogFormat(format=other), (other,))


@pytest.mark.parametrize("name", ["traefik", "traefik_json", "caddy", "envoy", "haproxy", "alb"])
def test_they_are_not_guessed_as_others(name):
    line, _ = LINES[name]
    with pytest.raises(NotARecord):
        parse_line(line, LogFormat(), DETECTED)


@pytest.mark.parametrize(
    ("name", "old", "new", "field", "value"),
    [
        ("traefik", "192.0.2.1 - -", "192.0.2.1 - ann", "customer_id", "ann"),
        ("caddy", '"ann"', '""', "customer_id", "192.0.2.1"),
        ("caddy", '"client_ip":"192.0.2.1",', "", "customer_id", "ann"),
        ("envoy", " 226 ", " - ", "duration", None),
        ("haproxy", "/109 ", "/+109 ", "duration", 0.109),
        ("haproxy", "/109 ", "/-1 ", "duration", None),
        ("haproxy", "192.0.2.1:33317", "2001:db8::1:33317", "customer_id", "2001:db8::1"),
        ("haproxy", "Oct  2 07:10:46 lb haproxy[14389]: ", "", "status_code", 200),
        ("alb", "0.048", "-1", "duration", None),
        ("alb", "GET https://shop:443/a?b HTTP/1.1", "GET https://shop:443 HTTP/1.1", "request_path", "/"),
    ],
)
def test_other_values(name, old, new, field, value):
    line, _ = LINES[name]
    assert old in line
    assert getattr(parse_line(line.replace(old, new), LogFormat(format=name), (name,)), field) == value


@pytest.mark.parametrize(
    ("name", "old", "new", "reason"),
    [
        ("haproxy", " 200 2750", " -1 2750", "status '-1'"),
        ("envoy", '" 204 ', '" 0 ', "status '0'"),
        ("caddy", '"status":200', '"state":200', "status is missing"),
        ("caddy", '"request":', '"req":', "request.uri is missing"),
        ("traefik_json", '"Duration":561000', '"Duration":"561us"', "duration '561us'"),
        ("alb", "0.086", "x", "duration 'x'"),
    ],
)
def test_bad_values_make_rejects(name, old, new, reason):
    line, _ = LINES[name]
    with pytest.raises(NotARecord, match=reason):
        parse_line(line.replace(old, new), LogFormat(format=name), (name,))


def test_times_of_haproxy_are_of_the_zone():
    row = parse_line(LINES["haproxy"][0], LogFormat(format="haproxy", timezone="Europe/Berlin"), ("haproxy",))
    assert row.requested_at == MILLIS.replace(hour=3)
