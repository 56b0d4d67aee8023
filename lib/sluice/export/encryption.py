"""How Spark's connections to PostgreSQL by JDBC are encrypted and checked: at least as strictly as libpq's were.

The two have other defaults: libpq verifies the server for any `sslmode` once a root certificate is there, the driver
of JDBC only for `verify-ca` and `verify-full`; each looks for files in a home folder of its own.
"""

from __future__ import annotations

from base64 import b64decode
from contextlib import suppress
from pathlib import Path
from typing import Any

from sluice.errors import DatabaseError

# libpq's parameters that the driver has by another name, with the same values
_SAME = {
    "channel_binding": "channelBinding",
    "require_auth": "requireAuth",
    "sslnegotiation": "sslNegotiation",
}
_JAVA_TRUST = "org.postgresql.ssl.DefaultJavaSSLFactory"  # the authorities that Java trusts
_PEM = b"-----BEGIN "
_ELLIPTIC = b"\x2a\x86\x48\xce\x3d\x02\x01"  # the name of this kind of key, id-ecPublicKey of RFC 5480, in DER


def jdbc_parameters(info: Any) -> dict[str, str]:
    """The driver's parameters for the server, user and files of a psycopg2 connection, which has succeeded.

    Files are named by absolute paths: executors work in folders of their own. Raises DatabaseError for what the driver
    cannot check or read.
    """
    given = {name: value for name, value in info.dsn_parameters.items() if value}
    root = _file(given, "sslrootcert", "root.crt")
    parameters = {_SAME[name]: given[name] for name in _SAME.keys() & given.keys()}
    parameters["sslmode"] = _mode(given["sslmode"], encrypted=info.ssl_in_use, verified=root != "")
    if given.get("gssencmode") in ("disable", "require"):
        parameters["gssEncMode"] = given["gssencmode"]
    if parameters["sslmode"] == "disable":
        return parameters
    _refuse_what_jdbc_lacks(given)
    if given.get("sslrootcert") == "system":
        parameters["sslfactory"] = _JAVA_TRUST
    elif root:
        parameters["sslrootcert"] = root
    return parameters | _client_certificate(given)


def _mode(asked: str, *, encrypted: bool, verified: bool) -> str:
    """The `sslmode` that allows only what libpq asked for, or reached where it had a choice."""
    if asked in ("disable", "allow", "prefer"):
        asked = "require" if encrypted else "disable"
    return "verify-ca" if asked == "require" and verified else asked


def _client_certificate(given: dict[str, str]) -> dict[str, str]:
    """Certificate and key by which the client shows who it is; empty for none, or the driver would look for some."""
    certificate = _file(given, "sslcert", "postgresql.crt") if given.get("sslcertmode") != "disable" else ""
    if not certificate:
        return {"sslcert": "", "sslkey": ""}
    key = _file(given, "sslkey", "postgresql.key")
    text = Path(key).read_bytes() if key else b""
    if text.startswith(_PEM) and not text.startswith(_PEM + b"PRIVATE KEY"):
        raise DatabaseError(
            f"{key}: JDBC cannot read a key in this form: convert it with: openssl pkcs8 -topk8 -nocrypt -in {key} "
            "-out NEW_KEY, and name the new one by sslkey (PGSSLKEY)"
        )
    parameters = {"sslcert": certificate, "sslkey": key}
    return parameters | {"pemKeyAlgorithm": "EC"} if _is_elliptic(text) else parameters


def _is_elliptic(pem: bytes) -> bool:
    """Whether a key is of an elliptic curve: the driver, unless told, takes a key in PEM for one of RSA."""
    body = pem.partition(b"KEY-----")[2].partition(b"-----END")[0]
    with suppress(ValueError):
        return _ELLIPTIC in b64decode(body)[:40]
    return False


def _file(given: dict[str, str], parameter: str, default: str) -> str:
    """The absolute path of the file that libpq takes, its default in the user's home included; empty if it has none."""
    path = Path(given.get(parameter) or Path.home() / ".postgresql" / default).absolute()
    return str(path) if path.exists() else ""


def _refuse_what_jdbc_lacks(given: dict[str, str]) -> None:
    if revoked := given.get("sslcrldir") or _file(given, "sslcrl", "root.crl"):
        raise DatabaseError(
            f"{revoked}: JDBC cannot check lists of revoked certificates: leave out sslcrl and sslcrldir, and the file "
            "root.crl"
        )
    if given.get("ssl_min_protocol_version") == "TLSv1.3":
        raise DatabaseError(
            "ssl_min_protocol_version: JDBC takes TLSv1.2 too: leave it out, and let the server demand TLSv1.3"
        )
