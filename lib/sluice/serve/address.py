"""The database's URL, written for libpq, as asyncpg takes it: what it does not know it would send to PostgreSQL."""

from __future__ import annotations

import os
import ssl
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from sluice.errors import DatabaseError

_KNOWN = {  # to asyncpg, with the same meaning
    *("user", "password", "passfile", "host", "port", "dbname", "service", "options", "target_session_attrs"),
    *("sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslpassword", "sslnegotiation"),
    *("ssl_min_protocol_version", "ssl_max_protocol_version", "krbsrvname", "gsslib"),
}
_PROMISES = {"require_auth": "PGREQUIREAUTH", "channel_binding": "PGCHANNELBINDING"}  # how the server proves itself
_HERE = ("localhost", "127.0.0.1", "::1", "")  # nobody is between, and an empty host is a socket's folder


def for_asyncpg(url: str) -> str:
    """The URL without what only libpq heeds; empty as it was. Raises DatabaseError for what it cannot hold."""
    parts = urlsplit(url)
    given = dict(parse_qsl(parts.query))
    host = parts.hostname or given.get("host") or os.environ.get("PGHOST", "")
    for name, variable in _PROMISES.items():
        asked = given.get(name) or os.environ.get(variable)
        if asked not in (None, "", "prefer", "disable") and host not in _HERE and not host.startswith("/"):
            raise DatabaseError(
                f"{name}={asked}: the driver of this job cannot hold {host} to it: leave it out, and verify the server "
                "by sslmode=verify-full"
            )
    kept = {name: value for name, value in given.items() if name in _KNOWN}
    if kept.get("sslrootcert") == "system":
        kept["sslrootcert"] = ssl.get_default_verify_paths().cafile or "system"
    return urlunsplit(parts._replace(query=urlencode(kept)))
