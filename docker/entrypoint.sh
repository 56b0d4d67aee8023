#!/usr/bin/env bash
# What a container runs: `master` and `worker` of a Spark cluster, `executor` as Kubernetes starts it, `demo`, or a job
# with the arguments of spark-submit.sh. It takes the place of this script, so it gets the signals to the container.
# The secret of a cluster is in _SPARK_AUTH_SECRET, as Spark has it, and in no argument.
set -euo pipefail
home=$(cd "$(dirname "$0")/.." && pwd)

part_of_cluster() { # Master or Worker
    [ -z "${_SPARK_AUTH_SECRET-}" ] || set -- "$1" --properties-file "$home/docker/cluster.conf" "${@:2}"
    exec "$home/.venv/bin/spark-class" "org.apache.spark.deploy.${1,,}.$1" "${@:2}"
}
executor() { # all it needs is in variables
    local options=() name value
    while IFS='=' read -r -d '' name value; do
        [[ $name != SPARK_JAVA_OPT_* ]] || options[${name#SPARK_JAVA_OPT_}]=$value
    done </proc/self/environ
    exec java "${options[@]}" "-Xms$SPARK_EXECUTOR_MEMORY" "-Xmx$SPARK_EXECUTOR_MEMORY" \
        -cp "${SPARK_CONF_DIR:-$SPARK_HOME/conf}:$SPARK_HOME/jars/*" \
        org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend \
        --driver-url "$SPARK_DRIVER_URL" --executor-id "$SPARK_EXECUTOR_ID" --cores "$SPARK_EXECUTOR_CORES" \
        --app-id "$SPARK_APPLICATION_ID" --hostname "$SPARK_EXECUTOR_POD_IP" \
        --resourceProfileId "$SPARK_RESOURCE_PROFILE_ID" --podName "$SPARK_EXECUTOR_POD_NAME"
}
job() {
    if [ -n "${_SPARK_AUTH_SECRET-}" ]; then # a driver takes it from its settings alone
        local settings
        settings=$(mktemp) # which only this user can read
        cat "$home/conf/spark-defaults.conf" "$home/docker/cluster.conf" >"$settings"
        printf 'spark.authenticate.secret %s\n' "${_SPARK_AUTH_SECRET//\\/\\\\}" >>"$settings" # as Java reads it
        set -- --properties-file "$settings" "$@"
    fi
    exec "$home/spark-submit.sh" "$@"
}

case "${1-}" in
    master) part_of_cluster Master "${@:2}" ;;
    worker) part_of_cluster Worker "${@:2}" ;;
    executor) executor ;;
    demo) exec "$home/docker/cluster-demo.sh" ;;
    *) job "$@" ;;
esac
