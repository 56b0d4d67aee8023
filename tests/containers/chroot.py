"""A plain Debian in a folder. Its programs run apart from this machine, but for the network: root folder, process ids.

What they mount and start ends with them.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("debootstrap", "chroot", "unshare")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# how this machine reaches the registries of packages
_CERTIFICATES = Path("/usr/local/share/ca-certificates")
_FILES = ("/etc/pip.conf", "/etc/resolv.conf")
_VARIABLES = (
    "PIP_CERT",
    "PIP_INDEX_URL",
    "PIP_DEFAULT_TIMEOUT",
    "SSL_CERT_FILE",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)


def what_is_missing() -> str | None:
    """Why there can be no such folder on this machine; None if there can."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        return f"{', '.join(missing)} not installed (apt-get install debootstrap)"
    return None if os.geteuid() == 0 else "only root may make a root folder"


@dataclass(frozen=True)
class Root:
    folder: Path

    @classmethod
    def bootstrapped(cls, folder: Path, suite: str, packages: Sequence[str]) -> Root:
        """Debian's smallest system of a suite, and packages."""
        included = ",".join(("ca-certificates", *packages))
        subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={included}", suite, str(folder)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        root = cls(folder)
        for file in _FILES:
            if Path(file).exists():
                shutil.copy(file, folder / file[1:])
        for certificate in _CERTIFICATES.glob("*.crt"):
            shutil.copy(certificate, folder / str(_CERTIFICATES)[1:])
        (folder / "dev/shm").chmod(0o1777)
        (folder / "etc/hosts").write_text(f"127.0.0.1 localhost {socket.gethostname()}\n")
        root.run(["update-ca-certificates"])
        return root

    def make_slim(self) -> None:
        """Leaves out the manuals, as slim images do."""
        shutil.rmtree(self.folder / "usr/share/man")
        (self.folder / "etc/dpkg/dpkg.cfg.d/slim").write_text("path-exclude /usr/share/man/*\n")

    def copied(self, folder: Path) -> Root:
        subprocess.run(["cp", "--archive", "--reflink=auto", str(self.folder), str(folder)], check=True)
        return Root(folder)

    def command(
        self,
        arguments: Sequence[str],
        user: str = "0:0",
        environment: Mapping[str, str] | None = None,
        folder: str = "/",
    ) -> list[str]:
        """How to run a program as process 1, without variables but those given. Killed, it takes all others with it."""
        apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", f"--mount-proc={self.folder}/proc"]
        variables = {"PATH": _PATH} | dict(environment or {})
        given = [f"{name}={value}" for name, value in variables.items()]
        user, _, group = user.partition(":")
        # another user's process forgets that it ends with its parent
        as_user = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--pdeathsig=KILL"]
        inside = ["chroot", str(self.folder), *as_user, "env", "--ignore-environment", f"--chdir={folder}"]
        return [*apart, *inside, *given, *arguments]

    def run(self, arguments: Sequence[str], **how: object) -> str:
        """Runs a program that may use the registries of packages to its end, and gives its standard output."""
        reaching = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
        how["environment"] = reaching | dict(how.get("environment", {}))  # type: ignore[call-overload]
        command = self.command(arguments, **how)  # type: ignore[arg-type]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
        assert done.returncode == 0, (
            f"{arguments}: exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        )
        return done.stdout
