"""Options of how CSV files are read: the fields of `Dialect` that other readers do not have."""

from __future__ import annotations

import click

HEADING = "CSV"
OPTIONS = (
    click.option(
        "--delimiter",
        envvar="SLUICE_DELIMITER",
        metavar="CHARACTERS",
        default=",",
        help=r"Split a record into fields at this character, or at several as in a||b; \t is a tab.",
    ),
    click.option(
        "--quote",
        envvar="SLUICE_QUOTE",
        metavar="CHARACTER",
        default='"',
        help="Read text between two of these characters as one field; an empty value turns quoting off.",
    ),
    click.option(
        "--escape",
        envvar="SLUICE_ESCAPE",
        metavar="CHARACTER",
        default="",
        show_default="none",
        help="Read the character after this one as plain text.",
    ),
    click.option(
        "--skip-lines",
        envvar="SLUICE_SKIP_LINES",
        type=click.IntRange(min=0),
        metavar="N",
        default=0,
        help="Skip this many lines at the start of each file.",
    ),
    click.option(
        "--header/--no-header",
        envvar="SLUICE_HEADER",
        default=True,
        help="Read the names of the columns from the first line, or take the table's columns in their order.",
    ),
    click.option(
        "--strict-quotes",
        envvar="SLUICE_STRICT_QUOTES",
        is_flag=True,
        help='Reject a record with a quote within a field that does not begin with one, such as 5" pipe.',
    ),
    click.option(
        "--header-rows",
        envvar="SLUICE_HEADER_ROWS",
        type=click.Choice(["reject", "keep"]),
        default="reject",
        help="Reject records that equal the header, as where files were joined, or keep them.",
    ),
    click.option(
        "--null",
        envvar="SLUICE_NULL",
        metavar="TEXT",
        default="",
        show_default="none",
        help=r"Read a field of this text as null too, such as \N in dumps of databases.",
    ),
    click.option(
        "--escape-sequences",
        envvar="SLUICE_ESCAPE_SEQUENCES",
        is_flag=True,
        help="Read the escaped letters n, t, r, b, f and v as control characters, as dumps of databases have them.",
    ),
    click.option(
        "--skip-initial-space",
        envvar="SLUICE_SKIP_INITIAL_SPACE",
        is_flag=True,
        help='Leave out blanks before a field, also before its quote, as in 1, "x, y", 2.',
    ),
)
