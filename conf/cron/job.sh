#!/bin/sh
# Runs a job from cron: job.sh JOB [ARGUMENTS]. Cron mails what is printed: nothing if the job succeeds, else its last line,
# which says why, and its exit code, which is this script's too. All lines and the report go to the end of $SLUICE_LOG.
set -u
settings=$SLUICE_ENVIRONMENT log=$SLUICE_LOG
[ -r "$settings" ] || { echo "$settings cannot be read: make it from conf/environment.example" >&2; exit 2; }
[ -z "$(find -L "$settings" -perm /077)" ] || {
    echo "$settings may hold secrets, and others than its owner have rights to it: chmod 600 $settings" >&2
    exit 2
}
set -a
. "$settings"
set +a
cd "$(dirname "$0")/../.." || exit 1
: >>"$log" # exits where that cannot be written
end=$(
    {
        echo "$(date -u '+%F %T') $*"
        ./spark-submit.sh "$@" 2>&1 >>"$log"
        echo "exit code $?"
    } | tee -a "$log" | tail -n 2
)
code=${end##*exit code }
[ "$code" = 0 ] || echo "$end"
exit "$code"
