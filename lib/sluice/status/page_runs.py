"""The page's part of runs: when they ran, how they ended, and how long each of their steps took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sluice.status import words
from sluice.status.charts import timeline
from sluice.status.html import element, table, text
from sluice.status.style import STEP_COLOURS

_KINDS = {"succeeded": "good", "nothing_new": "good", "running": "run", "interrupted": "odd"}
_COUNTS = ("files", "rows_read", "rows_rejected", "rows_inserted", "rows_updated", "groups_recomputed", "table_version")


def section(runs: Sequence[Mapping[str, Any]], now: datetime) -> str:
    """A timeline of the runs, as `attempt` gives them, and a part that opens for each."""
    if not runs:
        return element("p", "No run is recorded.", class_="quiet")
    runs = [{**run, "number": number} for number, run in enumerate(runs)]
    longest = max(sum(run["steps"].values()) for run in runs) or 1.0
    kinds = step_kinds(runs)
    opened = "".join(_run(run, longest, kinds) for run in runs)
    return (
        element("figure", timeline(runs, now) + element("figcaption", f"The newest {len(runs)} runs"))
        + element("p", "Seconds by step, to one scale:", class_="quiet")
        + legend(kinds)
        + opened
    )


def status(value: str) -> str:
    return element("span", text(value.replace("_", " ")), class_=_KINDS.get(value, "bad"))


def step_kinds(runs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The class of each step's colour, those first that took longest; the others share the last one."""
    took: dict[str, float] = {}
    for run in runs:
        for name, seconds in run["steps"].items():
            kind = name.split()[0] if name.startswith("send ") else name
            took[kind] = took.get(kind, 0.0) + seconds
    names = sorted(took, key=lambda name: -took[name])
    return {name: f"step-{min(number, STEP_COLOURS - 1)}" for number, name in enumerate(names)}


def legend(kinds: Mapping[str, str]) -> str:
    """What the colours mean: name → class."""
    square = '<svg viewBox="0 0 10 10" aria-hidden="true"><rect width="10" height="10" class="{}"/></svg>'
    items = (element("li", square.format(text(kind)) + text(name)) for name, kind in kinds.items())
    return element("ul", "".join(items), class_="legend")


def _run(run: Mapping[str, Any], longest: float, kinds: Mapping[str, str]) -> str:
    took = "" if run["seconds"] is None else f"{run['seconds']:.1f} s"
    what = "".join(
        [
            status(run["status"]),
            element("span", f"{text(run['job'])} {element('b', text(run['table']))}"),
            element("span", text(took), class_="quiet"),
            element("span", words.moment(run["started_at"]), class_="when quiet nowrap"),
        ]
    )
    head = element("summary", element("span", what, class_="what") + _steps_bar(run["steps"], longest, kinds))
    return element("details", head + _details(run), id=f"run-{run['number']}")


def _steps_bar(steps: Mapping[str, float], longest: float, kinds: Mapping[str, str]) -> str:
    parts, x = [], 0.0
    for name, seconds in steps.items():
        width, kind = seconds / longest * 1000, kinds[name.split()[0] if name.startswith("send ") else name]
        title = element("title", f"{text(name)}: {seconds:.1f} s")
        parts.append(element("g", title + f'<rect x="{x:.1f}" y="0" width="{width:.1f}" height="10" class="{kind}"/>'))
        x += width
    options = {"viewBox": "0 0 1000 10", "preserveAspectRatio": "none", "class_": "bar", "role": "img"}
    label = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in steps.items())
    return element("svg", "".join(parts), **options, aria_label=label or "no steps")


def _details(run: Mapping[str, Any]) -> str:
    report = run["report"] or {}
    counts = ", ".join(f"{name.replace('_', ' ')} {report[name]:,}" for name in _COUNTS if report.get(name))
    lines = [f"run {run['run_id']}, attempt {run['attempt']}", counts]
    error = element("p", text(run["error"]), class_="bad") if run["error"] else ""
    steps = [{"step": text(name), "seconds": f"{seconds:.1f}"} for name, seconds in run["steps"].items()]
    return "".join(element("p", text(line)) for line in lines if line) + error + table("Steps", steps, ["seconds"])
