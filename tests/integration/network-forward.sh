#!/bin/bash
# berth forward: published ports without nf_tables. A device, an outside and a container, each a network namespace.
[ "${OWN_NETWORK:-}" ] || OWN_NETWORK=1 exec unshare -n bash "$0" "$@"
. "$(dirname "$0")/../lib.sh"
need ip nsenter python3 ss
TALK="python3 $(dirname "$0")/network-talk"

ip link set lo up
ip link add berth0 type bridge
ip address add 172.29.0.1/16 dev berth0
ip address add fd29::1/64 dev berth0 nodad
ip link set berth0 up
other_network() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
namespace() {
	background "$1" unshare -n sleep 1000
	PID=$!
	poll 30 other_network "$PID"
}
attach() {
	OUT=$(printf '{"pid":%s}' "$PID" | "$BERTH" attach-network --bridge berth0 --address 172.29.0.2/16 \
		--address fd29::2/64 --gateway 172.29.0.1 --gateway fd29::1 "$@" 2>&1)
	CODE=$?
}
inside() { nsenter -t "$PID" -n "$@"; }
outside() { nsenter -t "$OUTSIDE" -n "$@"; }
forwarders() { helpers forward; }
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$(forwarders)/stat"; }
no_forwarders() { [ -z "$(forwarders)" ]; }
listens() { [ -n "$(inside ss -Hln "$1" "sport = :$2")" ]; }
are_served() { listens -t 80 && listens -t 7003 && listens -t 7004 && listens -u 53; }
lan_link_local() { ip -6 -o address show dev lan0 scope link | awk '{ sub("/.*", "", $4); print $4 }'; }
# told TEXT REGEX COMMAND...: what the command says.
told() { like "$1" "$("${@:3}" 2>&1)" "$2"; }

namespace outside
OUTSIDE=$PID
ip link add lan0 type veth peer name eth0 netns "$OUTSIDE"
ip address add 192.168.9.1/24 dev lan0
ip address add 192.168.9.2/24 dev lan0 # routing chooses the first one
ip address add fd09::1/64 dev lan0 nodad
ip address add fd09::2/64 dev lan0 nodad
ip link set lan0 up
outside ip address add 192.168.9.9/24 dev eth0
outside ip address add fd09::9/64 dev eth0 nodad
outside ip link set eth0 up
outside ip route add 172.29.0.0/16 via 192.168.9.1
outside ip route add fd29::/64 via fd09::1

serves_all() {
	local ticks address
	namespace container
	attach --host-name v1 --forward tcp,0.0.0.0,8080,172.29.0.2,80 --forward tcp,::,8080,172.29.0.2,80 \
		--forward udp,0.0.0.0,5353,172.29.0.2,53 --forward udp,::1,5353,fd29::2,53 \
		--forward udp,0.0.0.0,5354,172.29.0.2,53 --forward udp,::,5354,172.29.0.2,53 \
		--forward tcp,127.0.0.1,7000-7004,172.29.0.2,7000 --forward tcp,192.168.9.1,81,172.29.0.2,99
	same "a forwarder starts with the container" "$CODE $OUT" "0 "
	same "there is one" "$(forwarders | wc -w)" 1
	note "memory of its own: $(awk '/^Anonymous:/ { print $2 " kB" }' "/proc/$(forwarders)/smaps_rollup")"
	background serve inside $TALK serve 80 7003 udp:53
	background stop inside $TALK stop 7004
	wait_until "the container serves" 30 are_served
	told "127.0.0.1" '^172.29.0.1$' $TALK tcp 127.0.0.1 8080
	told "[::1], by the container's IPv4 address" '^172.29.0.1$' $TALK tcp ::1 8080
	told "the device's address" '^172.29.0.1$' $TALK tcp 192.168.9.1 8080
	told "from outside" '^172.29.0.1$' outside $TALK tcp 192.168.9.1 8080
	told "from outside by IPv6" '^172.29.0.1$' outside $TALK tcp fd09::1 8080
	told "from the container itself" '^172.29.0.1$' inside $TALK tcp 172.29.0.1 8080
	told "udp" '^172.29.0.1$' outside $TALK udp 192.168.9.1 5353
	told "udp by [::1]" '^fd29::1$' $TALK udp ::1 5353
	for address in 192.168.9.2 192.168.9.1 172.29.0.1 fd09::2 fd09::1 fd29::1; do
		told "udp that asks $address is answered from there" '^172.29.0.1$' outside $TALK udp $address 5354
	done
	told "also one socket that asks two" '^192.168.9.1 192.168.9.2 192.168.9.1$' outside $TALK \
		answerers 5354 192.168.9.1 192.168.9.2 192.168.9.1
	told "a broadcast is answered" '^192.168.9.1$' outside $TALK answerers 5354 192.168.9.255
	told "a link-local one, and a group" "^$(lan_link_local) $(lan_link_local)\$" outside $TALK answerers 5354 \
		"$(lan_link_local)%eth0" ff02::1%eth0
	told "a range" '^172.29.0.1$' $TALK tcp 127.0.0.1 7003
	told "not by another address" 'refused' outside $TALK tcp 192.168.9.1 7003
	told "a port that nobody serves in the container" 'reset' outside $TALK tcp 192.168.9.1 81
	told "8 MiB each way at once, the end of one way first" '^same$' $TALK echo 127.0.0.1 8080 8388608
	told "300 connections at a time" '^300$' $TALK many 127.0.0.1 8080 300
	told "620, of which some wait" '^620$' $TALK many ::1 8080 620
	same "ps and top call it what it is" "$(cat "/proc/$(forwarders)/comm")" berth-forward
	ticks=$(cpu_ticks)
	told "a peer that takes nothing" '^stuck$' $TALK stuck 127.0.0.1 7004
	check "costs nothing but memory" test $(($(cpu_ticks) - ticks)) -lt 50
	told "100 UDP peers, then 400" '^100 400$' $TALK peers 192.168.9.1 5353 100 400
}

is_confined() {
	local pid
	pid=$(forwarders)
	like "it has a user of its own" "$(cat "/proc/$pid/status")" $'Uid:\t65532\t65532\t65532\t65532\nGid:\t65532'
	like "no capabilities" "$(cat "/proc/$pid/status")" $'CapPrm:\t0+\nCapEff:\t0+\nCapBnd:\t0+\n'
	like "a filter" "$(cat "/proc/$pid/status")" $'NoNewPrivs:\t1\nSeccomp:\t2'
	same "is no one's terminal or pipe" "$(readlink "/proc/$pid/fd/0" "/proc/$pid/fd/1" "/proc/$pid/fd/2" | sort -u)" /dev/null
}

in_use() {
	local first=$PID
	namespace second
	attach --host-name v2 --forward tcp,127.0.0.1,8080,172.29.0.2,80
	like "a port that is taken is told" "$CODE $OUT" \
		'^1 publish port 8080 of 127.0.0.1 by tcp: Address in use; another program listens there$'
	check "and the container has no interface" test ! -e /sys/class/net/v2
	background avahi python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("0.0.0.0", 5454))
time.sleep(1000)'
	wait_until "a port of UDP is taken" 30 eval '[ -n "$(ss -Hlun "sport = :5454")" ]'
	attach --host-name v2 --forward udp,0.0.0.0,5454,172.29.0.2,53
	like "also one of UDP whose program shares it" "$CODE $OUT" '^1 publish port 5454 of 0.0.0.0 by udp: Address in use'
	same "in either namespace" "$(inside ip -br link | wc -l)" 1
	end KILL "$PID"
	PID=$first
}

ends() {
	local pid
	pid=$(forwarders)
	ip link add other type bridge
	ip link delete other
	check "other interfaces come and go" alive "$pid"
	ip link delete v1
	wait_until "it ends with its interface" 20 no_forwarders
	namespace again
	attach --host-name v3 --forward tcp,::1,8080,fd29::2,80
	same "its ports are free then" "$CODE $OUT" "0 "
	# As a container that ends and one that takes its place.
	ip link delete v3
	end KILL "$PID"
	namespace next
	attach --host-name v4 --forward tcp,::1,8080,fd29::2,80
	same "a successor waits for them" "$CODE $OUT" "0 "
	# The kernel may take its time to remove what the container has had: the agent does it at once.
	ip link delete v4
	wait_until "it ends" 20 no_forwarders
	end KILL "$PID"
	held_up
	end KILL "$PID"
	wait_until "it ends with the container" 60 no_forwarders
}

# On a busy machine the one before may be slow to end.
held_up() {
	local before
	namespace slow
	attach --host-name v6 --forward tcp,::1,8080,fd29::2,80
	same "another one" "$CODE $OUT" "0 "
	before=$(forwarders)
	kill -STOP "$before"
	ip link delete v6
	end KILL "$PID"
	background wakes sh -c "sleep 3; kill -CONT $before"
	namespace patient
	attach --host-name v7 --forward tcp,::1,8080,fd29::2,80
	same "a successor waits for one that is held up" "$CODE $OUT" "0 "
}

most() {
	namespace most
	(ulimit -Sn 1024; attach --host-name v5 --forward tcp,127.0.0.1,20000-22047,172.29.0.2,80; echo "$CODE $OUT") > "$T/most"
	same "2048 ports, though the agent has a lower limit" "$(cat "$T/most")" "0 "
	end KILL "$PID"
	wait_until "they end with the container" 60 no_forwarders
}

bad() {
	local spec
	for spec in tcp tcp,::1,80,::1 icmp,::1,80,::1,80 tcp,::1,0,::1,80 tcp,::1,80-70,::1,80 tcp,x,80,::1,80 \
		tcp,::1,65536,::1,80 tcp,::1,1-10,::1,65530 tcp,::1,80,::1,80,1; do
		told "refused: $spec" "$spec: not a forward" "$BERTH" forward --link lo "$spec"
	done
	told "too many" 'over 2048 ports' "$BERTH" forward --link lo tcp,127.0.0.1,20000-22047,127.0.0.1,80 tcp,::1,1,::1,1
	told "no such interface" 'none: No such device' "$BERTH" forward --link none tcp,::1,80,::1,80
	told "usage" '^usage: ' "$BERTH" forward tcp,::1,80,::1,80
	check "nothing was left" no_forwarders
}

# One after the other in this shell: they build on each other.
serves_all
is_confined
in_use
ends
most
bad
done_testing
