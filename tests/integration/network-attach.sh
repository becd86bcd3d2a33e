#!/bin/bash
# berth attach-network, as the runtime calls it: a container gets its interface, and nothing is left behind when it can't.
[ "${OWN_NETWORK:-}" ] || OWN_NETWORK=1 exec unshare -n bash "$0" "$@"
. "$(dirname "$0")/../lib.sh"
need ip nsenter python3

ip link set lo up
ip link add berth0 type bridge
ip address add 172.29.0.1/16 dev berth0
ip address add fd12::1/64 dev berth0 nodad
ip link set berth0 up

# container NAME: a process in a network namespace of its own; its pid is in $PID.
container() {
	background "$1" unshare -n sleep 1000
	PID=$!
	poll 30 other_network "$PID"
}
other_network() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
# attach OPTION...: what it says is in $OUT, its status in $CODE.
attach() {
	OUT=$(printf '{"ociVersion":"1.0.2","id":"x","status":"creating","pid":%s,"bundle":"/"}' "$PID" |
		"$BERTH" attach-network --bridge berth0 "$@" 2>&1)
	CODE=$?
}
inside() { nsenter -t "$PID" -n "$@"; }

attaches() {
	container one
	attach --host-name v1 --address 172.29.0.2/16 --address fd12::2/64 --gateway 172.29.0.1 --gateway fd12::1 --mtu 1400
	same "a container is attached" "$CODE $OUT" "0 "
	wait_until "its interface goes up" 30 is_up # which the kernel notes by and by
	like "it has the addresses" "$(inside ip -br address show eth0)" '172\.29\.0\.2/16 .*fd12::2/64'
	like "the MAC address that goes with them" "$(inside ip -br link show eth0)" 'UP +02:42:ac:1d:00:02'
	like "the MTU" "$(inside ip link show eth0)" 'mtu 1400'
	like "its loopback is up" "$(inside ip address show lo)" '127\.0\.0\.1'
	like "routes lead to the bridge" "$(inside ip route)" 'default via 172\.29\.0\.1 dev eth0'
	like "IPv6's too" "$(inside ip -6 route)" 'default via fd12::1 dev eth0'
	same "it believes no router advertisements" "$(inside cat /proc/sys/net/ipv6/conf/eth0/accept_ra)" 0
	same "the host's end has no IPv6" "$(cat /proc/sys/net/ipv6/conf/v1/disable_ipv6)" 1
	like "and is a hairpin port of the bridge" "$(ip -d link show v1)" 'master berth0 .*hairpin on'
	check "the device is reached" inside python3 -c "$ping" 172.29.0.1
	check "by IPv6" inside python3 -c "$ping" fd12::1
	local first=$PID
	container two
	attach --host-name v2 --address 172.29.0.3/16 --address fd12::3/64 --mac 0a:00:00:00:00:07 --name net7
	same "a second one, without a gateway" "$CODE $OUT" "0 "
	like "has the name and MAC that were told" "$(inside ip -br link show net7)" '0a:00:00:00:00:07'
	same "and no default route" "$(inside ip route show default)" ''
	check "the two see each other" inside python3 -c "$ping" 172.29.0.2
	end KILL "$PID"
	PID=$first
	end KILL "$PID"
	wait_until "an interface goes with its container" 60 no_ports
}
is_up() { [[ $(inside ip -br link show eth0) = *' UP '* ]]; }
no_ports() { [ -z "$(ip -br link show master berth0)" ]; }
# A refused connection is an answer too.
ping='import socket, sys
try:
	socket.create_connection((sys.argv[1], 9), 15)
except ConnectionRefusedError:
	pass'

# fails TEXT OPTION...: it fails like TEXT, and neither side has an interface more.
fails() {
	local text=$1
	shift
	attach "$@"
	like "fails: $text" "$CODE $OUT" "^[12] .*$text"
	same "nothing is left on the device" "$(ip -br link show type veth | grep -c '^v[0-9]')" "${LEFT:-0}"
	same "nor in the container" "$(inside ip -br link | wc -l)" "${INSIDE:-1}"
}

refuses() {
	container three
	fails 'bridge berth9: No such device' --bridge berth9 --host-name v3 --address 172.29.0.4/16
	fails 'default route by 10.1.1.1: ' --host-name v3 --address 172.29.0.4/16 --gateway 10.1.1.1
	inside ip link add eth0 type bridge
	INSIDE=2 fails 'File exists' --host-name v3 --address 172.29.0.4/16
	inside ip link delete eth0
	ip link add v3 type bridge
	LEFT=0 fails 'make v3: File exists' --host-name v3 --address 172.29.0.4/16
	check "what was there stays" ip link show v3
	fails 'host-name a/b: not valid' --host-name a/b --address 172.29.0.4/16
	local container=$PID
	PID=$$
	attach --host-name v4 --address 172.29.0.4/16
	like "the device's own network is not taken for a container's" "$CODE $OUT" '^1 .*no network namespace of its own'
	PID=999999999
	attach --host-name v4 --address 172.29.0.4/16
	like "nor a process that is not there" "$CODE $OUT" '^1 .*No such file or directory'
	PID=0
	attach --host-name v4 --address 172.29.0.4/16
	like "nor none" "$CODE $OUT" '^1 .*has no pid'
	PID=$container
	end KILL "$PID"
}

case_run attaches refuses
done_testing
