"""Jobs called from Python, each in a process of its own: its signals, locks and Spark are not those of the caller."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from sluice.errors import SluiceError, Terminated, UsageError
from sluice.runtime import home
from sluice.runtime.report import Report

_OF_SPARK = ("PYSPARK_SUBMIT_ARGS", "PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET", "SPARK_ENV_LOADED")


def run_job(job: str, arguments: Collection[object], options: Mapping[str, Any]) -> Report:
    """Runs a job by ./spark-submit.sh, as `sluice.run` describes it."""
    project = home.project()
    if project is None:
        raise UsageError(
            "jobs cannot be run from here: clone the project, run make setup in it, and set SLUICE_HOME to its folder"
        )
    command = [str(project / home.WRAPPER), job, *map(str, arguments), *_flags(options)]
    with tempfile.TemporaryDirectory(prefix="sluice-run-") as folder:
        result = Path(options.get("result_file") or Path(folder, "report"))
        environment = {name: value for name, value in os.environ.items() if name not in _OF_SPARK}
        code, printed, last_line = _run(command, {**environment, "SLUICE_RESULT_FILE": str(result)})
        in_print = _document(printed)
        document = in_print or _document(result.read_text() if result.is_file() else "")
    if code:
        raise _failure(code, document.get("error") or last_line or f"{job} ended with exit code {code}")
    report = _report(document)
    report.answer = None if in_print else printed
    return report


def _flags(options: Mapping[str, Any]) -> list[str]:
    """Options as a job takes them: `max_rejects="5%"` is `--max-rejects 5%`."""
    flags = []
    for name, value in options.items():
        flag = f"--{name.strip('_').replace('_', '-')}"
        if value is True:
            flags.append(flag)
        elif value is not None and value is not False:
            flags += [flag, ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)]
    return flags


def _run(command: list[str], environment: Mapping[str, str]) -> tuple[int, str, str]:
    """The exit code, standard output and last line of standard error of a command; its messages are shown as they come.

    An interrupt of this process (Ctrl-C, a notebook's stop button) is passed on, and the job's end waited for.
    """
    last_line = ""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        assert process.stderr is not None
        while True:
            try:
                for line in process.stderr:
                    last_line = line.decode(errors="replace").rstrip("\n")
                    print(last_line, file=sys.stderr, flush=True)
                code = process.wait()
                break
            except KeyboardInterrupt:
                process.send_signal(signal.SIGINT)
        output.seek(0)
        return code, output.read().decode(errors="replace"), last_line


def _document(text: str) -> dict[str, Any]:
    """A job's report; nothing where the text is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) and "run_id" in found else {}


def _report(document: dict[str, Any]) -> Report:
    steps = [_report(step) for step in document.get("steps", ())]
    return Report(**{**document, "steps": steps} if "steps" in document else document)


def _failure(code: int, message: str) -> BaseException:
    """The error that a job ended by, as it would have been raised in the job."""
    if code > 128:
        return Terminated(code - 128)
    kind = next((kind for kind in SluiceError.__subclasses__() if kind.exit_code == code), SluiceError)
    return kind(message)
