"""Sends a job's runs to OpenLineage: one for each table that it writes, and for `run` one that contains these."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from openlineage.client.event_v2 import RunState
from openlineage.client.uuid import generate_static_uuid

from sluice.errors import Terminated
from sluice.lineage.datasets import Work
from sluice.lineage.events import Ancestors, Identity, Told
from sluice.lineage.sender import Sender, client
from sluice.runtime.exit import explained
from sluice.runtime.job import Job
from sluice.runtime.report import Report

_WITHOUT_RECORD = ("ingest", "aggregate", "export")  # jobs whose runs are told if they end before they are recorded
_COMMANDS = {"rejects": "rejects replay"}


class Lineage:
    """What is told of a job. What cannot be told never ends the job."""

    def __init__(self, job: Job, sender: Sender, ancestors: Ancestors | None) -> None:
        self._job, self._sender, self._ancestors = job, sender, ancestors
        self._namespace = os.environ.get("OPENLINEAGE_NAMESPACE") or "sluice"
        self._began = datetime.now(UTC)
        self._around: Told | None = None  # the job `run`, once its table is known
        self._seen: list[Report] = []

    @classmethod
    def of(cls, job: Job) -> Lineage | None:
        """None, and a line that says why, if nobody can be told."""
        try:
            return cls(job, Sender(client()), _ancestors(job))
        except ValueError as error:
            job.progress.log(
                f"OpenLineage is told nothing: {error}: see OPENLINEAGE_URL and openlineage.yml", "warning"
            )
            return None

    @contextmanager
    def watch(self, part: Job, arguments: Mapping[str, Any]) -> Iterator[None]:
        """Tells a recorded run: an export of several tables as a run for each, since each is made of one."""
        begun: list[tuple[Told, Work]] = []
        failure: BaseException | None = None
        with self._harmless():
            begun = [self._begin(report, arguments) for report in _under_way(part.report)]
        try:
            yield
        except BaseException as error:
            failure = error
            raise
        finally:
            with self._harmless():
                for told, work in begun:
                    self._finish(told, work, failure)

    def end(self, report: Report, failure: BaseException | None) -> None:
        """Tells what ended before it was recorded, then the job `run` itself, and waits for the events to arrive."""
        with self._harmless():
            for leaf in _leaves(report):
                if leaf.table and leaf.job in _WITHOUT_RECORD and not any(leaf is seen for seen in self._seen):
                    self._tell_ended(leaf, self._began if leaf is report else datetime.now(UTC), failure)
            if around := self._run_around():
                self._send_end(around, report.error, failure)
        if problem := self._sender.end():
            self._job.progress.log(problem, "warning")

    def _begin(self, report: Report, arguments: Mapping[str, Any]) -> tuple[Told, Work]:
        at = datetime.now(UTC)
        told = self._told(report, arguments, at)
        work = Work.begun(self._job.settings.lake, report, arguments)
        self._sender.send(told.event(RunState.START, at, work.inputs(done=False), work.outputs(done=False)))
        return told, work

    def _finish(self, told: Told, work: Work, failure: BaseException | None) -> None:
        done = failure is None
        self._send_end(told, work.report.error, failure, inputs=work.inputs(done=done), outputs=work.outputs(done=done))

    def _tell_ended(self, report: Report, at: datetime, failure: BaseException | None) -> None:
        told = self._told(report, {}, at)
        self._sender.send(told.event(RunState.START, at))
        self._send_end(told, report.error, failure if report.error else None)

    def _send_end(self, told: Told, error: str | None, failure: BaseException | None, **datasets: Any) -> None:
        state = RunState.COMPLETE
        if failure is not None:
            failure = explained(failure, self._job.settings.lake)
            state = RunState.ABORT if isinstance(failure, Terminated) else RunState.FAIL
            datasets["error"] = error or str(failure)
        self._sender.send(told.event(state, datetime.now(UTC), **datasets))

    def _told(self, report: Report, arguments: Mapping[str, Any], at: datetime) -> Told:
        """A run, begun at a moment, as it is told."""
        self._seen.append(report)
        around = self._run_around()
        command = _COMMANDS.get(report.job, report.job) + (f" {arguments['action']}" if "action" in arguments else "")
        ancestors = self._ancestors
        if around:
            ancestors = Ancestors(around.identity, ancestors.root if ancestors else around.identity)
        return self._named(f"{command} {report.table}", at, report, ancestors)

    @contextmanager
    def _harmless(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self._job.progress.log(f"OpenLineage: an event of this run is missing ({type(error).__name__})", "warning")

    def _run_around(self) -> Told | None:
        """The job `run`, told by now to have started; None for other jobs."""
        report = self._job.report
        if self._around is None and report.job == "run" and report.table:
            self._around = self._named(f"run {report.table}", self._began, report, self._ancestors)
            self._sender.send(self._around.event(RunState.START, self._began))
        return self._around

    def _named(self, job: str, at: datetime, report: Report, ancestors: Ancestors | None) -> Told:
        """An id of its own for each attempt: Sluice's may come again, but OpenLineage ends a run only once."""
        identity = "\0".join((self._job.settings.lake, report.run_id, self._namespace, job))
        run_id = str(generate_static_uuid(at, identity.encode()))
        return Told(Identity(self._namespace, job, run_id), ancestors, report.job, report.run_id)


def _ancestors(job: Job) -> Ancestors | None:
    """The run that a scheduler says it started this job from."""
    try:
        parent = Identity.of_environment("OPENLINEAGE_PARENT_ID")
        root = Identity.of_environment("OPENLINEAGE_ROOT_PARENT_ID")
    except ValueError:
        job.progress.log(
            "OpenLineage: OPENLINEAGE_PARENT_ID is left out: it must be NAMESPACE/JOB/RUN, RUN a UUID", "warning"
        )
        return None
    return Ancestors(parent, root or parent) if parent else None


def _leaves(report: Report) -> Iterator[Report]:
    """The report, or those of its parts and their parts, which have none themselves."""
    if report.steps is None:
        yield report
    for step in report.steps or []:
        yield from _leaves(step)


def _under_way(report: Report) -> list[Report]:
    """The reports of what a recorded run does: of an export, those that have something to do."""
    return [leaf for leaf in _leaves(report) if leaf.table and leaf.status != "nothing_new"]
