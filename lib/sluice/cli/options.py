"""The options that several jobs share, in groups that decorate a command.

Each option has an environment variable, `SLUICE_` and its name, and a key of its name in `conf/sluice.toml`.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import click

from sluice import readers
from sluice.cli.help import ALL_JOBS, INPUT, POSTGRESQL, THIS_RUN, option_group, together
from sluice.cli.reject_limit import RejectLimitType
from sluice.cli.size import SizeType
from sluice.files.find import MAX_FILES
from sluice.generate.options import OF_KIND
from sluice.readers.shared import new_columns

common_options = option_group(
    ALL_JOBS,
    click.option(
        "--lake",
        envvar="SLUICE_LAKE",
        metavar="FOLDER",
        default="lake",
        help="Keep all tables in this folder (or s3://…).",
    ),
    click.option(
        "--tables",
        envvar="SLUICE_TABLES",
        metavar="FOLDER",
        show_default="conf/tables",
        help="Read the declarations of your own tables from this folder.",
    ),
    click.option(
        "--run-id",
        envvar="SLUICE_RUN_ID",
        metavar="ID",
        show_default="generated",
        help="Mark everything that this run writes with this id.",
    ),
    click.option(
        "--result-file", envvar="SLUICE_RESULT_FILE", metavar="FILE", help="Write the report to this file too."
    ),
    click.option(
        "--metrics-file",
        envvar="SLUICE_METRICS_FILE",
        metavar="FILE",
        help="Write metrics for Prometheus to this file, such as products.prom: how the run ended, and the "
        "state of its tables.",
    ),
    click.option(
        "--log-format",
        envvar="SLUICE_LOG_FORMAT",
        type=click.Choice(["text", "json"]),
        default="text",
        help="Write the lines on standard error as text or as JSON objects.",
    ),
    click.option(
        "--progress",
        envvar="SLUICE_PROGRESS",
        type=click.Choice(["auto", "plain", "none"]),
        default="auto",
        help="Show progress live if standard error is a terminal (auto), by a line every ten seconds (plain), or not "
        "at all (none).",
    ),
    click.option(
        "--shared-filesystem",
        envvar="SLUICE_SHARED_FILESYSTEM",
        is_flag=True,
        help="On a cluster, take local paths: all its machines see them as this one does.",
    ),
    click.option(
        "--keep-warm",
        envvar="SLUICE_KEEP_WARM",
        type=click.FloatRange(min=0),
        metavar="MINUTES",
        show_default="0",
        help="Let this process stay so long after the job, to take the next ones, which then start in no time.",
    ),
    click.option(
        "--profile",
        envvar="SLUICE_PROFILE",
        metavar="FOLDER",
        help="Write where the time went to a subfolder of this folder: profile.md, Spark's plans and its event log.",
    ),
)

writer_options = option_group(
    THIS_RUN,
    click.option("--dry-run", envvar="SLUICE_DRY_RUN", is_flag=True, help="Count everything, but commit nothing."),
    click.option(
        "--lock-timeout",
        envvar="SLUICE_LOCK_TIMEOUT",
        type=click.FloatRange(min=0),
        metavar="SECONDS",
        default=600,
        help="Wait this long for another run that holds the table.",
    ),
)

ingest_options = option_group(
    INPUT,
    click.option(
        "--max-rejects",
        envvar="SLUICE_MAX_REJECTS",
        type=RejectLimitType(),
        default="1%",
        help="Merge nothing if more records of a file than this are rejected.",
    ),
    click.option(
        "--on-new-column",
        envvar="SLUICE_ON_NEW_COLUMN",
        type=click.Choice(new_columns.CHOICES),
        default="fail",
        help="Refuse columns of a file that the table lacks (fail), add them to the table, or ignore them.",
    ),
    click.option(
        "--max-decompressed",
        envvar="SLUICE_MAX_DECOMPRESSED",
        type=SizeType(),
        show_default="100G, or 1G if that is more than 500 times its size",
        help="Refuse a compressed file that gives more bytes than this.",
    ),
    click.option(
        "--input-root",
        envvar="SLUICE_INPUT_ROOT",
        metavar="FOLDER",
        help="Refuse files that are not in this folder (or s3://…), those that links in it lead to included.",
    ),
)

file_options = option_group(
    INPUT,
    click.option(
        "--reprocess", envvar="SLUICE_REPROCESS", is_flag=True, help="Ingest files again that are in the table already."
    ),
    click.option(
        "--on-bad-file",
        envvar="SLUICE_ON_BAD_FILE",
        type=click.Choice(["fail", "skip"]),
        default="fail",
        help="Stop at a file that cannot be read (fail), or leave it out and read the others (skip).",
    ),
    click.option(
        "--min-age",
        envvar="SLUICE_MIN_AGE",
        type=click.FloatRange(min=0),
        metavar="SECONDS",
        default=0,
        help="Skip files modified less than this long ago: they may still be being written.",
    ),
    click.option(
        "--max-files",
        envvar="SLUICE_MAX_FILES",
        type=click.IntRange(min=1),
        metavar="N",
        default=MAX_FILES,
        help="Refuse more files than this at a time: each takes a kilobyte of memory before it is read.",
    ),
)

_FAMILIES = [import_module(f"{family.name}.options") for family in iter_modules(readers.__path__, "sluice.readers.")]
reading_options = together(*(option_group(family.HEADING, *family.OPTIONS) for family in _FAMILIES))

sample_options = together(*(option_group(f"Only for {table}", *own.values()) for table, own in OF_KIND.items()))

export_options = option_group(
    POSTGRESQL,
    click.option(
        "--schema",
        envvar="SLUICE_SCHEMA",
        metavar="NAME",
        default="public",
        help="Write to this schema of the database.",
    ),
)

_WITH_A_KEY = (common_options, writer_options, ingest_options, file_options, reading_options, export_options)


@click.command()
@together(*_WITH_A_KEY)
def _all_options() -> None:
    """Not a job: it only has the options."""


# what `conf/sluice.toml` may set
KEYS = tuple(option.name for option in _all_options.params if option.name)
