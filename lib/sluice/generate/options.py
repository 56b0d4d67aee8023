"""Options that only some kinds of sample data have; apart from the kinds, so that help loads none of them."""

from __future__ import annotations

import click

# table → name of the argument of its kind's `generate` → option
OF_KIND = {
    "processes": {
        "this_machine": click.option(
            "--this-machine", is_flag=True, help="List the processes that run on this machine now."
        ),
    },
    "requests": {
        "disorder": click.option(
            "--disorder",
            type=click.IntRange(min=0),
            metavar="SECONDS",
            default=3600,
            help="Let lines of the log come up to this much late.",
        ),
    },
}
