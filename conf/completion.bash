# `source conf/completion.bash` in bash (4.4 or later): after ./spark-submit.sh, TAB completes jobs, commands, options,
# their values, tables and files.
_sluice_home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
_sluice() {
    local IFS=$'\n' line
    COMPREPLY=()
    for line in $(COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD PYTHONPATH="$_sluice_home/lib" \
        "$_sluice_home/.venv/bin/python" -m sluice.cli.completion 2>/dev/null); do
        [[ $line != plain,* ]] || COMPREPLY+=("${line#plain,}")
    done
}
complete -o nosort -o default -F _sluice spark-submit.sh
