"""What the server is told at its start. The token comes from the environment alone: arguments show in `ps`."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from sluice.errors import UsageError
from sluice.files.s3.client import is_on_s3
from sluice.runtime.settings import Settings

WARM_MINUTES = 10.0  # how long a job's process waits for the next upload, unless --keep-warm says otherwise
_SHORTEST_TOKEN = 16


@dataclass(frozen=True)
class ServeSettings:
    """`lake`, `tables` and `landing` are absolute paths or URIs, `schema` is of PostgreSQL.

    * `max_upload`: bytes of a request. `max_records`: records of a request in JSON.
    * `request_timeout`: seconds. `idle_minutes`: how long a job's process stays for the next upload.
    * `token`: what writers show; empty: nobody may write.
    """

    host: str
    port: int
    schema: str
    lake: str
    tables: str
    landing: str
    max_upload: int
    max_records: int
    request_timeout: float
    idle_minutes: float
    token: str = field(repr=False)

    @classmethod
    def of(cls, options: dict[str, Any], settings: Settings) -> ServeSettings:
        """Takes the job's own options and those of all jobs. Raises UsageError for what must not be served."""
        token, host = _token(), options.pop("bind")
        if not is_loopback(host) and not token:
            raise UsageError(
                f"--bind {host}: other machines reach this address: set SLUICE_TOKEN to what those who write must show"
            )
        landing = options.pop("landing")
        return cls(
            host=host,
            landing=landing if is_on_s3(landing) else str(Path(landing).expanduser().absolute()),
            lake=settings.lake,
            tables=settings.tables,
            idle_minutes=WARM_MINUTES if settings.keep_warm is None else settings.keep_warm,
            token=token,
            **options,
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _token() -> str:
    """The token, empty if none is set. Raises UsageError for one that could be guessed, or that no header can hold."""
    token = os.environ.get("SLUICE_TOKEN", "")
    if token and not (len(token) >= _SHORTEST_TOKEN and token.isascii() and token.isprintable() and " " not in token):
        raise UsageError(
            f"SLUICE_TOKEN: use at least {_SHORTEST_TOKEN} letters, digits and signs without blanks, such as what "
            "openssl rand -hex 32 prints"
        )
    return token
