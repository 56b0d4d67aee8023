"""PostgreSQL over TLS: certificates made on the spot, and a front that decrypts for a server built without OpenSSL."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_ASKS_FOR_TLS = struct.pack("!II", 8, 80877103)


class Authority:
    """Signs certificates. Its own is `NAME.crt` in the folder; each has `.crt` and `.key`, in libpq's format PEM."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name, self._key = folder, _named(name), ec.generate_private_key(ec.SECP256R1())
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        self.certificate = self._write(name, _certificate(self._name, self._key).add_extension(constraints, True))

    def sign(self, name: str) -> Path:
        """A certificate for a host or user, with its key; gives the path of the certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        path = self._folder / f"{name}.key"
        path.touch(0o600)
        path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        return self._write(name, _certificate(_named(name), key).add_extension(names, False))

    def _write(self, name: str, builder: x509.CertificateBuilder) -> Path:
        path = self._folder / f"{name}.crt"
        signed = builder.issuer_name(self._name).sign(self._key, hashes.SHA256())
        path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        return path


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).public_key(key.public_key())
    dates = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    return dates.serial_number(x509.random_serial_number())


class TlsFront:
    """Takes connections as a PostgreSQL with TLS does, and passes them on to the server at a port.

    `certificates`: those that it shows to the first connections, one each; later ones see the last. With `clients`, the
    certificate of an authority, clients must have one of it; `names` are those who came.
    """

    def __init__(self, port: int, *certificates: Path, clients: Path | None = None) -> None:
        self._port, self._certificates, self._clients = port, list(certificates), clients
        self.names = list[str]()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if connection.recv(8) != _ASKS_FOR_TLS:
                return
            connection.sendall(b"S")
            with self._context().wrap_socket(connection, server_side=True) as client:
                for entry in (client.getpeercert() or {}).get("subject", ()):
                    self.names.append(entry[0][1])
                with socket.create_connection(("127.0.0.1", self._port)) as server:
                    threading.Thread(target=_pass_on, args=(server, client), daemon=True).start()
                    _pass_on(client, server)

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self._clients)
        certificate = self._certificates.pop(0) if len(self._certificates) > 1 else self._certificates[0]
        context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        context.verify_mode = ssl.CERT_REQUIRED if self._clients else ssl.CERT_NONE
        return context

    def close(self) -> None:
        self._listener.close()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)
