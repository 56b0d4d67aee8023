#!/usr/bin/env bash
# Archives the classes that a small ingest loads (JVM class data sharing): later starts take seconds less. A start
# without the archive, or with one of another Java, is only slower.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
mkdir -p .venv/no-conf
trap '.venv/bin/python -c "from pathlib import Path; from sluice.export import embedded; embedded.stop(Path(\"$work\"))"; rm -rf "$work"' EXIT
SLUICE_DATABASE_URL=$(.venv/bin/python -c "from pathlib import Path; from sluice.export import embedded; print(embedded.start(Path(\"$work\"))[0])")
export SLUICE_DATABASE_URL
rm -f .venv/classes.jsa
export SLUICE_CLASS_ARCHIVE=-XX:ArchiveClassesAtExit=$work/classes.jsa SLUICE_LAKE=$work/lake SLUICE_PROGRESS=none
printf 'sku,name,description\na,b,c\nd,e\n' >"$work/first.csv"
if ! ./spark-submit.sh run products "$work/first.csv" --max-rejects 100% >"$work/log" 2>&1; then
    tail -n 3 "$work/log" >&2
    exit 1
fi
if [ ! -f "$work/classes.jsa" ]; then # a JVM that takes longer than a minute to end is killed
    echo "no classes were archived, as this machine is busy: jobs start slower until docker/archive-classes.sh is run" >&2
    exit
fi
mv "$work/classes.jsa" .venv/classes.jsa
