"""The folder of the project, where `./spark-submit.sh`, the jobs and `conf` are."""

from __future__ import annotations

import os
import sys
from pathlib import Path

WRAPPER = "spark-submit.sh"


def project() -> Path | None:
    """The folder that `SLUICE_HOME` names; else the one that this package, or the environment it is in, lies in.

    None if there is none: where only the package is installed, to read lakes.
    """
    named = os.environ.get("SLUICE_HOME")
    places = [Path(named).expanduser().absolute()] if named else [Path(__file__).parents[3], Path(sys.prefix).parent]
    return next((place for place in places if (place / WRAPPER).is_file()), None)
