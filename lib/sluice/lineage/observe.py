"""Whether a job tells its lineage: only where OpenLineage's own settings name who is to be told. Else nothing loads."""

from __future__ import annotations

import os

from sluice.runtime.exit import Listener
from sluice.runtime.job import Job

_JOBS = ("ingest", "aggregate", "export", "run", "rejects", "maintain")  # those that may write a table
_FILE = "openlineage.yml"


def observe(job: Job) -> list[Listener]:
    """Lets a job tell its runs as they start and end; gives who is to hear of its end."""
    if job.report.job not in _JOBS or job.settings.dry_run or not _is_set_up():
        return []
    try:
        from sluice.lineage.tell import Lineage  # loads the client: a quarter of a second
    except ImportError:
        job.progress.log(
            "OpenLineage is set up, but its client is not installed: pip install openlineage-python", "warning"
        )
        return []
    lineage = Lineage.of(job)
    if lineage is None:
        return []
    job.watch = lineage.watch
    return [Listener("OpenLineage", lineage.end)]


def _is_set_up() -> bool:
    """Whether there is any of what the client looks for: its variables, or its file here or at home."""
    if os.environ.get("OPENLINEAGE_DISABLED", "").strip().lower() == "true":
        return False
    names = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG")
    if any(os.environ.get(name) for name in names) or any(
        name.startswith("OPENLINEAGE__TRANSPORT") for name in os.environ
    ):
        return True
    return any(os.path.isfile(os.path.join(os.path.expanduser(folder), _FILE)) for folder in (".", "~/.openlineage"))
