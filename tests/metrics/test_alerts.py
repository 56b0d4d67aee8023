"""The alerts and the dashboard: rules by promtool's unit tests, JSON by Grafana's own classes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest
import yaml
from conftest import PROJECT
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from named import DASHBOARD, RULES
from sluice.metrics.families import FAMILIES, Metrics

TESTS = PROJECT / "tests/metrics/alerts_test.yml"


def promtool(*arguments, **options):
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_alerts_fire_when_they_should():
    promtool("test", "rules", TESTS)


def test_each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not():
    cases = [case for test in yaml.safe_load(TESTS.read_text())["tests"] for case in test["alert_rule_test"]]
    names = [rule["alert"] for rule in RULES]
    assert [(name, bool(case["exp_alerts"])) for name in names for case in cases if case["alertname"] == name] == [
        (name, fires) for name in names for fires in (False, True)
    ]
    assert set(re.findall(r"sluice_\w+", TESTS.read_text())) <= FAMILIES.keys() | {"sluice_job"}


def test_the_configuration_of_prometheus():
    promtool("check", "config", PROJECT / "conf/prometheus/prometheus.yml")


def test_names_and_units_are_as_prometheus_would_have_them():
    metrics = Metrics("c", "lake")
    for name, (_, labels) in FAMILIES.items():
        metrics.add(name, 1, *labels[2:])
    assert promtool("check", "metrics", input=metrics.text().decode()) == ""


def test_all_of_the_dashboard_is_what_grafana_knows():
    read = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(DASHBOARD)))
    assert lost(DASHBOARD, read) == []


def lost(given, read, place=""):
    """What Grafana's classes did not take over, or took for something else."""
    if isinstance(given, dict) and isinstance(read, dict):
        return [each for key in given for each in lost(given[key], read.get(key), f"{place}/{key}")]
    if isinstance(given, list) and isinstance(read, list) and len(given) == len(read):
        return [each for n, pair in enumerate(zip(given, read, strict=True)) for each in lost(*pair, f"{place}[{n}]")]
    return [] if given == read else [place]


def test_panels_do_not_overlap_and_every_metric_has_one():
    cells = [
        (x, y)
        for at in (panel["gridPos"] for panel in DASHBOARD["panels"])
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len({*cells})
    assert max(x for x, _ in cells) == 23
    queries = " ".join(target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"])
    assert set(re.findall(r"sluice_\w+", queries)) == FAMILIES.keys() | {"sluice_job"}
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
