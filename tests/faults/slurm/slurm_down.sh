#!/bin/bash
# shellcheck disable=SC1090,SC1091,SC2013,SC2015,SC2016,SC2034,SC2046,SC2064,SC2086,SC2154,SC2317
# slurm_down.sh DIR [--purge] - end the cluster slurm_up.sh brought up in DIR: its jobs, daemons and networks, by pid.
# DIR/log stays for reading; --purge removes DIR too.  Harmless when nothing runs.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/slurm_common.sh"
[ $# = 1 ] || { [ $# = 2 ] && [ "$2" = --purge ]; } || { sed -n '3,4s/^# //p' "$0" >&2; exit 2; }
[ -d "$1" ] || exit 0
open_state "$1"
export SLURM_CONF=$dir/slurm.conf

# Jobs first, so that every slurmstepd reports its end and removes its own files.  Even `scancel --signal=KILL` begins with
# SIGTERM and waits KillWait; so what has not gone after a second is killed here, and the slurmstepds then end by themselves.
queued() { timeout 5 squeue -h -o %A 2>/dev/null | sort -u || true; }
if alive slurmctld; then
    jobs=$(queued)
    if [ -n "$jobs" ]; then
        timeout 10 scancel --state=PENDING $jobs 2>/dev/null || true  # or they would start in the place of the others
        timeout 10 scancel $jobs 2>/dev/null || true
        for i in $(seq 100); do
            [ -n "$(queued)" ] || break
            if [ "$i" = 20 ] || [ "$i" = 40 ]; then
                left=$(strays | awk '$2 !~ /^(slurm|srun)/ {print $1}'); [ -z "$left" ] || kill -9 $left 2>/dev/null || true
            fi
            sleep 0.05
        done
    fi
fi
if [ -d "$dir/pids" ]; then
    for f in "$dir"/pids/n*; do [ ! -e "$f" ] || stop "${f##*/}"; done
    stop slurmctld; stop munged
fi
for sig in TERM KILL KILL; do
    left=$(strays); [ -n "$left" ] || break
    echo "slurm_down: $sig to left-over processes:" $left >&2
    kill -$sig $(echo "$left" | cut -d' ' -f1) 2>/dev/null || true; sleep 0.3
done
[ ! -d "$dir/net" ] || "$here/netns_net.sh" down "$dir"
rm -rf "$dir"/{munge,ctl,spool,tmp,pids,hosts,size,mode,slurm.conf,slurmd.conf,mpi.conf,env.sh,net}
[ "${2:-}" != --purge ] || rm -rf "$dir"
