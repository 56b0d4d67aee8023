"""How a job runs, from its options to its exit code."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from sluice.cli.listeners import listeners
from sluice.errors import Terminated
from sluice.lineage.observe import observe
from sluice.profile.observe import profile
from sluice.runtime.exit import Listener, end, tell
from sluice.runtime.job import ENDING, Job
from sluice.runtime.settings import Settings
from sluice.runtime.warm import stay


@contextmanager
def job(name: str, options: dict[str, Any]) -> Iterator[Job]:
    """Runs a job: prints its report, turns failures into exit codes, and ends cleanly on SIGTERM and SIGINT."""
    running = Job(name, Settings.of(options))
    observers = [*observe(running), *profile(running)]
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
    except BaseException:  # not Exception alone: delta-rs's panics are none
        pass  # reported below
    finally:
        _tell(running, failure, observers)
        for number, handler in before:
            signal.signal(number, handler)
    end(running.report, failure, running.progress.lines, running.settings.result_file, running.settings.lake)


def _tell(job: Job, failure: BaseException | None, observers: Sequence[Listener]) -> None:
    """Lets others have the report while a signal still raises, so that one that comes now ends this and not the run."""
    settings = job.settings
    file = None if settings.dry_run else settings.metrics_file  # which a dry run would make say what is not so
    all_of_them = (*listeners(file, settings.lake, settings.tables), *observers)
    with suppress(Terminated):
        tell(all_of_them, job.report, failure, job.progress.lines, settings.lake)
