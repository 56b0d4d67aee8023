"""Whether a run is to leave a profile. Else nothing of it loads."""

from __future__ import annotations

from sluice.profile.folder import EVENT_LOG, make_folder
from sluice.runtime.exit import Listener
from sluice.runtime.job import Job


def profile(job: Job) -> list[Listener]:
    """Lets a run keep Spark's event log, if it is to leave a profile; gives who writes that at its end.

    Raises UsageError if nothing can be written where it is to be.
    """
    if job.settings.profile is None:
        return []
    folder = make_folder(job.settings.profile, job.settings.run_id)
    job.event_log = folder / EVENT_LOG

    def write(*_: object) -> None:
        from sluice.profile.write import write_profile

        write_profile(job, folder)

    return [Listener(f"--profile {job.settings.profile}", write)]
