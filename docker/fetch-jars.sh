#!/usr/bin/env bash
# Resolves the jars of conf/packages.conf once with Spark's Ivy, into .venv/jars, and compiles Sluice's own into another.
# Each must be as conf/jars.sha256 lists it; with --write the list is made anew.
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
"$PYSPARK_PYTHON" docker/check-jars.py "$work/jars" conf/jars.sha256 "$@"
# the log store for S3, which is Sluice's own
javac=${JAVA_HOME:+$JAVA_HOME/bin/}javac
if ! "$javac" -cp "$SPARK_HOME/jars/*:$work/jars/*" -d "$work/classes" lib/sluice/lake/*.java >"$work/log" 2>&1; then
    head -n 3 "$work/log" >&2
    echo "lib/sluice/lake/*.java could not be compiled: install a Java 17 JDK (openjdk-17-jdk) or set JAVA_HOME" >&2
    exit 1
fi
.venv/bin/python -m zipfile -c "$work/jars/sluice.jar" "$work/classes/sluice"
rm -rf .venv/jars
mv "$work/jars" .venv/jars
