# shellcheck shell=bash
# network.sh - for tests of networks: a network namespace of the test's own, so that bridges and firewalls of tests
# that run at the same time don't meet, and a host "outside" of the device. Source it first, it sources lib.sh.
#
#   outside_start        the device gets the interface up0, 192.0.2.1 and 2001:db8::1; outside is 192.0.2.2 and 2001:db8::2
#   outside COMMAND...   runs it there
#   bridged NAME VERSION [LINE...]   app, on a bridge unless a LINE says otherwise, that listens on port 8080
#   gets URL, outside_gets URL, inside_gets APP HOST PORT   what the page says
[ "${OWN_NETWORK:-}" ] || OWN_NETWORK=yes exec unshare -n -m bash "$0" "$@"
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need ip nsenter unshare nft
ip link set lo up
# The device's resolv.conf, which a test may change.
echo 'nameserver 192.0.2.53' > "$T/resolv.conf"
mount --bind "$T/resolv.conf" /etc/resolv.conf

outside_start() {
	background outside unshare -n sleep 1000
	OUTSIDE=$!
	poll 30 eval '[ "$(readlink "/proc/$OUTSIDE/ns/net")" != "$(readlink /proc/self/ns/net)" ]'
	outside ip link set lo up
	ip link add up0 type veth peer name out0 netns "$OUTSIDE"
	ip addr add 192.0.2.1/24 dev up0
	ip -6 addr add 2001:db8::1/64 dev up0 nodad
	ip link set up0 up
	outside ip addr add 192.0.2.2/24 dev out0
	outside ip -6 addr add 2001:db8::2/64 dev out0 nodad
	outside ip link set out0 up
	ip route add default via 192.0.2.2
	ip -6 route add default via 2001:db8::2
}

outside() { nsenter -t "$OUTSIDE" -n "$@"; }

bridged() {
	local name=$1 version=$2 network='network = bridge'
	shift 2
	[[ " $* " != *" network = "* ]] || network=''
	app "$name" "$REG/app:$version" 'env = HOST=[::]' 'health = http://:8080/cgi-bin/healthz' ${network:+"$network"} "$@"
	sed -i "/^\[app $name\]/,\$ { s/^env = PORT=.*/env = PORT=8080/ }" "$T/agent.ini"
}

inside() { berth exec "$1" /opt/app/bin/busybox "${@:2}"; }
inspect() { curl -sf --unix-socket "$R/berth.sock" "http://berth/containers/$1/json" | jq -r "$2"; }
address() { inspect "$1" '.NetworkSettings.Networks[].IPAddress'; }
address6() { inspect "$1" '.NetworkSettings.Networks[].GlobalIPv6Address'; }

# On a busy machine an answer may take its time; who expects none (not) waits for less.
gets() { curl -sf -m "${PATIENT:-15}" "$1"; }
outside_gets() { outside curl -sf -m "${PATIENT:-15}" "$1"; }
not() {
	local PATIENT=3
	! "$@"
}
# A static busybox's wget crashes where there are no shared libraries.
inside_gets() {
	printf 'GET / HTTP/1.0\r\n\r\n' | timeout 30 "$BERTH" exec -i "$1" /opt/app/bin/busybox nc -w 15 "$2" "$3" | tail -1
}

# forwarders: pids of `berth forward` on this device; what a runtime starts is a sealed copy of the program.
forwarders() {
	local link argv
	for link in /proc/[0-9]*; do
		argv=()
		{ mapfile -d '' argv < "$link/cmdline"; } 2> /dev/null
		[ "${argv[0]:-} ${argv[1]:-}" = "berth forward" ] &&
			[ "$(readlink "$link/ns/net")" = "$(readlink /proc/self/ns/net)" ] && echo "${link#/proc/}"
	done
	return 0
}

# echoes_end: before the case does, because a network lives as long as a process in it.
echoes_end() { xargs -r kill -9 < "$T/echoes"; rm "$T/echoes"; }

# udp_echo APP PORT: answers datagrams with what they say, in the app's network.
udp_echo() {
	background "udp-$1" nsenter -t "$(app_pid "$1")" -n python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", int(sys.argv[1])))
while True:
    data, peer = s.recvfrom(2000)
    s.sendto(data, peer)' "$2"
	echo $! >> "$T/echoes"
	poll 30 eval 'nsenter -t "$(app_pid '"$1"')" -n ss -Hlun "sport = :'"$2"'" | grep -q .'
}

# udp_ask HOST PORT TEXT: the answer.
udp_ask() {
	python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(3)
for _ in range(5): # one may be lost while a neighbour is looked for
    s.sendto(sys.argv[3].encode(), (sys.argv[1], int(sys.argv[2])))
    try:
        print(s.recv(2000).decode())
        break
    except OSError:
        pass' "$@" 2> /dev/null
}

# tcp_echo APP PORT: connections get back what they say, in the app's network.
tcp_echo() {
	background "tcp-$1" nsenter -t "$(app_pid "$1")" -n python3 -c '
import socket, sys, threading
s = socket.create_server(("", int(sys.argv[1])))
def echo(c):
    while True:
        data = c.recv(2000)
        if not data: return
        c.sendall(data)
while True:
    threading.Thread(target=echo, args=(s.accept()[0],), daemon=True).start()' "$2"
	echo $! >> "$T/echoes"
	poll 30 eval 'nsenter -t "$(app_pid '"$1"')" -n ss -Hltn "sport = :'"$2"'" | grep -q .'
}

# agent_start_without route|netfilter|nat6: agent_start, as under a kernel that lacks this.
agent_start_without() { agent_start_by "$TESTS/integration/without-netlink" "$1"; }
