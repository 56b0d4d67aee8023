"""Names of tables and aggregates that a shell offers for the arguments of jobs."""

from __future__ import annotations

from contextlib import suppress

import click

from sluice.catalog.catalog import Catalog
from sluice.errors import SluiceError
from sluice.runtime import settings


def tables(ctx: click.Context, argument: click.Parameter, incomplete: str) -> list[str]:
    """The tables whose names begin so; none if their folder cannot be read."""
    catalog = _catalog(ctx)
    return [name for name in catalog.names if name.startswith(incomplete)] if catalog else []


def tables_and_aggregates(ctx: click.Context, argument: click.Parameter, incomplete: str) -> list[str]:
    """The same, with the declared aggregates."""
    catalog = _catalog(ctx)
    declared = catalog.tables() if catalog else ()
    aggregates = [aggregate.name for table in declared for aggregate in table.aggregates]
    return [*tables(ctx, argument, incomplete), *(name for name in sorted(aggregates) if name.startswith(incomplete))]


def _catalog(ctx: click.Context) -> Catalog | None:
    with suppress(SluiceError):
        return Catalog(settings.declarations(ctx.params.get("tables") or settings.defaults().get("tables")))
    return None
