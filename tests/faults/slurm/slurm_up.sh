#!/bin/bash
# shellcheck disable=SC1090,SC1091,SC2013,SC2015,SC2016,SC2034,SC2046,SC2064,SC2086,SC2154,SC2317
# slurm_up.sh DIR - bring up a real Slurm cluster on this machine, for tests.  Ends with slurm_down.sh DIR.
#
#   ./slurm_up.sh /tmp/slurm && . /tmp/slurm/env.sh && srun -N2 -n4 ./hello_mpi
#
# All configuration, sockets, keys, spools and logs are under DIR; nothing under /etc is read or written.  Running it again
# starts whatever has died (so it also brings back a node a test has killed) and returns at once when all is well.
# Needs: slurmctld, slurmd, slurm-client, munge (Debian: apt-get install slurm-wlm munge openmpi-bin).
#
# Settings, from the environment, fixed when DIR is first brought up:
#   SLURM_TEST_NODES=2        slurmds, called n1..nN
#   SLURM_TEST_CPUS=4         CPUs each of them claims to have, whatever the machine has
#   SLURM_TEST_MODE=auto      how different the nodes are:
#        netns   each has its own network (real TCP between ranks on different nodes, shapeable: netns_net.sh shape DIR ...),
#                host name, /etc/hosts and /dev/shm.  Needs root.
#        uts     each has its own host name, /etc/hosts and /dev/shm; all talk over 127.0.0.1.  Needs root.
#        plain   the nodes differ only in name and port; no shared memory between ranks.  Any user.
#        auto    uts where it is permitted, else plain
#   SLURM_TEST_GRACE=10       seconds a preempted job has between SIGTERM and SIGKILL
#   SLURM_TEST_KILLWAIT=5     the same for jobs cancelled or out of time
#   SLURM_TEST_REQUEUE=5      seconds before a requeued job may start again (Slurm's default is 120)
#   SLURM_TEST_EXTRA=         further slurm.conf lines
# Partitions: main (default; never preempted), high (preempts the low ones), low (preempted jobs are requeued),
# lowcancel (preempted jobs are cancelled).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/slurm_common.sh"
[ $# = 1 ] || { sed -n '3,/^set -/p' "$0" | sed '$d; s/^# \{0,1\}//' >&2; exit 2; }
for tool in slurmctld slurmd sinfo srun munged munge flock; do PATH=$PATH:/usr/sbin command -v $tool > /dev/null || die "no $tool: install slurm-wlm and munge"; done
began=$(date +%s%N)
open_state "$1"

nodes=${SLURM_TEST_NODES:-2} cpus=${SLURM_TEST_CPUS:-4} mode=${SLURM_TEST_MODE:-auto}
user=$(id -un)
[[ $nodes =~ ^[1-9][0-9]?$ ]] || die "bad SLURM_TEST_NODES=$nodes"
[[ $mode =~ ^(auto|plain|uts|netns)$ ]] || die "bad SLURM_TEST_MODE=$mode"
if [ "$mode" = auto ]; then
    if [ -f "$dir/mode" ]; then mode=$(cat "$dir/mode")
    elif [ "$(id -u)" = 0 ] && unshare --uts --mount true 2>/dev/null; then mode=uts; else mode=plain; fi
fi

port_busy() { grep -q -i ":$(printf %04X "$1") [0-9A-F]*:[0-9A-F]* 0A " /proc/net/tcp /proc/net/tcp6 2>/dev/null; }
free_ports() {  # first port of a run of $1 that nobody listens on
    local base i try
    for try in $(seq 0 200); do
        base=$((20000 + ((0x$tag + try * 7) % 240) * 50))
        for i in $(seq 0 "$1"); do port_busy $((base + i)) && continue 2; done
        echo $base; return
    done
    die "no free ports"
}

configure() {
    local base addr ctl ctladdr i comm
    mkdir -p "$dir"/{munge,ctl,spool,tmp,log,pids}; chmod 755 "$dir" "$dir/munge"; chmod 700 "$dir/ctl"; chmod 1777 "$dir/tmp"
    (umask 077; head -c 128 /dev/urandom > "$dir/munge/key")
    base=$(free_ports "$nodes")
    case $mode in
        netns) "$here/netns_net.sh" up "$dir" "$nodes" > /dev/null; . "$dir/net/info"
               ctl=n0 ctladdr=$net_outside comm=NoCtldInAddrAny; cp "$dir/net/hosts" "$dir/hosts" ;;
        uts)   ctl=n0 ctladdr=127.0.0.1 comm=NoCtldInAddrAny
               { echo "127.0.0.1 localhost n0"; for i in $(seq "$nodes"); do echo "127.0.0.1 n$i"; done; } > "$dir/hosts" ;;
        plain) ctl=$(hostname -s) ctladdr=127.0.0.1
               # Without private host files we can bind to loopback only where the host name resolves to it.
               case $(getent ahostsv4 "$ctl" | awk 'NR==1{print $1}') in 127.*) comm=NoCtldInAddrAny;; *) comm=;; esac ;;
    esac
    cat > "$dir/slurm.conf" <<CONF
ClusterName=$name
SlurmctldHost=$ctl($ctladdr)
SlurmctldPort=$base
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$dir/munge/sock,cred_expire=${SLURM_TEST_REQUEUE:-5}
StateSaveLocation=$dir/ctl
SlurmctldPidFile=$dir/ctl/slurmctld.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdSpoolDir=$dir/spool/%n
SlurmdPidFile=$dir/spool/%n.pid
SlurmdLogFile=$dir/log/%n.log
# Slurm's PMIx plugin makes its directories under TmpFS; with one for all, the second node finds them there and fails.
TmpFS=$dir/tmp/%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/filetxt
JobCompLoc=$dir/log/jobcomp.log
MpiDefault=pmix
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
KillWait=${SLURM_TEST_KILLWAIT:-5}
SlurmdTimeout=30
MinJobAge=3600
DebugFlags=NO_CONF_HASH
CONF
    [ -z "$comm" ] || echo "CommunicationParameters=$comm" >> "$dir/slurm.conf"
    for i in $(seq "$nodes"); do
        case $mode in netns) addr="NodeHostname=n$i NodeAddr=$net_subnet.$i";; uts) addr="NodeHostname=n$i NodeAddr=127.0.0.1";; plain) addr="NodeHostname=$ctl NodeAddr=127.0.0.1";; esac
        echo "NodeName=n$i $addr Port=$((base + i)) CPUs=$cpus"
        mkdir -p "$dir/spool/n$i" "$dir/tmp/n$i"; chmod 1777 "$dir/tmp/n$i"
    done >> "$dir/slurm.conf"
    cat >> "$dir/slurm.conf" <<CONF
PartitionName=main Nodes=ALL Default=YES PriorityTier=10 PreemptMode=OFF
PartitionName=high Nodes=ALL PriorityTier=100 PreemptMode=OFF
PartitionName=low Nodes=ALL PriorityTier=1 PreemptMode=REQUEUE GraceTime=${SLURM_TEST_GRACE:-10}
PartitionName=lowcancel Nodes=ALL PriorityTier=1 PreemptMode=CANCEL GraceTime=${SLURM_TEST_GRACE:-10}
CONF
    [ -z "${SLURM_TEST_EXTRA:-}" ] || printf '%s\n' "$SLURM_TEST_EXTRA" >> "$dir/slurm.conf"
    # With its default ("mixed": tree for barriers) Slurm 22.05's fence now and then lets one node out of MPI_Init before another is
    # ready, and the late rank segfaults on the first message.  SLURM_PMIX_FENCE=mixed in a job's environment brings that back.
    echo "PMIxCollFence=ring" > "$dir/mpi.conf"
    # slurmd is to bind to its own address only; a client with that setting would need its host name to resolve.
    { echo "Include $dir/slurm.conf"; [ -z "$comm" ] || echo "CommunicationParameters=$comm,NoInAddrAny"; } > "$dir/slurmd.conf"
    {
        echo "# source this to use the test cluster in $dir"
        echo "export SLURM_CONF=$dir/slurm.conf"
        echo "export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"
        if [ $mode = netns ]; then i=$net_cidr; else i=lo; fi
        echo "export OMPI_MCA_btl_tcp_if_include=$i OMPI_MCA_oob_tcp_if_include=$i"
        # In plain mode all nodes share one host name and one /dev/shm: Open MPI's shared memory would mix them up and crash.
        if [ $mode = plain ]; then i=self,tcp; else i=self,vader,tcp; fi
        echo "export OMPI_MCA_pml=ob1 OMPI_MCA_btl=$i OMPI_MCA_orte_tmpdir_base=$dir/tmp"
        echo "# more ranks than cores: give the core away while waiting, do not pin"
        echo "export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_rmaps_base_oversubscribe=1"
    } > "$dir/env.sh"
    echo "$nodes $cpus" > "$dir/size"; echo "$mode" > "$dir/mode"
}

# as NODE CMD...: run CMD with NODE's view of the machine (every form ends in exec: the pid is CMD's)
as() {
    local node=$1; shift
    if [ $mode = netns ] && [ "$node" != n0 ]; then exec "$here/netns_net.sh" exec "$dir" "$node" "$@"; fi
    [ $mode != plain ] || exec "$@"
    exec unshare --uts --mount -- /bin/sh -c '
        hostname "$1" && mount --bind "$2" /etc/hosts && { [ "$1" = n0 ] || mount -t tmpfs -o mode=1777 tmpfs /dev/shm; } && shift 2 && exec "$@"
    ' sh "$node" "$dir/hosts" "$@"
}
start() {  # NAME NODE CMD...: as a daemon of its own session, with a clean environment; nothing if it runs already
    local n=$1 node=$2 pid; shift 2
    if alive "$n"; then return; fi
    ( exec 9>&- < /dev/null >> "$dir/log/$n.out" 2>&1; as "$node" env -i PATH="$PATH" LANG=C.UTF-8 SLURM_TEST_CLUSTER="$name" SLURM_TEST_NODE="$node" setsid "$@" ) &
    pid=$!; echo "$pid $(stamp $pid)" > "$dir/pids/$n"
}
wait_for() {  # SECONDS DAEMON TEST...: poll; give up at once if the daemon died
    local left=$(($1 * 20)) d=$2; shift 2
    until "$@"; do alive "$d" || return 1; left=$((left - 1)); [ $left -gt 0 ] || return 1; sleep 0.05; done
}
failed() {  # REASON DAEMON: show its last words, leave nothing running
    echo "slurm_up: $1" >&2; tail -n 15 "$dir/log/$2.out" "$dir/log/$2.log" >&2 2>/dev/null || true
    exec 9>&-; "$here/slurm_down.sh" "$dir"; exit 1
}

if [ -f "$dir/size" ]; then
    [ "$(cat "$dir/size" "$dir/mode" | xargs)" = "$nodes $cpus $mode" ] || die "$dir holds a cluster of another shape ($(cat "$dir/size" "$dir/mode" | xargs)); slurm_down.sh it first"
    if [ $mode = netns ]; then "$here/netns_net.sh" info "$dir" > /dev/null; fi
else
    configure
fi
export SLURM_CONF=$dir/slurm.conf

munge_answers() { munge -S "$dir/munge/sock" -n > /dev/null 2>&1; }
start munged n0 munged --foreground --force --num-threads=2 --socket="$dir/munge/sock" --key-file="$dir/munge/key" \
    --log-file="$dir/log/munged.log" --pid-file="$dir/munge/pid" --seed-file="$dir/munge/seed"
wait_for 10 munged munge_answers || failed "munged did not start" munged

ctl_port=$(sed -n 's/^SlurmctldPort=//p' "$SLURM_CONF")
start slurmctld n0 slurmctld -D -f "$dir/slurm.conf"
wait_for 10 slurmctld port_busy "$ctl_port" || failed "slurmctld did not start" slurmctld

for i in $(seq "$nodes"); do
    # What a killed slurmstepd left behind would fail the step of the same number when its job is requeued here.
    alive "n$i" || [ -n "$(strays "n$i")" ] || rm -rf "$dir/spool/n$i"/{pmix,stepd}.* "$dir/tmp/n$i"/*
    start "n$i" "n$i" slurmd -D -N "n$i" -f "$dir/slurmd.conf"
done
# A node is usable when it is up and answers: the state has no "*" (not responding) and is none of down/drain/unknown.
all_ready() { [ "$(sinfo -h -N -p main -o '%N %t' 2>/dev/null | grep -c -E ' (idle|mix|alloc|comp|resv|plnd)$')" = "$nodes" ]; }
wait_for 30 slurmctld all_ready || { sinfo -N >&2 || true; for i in $(seq "$nodes"); do alive "n$i" || failed "slurmd n$i died" "n$i"; done; failed "the nodes did not become idle" slurmctld; }
echo "slurm_up: $nodes nodes x $cpus CPUs ($mode) ready in $((($(date +%s%N) - began) / 1000000)) ms; . $dir/env.sh"
