#!/bin/bash
# shellcheck disable=SC1090,SC1091,SC2013,SC2015,SC2016,SC2034,SC2046,SC2064,SC2086,SC2154,SC2317
# slurm_common.sh - shared by slurm_up.sh and slurm_down.sh (sourced, not run).
die() { echo "${0##*/}: $*" >&2; exit 1; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PATH=$PATH:/usr/sbin:/sbin

open_state() {  # DIR -> $dir (absolute), $name (cluster name), and the lock held on fd 9 until this shell ends
    mkdir -p "$1"; dir=$(cd "$1" && pwd -P)
    # Unix socket paths are limited to 107 bytes; Slurm and PMIx add up to about 45 to the state directory's own.
    [ ${#dir} -le 60 ] || die "state directory path is longer than 60 characters: $dir"
    # All three of these reject names with blanks or special characters in their configuration files.
    [[ $dir =~ ^[A-Za-z0-9_./-]+$ ]] || die "state directory path must be plain (letters, digits, _ . / -): $dir"
    tag=$(printf %s "$dir" | cksum | awk '{printf "%05x", $1 % 1048576}')
    name=slt$tag
    exec 9> "$dir/lock"; flock -w 60 9 || die "another slurm_up/slurm_down holds $dir"
}

# A process is remembered as "PID START_TIME", so a recycled pid is never mistaken for it.
stamp() { local s; s=$(cat "/proc/$1/stat" 2>/dev/null) || return 1; s=${s##*) }; set -- $s; [ "$1" != Z ] && echo "${20}"; }
alive() { local p t; read -r p t 2>/dev/null < "$dir/pids/$1" || return 1; [ "$(stamp "$p" || true)" = "$t" ]; }
pid_of() { cut -d' ' -f1 "$dir/pids/$1"; }

stop() {  # NAME: TERM, wait up to 5 s, KILL
    local p; alive "$1" || { rm -f "$dir/pids/$1"; return 0; }
    p=$(pid_of "$1"); kill "$p" 2>/dev/null || true
    for _ in $(seq 100); do alive "$1" || break; sleep 0.05; done
    if alive "$1"; then kill -9 "$p" 2>/dev/null || true; fi
    rm -f "$dir/pids/$1"
}

# "PID COMMAND" of this cluster's processes (on node $1, or on all): its slurmstepds, known by the log file they hold open (they
# overwrite their environment with their title); what they run, by SLURM_CLUSTER_NAME; slurmds, by what slurm_up.sh gave them.
strays() {
    local f p re='n[1-9][0-9]*'; [ $# = 0 ] || re=$1
    {
        for p in $(grep -l -x slurmstepd /proc/[0-9]*/comm 2>/dev/null); do
            p=${p%/comm}; find "$p/fd" -lname "$dir/log/*.log" -printf '%l\n' 2>/dev/null | grep -q -E "/log/$re\.log\$" && echo "$p"
        done
        for f in $(grep -l -z -x -E "SLURM_TEST_CLUSTER=$name|SLURM_CLUSTER_NAME=$name" /proc/[0-9]*/environ 2>/dev/null); do
            grep -q -z -x -E "(SLURM_TEST_NODE|SLURMD_NODENAME)=$re" "$f" 2>/dev/null && echo "${f%/environ}"
        done
    } | sed 's,^/proc/,,' | sort -n -u | while read -r p; do echo "$p $(cat "/proc/$p/comm" 2>/dev/null)"; done || true
}
