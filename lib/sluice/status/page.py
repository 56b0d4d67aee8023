"""The page of `status --html`: one file of HTML without scripts, which loads nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sluice.status import page_runs, words
from sluice.status.charts import bars_by_day
from sluice.status.days import OUTCOMES
from sluice.status.html import element, table, text
from sluice.status.reject_groups import Group
from sluice.status.style import CSS

_NUMBERS = ("rows", "files", "size", "version", "rejects", "records")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"  # even if a text were not escaped, nothing would run


@dataclass(frozen=True)
class Facts:
    """What the page shows of a lake at the moment `now`: `rows`, `under_way` and `processes` as the report has them.

    `runs`: the newest rows of `runs`, newest first. `days`: what `rows_by_day` gives.
    """

    lake: str
    now: datetime
    rows: Sequence[Mapping[str, Any]]
    under_way: Sequence[Mapping[str, Any]]
    processes: Sequence[Mapping[str, Any]]
    runs: Sequence[Mapping[str, Any]]
    rejects: Sequence[Group]
    days: Mapping[str, Mapping[date, Mapping[str, int]]]


def page(facts: Facts) -> str:
    sections = {
        "Tables": _tables(facts.rows),
        "Under way": _under_way(facts),
        "Rows by day": _days(facts.days),
        "Rejects": _rejects(facts.rejects),
        "Runs": page_runs.section(facts.runs, facts.now),
    }
    anchors = {title: title.lower().replace(" ", "-") for title in sections}
    links = "".join(element("li", element("a", text(title), href=f"#{anchors[title]}")) for title in sections)
    body = "".join(
        element("section", element("h2", text(title), id=f"{anchors[title]}-title") + content, id=anchors[title])
        for title, content in sections.items()
    )
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>Sluice: {text(facts.lake)}</title><style>{CSS}</style>"
    )
    top = element("a", "Skip to the tables", href="#tables", class_="skip") + element(
        "header",
        element("h1", f"Lake {text(facts.lake)}")
        + element("p", f"as of {words.moment(facts.now)}; all times are UTC", class_="quiet")
        + element("nav", element("ul", links), aria_label="Sections"),
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{top}{element("main", body)}</body></html>\n'


def _tables(rows: Sequence[Mapping[str, Any]]) -> str:
    exists = [row for row in rows if row["version"] is not None or row["error"] or row["last_run"]]
    missing = [row["table"] for row in rows if row not in exists]
    shown = table("Tables, each with its aggregates", [_table_row(row) for row in exists], _NUMBERS)
    absent = f"Not in the lake yet: {', '.join(missing)}" if missing else ""
    return (shown or element("p", "No table is in the lake.")) + element("p", text(absent), class_="quiet")


def _table_row(row: Mapping[str, Any]) -> dict[str, str]:
    name = text(row["table"])
    error = element("div", text(row["error"]), class_="bad") if row["error"] else ""
    exports = "".join(element("div", f"{text(export['schema'])}: {_lag(export['lag'])}") for export in row["exports"])
    return {
        "table": (element("span", name, class_="aggregate") if row["aggregate_of"] else name) + error,
        "rows": text(words.number(row["rows"])),
        "files": text(words.number(row["files"])),
        "size": text(words.size(row["bytes"])),
        "version": text(words.number(row["version"])),
        "last run": _last_run(row["last_run"]),
        "rejects": text(words.number(row["rejects"] or None)),
        "behind its table": _lag(row["lag"]),
        "in PostgreSQL": exports,
    }


def _last_run(run: Mapping[str, Any] | None) -> str:
    if run is None:
        return ""
    outcome = page_runs.status(run["status"])
    shown = f"{text(run['job'])} {outcome} {words.since(run)}"
    return element("span", shown, title=words.moment(run["started_at"]), class_="nowrap")


def _lag(lag: dict[str, Any] | None) -> str:
    if lag is None:
        return ""
    kind = "good" if lag["versions"] == 0 else "odd"
    return element("span", text(words.lag(lag)), class_=kind)


def _under_way(facts: Facts) -> str:
    runs = [
        {
            "run": text(run["run_id"]),
            "job": text(run["job"]),
            "table": text(run["table"]),
            "since": "" if run["seconds"] is None else words.duration(run["seconds"]),
            "waits for": text(run["waits_for"]),
        }
        for run in facts.under_way
    ]
    processes = [
        {
            "pid": text(process["pid"]),
            "busy with": text(process["job"] or "nothing"),
            "ends in": "" if process["minutes_left"] is None else words.duration(process["minutes_left"] * 60),
        }
        for process in facts.processes
    ]
    shown = table("Runs", runs) + table("Processes that stay after their jobs", processes)
    return shown or element("p", "Nothing runs.", class_="quiet")


def _rejects(groups: Sequence[Group]) -> str:
    if not groups:
        return element("p", "There are no rejects.", class_="quiet")
    parts = []
    for name in dict.fromkeys(group.table for group in groups):
        of_table = [group for group in groups if group.table == name]
        total = sum(group.count for group in of_table)
        parts.append(element("h3", f"{text(name)}: {total:,}"))
        parts += [_reject_group(group) for group in of_table]
    return "".join(parts)


def _reject_group(group: Group) -> str:
    count = element("span", f"{group.count:,}", class_="nowrap")
    head = element("summary", element("span", f"{count}{element('span', text(group.reason))}", class_="what"))
    examples = "".join(
        element("p", f"{text(each['file'])}, byte {each['position']:,}: {text(each['reason'])}", class_="quiet")
        + element("pre", text(each["raw"]), tabindex=0)
        for each in group.examples
    )
    return element("details", head + examples)


def _days(days: Mapping[str, Mapping[date, Mapping[str, int]]]) -> str:
    if not days:
        return element("p", "No rows were read in the last thirty days.", class_="quiet")
    legend = page_runs.legend({outcome: outcome for outcome in OUTCOMES})
    return legend + "".join(_chart(name, by_day) for name, by_day in days.items())


def _chart(name: str, by_day: Mapping[date, Mapping[str, int]]) -> str:
    rows = [
        {"day": str(day), **{outcome: f"{outcomes[outcome]:,}" for outcome in OUTCOMES}}
        for day, outcomes in by_day.items()
        if any(outcomes.values())
    ]
    numbers = element("details", element("summary", "The numbers") + table(f"Rows read into {name}", rows, OUTCOMES))
    return element("h3", text(name)) + element("figure", bars_by_day(name, by_day) + numbers)
