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

# What this script, the job's two starts and the filter of their lines share, a file each: `run` (log format, run id),
# `lines` (the pipe that all of standard error goes through), `pid`, `signal`, `result`, `last` (line), `code`.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'end TERM' TERM HUP
trap 'end INT' INT
export SLUICE_WRAPPER=$work SLUICE_TERMINAL=0
if [ -t 2 ] && [ "${TERM-dumb}" != dumb ]; then
    size=$(stty size <&2 2>/dev/null) && export SLUICE_TERMINAL=1 COLUMNS=${size#* }
fi
end() { # the job ends by its own rules; one that has no pid yet looks for the signal when it has
    interrupted=1
    echo "$1" >"$work/signal"
    [ -s "$work/pid" ] && kill -s "$1" "$(cat "$work/pid")" 2>/dev/null
}
# Signals to the whole process group are this script's alone to pass on: neither the JVM nor the filter dies of them.
sheltered() { trap '' INT TERM HUP; exec "$@"; }
run() {
    rm -f "$work/pid"
    code=127
    sheltered "$@" &
    local child=$! waited
    while interrupted=; wait $child; waited=$?; [ $waited -eq 127 ] || code=$waited; [ -n "$interrupted" ]; do :; done
}
alive() { kill -0 "$1" 2>/dev/null && ! grep -qs '^State:[[:space:]]*Z' "/proc/$1/status"; }
finish() {
    trap '' INT TERM HUP
    [ -s "$work/code" ] && code=$(cat "$work/code") # the JVM may have died of something else
    if [ -s "$work/result" ]; then
        cat "$work/result"
    elif [ $code -ne 0 ] && [ ! -s "$work/last" ]; then
        echo "the job ended without a report (exit $code): see the lines above" >&3
    fi
    [ -s "$work/last" ] && cat "$work/last" >&3
    printf '\004\n' >&3 # a process left behind may hold the pipe open: this line ends the filter
    wait $filter
    exit $code
}

mkfifo "$work/lines"
sheltered "$python" -m sluice.runtime.log_lines <"$work/lines" >&2 &
filter=$!
exec 3>"$work/lines"

# What needs no Spark is answered without a JVM: the job says by its exit code that it does need it.
SLUICE_WITHOUT_SPARK=1 run "$python" "$job" "$@" 2>&3
[ $code -eq 100 ] || finish
{ read -r format && read -r SLUICE_RUN_ID; } <"$work/run"
export SLUICE_RUN_ID
[ "$format" = json ] && log4j=log4j2-json || log4j=log4j2

(sheltered "$home/docker/check-java.sh") 2>"$work/last" || { code=1; finish; }
SPARK_HOME=$(sheltered "$python" -c 'import importlib.util as u; print(u.find_spec("pyspark").submodule_search_locations[0])')
export SPARK_HOME SPARK_LOCAL_IP=${SPARK_LOCAL_IP:-127.0.0.1}

# A job is short: classes come from the archive that setup made (only a class path without files in folders may use
# it, so the configuration is named, not on the path), and the optimising compiler waits until code has run for long.
export SPARK_CONF_DIR=${SPARK_CONF_DIR:-$home/.venv/no-conf}
SPARK_SUBMIT_OPTS="-XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000
  -XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000 -Xlog:disable
  -Dlog4j2.configurationFile=file:$home/conf/$log4j.properties
  ${SLUICE_CLASS_ARCHIVE:--XX:SharedArchiveFile=$home/.venv/classes.jsa} ${SPARK_SUBMIT_OPTS-}"
export SPARK_SUBMIT_OPTS=${SPARK_SUBMIT_OPTS//$'\n'/}

given=" ${options[*]-} "
[[ $given == *" --master"[\ =]* ]] || options=(--master "${SPARK_MASTER:-local[*]}" "${options[@]}")
[[ $given == *" --properties-file"[\ =]* ]] || options=(--properties-file "$home/conf/spark-defaults.conf" "${options[@]}")
if [[ " ${options[*]} " == *" --master"[\ =]local* ]]; then
    # the counts of running tasks, which progress shows, come with the heartbeats
    options=(--driver-class-path "$home/.venv/jars/*" --conf spark.executor.heartbeatInterval=1s "${options[@]}")
else
    (cd "$home/lib" && sheltered "$python" -m zipfile -c "$work/sluice.zip" sluice)
    jars=$(printf '%s,' "$home"/.venv/jars/*.jar)
    options=(--jars "${jars%,}" --py-files "$work/sluice.zip" "${options[@]}")
fi

run "$SPARK_HOME/bin/spark-submit" "${options[@]}" "$job" "$@" >&3 2>&3 </dev/null
while [ -s "$work/pid" ] && alive "$(cat "$work/pid")"; do sleep 0.1; done # the JVM may have died before the job
finish
