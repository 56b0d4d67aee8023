"""What executors lack, from the texts of Spark's failures."""

from __future__ import annotations

import pytest
from sluice.errors import SluiceError
from sluice.runtime.executors import executor_failure


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
    failure = executor_failure(text)
    assert str(failure).startswith(message)
    assert str(failure).endswith(" (see docs/cluster.md)")


@pytest.mark.parametrize(
    "text",
    ["java.lang.ArithmeticException: divide by zero", "No module named 'x'"],  # the latter of the driver itself
)
def test_other_failures_are_none(text):
    assert executor_failure(text) is None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (
            "Lost task 0.0 in stage 0.0: org.apache.spark.SparkException: Python worker exited unexpectedly",
            "a Python w",
        ),
        ("Lost task 1.3 (TID 9): ExecutorLostFailure (executor 1 exited caused by one of", "an executor of Spark"),
        (
            "SparkException: Job 3 cancelled because SparkContext was shut down",
            "the cluster ended the application",
        ),
    ],
)
def test_a_lost_part_of_spark_is_one_line_that_says_what_to_do(text, what):
    failure = executor_failure(text)
    assert (type(failure), str(failure).startswith(what)) == (SluiceError, True)
    assert str(failure).endswith("then run the same command again: it resumes safely")
