"""Tables and aggregates by name: the built-in ones, and those that users declare."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from sluice import tables
from sluice.catalog import derived, drift
from sluice.catalog.load import read_declaration
from sluice.catalog.schema import OWN_TABLES
from sluice.errors import UsageError, closest
from sluice.model.aggregate import Aggregate, Derived
from sluice.model.table import AnyTable, Table

_MODULES = [import_module(module.name) for module in iter_modules(tables.__path__, "sluice.tables.")]
BUILT_IN: dict[str, Table] = {module.TABLE.name: module.TABLE for module in _MODULES}


class Catalog:
    """Built-in tables and those declared in a folder. A wrong declaration stops only the jobs that name its table."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._read = cache(read_declaration)

    @cached_property
    def files(self) -> dict[str, Path]:
        """The files of declarations by the names of their tables."""
        return {path.stem: path for path in sorted(self._folder.glob("*.toml"))}

    @property
    def names(self) -> list[str]:
        return sorted({*BUILT_IN, *self.files})

    @property
    def reserved(self) -> set[str]:
        """The names that no declared table can have."""
        aggregates = (aggregate for table in BUILT_IN.values() for aggregate in table.aggregates)
        return {*OWN_TABLES, *BUILT_IN, *(aggregate.name for aggregate in aggregates)}

    def table(self, name: str) -> Table:
        """Raises UsageError for an unknown name, and for a wrong declaration of the table."""
        if name in self.files:
            return self.declared(self.files[name])
        if name not in BUILT_IN:
            raise UsageError(f"unknown table {name!r}: {closest(name, self.names)}")
        return BUILT_IN[name]

    def declared(self, path: Path) -> Table:
        """The table that a file declares. Raises UsageError if it is wrong, or if one of its names is in use."""
        table = self._read(path)
        in_use = dict.fromkeys(OWN_TABLES, "Sluice itself") | self._names_in_use(path)
        names = {
            "its name": table.name,
            **{f"aggregates.{aggregate.name}": aggregate.name for aggregate in table.aggregates},
        }
        for key, name in names.items():
            if name in in_use:
                raise UsageError(f"{path}: {key}: {name!r} is taken by {in_use[name]}: choose another")
        return table

    def _names_in_use(self, without: Path = Path()) -> dict[str, str]:
        """The names of all tables and their aggregates, and who uses each; not those of the table declared `without`.

        Files of its name in other folders are left out too: they are earlier states of it.
        """
        users = [(table, "a built-in table") for table in BUILT_IN.values()]
        for path in self.files.values():
            with suppress(UsageError):
                if path.stem != without.stem:
                    users.append((self._read(path), str(path)))
        return {named.name: user for table, user in users for named in (table, *table.aggregates)}

    def tables(self) -> Iterator[Table]:
        """All tables except those whose declarations are wrong."""
        for name in self.names:
            with suppress(UsageError):
                yield self.table(name)

    def aggregates(
        self, lake: str, names: Sequence[str], by: Sequence[str] | None = None
    ) -> list[tuple[Table, Derived]]:
        """Aggregates by their own names or that of their table, each with its table.

        With `by`: for each table of these names the aggregate that counts its rows by these columns. Raises UsageError
        for an unknown name.
        """
        if by:
            tables = [drift.as_stored(lake, self.table(name)) for name in names]
            return [(table, self._count_aggregate(lake, table, by)) for table in tables]
        known = [(table, aggregate) for table in self.tables() for aggregate in derived.aggregates_of(lake, table)]
        chosen: dict[str, tuple[Table, Derived]] = {}
        for name in names:
            matches = [pair for pair in known if name in (pair[0].name, pair[1].name)]
            if not matches:
                self._check_declaration(name)
                candidates = [*(aggregate.name for _, aggregate in known), *self.names]
                raise UsageError(
                    f"{name!r} is neither an aggregate nor a table with aggregates: {self._way_out(name, candidates)}"
                )
            chosen.update((aggregate.name, (table, aggregate)) for table, aggregate in matches)
        return list(chosen.values())

    def _count_aggregate(self, lake: str, table: Table, by: Sequence[str]) -> Aggregate:
        aggregate, in_use = derived.count_aggregate(lake, table, by), self._names_in_use()
        if aggregate.name in in_use:
            raise UsageError(f"--by {','.join(by)}: the name {aggregate.name!r} is taken by {in_use[aggregate.name]}")
        return aggregate

    def sources(self, lake: str, names: Sequence[str]) -> list[AnyTable]:
        """Tables and aggregates by their names, each once. Raises UsageError for an unknown name."""
        tables = list(self.tables())
        known: dict[str, AnyTable] = {table.name: table for table in tables}
        for table in tables:
            known.update((aggregate.name, aggregate) for aggregate in derived.aggregates_of(lake, table))
        for name in names:
            if name not in known:
                self._check_declaration(name)
                raise UsageError(f"unknown table or aggregate {name!r}: {self._way_out(name, known)}")
        return [known[name] for name in dict.fromkeys(names)]

    def _check_declaration(self, name: str) -> None:
        """Raises UsageError if a table of this name is declared and its declaration is wrong."""
        if name in self.files:
            self.table(name)

    def _way_out(self, name: str, known: Collection[str]) -> str:
        """What to do about an unknown name, which may also be an aggregate of a declaration that is wrong."""
        valid = {table.name for table in self.tables()}
        wrong = [str(path) for stem, path in self.files.items() if stem not in valid]
        return "".join([closest(name, known), *(f" (or fix {path}, which may declare it)" for path in wrong)])
