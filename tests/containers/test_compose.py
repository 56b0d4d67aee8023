"""docker-compose.yml: where its secrets come from, what it waits for, and which images it names."""

from __future__ import annotations

import re

import pytest
import yaml
from conftest import PROJECT

TEXT = (PROJECT / "docker-compose.yml").read_text()
SERVICES = yaml.safe_load(TEXT)["services"]
NAMED = re.findall(r"\$\{(\w+)(.*?)\}", TEXT)
EXAMPLE = dict(line.split("=", 1) for line in (PROJECT / ".env.example").read_text().splitlines() if "=" in line)


def test_all_variables_are_in_the_example_and_needed():
    assert {name for name, _ in NAMED} == EXAMPLE.keys()
    assert {rest for _, rest in NAMED} == {":?give it a value in .env"}


def test_no_secret_has_a_value():
    assert {*EXAMPLE.values()} == {""}
    variables = [pair for service in SERVICES.values() for pair in service.get("environment", {}).items()]
    secret = [value for name, value in variables if re.search("KEY|SECRET|PASSWORD|TOKEN", name)]
    assert len(secret) == 13
    assert [value for value in secret if not re.fullmatch(r"\$\{\w+:\?.*\}", value)] == []
    others = {value for name, value in variables if not re.search("KEY|SECRET|PASSWORD|TOKEN", name)}
    assert [value for value in others if re.search(r"://\S*@|\$\{", value)] == []
    assert not re.search(r"\$\{", str([service.get("command") for service in SERVICES.values()]))


def test_services_wait_for_those_that_are_healthy():
    for service in SERVICES.values():
        for name, condition in service.get("depends_on", {}).items():
            assert condition == {"condition": "service_healthy"}
            assert "healthcheck" in SERVICES[name]
    assert SERVICES["demo"]["depends_on"].keys() == {"worker", "postgres", "s3"}
    assert SERVICES["worker"]["deploy"]["replicas"] == 2


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_of_one_version(name):
    assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+(\.\d+)?(-[a-z]+)?", SERVICES[name]["image"])


def test_nothing_is_published_beyond_this_machine():
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
