"""The folder of a run's profile: a new one in the folder that `--profile` names."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from sluice.errors import UsageError

EVENT_LOG = "event_log"
PLANS = "plans"
PROFILE = "profile.md"


def make_folder(parent: str, run_id: str) -> Path:
    """Makes a folder named like the run or, if there is one, `RUN-2`, …: a retry has the same id.

    Raises UsageError if nothing can be written there.
    """
    within = Path(parent).expanduser().resolve()
    for number in count(1):
        folder = within / (run_id if number == 1 else f"{run_id}-{number}")
        try:
            folder.mkdir()
            (folder / EVENT_LOG).mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            raise UsageError(
                f"--profile {parent}: nothing can be written there ({error.strerror}): choose another folder"
            ) from None
        return folder
    raise AssertionError("count() does not end")
