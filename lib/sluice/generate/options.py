"""Click options that only some kinds of sample data have; apart from these, which tasks of Spark load without Click."""

from __future__ import annotations

import click

# table → name of the argument of its kind's `generate` → option
OF_KIND = {
    "processes": {
        "this_machine": click.option("--this-machine", is_flag=True, help="Of processes: those that run here now."),
    },
    "requests": {
        "disorder": click.option(
            "--disorder",
            type=click.IntRange(min=0),
            default=3600,
            show_default=True,
            help="Seconds by which lines of a log may be late.",
        ),
    },
}
