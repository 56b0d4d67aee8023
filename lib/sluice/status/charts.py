"""Charts in SVG, without scripts: what a bar stands for is its title, and in a table below the chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sluice.runtime.report import DONE
from sluice.status import words
from sluice.status.days import OUTCOMES
from sluice.status.html import element, text

_WIDTH, _HEIGHT, _FOOT, _LEFT = 1100, 150, 18, 56
_LANE, _LANE_NAMES = 22, 250
_TICK = 4  # the least width of a run
_FULL, _OTHER = (6, 10), (1, 20)  # where a run's bar begins in its lane, and its height: not told by colour alone


def bars_by_day(name: str, days: Mapping[date, Mapping[str, int]]) -> str:
    """A bar for each day, cut into the outcomes of its rows."""
    most = max(sum(outcomes.values()) for outcomes in days.values()) or 1
    step = (_WIDTH - _LEFT) / len(days)
    parts = [_axis(most)]
    for number, (day, outcomes) in enumerate(days.items()):
        x, y, pieces = _LEFT + number * step, float(_HEIGHT), []
        for outcome in OUTCOMES:
            height = outcomes[outcome] / most * (_HEIGHT - 12)
            y -= height
            if height:
                pieces.append(_rect(x + 1, y, step - 2, height, outcome))
        title = ", ".join(f"{outcomes[outcome]:,} {outcome}" for outcome in OUTCOMES if outcomes[outcome])
        parts.append(element("g", element("title", f"{day}: {text(title or 'no rows')}") + "".join(pieces)))
        if number % 5 == 4:  # the last day among them
            parts.append(_text(x + step, _HEIGHT + 14, f"{day:%d %b}", "end"))
    return _svg(f"Rows read by day into {name}", _WIDTH, _HEIGHT + _FOOT, parts)


def _axis(most: int) -> str:
    return (
        f'<line x1="{_LEFT}" y1="{_HEIGHT}" x2="{_WIDTH}" y2="{_HEIGHT}" class="axis"/>'
        f'<line x1="{_LEFT}" y1="12" x2="{_WIDTH}" y2="12" class="grid"/>'
        + _text(_LEFT - 6, 16, words.short_number(most), "end")
        + _text(_LEFT - 6, _HEIGHT, "0", "end")
    )


def timeline(runs: Sequence[Mapping[str, Any]], now: datetime) -> str:
    """A lane for each table with its runs, each a link to its details (`#run-N`), from the first of them until now."""
    first = min(run["started_at"] for run in runs)
    span = max((now - first).total_seconds(), 1.0)
    lanes = sorted({run["table"] for run in runs})
    foot, scale = len(lanes) * _LANE, (_WIDTH - _LANE_NAMES - _TICK) / span
    parts = []
    for number, lane in enumerate(lanes):
        y = number * _LANE
        parts.append(f'<line x1="{_LANE_NAMES}" y1="{y + 11}" x2="{_WIDTH}" y2="{y + 11}" class="grid"/>')
        parts.append(_text(_LANE_NAMES - 8, y + 15, lane if len(lane) <= 40 else f"{lane[:39]}…", "end"))
    for run in reversed(runs):
        x = _LANE_NAMES + (run["started_at"] - first).total_seconds() * scale
        seconds = ((run["finished_at"] or now) - run["started_at"]).total_seconds()
        y, height = _FULL if run["status"] in DONE else _OTHER
        y += lanes.index(run["table"]) * _LANE
        bar = _rect(x, y, max(seconds * scale, _TICK), height, f"is-{run['status']}")
        title = f"{run['job']} {run['table']} {run['status']}, {words.moment(run['started_at'])}"
        parts.append(element("a", element("title", text(title)) + bar, href=f"#run-{run['number']}", aria_label=title))
    parts.append(_text(_LANE_NAMES, foot + 14, words.moment(first), "start"))
    parts.append(_text(_WIDTH, foot + 14, words.moment(now), "end"))
    return _svg("Runs by table and time", _WIDTH, foot + _FOOT, parts, "group")


def _svg(label: str, width: int, height: int, parts: Sequence[str], role: str = "img") -> str:
    return element("svg", "".join(parts), viewBox=f"0 0 {width} {height}", role=role, aria_label=label)


def _rect(x: float, y: float, width: float, height: float, kind: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" class="{text(kind)}"/>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text(words)}</text>'
