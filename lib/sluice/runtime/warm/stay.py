"""Whether this process stays after its job, and for how long: set by the job, looked at by the server around it."""

from __future__ import annotations

is_server = False  # whether this process takes other jobs at all
seconds: float | None = None  # as the last job that said so asked for


def after_job(minutes: float | None) -> None:
    """Lets the process stay so long after this job; None: as long as an earlier one said."""
    global seconds
    if minutes is not None:
        seconds = minutes * 60
