"""The JVM of Spark. Under ./spark-submit.sh the job starts it itself, and only once an answer needs Spark."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from sluice.errors import SluiceError
from sluice.runtime import compiling, wrapper
from sluice.runtime.log_lines import LogStyle
from sluice.runtime.warm import stay

_CHECK = Path(__file__).parents[3] / "docker" / "check-java.sh"
_BESIDE_HEAP = 1 << 30  # bytes that Python and the JVM hold beside the JVM's heap
_started: subprocess.Popen[bytes] | None = None  # the JVM that this process has started, if any
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def start(lines: LogStyle, size: int | None) -> None:
    """Starts a JVM with the wrapper's options; where spark-submit has started one, connects to that.

    The JVM writes to the wrapper's pipe and ignores signals, which end the job by its own rules; one that arrives
    meanwhile is in the wrapper's folder. `size`: how many bytes it will read, None: nobody knows. Raises SluiceError if
    Java is missing.
    """
    global _started
    import pyspark
    from pyspark import SparkContext
    from pyspark.java_gateway import launch_gateway

    options = wrapper.spark_options()
    if options is None:
        SparkContext._ensure_initialized()
        return
    checked = subprocess.run([_CHECK], stderr=subprocess.PIPE, text=True)
    if checked.returncode:
        raise SluiceError(checked.stderr.strip())
    os.environ["SPARK_HOME"] = os.path.dirname(pyspark.__file__)  # not another that the user has set
    os.environ["PYSPARK_SUBMIT_ARGS"] = shlex.join([*compiling.spark_options(size, options), "pyspark-shell"])
    os.environ["SPARK_SUBMIT_OPTS"] = f"{compiling.java_options(size)} {os.environ['SPARK_SUBMIT_OPTS']}"
    if lines.json:
        settings = os.environ["SPARK_SUBMIT_OPTS"].replace("log4j2.properties", "log4j2-json.properties")
        os.environ["SPARK_SUBMIT_OPTS"] = settings
    output = _output()
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _SIGNALS}
    try:
        gateway = launch_gateway(popen_kwargs={"stdout": output, "stderr": output})
        SparkContext._ensure_initialized(gateway=gateway)
        _started = gateway.proc
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _output() -> int:
    """Where the JVM writes to: standard error or, if the JVM outlives the job, a pipe that leads to the one of then."""
    if not stay.is_server:
        return sys.stderr.fileno()
    begin, end = os.pipe()

    def lead() -> None:
        while data := os.read(begin, 1 << 16):
            with suppress(OSError):  # nobody reads it
                os.write(sys.stderr.fileno(), data)

    threading.Thread(target=lead, daemon=True).start()
    return end


def collect_garbage() -> bool:
    """Frees what earlier jobs left; False if this process and its JVM hold more memory than they would anew."""
    from pyspark import SparkContext

    assert _started is not None
    assert SparkContext._jvm is not None
    memory = SparkContext._jvm.Runtime.getRuntime()
    memory.gc()
    return _resident_bytes(os.getpid()) + _resident_bytes(_started.pid) < memory.maxMemory() + _BESIDE_HEAP


def _resident_bytes(process: int) -> int:
    """The memory of a process, as proc(5) gives it."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def end(seconds: float) -> None:
    """Ends the JVM that this process has started, if any; one that does not end within `seconds` is killed."""
    if _started is None or _started.stdin is None:
        return
    with suppress(OSError):
        _started.stdin.close()
    try:
        _started.wait(seconds)
    except subprocess.TimeoutExpired:
        _started.kill()


def died() -> SluiceError | None:
    """The failure to report if the JVM that this process has started has ended by itself; else None."""
    if _started is None or _started.poll() is None:
        return None
    code = _started.returncode
    killed = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit {code}"
    return SluiceError(
        f"Spark's JVM ended in the middle of the run ({killed}): if the machine was short of memory, free some or "
        "change --driver-memory, then run the same command again: it resumes safely"
    )
