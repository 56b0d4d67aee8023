"""Tables and aggregates by name: built in, and those that users declare."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from sluice import tables
from sluice.catalog import derived, drift
from sluice.catalog import load as declaration
from sluice.errors import UsageError
from sluice.model.aggregate import Aggregate, Derived
from sluice.model.table import AnyTable, Table

_KINDS = [import_module(module.name) for module in iter_modules(tables.__path__, "sluice.tables.")]
BUILT_IN: dict[str, Table] = {kind.TABLE.name: kind.TABLE for kind in _KINDS}


class Catalog:
    """The tables that are built in, and those declared in a folder; a broken declaration hinders none but its own."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._read = cache(declaration.read)

    @cached_property
    def files(self) -> dict[str, Path]:
        """The files of declarations by the names of their tables."""
        return {path.stem: path for path in sorted(self._folder.glob("*.toml"))}

    @property
    def names(self) -> list[str]:
        return sorted({*BUILT_IN, *self.files})

    def table(self, name: str) -> Table:
        """Raises UsageError for a name that is no table, and for a wrong declaration of it."""
        if name in self.files:
            return self.declared(self.files[name])
        if name not in BUILT_IN:
            raise UsageError(f"{name!r} is no table: {_suggestion(name, self.names)}")
        return BUILT_IN[name]

    def declared(self, path: Path) -> Table:
        """The table that a file declares. Raises UsageError if it is wrong, or if one of its names is taken."""
        table = self._read(path)
        taken = dict.fromkeys(declaration.OWN_TABLES, "Sluice itself") | self._taken(path)
        names = {"its name": table.name, **{f"aggregates.{made.name}": made.name for made in table.aggregates}}
        for key, name in names.items():
            if name in taken:
                raise UsageError(f"{path}: {key}: {name!r} is taken by {taken[name]}: choose another")
        return table

    def _taken(self, path: Path = Path()) -> dict[str, str]:
        """The names of all tables but the one that a file declares, and of their aggregates, and what they are of."""
        others = [(table, "a built-in table") for table in BUILT_IN.values()]
        for other in self.files.values():
            with suppress(UsageError):
                if other.stem != path.stem:  # of the same name is an earlier state of it
                    others.append((self._read(other), str(other)))
        return {each.name: of for table, of in others for each in (table, *table.aggregates)}

    def tables(self) -> Iterator[Table]:
        """All tables but those whose declarations are wrong."""
        for name in self.names:
            with suppress(UsageError):
                yield self.table(name)

    def aggregates(
        self, lake: str, names: Sequence[str], by: Sequence[str] | None = None
    ) -> list[tuple[Table, Derived]]:
        """Aggregates by their names, or all those of a table, each with its table; `by`: those that count by columns.

        Raises UsageError for a name that is neither.
        """
        if by:
            tables = [drift.as_it_is(lake, self.table(name)) for name in names]
            return [(each, self._counting(each, by)) for each in tables]
        pairs = [(each, made) for each in self.tables() for made in derived.kept(lake, each)]
        chosen: dict[str, tuple[Table, Derived]] = {}
        for name in names:
            found = [pair for pair in pairs if name in (pair[0].name, pair[1].name)]
            if not found:
                self._check_declared(name)
                known = [*(made.name for _, made in pairs), *self.names]
                raise UsageError(f"{name!r} is no aggregate and no table that has one: {self._way_out(name, known)}")
            chosen.update((pair[1].name, pair) for pair in found)
        return list(chosen.values())

    def _counting(self, table: Table, by: Sequence[str]) -> Aggregate:
        made, taken = derived.counting(table, by), self._taken()
        if made.name in taken:
            raise UsageError(f"--by {','.join(by)}: the name {made.name!r} is taken by {taken[made.name]}")
        return made

    def sources(self, lake: str, names: Sequence[str]) -> list[AnyTable]:
        """Tables and aggregates by their names, each once. Raises UsageError for a name that is neither."""
        known: dict[str, AnyTable] = {each.name: each for each in self.tables()}
        known.update((made.name, made) for each in list(known.values()) for made in _kept(lake, each))
        for name in names:
            if name not in known:
                self._check_declared(name)
                raise UsageError(f"{name!r} is no table and no aggregate: {self._way_out(name, known)}")
        return [known[name] for name in dict.fromkeys(names)]

    def _check_declared(self, name: str) -> None:
        """Raises UsageError if the declaration of a table is wrong."""
        if name in self.files:
            self.table(name)

    def _way_out(self, name: str, known: Iterable[str]) -> str:
        """What a name that is none might be: also an aggregate of a declaration that is wrong."""
        readable = {table.name for table in self.tables()}
        wrong = [str(path) for stem, path in self.files.items() if stem not in readable]
        return "; or mend ".join([_suggestion(name, known), *wrong])


def _kept(lake: str, table: AnyTable) -> list[Derived]:
    return derived.kept(lake, table) if isinstance(table, Table) else []


def _suggestion(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(sorted(names))}"
