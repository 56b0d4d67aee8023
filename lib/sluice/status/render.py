"""What `status` shows to people at a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sluice.runtime.report import DONE
from sluice.status import words

_RIGHT = ("rows", "files", "size", "version", "rejects", "pid", "attempt", "seconds")  # columns of numbers
_WIDEST, _BAR = 60, 30  # characters of a value, and of the longest step's bar


def render(rows: Sequence[dict[str, Any]], under_way: Sequence[dict[str, Any]], processes: Sequence[dict]) -> str:
    """The state of a lake: its tables, then what runs, if anything does."""
    exists = [row for row in rows if row["version"] is not None or row["error"] or row["last_run"]]
    missing = [row["table"] for row in rows if row not in exists]
    parts = [_table([_state(row) for row in exists])] if exists else ["no table is in the lake"]
    if missing and exists:
        parts.append(f"not in the lake yet: {', '.join(missing)}")
    if undeclared := [row["table"] for row in exists if not row["declared"] and not row["aggregate_of"]]:
        parts.append(f"not declared in --tables: {', '.join(undeclared)}")
    parts += [_error(row) for row in exists if row["error"]]
    if under_way:
        parts += ["", "runs under way", _table([_run(run) for run in under_way])]
    if processes:
        parts += ["", "processes that stay", _table([_process(process) for process in processes])]
    return "\n".join(parts)


def render_run(rows: Sequence[dict[str, Any]]) -> str:
    """A run's attempts, each with its steps and what they took."""
    parts = []
    for row in rows:
        parts.append(_table([_attempt(row)]))
        if row["error"]:
            parts.append(f"  {_line(row['error'])}")
        parts += ["", *([_table(_steps(row["steps"]), "  "), ""] if row["steps"] else [])]
    return "\n".join(parts).rstrip()


def _state(row: dict[str, Any]) -> dict[str, str]:
    return {
        "table": f"  {row['table']}" if row["aggregate_of"] else row["table"],
        "rows": words.number(row["rows"]),
        "files": words.number(row["files"]),
        "size": words.size(row["bytes"]),
        "version": words.number(row["version"]),
        "last run": words.last_run(row["last_run"]),
        "rejects": words.number(row["rejects"] or None),
        "behind its table": words.lag(row["lag"]),
        "PostgreSQL": "; ".join(map(_export, row["exports"])),
    }


def _export(export: dict[str, Any]) -> str:
    schema = "" if export["schema"] == "public" else f"{export['schema']}: "
    failed = "" if export["last_status"] in DONE else f" ({export['last_status']})"
    return f"{schema}{words.lag(export['lag'])}{failed}"


def _error(row: dict[str, Any]) -> str:
    return f"{row['table']}: {_line(row['error'])}"


def _run(run: dict[str, Any]) -> dict[str, str]:
    return {
        "run": run["run_id"],
        "job": run["job"] or "",
        "table": run["table"],
        "since": "" if run["seconds"] is None else words.duration(run["seconds"]),
        "waits for": run["waits_for"] or "",
    }


def _process(process: dict[str, Any]) -> dict[str, str]:
    left = process["minutes_left"]
    return {
        "pid": str(process["pid"]),
        "busy with": process["job"] or "nothing",
        "ends in": "" if left is None else words.duration(left * 60),
    }


def _attempt(row: dict[str, Any]) -> dict[str, str]:
    return {
        **{"job": row["job"], "table": row["table"], "attempt": str(row["attempt"]), "status": row["status"]},
        "started": words.moment(row["started_at"]),
        "seconds": "" if row["seconds"] is None else f"{row['seconds']:.1f}",
    }


def _steps(steps: dict[str, float]) -> list[dict[str, str]]:
    longest = max(steps.values()) or 1
    return [
        {"step": name, "seconds": f"{seconds:.1f}", " ": "█" * round(seconds / longest * _BAR)}
        for name, seconds in steps.items()
    ]


def _line(text: str) -> str:
    return " ".join(text.split())


def _table(rows: Sequence[dict[str, str]], indent: str = "") -> str:
    """Aligned columns, those of numbers to the right; columns without any value are left out."""
    names = [name for name in rows[0] if any(row[name] for row in rows)]
    cells = [names, *([_cut(row[name]) for name in names] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(names))]
    return "\n".join(indent + _aligned(row, names, widths) for row in cells)


def _aligned(row: Iterable[str], names: Iterable[str], widths: Iterable[int]) -> str:
    return "  ".join(
        value.rjust(width) if name in _RIGHT else value.ljust(width)
        for value, name, width in zip(row, names, widths, strict=True)
    ).rstrip()


def _cut(text: str) -> str:
    text = "".join(character if character.isprintable() else " " for character in text)
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
