"""The metrics and labels that the dashboard and the alerts name, as promql-parser reads their queries."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import promql_parser
import yaml
from conftest import PROJECT

DASHBOARD = json.loads((PROJECT / "docker/grafana/sluice.json").read_text())
RULES = yaml.safe_load((PROJECT / "conf/prometheus/alerts.yml").read_text())["groups"][0]["rules"]
SCRAPED = {"instance", "__name__"}  # which Prometheus adds


def queries() -> dict[str, tuple[str, set[str]]]:
    """Where it stands → a query, and the labels that are shown of its answer."""
    found = {}
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            found[f"{panel['title']} {target['refId']}"] = target["expr"], shown
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"]).groups()
            found[f"variable {variable['name']}"] = selector, {label}
    for rule in RULES:
        found[rule["alert"]] = rule["expr"], set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
    return found


def named(query: str, shown: set[str]) -> Iterator[tuple[str, set[str]]]:
    """The metrics of a query, each with the labels that the query needs of it."""
    nodes: list[Any] = []
    promql_parser.walk(promql_parser.parse(query), nodes.append)
    kept = [
        set(node.modifier.labels) for node in nodes if isinstance(node, promql_parser.AggregateExpr) and node.modifier
    ]
    for node in nodes:
        if isinstance(node, promql_parser.VectorSelector):
            matched = {matcher.name: matcher.value for matcher in node.matchers.matchers}
            for name in [node.name] if node.name else matched["__name__"].split("|"):
                yield name, ({*matched, *shown}.union(*kept)) - SCRAPED


def unknown(samples: dict[str, set[str]]) -> list[tuple[str, str, set[str]]]:
    """Where a metric or a label is named that none of the samples, name → labels, has."""
    return [
        (place, name, labels - samples.get(name, set()))
        for place, query in queries().items()
        for name, labels in named(*query)
        if not labels <= samples.get(name, set()) or name not in samples
    ]
