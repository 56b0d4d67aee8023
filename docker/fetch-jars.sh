#!/usr/bin/env bash
# Resolves the jars of conf/packages.conf once with Spark's Ivy, into .venv/jars.
set -euo pipefail
cd "$(dirname "$0")/.."
export PYSPARK_PYTHON=$PWD/.venv/bin/python
SPARK_HOME=$("$PYSPARK_PYTHON" -c 'import os, pyspark; print(os.path.dirname(pyspark.__file__))')
export SPARK_HOME SPARK_LOCAL_IP=127.0.0.1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
touch "$work/nothing.py"
if ! "$SPARK_HOME/bin/spark-submit" --properties-file conf/packages.conf --conf "spark.jars.ivy=$work" \
    "$work/nothing.py" >"$work/log" 2>&1; then
    grep -E 'UNRESOLVED|not found|download failed|Exception' "$work/log" | head -n 3 >&2
    echo "the jars of conf/packages.conf could not be fetched: check the connection to Maven Central" >&2
    exit 1
fi
rm -rf .venv/jars
mv "$work/jars" .venv/jars
