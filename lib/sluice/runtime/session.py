"""The Spark session of a job: its settings come from spark-submit and conf/spark-defaults.conf alone."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

from sluice.runtime import java
from sluice.runtime.log_lines import LogStyle

_ENDING = 4.0  # seconds


@contextmanager
def opened(name: str, options: Mapping[str, str], lines: LogStyle) -> Iterator[Any]:
    """A session of the application `name` with further options; one that was open before stays open.

    Raises SluiceError if Java or Spark does not start. `lines`: how a JVM that is started logs.
    """
    from pyspark.logger import PySparkLogger
    from pyspark.sql import SparkSession

    before = SparkSession.getActiveSession()
    builder = SparkSession.builder.appName(f"sluice {name}")
    for option, value in options.items():
        builder = builder.config(option, value)
    with nullcontext() if before else java.starting(lines):
        spark = builder.getOrCreate()
    for logger in (
        "SQLQueryContextLogger",
        "DataFrameQueryContextLogger",
    ):  # a wrong condition is one line of Sluice's own
        PySparkLogger.getLogger(logger).setLevel(logging.CRITICAL)
    try:
        yield spark
    finally:
        if before is None:
            spark.stop()


def end(spark: Any, close: Callable[[], Any]) -> None:
    """Cancels the jobs of a failed run and closes its session; does not wait for a JVM that no longer answers."""

    def ending() -> None:
        with suppress(Exception):
            spark.sparkContext.cancelAllJobs()
        with suppress(Exception):
            close()

    thread = threading.Thread(target=ending, daemon=True)
    thread.start()
    thread.join(_ENDING)


def forget_interrupted_call(spark: Any) -> None:
    """Lets this thread call the JVM again after a signal interrupted a call whose answer has not arrived."""
    with suppress(AttributeError):
        del spark.sparkContext._gateway._gateway_client.thread_connection.connection
