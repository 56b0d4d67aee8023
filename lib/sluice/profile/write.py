"""Writes a run's profile once its session has ended, so that Spark's event log is complete."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from sluice.profile import plan
from sluice.profile.event_log import EventLog
from sluice.profile.folder import EVENT_LOG, PLANS, PROFILE
from sluice.profile.markdown import markdown
from sluice.profile.steps import StepProfile, steps
from sluice.runtime.job import Job
from sluice.runtime.log_lines import printable


def write_profile(job: Job, folder: Path) -> None:
    """Writes `profile.md` and the plans of a run that has ended, whose event log is in the folder, if it has one."""
    ended = time.time()
    path = next((folder / EVENT_LOG).glob("[!.]*"), None)  # `….inprogress` if Spark did not end by itself
    log = EventLog.read(path) if path else None
    profiles = steps(job.timeline, log or EventLog(), ended)
    command = printable(shlex.join([job.report.job, *sys.argv[1:]]))
    text = markdown(job, command, log, profiles, ended)
    (folder / PROFILE).write_text(text, encoding="utf-8", errors="backslashreplace")
    if log:
        _write_plans(folder / PLANS, profiles)
    else:
        (folder / EVENT_LOG).rmdir()
    job.progress.log(f"profile: {folder / PROFILE}")


def _write_plans(folder: Path, profiles: Sequence[StepProfile]) -> None:
    folder.mkdir()
    for number, step in enumerate(profiles, 1):
        queries = [
            f"== {step.title}, query {execution.number}: {execution.description}\n{plan.text(execution)}\n"
            for execution in step.executions
        ]
        if queries:
            (folder / f"{number:02}.txt").write_text("\n".join(queries), encoding="utf-8", errors="backslashreplace")
