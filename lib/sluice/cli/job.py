"""How a job runs, from its options to its exit code."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sluice.lineage.observe import observe
from sluice.runtime.exit import end
from sluice.runtime.job import ENDING, Job
from sluice.runtime.settings import Settings
from sluice.runtime.warm import stay


@contextmanager
def job(name: str, options: dict[str, Any]) -> Iterator[Job]:
    """Runs a job: prints its report, turns failures into exit codes, and ends cleanly on SIGTERM and SIGINT."""
    running = Job(name, Settings.of(options))
    at_end = observe(running)
    failure: BaseException | None = None
    before = [(number, signal.getsignal(number)) for number in ENDING]
    try:
        try:
            stay.after_job(running.settings.keep_warm)
            running.listen()
            yield running
        except BaseException as error:
            failure = error
            raise
        finally:
            running.close(failure)
    except SystemExit:
        raise
    except BaseException:  # a panic of delta-rs is no Exception
        pass  # reported below
    finally:
        for number, handler in before:
            signal.signal(number, handler)
    end(running.report, failure, running.progress.lines, running.settings.result_file, running.settings.lake, at_end)
