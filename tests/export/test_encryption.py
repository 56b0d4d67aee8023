"""Connections by TLS: the server is verified, and sees the certificate of the client."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from conftest import HEADER
from sluice.errors import DatabaseError
from sluice.export.connection import connected
from tls import Authority, TlsFront


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    """A folder with the certificates of two authorities, and of a host and a user, signed by the first."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = Authority(folder, "authority")
    Authority(folder, "other").sign("false.example").rename(folder / "false.crt")
    (folder / "false.example.key").rename(folder / "false.key")
    for name in ("localhost", "host.example", "sluice"):
        authority.sign(name)
    return folder


@pytest.fixture
def front(postgres_url, monkeypatch, tmp_path):
    """Starts a front and names it as the database: `front(certificate, …, host=…, parameter=…)`."""
    monkeypatch.setenv("HOME", str(tmp_path))  # without files of libpq's own
    started = []

    def start(*certificates, host="localhost", clients=None, **parameters):
        server = TlsFront(urlsplit(postgres_url).port, *certificates, clients=clients)
        started.append(server)
        url = re.sub(r"@127\.0\.0\.1:\d+/", f"@{host}:{server.port}/", postgres_url)
        url += "".join(f"&{name}={value}" for name, value in parameters.items())
        monkeypatch.setenv("SLUICE_DATABASE_URL", url)
        return server, url

    yield start
    for server in started:
        server.close()


def test_an_export_shows_the_certificate_of_the_client(job, csv_file, database, front, signed):
    job("ingest", "products", csv_file("a.csv", HEADER, "1,x,"))
    root = {"sslrootcert": signed / "authority.crt"}
    client = {"sslcert": signed / "sluice.crt", "sslkey": signed / "sluice.key"}
    server, _ = front(
        signed / "localhost.crt", clients=signed / "authority.crt", sslmode="verify-full", **root, **client
    )
    done = job("export", "products")
    assert done.exit_code == 0, done.stderr
    assert database("SELECT sku FROM products") == [("1",)]
    assert {*server.names} == {"sluice"}


@pytest.mark.parametrize(
    ("certificate", "root", "message"),
    [
        ("localhost", "other", r'server at "localhost" .*: SSL error: certificate verify failed: name the file of'),
        ("host.example", "authority", r'"host\.example" does not match host name "localhost": connect by a name'),
        ("localhost", "none", r'root certificate file ".*none\.crt" does not exist: put it there, or name another'),
    ],
)
def test_a_server_that_is_not_the_one_expected_is_one_line(front, signed, certificate, root, message):
    _, url = front(signed / f"{certificate}.crt", sslmode="verify-full", sslrootcert=signed / f"{root}.crt")
    with pytest.raises(DatabaseError, match=f"^PostgreSQL: .*{message}.*$") as refused, connected(url, "public"):
        pass
    assert "\n" not in str(refused.value)
