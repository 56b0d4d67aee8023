"""The built-in kinds of record: a module each, with its `TABLE`."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

KINDS = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
