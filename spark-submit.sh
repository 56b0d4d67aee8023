#!/usr/bin/env bash
# ./spark-submit.sh [SPARK OPTIONS] JOB [ARGUMENTS]: runs jobs/JOB.py in Spark. Standard output is the job's report
# alone; everything for people goes to standard error.
set -u
home=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
names=("$home"/jobs/*.py)
names=("${names[@]##*/}")
names=("${names[@]%.py}")

show_help() { # the line of a job is the docstring of its file
    cat <<'TEXT'
Usage: ./spark-submit.sh [SPARK OPTIONS] JOB [ARGUMENTS]

  Runs a job in Spark. Its report, a JSON document, is on standard output; messages are on standard error.
  Options before the job's name, such as --master, --conf and --driver-memory, are passed to spark-submit.

Jobs:
TEXT
    local name line
    for name in "${names[@]}"; do
        IFS= read -r line <"$home/jobs/$name.py"
        printf '  %-10s %s\n' "$name" "${line//\"\"\"/}"
    done
    cat <<'TEXT'

  ./spark-submit.sh JOB --help shows the arguments and options of a job.

Example:
  ./spark-submit.sh ingest products products.csv
TEXT
}
wrong_usage() {
    echo "spark-submit.sh: $1 (see ./spark-submit.sh --help)" >&2
    exit 2
}
listed() { local list; printf -v list '%s, ' "${names[@]}"; echo "${list%, }"; }

options=()
master=${SPARK_MASTER:-local[*]}
while [ $# -gt 0 ] && [ "${1#-}" != "$1" ]; do
    case "$1" in
        -h | --help) show_help; exit 0 ;;
        --master=*) master=${1#*=}; shift ;;
        --*=* | --verbose | --supervise | --load-spark-defaults) options+=("$1"); shift ;;
        *)
            [ $# -gt 1 ] || wrong_usage "$1 needs a value, and a job after it"
            if [ "$1" = --master ]; then master=$2; else options+=("$1" "$2"); fi
            shift 2
            ;;
    esac
done
[ $# -gt 0 ] || wrong_usage "missing job: choose one of $(listed)"
[[ " ${options[*]-} " =~ [dD]eploy-?[mM]ode[\ =]cluster ]] && wrong_usage \
    "a job runs where it is started (client mode): start it on a machine of the cluster, without --deploy-mode cluster"
[ "$1" != help ] || { show_help; exit 0; }

python=$home/.venv/bin/python
[ -x "$python" ] && [ -d "$home/.venv/jars" ] || { echo "not set up yet: run make setup" >&2; exit 1; }
export PYTHONPATH=$home/lib${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1
closest() { "$python" -c 'import sys; from sluice.errors import closest; print(closest(sys.argv[1], sys.argv[2:]))' "$@"; }
name=$1 job=$home/jobs/$1.py
[ -f "$job" ] || wrong_usage "unknown job '$1': $(closest "$1" "${names[@]}")"
shift

export PYSPARK_PYTHON=${PYSPARK_PYTHON:-$python} PYSPARK_DRIVER_PYTHON=$python
export SLUICE_CONF_DIR=${SLUICE_CONF_DIR:-$home/conf}

# Java knows arguments and file names only as text: where the locale has no letters beyond ASCII, as cron's, it would turn
# all others into question marks.
case $(locale charmap 2>/dev/null) in
    "" | ANSI_X3.4-1968 | US-ASCII) export LC_ALL=C.UTF-8 ;;
esac

# This script, the job and the filter of their lines share a folder of files: `options` (Spark's, for the JVM that the
# job starts if it needs one), `run` (how lines are written, and where the run is), `lines` (the pipe that all of standard
# error goes through), `pid`, `signal`, `result`, `last` (line).
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'end TERM' TERM HUP
trap 'end INT' INT
trap '' PIPE # should the filter be gone, the job, its report and its exit code are as ever
export SLUICE_WRAPPER=$work SLUICE_TERMINAL=0 SLUICE_STDOUT_TERMINAL=0
[ ! -t 1 ] || SLUICE_STDOUT_TERMINAL=1
if [ -t 2 ] && [ "${TERM-dumb}" != dumb ]; then
    size=$(stty size <&2 2>/dev/null) && export SLUICE_TERMINAL=1 COLUMNS=${size#* }
fi
end() { # passes a signal on: the job ends by its own rules; one that has not written its pid yet reads the file
    interrupted=1
    [ -s "$work/signal" ] || echo "$1" >"$work/signal" # the first one is the cause
    [ -s "$work/pid" ] && kill -s "$1" "$(cat "$work/pid")" 2>/dev/null
}
# Only this script acts on signals to the whole process group: the filter may not die of them.
sheltered() { trap '' INT TERM HUP; exec "$@"; }
none=75 # the code of sluice.runtime.warm.client if no process takes the job
run() { # runs a command to its end, through signals, and sets `code`
    code=127
    sheltered "$@" &
    local child=$! waited
    while interrupted=; wait $child; waited=$?; [ $waited -eq 127 ] || code=$waited; [ -n "$interrupted" ]; do :; done
}
finish() {
    trap '' INT TERM HUP
    [ -s "$work/result" ] && (trap - PIPE; exec cat "$work/result")
    if [ $code -ne 0 ] && [ ! -s "$work/result" ] && [ ! -s "$work/last" ]; then
        printf '\003the job ended without a report (exit %s): see the lines above\n' "$code" >&3 # \003: an error
    fi
    [ -s "$work/last" ] && { cat "$work/last" >&3 2>/dev/null || cat "$work/last" >&2; }
    printf '\004\n' >&3 2>/dev/null # ends the filter, even if a process that was left behind holds the pipe open
    wait $filter
    exit $code
}

# A job is short, so start it fast: classes come from the archive that `make setup` made (which allows no folder on the
# class path, so the configuration is named instead), and the optimising compiler waits until code has run for long.
export SPARK_CONF_DIR=${SPARK_CONF_DIR:-$home/.venv/no-conf}
SPARK_SUBMIT_OPTS="-XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000
  -XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000 -Xlog:disable
  -Dlog4j2.configurationFile=file:$home/conf/log4j2.properties
  ${SLUICE_CLASS_ARCHIVE:--XX:SharedArchiveFile=$home/.venv/classes.jsa} ${SPARK_SUBMIT_OPTS-}"
export SPARK_SUBMIT_OPTS=${SPARK_SUBMIT_OPTS//$'\n'/}

[[ " ${options[*]-} " == *" --properties-file"[\ =]* ]] \
    || options=(--properties-file "$home/conf/spark-defaults.conf" "${options[@]}")
if [[ $master == local* ]]; then
    export SPARK_LOCAL_IP=${SPARK_LOCAL_IP:-127.0.0.1} # nothing listens for other machines
    # progress shows the counts of running tasks, which come with the heartbeats
    options=(--driver-class-path "$home/.venv/jars/*" --conf spark.executor.heartbeatInterval=1s "${options[@]}")
else
    (cd "$home/lib" && sheltered "$python" -m zipfile -c "$work/sluice.zip" sluice)
    jars=$(printf '%s,' "$home"/.venv/jars/*.jar)
    options=(--jars "${jars%,}" --py-files "$work/sluice.zip" "${options[@]}")
fi
options=(--master "$master" "${options[@]}")

if ! printf '%s\0' "${options[@]}" >"$work/options"; then
    echo "nothing can be written to $work: free some space there, or set TMPDIR to another folder" >&2
    exit 1
fi
mkfifo "$work/lines"
sheltered "$python" -m sluice.runtime.log_lines "$name" <"$work/lines" >&2 &
filter=$!
exec 3>"$work/lines"
code=$none
asks_for() { # whether a job is given an option: asks_for VARIABLE NAME ARGUMENTS
    local variable=$1 name=$2
    shift 2
    [ -n "${!variable-}" ] || [[ " $* " == *" --${name//_/-}"[\ =]* ]] || grep -qs "^ *$name" "$SLUICE_CONF_DIR/sluice.toml"
}
# A process that stays may take the job (see lib/sluice/runtime/warm); Spark's event log, for a profile, is of one process.
# A server would hold it for good.
if [[ $master == local* && $name != serve ]] && ! asks_for SLUICE_PROFILE profile "$@"; then
    if asks_for SLUICE_KEEP_WARM keep_warm "$@"; then
        run "$python" -S -m sluice.runtime.warm.client start "$job" "$@" 2>&3
    elif compgen -G "${TMPDIR:-/tmp}/sluice-$UID/*" >/dev/null; then
        run "$python" -S -m sluice.runtime.warm.client find "$job" "$@" 2>&3
    fi
fi
[ $code -ne $none ] || run "$python" "$job" "$@" 2>&3
finish
