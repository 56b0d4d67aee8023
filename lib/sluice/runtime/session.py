"""The Spark session of a job: its settings come from spark-submit and conf/spark-defaults.conf alone."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sluice.errors import SluiceError
from sluice.files.s3.client import executor_environment
from sluice.runtime import compiling, java, wrapper
from sluice.runtime.log_lines import LogStyle
from sluice.runtime.warm import stay

_ENDING = 4.0  # seconds


@contextmanager
def opened(
    name: str,
    options: Mapping[str, str],
    lines: LogStyle,
    listen: Callable[[], None],
    size: int | None,
    event_log: Path | None,
) -> Iterator[Any]:
    """A session of the application `name` with further options; one that was open before stays open.

    Raises SluiceError if Java or Spark does not start. `lines`: how a JVM that is started logs. `listen`: called once
    signals may end the run again: a cluster that does not answer is waited for, for a minute. `size`: how many
    bytes the run reads, as far as it is known. `event_log`: Spark's folder for it, if one is to be kept.
    """
    from pyspark.sql import SparkSession

    before = SparkSession.getActiveSession()
    with _start_failures():
        if before is None:
            java.start(lines, None if stay.is_server else size)  # it takes larger jobs later
            listen()
        spark = _session(name, event_log)
    if stay.is_server:
        options = {**compiling.session_settings(size, wrapper.spark_options() or ()), **options}
    for option, value in options.items():  # now: a JVM that starts warns of options that are not Spark's own
        spark.conf.set(option, value)
    try:
        yield spark
    finally:
        if before is None and not stay.is_server:
            spark.stop()


@contextmanager
def _start_failures() -> Iterator[None]:
    """Raises what keeps Java or Spark from starting as SluiceError."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    try:
        yield
    except (Py4JJavaError, PySparkException) as error:
        cause = str(getattr(error, "java_exception", error)).splitlines()[0]
        what_to_do = "see the lines above, and check --master and the other options before the job"
        raise SluiceError(f"Spark did not start ({cause}): {what_to_do}") from None


def _session(name: str, event_log: Path | None) -> Any:
    from pyspark.sql import SparkSession

    quieten()
    builder = SparkSession.builder.appName(f"sluice {name}")
    for variable, value in executor_environment().items():
        builder = builder.config(f"spark.executorEnv.{variable}", value)
    if event_log:  # in one file, as it is read while no session is there that could decompress it
        for setting, value in (("dir", event_log.as_uri()), ("compress", "false"), ("rolling.enabled", "false")):
            builder = builder.config(f"spark.eventLog.{setting}", value)
        builder = builder.config("spark.eventLog.enabled", "true")
    return builder.getOrCreate()


def quieten() -> None:
    """Leaves it to the job to say what failed: PySpark and py4j would print a wrong condition, and tracebacks of a JVM
    that died."""
    from pyspark import accumulators
    from pyspark.logger import PySparkLogger

    for logger in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        PySparkLogger.getLogger(logger).setLevel(logging.CRITICAL)
    for server in (accumulators.AccumulatorTCPServer, accumulators.AccumulatorUnixServer):
        server.handle_error = _say_nothing  # type: ignore[method-assign, assignment]
    logging.getLogger("py4j").setLevel(logging.CRITICAL)
    logging.getLogger().addFilter(_is_not_of_py4j)


def _say_nothing(*_: Any) -> None:
    """In place of a traceback that `socketserver` prints."""


def _is_not_of_py4j(record: logging.LogRecord) -> bool:
    return "py4j" not in record.pathname


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


def reset() -> bool:
    """Makes the session as at its beginning, for the next job; False if this process holds too much memory for one."""
    if "pyspark" not in sys.modules:
        return True
    from pyspark.sql import SparkSession

    spark = SparkSession.getActiveSession()
    if spark is None:
        return True
    spark.catalog.clearCache()
    spark.sql("RESET")
    return java.collect_garbage()


def forget_interrupted_call(spark: Any) -> None:
    """Lets this thread call the JVM again after a signal interrupted a call whose answer has not arrived."""
    with suppress(AttributeError):
        del spark.sparkContext._gateway._gateway_client.thread_connection.connection
