"""Builds a Dockerfile without an engine: each of its steps, in a copy of a plain root folder for each of its stages."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from chroot import Root
from dockerfile_parse import DockerfileParser


@dataclass
class Stage:
    """A stage as built so far; the last one is the image."""

    root: Root
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "0:0"
    folder: str = "/"
    entry_point: Sequence[str] = ()
    arguments: Sequence[str] = ()

    def command(self, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> list[str]:
        """How a container of this image is started with these arguments and variables."""
        variables = self.environment | dict(environment or {})
        return self.root.command([*self.entry_point, *arguments], self.user, variables, self.folder)

    def inside(self, path: str) -> Path:
        """The file of a path in a container, relative to its folder."""
        return self.root.folder / str(Path(self.folder, path))[1:]


class Build:
    """`bases`: the root folders that stand for images by other names. Stages are made in `folder`."""

    def __init__(self, context: Path, bases: Mapping[str, Root], folder: Path) -> None:
        self._context, self._bases, self._folder = context, bases, folder
        self._stages: dict[str, Stage] = {}
        lines = (context / ".dockerignore").read_text().splitlines()
        assert "*" in lines
        self._sent = {line[1:] for line in lines if line.startswith("!")}

    def image(self, dockerfile: str) -> Stage:
        steps = DockerfileParser(fileobj=BytesIO((self._context / dockerfile).read_bytes())).structure
        for step in steps:
            if step["instruction"] != "COMMENT":
                getattr(self, f"_{step['instruction'].lower()}")(step["value"])
        return self._stage

    def _from(self, value: str) -> None:
        image, _, name = value.partition(" AS ")
        base = self._stages[image].root if image in self._stages else self._bases[image]
        self._stage = Stage(base.copied(self._folder / (name or "image")))
        self._stages[name] = self._stage

    def _run(self, value: str) -> None:
        stage = self._stage
        stage.root.run(["/bin/sh", "-c", value], user=stage.user, environment=stage.environment, folder=stage.folder)

    def _copy(self, value: str) -> None:
        *sources, target = value.split()
        root, left_out = self._context, shutil.ignore_patterns("__pycache__")
        if sources[0].startswith("--from="):
            root, left_out = self._stages[sources.pop(0).removeprefix("--from=")].root.folder, None
        else:
            assert {*sources} <= self._sent, "left out by .dockerignore"
        for source in sources:
            path, to = root / source.lstrip("/"), self._stage.inside(target)
            if path.is_dir():
                shutil.copytree(path, to, symlinks=True, dirs_exist_ok=True, ignore=left_out)
            else:
                shutil.copy2(path, to / path.name if target.endswith("/") else to)

    def _env(self, value: str) -> None:
        self._stage.environment |= dict(pair.split("=", 1) for pair in shlex.split(value))

    def _user(self, value: str) -> None:
        self._stage.user = value

    def _workdir(self, value: str) -> None:
        self._stage.folder = value
        self._stage.inside("").mkdir(parents=True, exist_ok=True)

    def _entrypoint(self, value: str) -> None:
        self._stage.entry_point = json.loads(value)

    def _cmd(self, value: str) -> None:
        self._stage.arguments = json.loads(value)
