"""OpenLineage's events of a run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import RunFacet, error_message_run, job_type_job, parent_run, set_producer, tags_run

import sluice

set_producer(f"pkg:generic/sluice@{sluice.__version__}")  # a URI that names Sluice, see github.com/package-url


class Identity(NamedTuple):
    """What OpenLineage knows a run by."""

    namespace: str
    job: str
    run_id: str

    @classmethod
    def of_environment(cls, variable: str) -> Identity | None:
        """The run that a scheduler names as `NAMESPACE/JOB/RUN`; None if it names none. Raises ValueError."""
        text = os.environ.get(variable)
        if not text:
            return None
        namespace, job, run_id = text.rsplit("/", 2)
        return cls(namespace, job, str(UUID(run_id)))


class Ancestors(NamedTuple):
    """The run that started another one, and the one that all began with."""

    parent: Identity
    root: Identity


@dataclass(frozen=True)
class Told:
    """A run as it is sent to OpenLineage. `run_id` is Sluice's own id of the run, `kind` the name of its job."""

    identity: Identity
    ancestors: Ancestors | None
    kind: str
    run_id: str

    def event(
        self,
        state: RunState,
        at: datetime,
        inputs: Sequence[InputDataset] = (),
        outputs: Sequence[OutputDataset] = (),
        error: str | None = None,
    ) -> RunEvent:
        """What the run has come to at a moment (UTC); `error`: why it failed."""
        integration = job_type_job.JobTypeJobFacet("BATCH", "SLUICE", jobType=self.kind.upper())
        return RunEvent(
            eventType=state,
            eventTime=at.isoformat(timespec="milliseconds"),
            run=Run(self.identity.run_id, self._facets(error)),
            job=Job(self.identity.namespace, self.identity.job, {"jobType": integration}),
            inputs=list(inputs),
            outputs=list(outputs),
        )

    def _facets(self, error: str | None) -> dict[str, RunFacet]:
        own = tags_run.TagsRunFacetFields("sluice_run_id", self.run_id, "SLUICE")
        facets: dict[str, RunFacet] = {"tags": tags_run.TagsRunFacet([own])}
        if self.ancestors:
            facets["parent"] = _parent(*self.ancestors)
        if error:
            facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(error, "PYTHON")
        return facets


def _parent(parent: Identity, root: Identity) -> parent_run.ParentRunFacet:
    return parent_run.ParentRunFacet(
        run=parent_run.Run(parent.run_id),
        job=parent_run.Job(parent.namespace, parent.job),
        root=parent_run.Root(parent_run.RootRun(root.run_id), parent_run.RootJob(root.namespace, root.job)),
    )
