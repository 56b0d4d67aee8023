"""What executors lack to run a job, and how they were lost, told from Spark's failure."""

from __future__ import annotations

import re

from sluice.errors import SluiceError, UsageError

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

_LOST = {
    "Python worker exited unexpectedly": "a Python worker of Spark",
    "ExecutorLostFailure": "an executor of Spark, more often than it is tried again,",
}
_AGAIN = "then run the same command again: it resumes safely"
_MEMORY = "if machines were short of memory, free some or let fewer cores share it (--master 'local[2]')"


def executor_failure(text: str) -> SluiceError | None:
    """The failure to report for that of Spark whose text, with its causes, this is; None if executors are not to blame.

    UsageError for what they lack.
    """
    for pattern, message in _LACKS:
        if found := re.search(pattern, text):
            return UsageError(f"executors {message.format(found.group(1))} (see docs/cluster.md)")
    for words, what in _LOST.items():
        if words in text:
            return SluiceError(f"{what} ended in the middle of the run: {_MEMORY}, {_AGAIN}")
    if re.search("SparkContext was shut down|stopped SparkContext", text):
        return SluiceError(
            f"the cluster ended the application: check its log, and the secret if it asks for one, {_AGAIN}"
        )
    return None
