"""Connections by TLS: libpq and JDBC verify the server alike, and show it the same certificate of the client."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import psycopg2
import pytest
from conftest import HEADER
from cryptography.hazmat.primitives import serialization
from sluice.errors import DatabaseError
from sluice.export import jdbc
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


def test_an_export_verifies_the_server_by_both_ways_and_shows_the_certificate_of_the_client(
    job, csv_file, database, front, signed
):
    """With `require` and a root certificate libpq verifies the server; the driver of JDBC by itself would not."""
    job("ingest", "products", csv_file("a.csv", HEADER, "1,x,"))
    root = {"sslrootcert": signed / "authority.crt"}
    front(signed / "localhost.crt", signed / "false.crt", sslmode="require", **root)  # another one for JDBC
    done = job("export", "products")
    assert done.exit_code == 6
    assert re.match("PostgreSQL refused rows of products: .*certification path", done.report["error"])
    assert done.stderr.splitlines()[-1] == f"export: {done.report['error']}"

    client = {"sslcert": signed / "sluice.crt", "sslkey": signed / "sluice.key"}
    server, _ = front(
        signed / "localhost.crt", clients=signed / "authority.crt", sslmode="verify-full", **root, **client
    )
    done = job("export", "products")
    assert done.exit_code == 0, done.stderr
    assert database("SELECT sku FROM products") == [("1",)]
    assert len(server.names) > 1
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


def jdbc_url(url):
    with psycopg2.connect(url) as connection:
        return jdbc.options(connection)["url"].partition("?")[2].split("&")


@pytest.mark.parametrize(
    ("given", "mode"),
    [
        ({}, "require"),
        ({"sslmode": "require"}, "require"),
        ({"sslmode": "require", "sslrootcert": "authority"}, "verify-ca"),
        ({"sslrootcert": "authority"}, "verify-ca"),
        ({"sslmode": "verify-full", "sslrootcert": "authority"}, "verify-full"),
    ],
)
def test_jdbc_is_as_strict_as_libpq_was(front, signed, given, mode):
    if "sslrootcert" in given:
        given = {**given, "sslrootcert": signed / "authority.crt"}
    _, url = front(signed / "localhost.crt", **given)
    parameters = jdbc_url(url)
    assert f"sslmode={mode}" in parameters
    assert "requireAuth=scram-sha-256" in parameters
    assert "sslcert=" in parameters  # none, instead of those that the driver would look for


def test_without_encryption_jdbc_has_none_either_and_gets_the_address(postgres_url):
    assert "sslmode=disable" in jdbc_url(postgres_url)
    with psycopg2.connect(postgres_url.replace("@127.0.0.1", "@no.example") + "&hostaddr=127.0.0.1") as connection:
        assert jdbc.options(connection)["url"].startswith("jdbc:postgresql://127.0.0.1:")


def test_the_authorities_of_the_system_are_java_s(front, signed, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(signed / "authority.crt"))
    _, url = front(signed / "localhost.crt", sslrootcert="system")
    parameters = jdbc_url(url)
    assert {"sslmode=verify-full", "sslfactory=org.postgresql.ssl.DefaultJavaSSLFactory"} <= {*parameters}


def test_files_of_libpq_s_home_reach_jdbc(front, signed, tmp_path):
    home = tmp_path / ".postgresql"
    home.mkdir()
    names = {"root.crt": "authority.crt", "postgresql.crt": "sluice.crt", "postgresql.key": "sluice.key"}
    for name, source in names.items():
        (home / name).touch(0o600)
        (home / name).write_bytes((signed / source).read_bytes())
    _, url = front(signed / "localhost.crt", clients=signed / "authority.crt")
    folder = str(home).replace("/", "%2F")
    files = {"sslrootcert": "root.crt", "sslcert": "postgresql.crt", "sslkey": "postgresql.key"}
    assert {
        "sslmode=verify-ca",
        "pemKeyAlgorithm=EC",
        *(f"{name}={folder}%2F{file}" for name, file in files.items()),
    } <= {*jdbc_url(url)}


def test_what_jdbc_cannot_check_or_read_is_refused(front, signed, tmp_path):
    key = tmp_path / "old.key"
    key.touch(0o600)
    parsed = serialization.load_pem_private_key((signed / "sluice.key").read_bytes(), None)
    form, plain = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    key.write_bytes(parsed.private_bytes(serialization.Encoding.PEM, form, plain))
    (tmp_path / ".postgresql").mkdir()
    (tmp_path / ".postgresql" / "root.crl").touch()
    _, url = front(signed / "localhost.crt", sslcert=signed / "sluice.crt", sslkey=key)
    with pytest.raises(DatabaseError, match=r"root\.crl: JDBC cannot check lists of revoked certificates"):
        jdbc_url(url)
    (tmp_path / ".postgresql" / "root.crl").unlink()
    with pytest.raises(DatabaseError, match=r"old\.key: JDBC cannot read a key in this form: convert"):
        jdbc_url(url)
    with pytest.raises(DatabaseError, match="ssl_min_protocol_version: JDBC takes TLSv1"):
        jdbc_url(f"{url}&ssl_min_protocol_version=TLSv1.3")
