"""The JVM of Spark. Under ./spark-submit.sh the job starts it itself, and only once an answer needs Spark."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sluice.errors import SluiceError
from sluice.runtime import wrapper
from sluice.runtime.log_lines import LogStyle

_CHECK = Path(__file__).parents[3] / "docker" / "check-java.sh"
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@contextmanager
def starting(lines: LogStyle) -> Iterator[None]:
    """Within it PySpark starts a JVM with the wrapper's options; where spark-submit has started one, it does nothing.

    The JVM writes to the wrapper's pipe and ignores signals, which end the job by its own rules; one that arrives
    meanwhile is in the wrapper's folder. Raises SluiceError if Java is missing.
    """
    options = wrapper.spark_options()
    if options is None:
        yield
        return
    import pyspark

    checked = subprocess.run([_CHECK], stderr=subprocess.PIPE, text=True)
    if checked.returncode:
        raise SluiceError(checked.stderr.strip())
    os.environ["SPARK_HOME"] = os.path.dirname(pyspark.__file__)  # not another that the user has set
    os.environ["PYSPARK_SUBMIT_ARGS"] = shlex.join([*options, "pyspark-shell"])
    os.environ["SLUICE_RUN_ID"] = lines.run_id  # of Spark's lines in JSON
    if lines.json:
        settings = os.environ["SPARK_SUBMIT_OPTS"]
        os.environ["SPARK_SUBMIT_OPTS"] = settings.replace("log4j2.properties", "log4j2-json.properties")
    sys.stdout.flush()  # from here on with standard error: a JVM writes to both, and the wrapper prints the report
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end(seconds: float) -> None:
    """Ends the JVM that this process has started, if any; one that does not end within `seconds` is killed."""
    jvm = _own()
    if jvm is None or jvm.stdin is None:
        return
    with suppress(OSError):
        jvm.stdin.close()
    try:
        jvm.wait(seconds)
    except subprocess.TimeoutExpired:
        jvm.kill()


def died() -> SluiceError | None:
    """The failure to report if the JVM that this process has started has ended by itself; else None."""
    jvm = _own()
    if jvm is None or jvm.poll() is None:
        return None
    killed = f"killed by {signal.Signals(-jvm.returncode).name}" if jvm.returncode < 0 else f"exit {jvm.returncode}"
    return SluiceError(
        f"Spark's JVM ended in the middle of the run ({killed}): if the machine was short of memory, free some or "
        "change --driver-memory, then run the same command again: it resumes safely"
    )


def _own() -> subprocess.Popen[bytes] | None:
    """The JVM that this process has started, if any."""
    if wrapper.spark_options() is None or "pyspark" not in sys.modules:
        return None
    from pyspark import SparkContext

    return getattr(SparkContext._gateway, "proc", None)
