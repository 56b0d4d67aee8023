"""What executors lack, from the texts of Spark's failures."""

from __future__ import annotations

import pytest
from sluice.runtime.executors import what_executors_lack


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'SparkException: Job aborted: java.io.IOException: Cannot run program "/x/python3": error=2, No such file',
            "executors cannot run /x/python3: install Python there",
        ),
        (
            "An exception was thrown from the Python worker: Traceback\nModuleNotFoundError: No module named 'pyarrow'",
            "executors lack the Python package pyarrow: install it there",
        ),
        (
            "[PYTHON_VERSION_MISMATCH] Python in worker has different version: 3.9 than that in driver: 3.11, PySpark "
            "cannot run with different minor versions. Please check environment variables",
            "executors have another Python (Python in worker has different version: 3.9 than that in driver: 3.11",
        ),
        (
            "java.lang.ClassNotFoundException: org.apache.spark.sql.delta.stats.X\n\tat java.base",
            "executors lack Sluice's jars (org.apache.spark.sql.delta.stats.X): start jobs by ./spark-submit.sh",
        ),
        (
            "java.lang.ClassCastException: cannot assign instance of java.lang.invoke.SerializedLambda to field x",
            "executors lack Sluice's jars (java.lang.invoke.SerializedLambda): start",
        ),
    ],
)
def test_a_lack_is_one_line_that_says_what_to_do(text, message):
    failure = what_executors_lack(text)
    assert str(failure).startswith(message)
    assert str(failure).endswith(" (see docs/cluster.md)")


@pytest.mark.parametrize(
    "text",
    ["java.lang.ArithmeticException: divide by zero", "No module named 'x'"],  # the latter of the driver itself
)
def test_other_failures_are_none(text):
    assert what_executors_lack(text) is None
