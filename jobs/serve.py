"""Answers over HTTP: what was exported, uploads that become jobs, a page."""

from __future__ import annotations

from typing import Any

import click
from sluice.cli.command import JobCommand
from sluice.cli.job import job
from sluice.cli.options import common_options, export_options
from sluice.cli.size import SizeType
from sluice.errors import UsageError


@click.command(cls=JobCommand, examples=["serve", "serve --port 8080 --max-upload 100M"])
@click.option("--bind", metavar="ADDRESS", default="127.0.0.1", help="Listen at this address; others need a token.")
@click.option(
    "--port", type=click.IntRange(0, 65535), metavar="PORT", default=8000, help="Listen at this port (0: any free one)."
)
@click.option("--max-upload", type=SizeType(), metavar="SIZE", default="1G", help="Refuse larger requests.")
@click.option(
    "--max-records",
    type=click.IntRange(min=1),
    metavar="N",
    default=100_000,
    help="Refuse requests with more records in JSON than this.",
)
@click.option(
    "--request-timeout",
    type=click.FloatRange(min=0.1, max=86_400),
    metavar="SECONDS",
    default=60,
    help="End requests that take longer than this; an upload may not pause for so long.",
)
@click.option(
    "--landing",
    metavar="FOLDER",
    default=".sluice/landing",
    help="Keep uploads in this folder (or s3://…): rejects are read again from there.",
)
@export_options
@common_options
def main(**options: Any) -> None:
    """Serves what was exported to PostgreSQL, and takes uploads, each of which becomes a run.

    It ends on SIGTERM or SIGINT, after open requests. Whoever writes must show the token that the environment has as
    SLUICE_TOKEN. The server itself does not start Java; --keep-warm is for the jobs that it starts, 10 unless told.
    """
    with job("serve", options) as running:
        try:
            from sluice.serve.options import ServeSettings
            from sluice.serve.run import serve
        except ModuleNotFoundError as error:
            raise UsageError(f"package {error.name} is not installed: pip install 'sluice[serve]'") from None
        serve(running, ServeSettings.of(options, running.settings))


if __name__ == "__main__":
    main()
