#!/bin/bash
# shellcheck disable=SC1090,SC1091,SC2013,SC2015,SC2016,SC2034,SC2046,SC2064,SC2086,SC2154,SC2317
# netns_mpirun.sh [-n RANKS] [-N HOSTS] [-s SHAPE]... [-d DIR] -- PROGRAM ARG...
#
# Runs an Open MPI program across HOSTS network namespaces of this machine, so that ranks on different hosts talk real TCP
# over a link that can be slowed down or made lossy.  No ssh, no Slurm: mpirun's remote shell is `netns_net.sh exec`.
#
#   ./netns_mpirun.sh -n 4 -N 2 -s delay=5ms -s rate=200mbit -s loss=0.1% -- ./hello_mpi --bench
#
#   -n RANKS   (4) placed round-robin by host: ranks 0..n/N-1 on n1, and so on    -N HOSTS   (2)
#   -s SHAPE   what every host sends: delay=20ms jitter=2ms rate=100mbit loss=1% (one way); default none
#   -d DIR     use (and afterwards leave) the network that `netns_net.sh up DIR N` made; default: a fresh one, removed at the end
#   -m "ARGS"  further mpirun arguments
# mpirun runs on host n1; its exit status is this script's.  TERM, INT, USR1 and USR2 are passed on to mpirun.
# Needs root.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
usage() { sed -n '3,/^set -/p' "$0" | sed '$d; s/^# \{0,1\}//' >&2; exit 2; }
ranks=4 hosts=2 dir='' shapes=() more=()
while getopts n:N:s:d:m: o; do
    case $o in n) ranks=$OPTARG;; N) hosts=$OPTARG;; s) shapes+=("$OPTARG");; d) dir=$OPTARG;; m) read -r -a more <<< "$OPTARG";; *) usage;; esac
done
shift $((OPTIND - 1)); [ $# -ge 1 ] || usage
own=''; run=$(mktemp -d /tmp/nsmpi.XXXXXX)
child=
finish() {
    local rc=$?; trap '' TERM INT USR1 USR2
    [ -z "$own" ] || "$here/netns_net.sh" down "$own" || true
    rm -rf "$run"; exit $rc
}
trap finish EXIT
if [ -z "$dir" ]; then dir=$run; own=$run; "$here/netns_net.sh" up "$dir" "$hosts" > /dev/null; fi
. <("$here/netns_net.sh" info "$dir"); [ "$hosts" -le "$net_hosts" ] || { echo "netns_mpirun: $dir has only $net_hosts hosts" >&2; exit 2; }
[ ${#shapes[@]} = 0 ] || "$here/netns_net.sh" shape "$dir" all "${shapes[@]}"

# mpirun calls the agent as: AGENT HOST "a shell command line".  Its words must be re-read by a shell, as ssh does.
cat > "$run/agent" <<AGENT
#!/bin/bash
host=\$1; shift
exec "$here/netns_net.sh" exec "$dir" "\$host" /bin/bash -c "\$*"
AGENT
chmod +x "$run/agent"
per=$(((ranks + hosts - 1) / hosts)); list=
for i in $(seq "$hosts"); do list+=${list:+,}n$i:$per; done
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1
unset "${!SLURM_@}"  # inside a Slurm job mpirun would take its hosts from there
"$here/netns_net.sh" exec "$dir" n1 mpirun -n "$ranks" -host "$list" --oversubscribe --bind-to none \
    --mca plm rsh --mca plm_rsh_agent "$run/agent" --mca plm_rsh_no_tree_spawn 1 \
    --mca orte_tmpdir_base "$run" --mca pml ob1 --mca btl self,vader,tcp --mca btl_tcp_if_include "$net_cidr" --mca oob_tcp_if_include "$net_cidr" \
    "${more[@]}" "$@" < /dev/null & child=$!
for s in TERM INT USR1 USR2; do trap "kill -$s $child 2>/dev/null" $s; done
while :; do rc=0; wait $child || rc=$?; kill -0 $child 2>/dev/null || break; done
exit $rc
