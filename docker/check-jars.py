"""check-jars.py FOLDER LIST: exit 1 unless a folder has just the jars of a list, which `sha256sum --check` reads too.

With `--write` it makes the list from the folder.
"""

import sys
from hashlib import sha256
from pathlib import Path


def problem(listed: dict[str, str], found: dict[str, str]) -> str | None:
    """What is wrong with the first jar that is not as listed; both map names to hashes."""
    for name in sorted(listed.keys() | found.keys()):
        if name not in found:
            return f"{name} is missing"
        if name not in listed:
            return f"{name} is not listed"
        if listed[name] != found[name]:
            return f"{name} has another SHA-256: {found[name]}"
    return None


def main(folder: Path, file: Path, *options: str) -> str | None:
    found = {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.jar"))}
    if "--write" in options:
        file.write_text("".join(f"{digest}  {name}\n" for name, digest in found.items()))
        return None
    lines = [line.split(maxsplit=1) for line in file.read_text().splitlines()]
    wrong = problem({name: digest for digest, name in lines}, found)
    return wrong and f"{file}: {wrong}: do not use these jars; if conf/packages.conf was changed, run make jars-list"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:]))
