#!/bin/bash
# shellcheck disable=SC1090,SC1091,SC2013,SC2015,SC2016,SC2034,SC2046,SC2064,SC2086,SC2154,SC2317
# netns_net.sh - a few "hosts" on one Linux machine: network namespaces joined by a switch whose links can be shaped.
#
#   netns_net.sh up    DIR N                 N hosts n1..nN, and the outside machine as host "n0"; prints the subnet
#   netns_net.sh down  DIR                   removes all of it (ends, by pid, what still runs inside the hosts)
#   netns_net.sh shape DIR HOST|all none
#   netns_net.sh shape DIR HOST|all [delay=20ms] [jitter=2ms] [rate=100mbit] [loss=1%]     what HOST sends (one way)
#   netns_net.sh exec  DIR HOST CMD...       run CMD on HOST: own network, host name and /dev/shm view; same files
#   netns_net.sh info  DIR                   shell variables describing the network
#
# Needs root (CAP_NET_ADMIN + CAP_SYS_ADMIN), iproute2, util-linux.  DIR is made if absent and holds all state (DIR/net).
# NETNS_LINK=kernel  bridge + veth; delay/loss by tc netem, rate by netem or (where netem is absent) tbf
# NETNS_LINK=tap     the lagswitch program (beside this script; built on first use with g++) is the switch
# NETNS_LINK=auto    (default) kernel if the kernel has netem, else tap
# Touches nothing of the machine but the interfaces and namespaces it names; they carry a tag derived from DIR.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
usage() { sed -n '3,/^set -/p' "$0" | sed '$d; s/^# \{0,1\}//' >&2; exit 2; }
die() { echo "netns_net: $*" >&2; exit 1; }
[ $# -ge 2 ] || usage
verb=$1; mkdir -p "$2"; dir=$(cd "$2" && pwd -P); shift 2
net=$dir/net
tag=$(printf %s "$dir" | cksum | awk '{printf "%05x", $1 % 1048576}')   # 5 hex digits: device names stay under 15
br=x$tag; ns() { echo "x$tag-$1"; }

stamp() { local s; s=$(cat "/proc/$1/stat" 2>/dev/null) || return 1; s=${s##*) }; set -- $s; [ "$1" != Z ] && echo "${20}"; }
alive() { [ -n "${1:-}" ] && [ "$(stamp "$1" || true)" = "${2:-x}" ]; }
load() { [ -f "$net/info" ] || die "no network in $dir (run: $0 up $dir N)"; . "$net/info"; }

have_netem() {  # try it on a throwaway device in a throwaway namespace
    local t="x$tag-probe" ok=1
    ip netns add "$t" || return 1
    ip -n "$t" link set lo up; ip netns exec "$t" tc qdisc add dev lo root netem delay 1ms 2>/dev/null || ok=0
    ip netns del "$t"; [ $ok = 1 ]
}

free_subnet() {  # 10.A.B with no route of this machine inside it
    local i a b
    for i in $(seq 0 99); do
        a=$((200 + (0x$tag + i) % 50)); b=$(((0x$tag / 50 + i) % 250 + 1))
        ip -4 route show table all | grep -q -F "10.$a.$b." || { echo "10.$a.$b"; return; }
    done
    die "no free 10.x.y.0/24"
}

up() {
    local n=$1 link=${NETNS_LINK:-auto} i d devs=() subnet pid start
    [ "$(id -u)" = 0 ] || die "needs root"
    [[ $n =~ ^[0-9]+$ && $n -ge 1 && $n -le 200 ]] || die "bad number of hosts: $n"
    [ ! -f "$net/info" ] || down
    mkdir -p "$net"
    [[ $link =~ ^(auto|kernel|tap)$ ]] || die "bad NETNS_LINK=$link"
    if [ "$link" = auto ]; then if have_netem; then link=kernel; else link=tap; fi; fi
    subnet=$(free_subnet)
    trap '[ $? = 0 ] || { echo "netns_net: up failed, cleaning" >&2; down; }' EXIT
    { echo "net_hosts=$n"; echo "net_subnet=$subnet"; echo "net_link=$link"; echo "net_cidr=$subnet.0/24"; echo "net_outside=$subnet.254"; } > "$net/info"
    { echo "127.0.0.1 localhost"; echo "$subnet.254 n0"; for i in $(seq "$n"); do echo "$subnet.$i n$i"; done; } > "$net/hosts"
    : > "$net/shape"
    for i in $(seq "$n"); do ip netns add "$(ns "n$i")"; done
    if [ "$link" = tap ]; then
        build_switch
        for i in $(seq 0 "$n"); do devs+=("$br-$i"); done
        echo "$br-0 exempt" > "$net/shape"
        mkfifo "$net/ready"
        setsid "$here/lagswitch" "$net/shape" "${devs[@]}" > "$net/ready" 2> "$net/lagswitch.log" < /dev/null 9>&- & pid=$!
        read -r -t 5 d < "$net/ready" || die "lagswitch did not start: $(cat "$net/lagswitch.log")"
        rm "$net/ready"
        start=$(stamp $pid); { echo "net_switch_pid=$pid"; echo "net_switch_start=$start"; } >> "$net/info"
        ip addr add "$subnet.254/24" dev "$br-0"; ip link set "$br-0" up
    else
        ip link add "$br" type bridge forward_delay 0; ip addr add "$subnet.254/24" dev "$br"; ip link set "$br" up
    fi
    for i in $(seq "$n"); do
        d=$(ns "n$i")
        if [ "$link" = tap ]; then ip link set "$br-$i" netns "$d" name eth0
        else
            ip link add "$br-$i" type veth peer name eth0 netns "$d"
            ip link set "$br-$i" master "$br" up
        fi
        ip -n "$d" link set lo up
        ip -n "$d" addr add "$subnet.$i/24" dev eth0
        ip -n "$d" link set eth0 up
    done
    info
}

build_switch() {
    [ "$here/lagswitch" -nt "$here/lagswitch.cpp" ] && return
    local tmp="$here/lagswitch.$$"
    "${CXX:-g++}" -std=c++17 -O2 -o "$tmp" "$here/lagswitch.cpp" && mv "$tmp" "$here/lagswitch"
}

down() {
    local i p sig
    [ -f "$net/info" ] || return 0
    . "$net/info"
    for sig in TERM KILL; do
        local any=0
        for i in $(seq "$net_hosts"); do
            for p in $(ip netns pids "$(ns "n$i")" 2>/dev/null); do kill -$sig "$p" 2>/dev/null && any=1; done
        done
        [ $any = 0 ] && break; [ $sig = KILL ] || sleep 0.5
    done
    for i in $(seq "$net_hosts"); do ip netns del "$(ns "n$i")" 2>/dev/null || true; done
    if alive "${net_switch_pid:-}" "${net_switch_start:-}"; then
        kill "$net_switch_pid"; for i in $(seq 50); do alive "$net_switch_pid" "$net_switch_start" || break; sleep 0.02; done
    fi
    for i in $(seq 0 "$net_hosts"); do ip link del "$br-$i" 2>/dev/null || true; done
    ip link del "$br" 2>/dev/null || true
    rm -rf "$net"
}

# "20ms" "300us" "1s" -> microseconds ; "10mbit" "1gbit" -> bits/s ; "1%" -> probability
usec() { case $1 in *us) echo "${1%us}";; *ms) awk "BEGIN{print ${1%ms}*1000}";; *s) awk "BEGIN{print ${1%s}*1000000}";; *) die "bad time $1";; esac; }
bits() { case $1 in *gbit) awk "BEGIN{printf \"%.0f\", ${1%gbit}*1e9}";; *mbit) awk "BEGIN{printf \"%.0f\", ${1%mbit}*1e6}";; *kbit) awk "BEGIN{printf \"%.0f\", ${1%kbit}*1e3}";; *) die "bad rate $1 (kbit, mbit, gbit)";; esac; }
prob() { case $1 in *%) awk "BEGIN{print ${1%\%}/100}";; *) die "bad loss $1 (write 1%)";; esac; }

shape() {
    local who=$1 a i delay='' jitter='' rate='' loss='' hosts; shift
    load
    for a in "$@"; do case $a in none) ;; delay=*) delay=${a#*=};; jitter=*) jitter=${a#*=};; rate=*) rate=${a#*=};; loss=*) loss=${a#*=};; *) die "bad shape $a";; esac; done
    if [ "$who" = all ]; then hosts=$(seq "$net_hosts"); else hosts=${who#n}; [ "$hosts" -ge 1 ] && [ "$hosts" -le "$net_hosts" ] || die "no host $who"; fi
    for i in $hosts; do
        local dev=$br-$i d; d=$(ns "n$i")
        if [ "$net_link" = tap ]; then
            local us r limit
            us=$(usec "${delay:-0us}"); r=$(bits "${rate:-0kbit}")
            # queue: what is in flight on the delay line, plus 50 ms of line rate, at least 256 KiB
            limit=$(awk "BEGIN{l=$r/8*($us/1e6+0.05); if(l<262144)l=262144; if($r==0)l=64*1048576; printf \"%.0f\", l}")
            grep -v "^$dev " "$net/shape" > "$net/shape.new" || true
            [ -z "$delay$jitter$rate$loss" ] || echo "$dev $us $(usec "${jitter:-0us}") $r $(prob "${loss:-0%}") $limit" >> "$net/shape.new"
            mv "$net/shape.new" "$net/shape"
        elif [ -z "$delay$jitter$rate$loss" ]; then
            ip netns exec "$d" tc qdisc del dev eth0 root 2>/dev/null || true
        elif ip netns exec "$d" tc qdisc replace dev eth0 root netem limit 20000 ${delay:+delay $delay $jitter} ${loss:+loss $loss} ${rate:+rate $rate} 2>/dev/null; then :
        elif [ -z "$delay$jitter$loss" ]; then
            ip netns exec "$d" tc qdisc replace dev eth0 root tbf rate "$rate" burst 64kb latency 50ms
        else die "this kernel has no netem; use NETNS_LINK=tap"; fi
    done
    if [ "$net_link" = tap ]; then alive "$net_switch_pid" "$net_switch_start" || die "lagswitch is gone"; kill -HUP "$net_switch_pid"; fi
}

run_on() {
    local host=$1; shift
    load
    # A private mount namespace gives the host its own /etc/hosts and an empty /dev/shm that vanishes with it.
    exec nsenter --net="/run/netns/$(ns "$host")" unshare --uts --mount -- /bin/sh -c '
        hostname "$1" && mount --bind "$2" /etc/hosts && mount -t tmpfs -o mode=1777 tmpfs /dev/shm && shift 2 && exec "$@"
    ' sh "$host" "$net/hosts" "$@"
}

info() { load; [ -z "${net_switch_pid:-}" ] || alive "$net_switch_pid" "$net_switch_start" || die "the switch of $dir has died; take it down and up again"; sed 's/^/export /' "$net/info"; }

case $verb in
    up) [ $# = 1 ] || usage; up "$1" ;;
    down) down ;;
    shape) [ $# -ge 2 ] || usage; shape "$@" ;;
    exec) [ $# -ge 2 ] || usage; run_on "$@" ;;
    info) info ;;
    *) usage ;;
esac
