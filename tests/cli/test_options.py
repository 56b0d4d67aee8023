"""How files are read: as their table declares, but for options that were really given."""

from __future__ import annotations

import json
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime

import click
import pytest
from click.testing import CliRunner
from sluice.catalog import catalog
from sluice.cli.options import file_options, ingest_options, reading_options
from sluice.cli.reject_limit import RejectLimitType
from sluice.cli.size import SizeType
from sluice.cli.values import take_ingest
from sluice.errors import UsageError
from sluice.ingest.limit import RejectLimit
from sluice.ingest.plan import Options
from sluice.ingest.replay import options_for
from sluice.ledger.rejects import FileWithRejects
from sluice.readers.csv.dialect import Dialect
from sluice.readers.lines.formats import JsonLines, LinePattern
from sluice.readers.logs.formats import LogFormat

PRODUCTS = catalog.BUILT_IN["products"]
DECLARED = replace(PRODUCTS, reading=Dialect(delimiter=";", encoding="cp1252", header=False))
PATTERN = LinePattern("(?P<id>x)", "no x", encoding="cp1252")


def command(table=None):
    @click.command()
    @ingest_options
    @file_options
    @reading_options
    def main(**options):
        return take_ingest(options, table)[0].reading

    return main


def reading(table, *arguments, **extra):
    """The reading that a job takes from its arguments."""
    result = CliRunner().invoke(command(table), arguments, standalone_mode=False, catch_exceptions=False, **extra)
    return result.return_value


def test_what_is_not_given_is_as_declared():
    assert reading(PRODUCTS) == Dialect()
    assert reading(DECLARED) == DECLARED.reading
    assert reading(replace(PRODUCTS, reading=PATTERN)) == PATTERN
    assert reading(replace(PRODUCTS, reading=JsonLines(5))) == JsonLines(5)


# options without a default of their own: `--help` says where the value comes from
FROM_FILES = {"encoding", "format", "host", "snapshot_at", "os"}


@pytest.mark.parametrize("name", catalog.BUILT_IN)
def test_defaults_shown_are_those_declared(name):
    shown = command().make_context("job", []).params
    table = catalog.BUILT_IN[name]
    declared = {
        item.name: getattr(table.reading, item.name)
        for item in fields(table.reading)
        if not item.metadata.get("declared")
    }
    assert {field: shown[field] for field in declared} == {
        field: None if field in FROM_FILES else value for field, value in declared.items()
    }


def test_an_option_of_other_files_is_refused():
    with pytest.raises(UsageError, match=r"^--delimiter does not apply to files of table requests: leave it out$"):
        reading(catalog.BUILT_IN["requests"], "--delimiter", ";")
    assert reading(catalog.BUILT_IN["requests"], env={"SLUICE_DELIMITER": ";"}) == LogFormat()


@pytest.mark.parametrize(
    ("text", "limit"),
    [("0", RejectLimit(0, False)), ("12", RejectLimit(12, False)), (" 0.5% ", RejectLimit(0.5, True))],
)
def test_limits_of_rejects(text, limit):
    assert RejectLimitType().convert(text, None, None) == limit


@pytest.mark.parametrize("text", ["", "-1", "1.5", "101%", "%", "x"])
def test_what_cannot_be_a_limit_of_rejects(text):
    with pytest.raises(click.BadParameter, match="is neither a number of records nor a share such as 1%"):
        RejectLimitType().convert(text, None, None)


def test_records_may_not_be_so_long_that_a_few_rows_fill_the_memory():
    assert command().make_context("job", ["--max-record-bytes", f"{16 << 20}"]).params["max_record_bytes"] == 16 << 20
    with pytest.raises(click.BadParameter, match="16777217 is not in the range"):
        command().make_context("job", ["--max-record-bytes", f"{(16 << 20) + 1}"])


@pytest.mark.parametrize(
    ("text", "size"),
    [("1", 1), ("512K", 512 << 10), ("10 GB", 10 << 30), ("1TiB", 1 << 40), (" 3mib ", 3 << 20), (7, 7)],
)
def test_sizes(text, size):
    assert SizeType().convert(text, None, None) == size


@pytest.mark.parametrize("text", ["", "0", "0G", "-1", "1e3", "1.5G", "G", "1P", "1 0", "٣", "9" * 16])
def test_what_is_not_a_size(text):
    with pytest.raises(click.BadParameter, match="is not a size such as 512M or 100G"):
        SizeType().convert(text, None, None)


def test_what_is_given_is_taken_from_wherever_it_comes():
    wanted = replace(DECLARED.reading, delimiter=",", max_record_bytes=7)
    assert reading(DECLARED, "--delimiter", ",", "--max-record-bytes", "7") == wanted
    environment = {"SLUICE_DELIMITER": ",", "SLUICE_MAX_RECORD_BYTES": "7", "SLUICE_ENCODING": ""}
    assert reading(DECLARED, env=environment) == wanted
    assert reading(DECLARED, default_map={"delimiter": ",", "max_record_bytes": 7}) == wanted
    assert reading(DECLARED, "--header").header
    lines = replace(PRODUCTS, reading=PATTERN)
    assert reading(lines, "--encoding", "utf-8", env={"SLUICE_DELIMITER": ","}) == replace(PATTERN, encoding="utf-8")
    assert reading(replace(PRODUCTS, reading=JsonLines()), "--max-record-bytes", "7") == JsonLines(7)


def as_read(table, stored, given):
    file = FileWithRejects(
        table=table.name,
        file="file:///a",
        options=json.dumps(stored),
        read_at=datetime(2024, 1, 1, tzinfo=UTC),
        read_by=("run",),
    )
    return options_for(file, table, Options(table.reading), given).reading


def test_files_are_read_again_as_before_but_for_what_is_given_and_the_tables_own():
    before = replace(PATTERN, pattern="(?P<id>old)", unmatched="old", encoding="latin-1", max_record_bytes=9)
    lines = replace(PRODUCTS, reading=PATTERN)
    assert as_read(lines, asdict(before), {}) == replace(PATTERN, encoding="latin-1", max_record_bytes=9)
    assert as_read(lines, asdict(before), {"encoding": "utf-8"}).encoding == "utf-8"
    assert as_read(lines, {"max_record_bytes": 9, "delimiter": ";"}, {"quote": "'"}).max_record_bytes == 9
    requests = catalog.BUILT_IN["requests"]
    logs = replace(requests.reading, field=("customer_id=user.id", "request_path=url"))
    assert as_read(requests, json.loads(json.dumps(asdict(logs))), {}) == logs
    assert hash(as_read(requests, json.loads(json.dumps(asdict(logs))), {})) == hash(logs)
