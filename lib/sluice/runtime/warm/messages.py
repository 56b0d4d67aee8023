"""What goes through the socket: a job, the word that it is taken, its exit code. Only for processes of one user."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

TAKEN = b"taken\n"
_LENGTH = struct.Struct("!I")
_PEER = struct.Struct("3i")  # pid, uid, gid: struct ucred of unix(7)


def peer(connection: socket.socket) -> tuple[int, int]:
    """The process and the user at the other end."""
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    process, user, _ = _PEER.unpack(found)
    return process, user


def send(connection: socket.socket, request: dict[str, Any], *descriptors: int) -> None:
    """Sends a request and open files."""
    data = json.dumps(request).encode()
    socket.send_fds(connection, [_LENGTH.pack(len(data))], list(descriptors))
    connection.sendall(data)


def receive(connection: socket.socket, descriptors: int) -> tuple[dict[str, Any], list[int]]:
    """A request and up to so many open files. Raises OSError if the other end closes before it is complete."""
    length, files, *_ = socket.recv_fds(connection, _LENGTH.size, descriptors, socket.MSG_WAITALL)
    if len(length) < _LENGTH.size:
        raise ConnectionResetError("closed before a request came")
    return json.loads(read(connection, _LENGTH.unpack(length)[0])), files


def read(connection: socket.socket, size: int) -> bytes:
    """So many bytes. Raises OSError if the other end closes before."""
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise ConnectionResetError("closed in the middle of a message")
        data += piece
    return data
