"""What executors lack to run a job, told from Spark's failure."""

from __future__ import annotations

import re

from sluice.errors import UsageError

_JARS = "lack Sluice's jars ({}): start jobs by ./spark-submit.sh, or give those of .venv/jars by --jars"

# in a failure's text: how each shows, and what it says of executors
_LACKS = (
    (r'Cannot run program "([^"]+)"', "cannot run {}: install Python there, or name another by PYSPARK_PYTHON"),
    (
        r"(?s)(?:Python worker|PythonException).*No module named '([^']+)'",
        "lack the Python package {}: install it there",
    ),
    (r"\[PACKAGE_NOT_INSTALLED\] ([^\n]+?) must be installed", "lack the Python package {}: install it there"),
    (r"\[PYTHON_VERSION_MISMATCH\] ([^\n]+?)\.? +Please", "have another Python ({}): name the same by PYSPARK_PYTHON"),
    (r"ClassNotFoundException: ((?:io|org\.apache\.spark\.sql)\.delta\.\S+|\S+\.s3a\.\S+|org\.postgresql\.\S+)", _JARS),
    (r"cannot assign instance of (java\.lang\.invoke\.SerializedLambda)", _JARS),  # of a class that they lack
)


def what_executors_lack(text: str) -> UsageError | None:
    """The failure to report for that of Spark whose text, with its causes, this is; None if it tells of no lack."""
    for pattern, message in _LACKS:
        if found := re.search(pattern, text):
            return UsageError(f"executors {message.format(found.group(1))} (see docs/cluster.md)")
    return None
