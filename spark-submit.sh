#!/usr/bin/env bash
# ./spark-submit.sh [SPARK OPTIONS] JOB [ARGUMENTS]: runs jobs/JOB.py in Spark. Standard output is the job's report
# alone; everything for people goes to standard error.
set -u
home=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
usage() {
    echo "usage: ./spark-submit.sh [SPARK OPTIONS] JOB [ARGUMENTS]; JOB is one of: $(cd "$home/jobs" && echo *.py | sed 's/\.py//g')" >&2
    exit 2
}

options=()
while [ $# -gt 0 ] && [ "${1#-}" != "$1" ]; do
    case "$1" in
        --*=* | --verbose | --supervise) options+=("$1"); shift ;;
        *) [ $# -gt 1 ] || usage; options+=("$1" "$2"); shift 2 ;;
    esac
done
[ $# -gt 0 ] && [ -f "$home/jobs/$1.py" ] || usage
job=$home/jobs/$1.py
shift

python=$home/.venv/bin/python
[ -x "$python" ] && [ -d "$home/.venv/jars" ] || { echo "not set up yet: run make setup" >&2; exit 1; }
export PYSPARK_PYTHON=${PYSPARK_PYTHON:-$python} PYSPARK_DRIVER_PYTHON=$python
export SLUICE_CONF_DIR=${SLUICE_CONF_DIR:-$home/conf}
export PYTHONPATH=$home/lib${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1

# What needs no Spark is answered without a JVM: the job says by its exit code that it does need it.
SLUICE_WITHOUT_SPARK=1 "$python" "$job" "$@"
code=$?
[ $code -eq 100 ] || exit $code

"$home/docker/check-java.sh" || exit 1
SPARK_HOME=$("$python" -c 'import importlib.util as u; print(u.find_spec("pyspark").submodule_search_locations[0])')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export SPARK_HOME SLUICE_WRAPPER_RESULT=$work/result SLUICE_WRAPPER_PID=$work/pid
export SPARK_LOCAL_IP=${SPARK_LOCAL_IP:-127.0.0.1} SLUICE_TERMINAL=0
[ -t 2 ] && export SLUICE_TERMINAL=1

# A job is short: classes come from the archive that setup made (only a class path without files in folders may use
# it, so the configuration is named, not on the path), and the optimising compiler waits until code has run for long.
export SPARK_CONF_DIR=${SPARK_CONF_DIR:-$home/.venv/no-conf}
SPARK_SUBMIT_OPTS="-XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000
  -XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000 -Xlog:disable
  -Dlog4j2.configurationFile=file:$home/conf/log4j2.properties
  ${SLUICE_CLASS_ARCHIVE:--XX:SharedArchiveFile=$home/.venv/classes.jsa} ${SPARK_SUBMIT_OPTS-}"
export SPARK_SUBMIT_OPTS=${SPARK_SUBMIT_OPTS//$'\n'/}

given=" ${options[*]-} "
[[ $given == *" --master"[\ =]* ]] || options=(--master "${SPARK_MASTER:-local[*]}" "${options[@]}")
[[ $given == *" --properties-file"[\ =]* ]] || options=(--properties-file "$home/conf/spark-defaults.conf" "${options[@]}")
if [[ " ${options[*]} " == *" --master"[\ =]local* ]]; then
    options=(--driver-class-path "$home/.venv/jars/*" "${options[@]}")
else
    (cd "$home/lib" && "$python" -m zipfile -c "$work/sluice.zip" sluice)
    jars=$(printf '%s,' "$home"/.venv/jars/*.jar)
    options=(--jars "${jars%,}" --py-files "$work/sluice.zip" "${options[@]}")
fi

# In the background, so that a signal to this script ends the job by its own rules, not the JVM under it.
"$SPARK_HOME/bin/spark-submit" "${options[@]}" "$job" "$@" \
    >&2 2> >(grep --line-buffered -v 'Using incubator modules' >&2) </dev/null &
submitted=$!
end() {
    if [ -s "$work/pid" ]; then kill -TERM "$(cat "$work/pid")" 2>/dev/null; else kill -TERM $submitted 2>/dev/null; fi
}
trap end TERM INT HUP
wait $submitted
code=$?
while kill -0 $submitted 2>/dev/null; do
    wait $submitted
    code=$?
done
if [ -s "$work/result" ]; then
    cat "$work/result"
elif [ $code -ne 0 ]; then
    echo "the job ended without a report (exit $code): see the lines above" >&2
fi
exit $code
