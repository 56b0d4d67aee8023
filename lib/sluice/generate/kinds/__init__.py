"""Sample data of each kind of record: a module each, of its table's name.

Each has `OPTIONS`, Click's by the names of the arguments that only this kind has, and `generate`, which takes them.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

KINDS = {found.name: import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)}
