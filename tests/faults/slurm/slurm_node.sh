#!/bin/bash
# shellcheck disable=SC1090,SC1091,SC2013,SC2015,SC2016,SC2034,SC2046,SC2064,SC2086,SC2154,SC2317
# slurm_node.sh DIR kill NODE - the node loses power: SIGKILL to its slurmd, its slurmstepds and all they run.  Slurm sees
# it after SlurmdTimeout (30 s) and requeues its jobs; slurm_up.sh DIR switches the node on again.
# slurm_node.sh DIR pids NODE - those pids, slurmd first
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/slurm_common.sh"
[ $# = 3 ] && [[ $2 =~ ^(kill|pids)$ && $3 =~ ^n[1-9][0-9]?$ ]] && [ -d "$1" ] || { sed -n '3,5s/^# //p' "$0" >&2; exit 2; }
open_state "$1"
for _ in 1 2; do  # twice: a slurmstepd may have been forking
    pids=$( (alive "$3" && pid_of "$3"; strays "$3") | awk '!seen[$1]++ {print $1}')
    if [ "$2" = pids ]; then echo $pids; exit 0; fi
    [ -z "$pids" ] || kill -9 $pids 2>/dev/null || true
    sleep 0.05
done
