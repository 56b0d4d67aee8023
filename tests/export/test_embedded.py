"""The embedded PostgreSQL's password goes to this server alone."""

from __future__ import annotations

import os
import re
import socket
import stat
import struct
import tempfile
import threading
from pathlib import Path

import psycopg2
import pytest
from sluice.errors import DatabaseError
from sluice.export import embedded


def test_what_a_crash_left_of_a_server_is_not_taken_for_one(tmp_path):
    (tmp_path / "data").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as other:
        lines = (os.getpid(), tmp_path / "data", 0, other.getsockname()[1])  # this process is no server
        (tmp_path / "data" / "postmaster.pid").write_text("".join(f"{line}\n" for line in lines))
        embedded.stop(tmp_path)  # stops nothing
        other.settimeout(0.2)
        with pytest.raises(TimeoutError):
            other.accept()


@pytest.mark.skipif(os.geteuid() != 0, reason="only as root does the server run as another user")
def test_folders_above_the_project_keep_their_rights(monkeypatch):
    with tempfile.TemporaryDirectory(prefix="sluice-closed-") as name:
        closed, project = Path(name), Path(name, "project")
        postgres = project / ".sluice" / "postgres"
        postgres.mkdir(parents=True)
        project.chmod(0o700)

        def rights():
            return [stat.S_IMODE(path.stat().st_mode) for path in (closed, project)]

        monkeypatch.chdir(project)
        with pytest.raises(DatabaseError, match=f"nobody may not enter {closed}: work in another folder, allow it"):
            embedded.start(postgres)
        assert rights() == [0o700, 0o700]
        closed.chmod(0o711)
        embedded._hand_over(postgres)
        assert rights() == [0o711, 0o701]


def test_a_password_is_not_sent_in_clear(postgres_url):
    received = bytearray()

    def ask_for_the_password_in_clear():
        connection, _ = listener.accept()
        with connection:
            first = connection.recv(4096)
            if first[4:8] == struct.pack("!I", 80877103):  # asks for encryption
                connection.sendall(b"N")
                connection.recv(4096)
            connection.sendall(b"R" + struct.pack("!II", 8, 3))
            received.extend(connection.recv(4096))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=ask_for_the_password_in_clear)
        thread.start()
        url = re.sub(r"@127\.0\.0\.1:\d+/", f"@127.0.0.1:{listener.getsockname()[1]}/", postgres_url)
        with pytest.raises(psycopg2.OperationalError, match="authentication method requirement"):
            psycopg2.connect(url)
        thread.join()
    assert received == b""
