"""Records that could not become rows."""

from __future__ import annotations

from typing import Any

import click
from sluice import catalog, rejects
from sluice.cli import JobGroup, job
from sluice.options import common_options


@click.group(cls=JobGroup)
def main() -> None:
    """Looks at rejects."""


@main.command("list")
@click.argument("table", required=False)
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Rows to show, newest first.")
@common_options
def list_(table: str | None, limit: int, **options: Any) -> None:
    """Shows the rejects of TABLE, or of all tables."""
    with job("rejects", options) as running:
        running.report.table = catalog.table(table).name if table else None
        running.show(rejects.newest(running.settings.lake, running.report.table, limit))


if __name__ == "__main__":
    main()
