"""Schemathesis asks the real server for what its OpenAPI document allows, and for what it does not."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime

import jsonschema_rs
import pytest
import schemathesis
from exported import COLUMNS, export
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, checks

AT = datetime(2026, 1, 31, 8, 15, tzinfo=UTC)
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
NOT_HTTP = b"Invalid HTTP request received."  # uvicorn's, to an address of more than 64 KB, say
VALUES = {"string": "a", "int": 1, "bigint": 1, "double": 0.5, "date": "2026-01-31", "timestamp": AT}


@pytest.fixture
def api(client, postgres_url):
    """The server's document; each table has a row of values and one that has null where it may."""
    for name, columns in COLUMNS.items():
        values = [VALUES.get(kind, 2) for kind in columns.values()]
        empty = [
            None if kind == "double" or column in ("description", "command", "threads") else value
            for (column, kind), value in zip(columns.items(), values, strict=True)
        ]
        other = [
            f"{value}b" if kind == "string" else value for value, kind in zip(empty, columns.values(), strict=True)
        ]
        if name == "top_scores":
            other[0] = 2
        export(postgres_url, name, [values, other])
    return schemathesis.openapi.from_url(f"{client.base_url}/openapi.json")


@pytest.mark.slow
@pytest.mark.parametrize("mode", GenerationMode)
def test_no_answer_is_a_500_or_outside_the_schema(api, mode):
    """Without the token, so that what writes answers 401."""
    operations = [result.ok() for result in api.get_all_operations()]
    assert len(operations) >= 12
    for operation in operations:
        _ask(operation.as_strategy(generation_mode=mode))


def _ask(cases):
    @given(cases)
    @settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def ask(case):
        answer = case.call()
        if answer.content != NOT_HTTP:
            case.validate_response(answer, checks=CHECKS)

    with suppress(Unsatisfiable):  # nothing about the request can be wrong
        ask()


def test_each_endpoint_is_described_with_an_example_that_its_schema_allows(client):
    document = client.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (path, method)
            answers = operation["responses"]
            assert {"422", "500", "503"} <= answers.keys()
            for status, answer in answers.items():
                if status >= "4":
                    assert list(answer["content"]) == ["application/problem+json"], (path, method, status)
                for media_type in answer.get("content", {}).values():
                    assert _examples(media_type, document) > 0, (path, method, status)
    assert "HTTPValidationError" not in json.dumps(document)


def _examples(media_type, document):
    """How many examples there are; each must be what the schema allows."""
    if "example" in media_type:
        return 1
    schema = media_type["schema"]
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    examples = schema.get("examples", [])
    for example in examples:
        jsonschema_rs.validate({**schema, "components": document["components"]}, example)
    return len(examples)
