#!/bin/bash
# Containers on bridges: addresses, names, published ports, isolation, what docker's client sees of it, and an app in
# another's network.
. "$(dirname "$0")/../network.sh"
need docker-registry skopeo jq curl docker
outside_start
fleet

hosts_of() { inside "$1" cat /etc/hosts; }
has_name() { hosts_of "$1" | grep -qE "[[:space:]]$2( |\$)"; }
has_no_name() { ! has_name "$@"; }
runs() { app_runs "$1" "$(digest_of "app:${2:-v1}")"; }
running() { [ "$(inspect "$1" .State.Status)" = running ]; }
pinged() { inside "$1" ping -c 1 -W 1 "$2"; }
pings() { poll 10 pinged "$@"; }
# opens_loopback PID [SECONDS]: what an app could do with CAP_NET_RAW: packets for the device's 127.0.0.1, where the registry listens.
opens_loopback() {
	nsenter -t "$1" -n bash -c '
		echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet
		ip address delete 127.0.0.1/8 dev lo
		ip route add 127.0.0.0/8 via $(ip route | sed -n "s/default via \([^ ]*\).*/\1/p")
		curl -sf -m '"${2:-2}"' http://'"$REG"'/v2/ > /dev/null; status=$?
		ip route delete 127.0.0.0/8
		ip address add 127.0.0.1/8 dev lo
		exit $status'
}

published() {
	local url app pid
	config_begin
	config <<-INI

		[network lan]
		subnet = 10.99.7.0/24
		mtu = 1400
		[network closed]
		internal = yes
		subnet6 = none
	INI
	bridged a v1 'publish = 8080:8080' 'publish = 127.0.0.1:8081:8080' 'publish = 8100-8102:8080-8082' \
		'publish = 7000:7000/udp'
	bridged b v1
	bridged c v1 'network = lan' 'publish = 8082:8080'
	bridged d v1 'network = closed'
	agent_start
	for app in a b c d; do
		wait_until "$app runs, and its probe is answered" 30 runs $app
		wait_until "$app is healthy" 10 app_is $app .health healthy
	done
	like "an address of a private subnet" "$(address a)" '^172\.29\.0\.[0-9]+$'
	like "and an IPv6 one" "$(address6 a)" '^fd[0-9a-f:]+$'
	like "the section's subnet" "$(address c)" '^10\.99\.7\.[0-9]+$'
	like "and MTU" "$(inside c ip link show eth0)" 'mtu 1400'
	same "subnet6 = none" "$(address6 d)" ""

	for url in http://127.0.0.1:8080/ http://192.0.2.1:8080/ 'http://[2001:db8::1]:8080/' 'http://[::1]:8080/' \
		http://127.0.0.1:8081/ http://192.0.2.1:8100/ http://127.0.0.1:8082/; do
		same "from the device: $url" "$(gets "$url")" v1
	done
	for url in http://192.0.2.1:8080/ 'http://[2001:db8::1]:8080/' http://192.0.2.1:8100/ http://192.0.2.1:8082/; do
		same "from outside: $url" "$(outside_gets "$url")" v1
	done
	check "a port of the loopback only isn't reached from outside" not outside_gets http://192.0.2.1:8081/
	wait_until "a sibling knows its name" 20 has_name b a
	same "from a sibling, by name" "$(inside_gets b a 8080)" v1
	same "from a sibling, by the device's address" "$(inside_gets b 192.0.2.1 8080)" v1
	same "from itself, by the device's address" "$(inside_gets a 192.0.2.1 8080)" v1
	same "from another network, by the device's address" "$(inside_gets c 192.0.2.1 8080)" v1
	udp_echo a 7000
	same "udp from the device" "$(udp_ask 192.0.2.1 7000 ping)" ping
	same "by its loopback" "$(udp_ask 127.0.0.1 7000 ping)" ping
	same "udp from outside" "$(outside bash -c "$(declare -f udp_ask); udp_ask 192.0.2.1 7000 ping")" ping
	echoes_end

	pid=$(app_pid a)
	check "the device's loopback is shut" not opens_loopback "$pid"
	agent_stop KILL
	nft flush ruleset
	check "also when the rules are gone, and no agent is there" not opens_loopback "$pid"
	echo 1 > /proc/sys/net/ipv4/conf/berth0/route_localnet
	check "as this setting would open it then" opens_loopback "$pid" 15
	echo 0 > /proc/sys/net/ipv4/conf/berth0/route_localnet
	same "where published ports stay" "$(gets http://127.0.0.1:8080/)" v1
	agent_start
	wait_until "the next agent sets them again" 20 outside_gets http://192.0.2.1:8080/

	check "out into the world" pings a 192.0.2.2
	check "by IPv6, too" pings a 2001:db8::2
	check "not from an internal network" not pinged d 192.0.2.2
	check "networks are apart" not pinged a "$(address c)"
	check "in both directions" not pinged c "$(address b)"
	check "also the internal one" not pinged a "$(address d)"
	check "no way in from outside but published ports" not outside_gets "http://$(address a):8080/"

	like "berth ps has the ports" "$(berth ps)" '0\.0\.0\.0:8080->8080/tcp.*8100-8102->8080-8082/tcp.*7000->7000/udp'
	same "berth port" "$(berth port a 8082)" $'0.0.0.0:8102\n[::]:8102'
	export DOCKER_HOST=unix://$R/berth.sock
	same "docker port" "$(docker port a 8080/tcp | sort | head -2)" $'0.0.0.0:8080\n0.0.0.0:8100'
	same "docker network ls" "$(docker network ls --format '{{.Name}} {{.Driver}}' | sort | xargs)" \
		"bridge bridge closed bridge host host lan bridge none null"
	same "docker network inspect" "$(docker network inspect lan --format '{{(index .IPAM.Config 0).Subnet}} {{len .Containers}}')" \
		"10.99.7.0/24 1"
	like "docker ps" "$(docker ps --filter name=c)" '0\.0\.0\.0:8082->8080/tcp'
	unset DOCKER_HOST
	same "berth network ls" "$(berth network ls | awk 'NR > 1 { print $2 }' | sort | xargs)" "bridge closed host lan none"
	same "berth network inspect" "$(berth network inspect closed | jq -r '.[0].Internal')" true
	berth network inspect nosuch > "$T/out" 2>&1
	same "one that isn't there fails" "$?" 1
}

names() {
	config_begin
	bridged a v1 'hostname = alpha' 'extra_host = plc:192.0.2.7' 'dns_option = ndots:2'
	bridged b v1
	bridged h v1 'network = host' 'env = X=1'
	sed -i '/^\[app h\]/,$ { s/^env = PORT=.*/env = PORT=18080/; s,http://:8080,http://:18080, }' "$T/agent.ini"
	agent_start
	wait_until "a runs" 30 runs a
	wait_until "b runs" 30 runs b
	wait_until "h runs" 30 runs h
	same "its host name" "$(inside a hostname)" alpha
	check "which is in its hosts" has_name a alpha
	wait_until "and the other app" 20 has_name a b
	check "extra_host, too" has_name a plc
	wait_until "the other one has this one" 20 has_name b a
	check "an app with the device's network has no names of containers" has_no_name h b
	berth stop b > /dev/null
	wait_until "a name goes with its container" 20 has_no_name a b
	inside a sh -c 'echo 9.9.9.9 mine >> /etc/hosts'
	berth start b > /dev/null
	wait_until "and comes back" 20 has_name a b
	check "what the app wrote stays" has_name a mine
	wait_until "b runs again" 10 running b
	inside a sh -c 'echo 8.8.8.8 own > /etc/hosts'
	berth stop b > /dev/null
	sleep 1
	same "a file that the app made its own is left alone" "$(hosts_of a)" "8.8.8.8 own"

	like "resolv.conf is the device's" "$(inside a cat /etc/resolv.conf)" $'nameserver 192\.0\.2\.53'
	like "with the app's option" "$(inside a cat /etc/resolv.conf)" 'options ndots:2'
	printf 'nameserver 127.0.0.53\nnameserver 192.0.2.54\n' > /etc/resolv.conf
	wait_until "it follows the device's" 20 eval 'inside a cat /etc/resolv.conf | grep -q 192.0.2.54'
	check "without what is the device's loopback" not eval 'inside a cat /etc/resolv.conf | grep -q 127.0.0.53'
	wait_until "which the host's network has" 20 eval 'inside h cat /etc/resolv.conf | grep -q 127.0.0.53'
	echo 'nameserver 127.0.0.53' > /etc/resolv.conf
	wait_until "no server left: told" 20 grep -q 'no name server that it can reach.*give its app one with dns =' "$T/agent.log"
	echo 'nameserver 192.0.2.53' > /etc/resolv.conf
}

# A program of the device keeps its port: a published one would be translated before it comes there.
taken() {
	config_begin
	bridged a v1 'publish = 8092:8080'
	background own python3 -c 'import socket, time
s = socket.create_server(("127.0.0.1", 8092))
while True:
	c = s.accept()[0]
	c.sendall(b"HTTP/1.0 200 OK\r\n\r\nown")
	c.close()'
	local own=$!
	poll 30 port_open 8092
	agent_start
	wait_until "a port that a program of the device has is told" 20 \
		grep -q 'port 8092/tcp is taken by another program of the device' "$T/agent.log"
	same "and that program is reached" "$(gets http://127.0.0.1:8092/)" own
	end KILL "$own"
	wait_until "when it is gone, the app runs" 60 runs a
	same "under this port" "$(gets http://127.0.0.1:8092/)" v1
}

same_network() {
	[ "$(readlink "/proc/$(app_pid a)/ns/net")" = "$(readlink "/proc/$(app_pid j)/ns/net")" ]
}
joined() { [ "$(app_pid j)" != "$1" ] && runs j && runs a && same_network; }

joins() {
	local pid
	config_begin
	bridged j v1 'network = container:a'
	sed -i '/^\[app j\]/,$ { s/^env = PORT=.*/env = PORT=8090/; s,http://:8080/,http://:8090/, }' "$T/agent.ini"
	bridged a v1 'publish = 8080:8080' 'publish = 8090:8090'
	agent_start
	wait_until "a runs" 30 runs a
	wait_until "the app that joins it runs" 30 runs j
	check "in the same network" same_network
	same "and has its loopback" "$(inside_gets j 127.0.0.1 8080)" v1
	same "its port is published with a" "$(gets http://127.0.0.1:8090/)" v1
	same "docker's word for it" "$(inspect j .HostConfig.NetworkMode)" "container:$(app_get a .container)"
	pid=$(app_pid j)
	kill -9 "$(app_pid a)"
	wait_until "when a is started anew, it is, too" 20 joined "$pid"
	same "and published again" "$(gets http://127.0.0.1:8090/)" v1
	berth stop a > /dev/null
	wait_until "it is stopped with a" 20 app_is j .state exited
	wait_until "and says what it waits for" 20 app_like j .update.error 'waits for app a, whose network it joins'
	check "also after polls" stays 3 app_like j .update.error 'waits for app a, whose network it joins'
	pid=$(agent_pids)
	agent_stop KILL
	agent_start
	sleep 0.5
	app_is j .state exited || fail "it runs without a"
	berth start a > /dev/null
	wait_until "and runs with it" 20 joined "$pid"
	same "that was no failure of its version" "$(app_get j '"\(.restarts) \(.update.refused)"')" "0 []"
}

# Under a kernel that has bridges, and no nf_tables.
without_nftables() {
	nft flush ruleset # of the cases before, whose agents were killed
	config_begin
	bridged a v1 'publish = 8080:8080' 'publish = 7000:7000/udp'
	bridged b v1
	agent_start_without netfilter
	wait_until "a runs" 30 runs a
	wait_until "b runs" 30 runs b
	like "the agent says what is missing, and what that means" "$(cat "$T/agent.log")" \
		'networks: .*CONFIG_NF_TABLES.*forwarded by a process of berth'
	same "published ports work: from outside" "$(outside_gets http://192.0.2.1:8080/)" v1
	same "by IPv6" "$(outside_gets 'http://[2001:db8::1]:8080/')" v1
	same "by the loopback" "$(gets http://127.0.0.1:8080/)" v1
	same "from a sibling" "$(inside_gets b 192.0.2.1 8080)" v1
	wait_until "names, too" 20 has_name b a
	same "which lead there" "$(inside_gets b a 8080)" v1
	udp_echo a 7000
	same "and udp" "$(outside bash -c "$(declare -f udp_ask); udp_ask 192.0.2.1 7000 ping")" ping
	echoes_end
	berth stop a > /dev/null
	wait_until "a forwarder ends with its container" 20 not gets http://127.0.0.1:8080/
}

# user_pings APP ADDRESS: as user 1000 of the app, with ping(8)'s socket that needs no right; busybox's ping knows no such.
user_pings() {
	nsenter -t "$(app_pid "$1")" -n python3 -c '
import os, socket, sys
first = int(open(sys.argv[2]).read().split()[1])
os.setgroups([])
os.setgid(first + 1000)
os.setuid(first + 1000)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
s.settimeout(15)
s.sendto(bytes([8, 0, 0, 0, 0, 0, 0, 1]), (sys.argv[1], 0))
print("answered" if s.recv(100)[0] == 0 else "?")' "$2" "/proc/$(app_pid "$1")/gid_map" 2>&1 | tail -1
}

# An app with users of its own: its network is its user namespace's.
own_users() {
	local before
	config_begin
	bridged m v1 'userns = auto' 'publish = 8080:8080' 'publish = 7000:7000/udp'
	bridged a v1
	agent_start
	wait_until "an app with users of its own runs" 30 runs m
	wait_until "a runs" 30 runs a
	check "its users are others here" test "$(awk '/^Uid/ { print $2 }' "/proc/$(app_pid m)/status")" -gt 65536
	like "it has an address" "$(address m)" '^172\.29\.0\.[0-9]+$'
	wait_until "and names" 20 has_name m a
	wait_until "which others have" 20 has_name a m
	same "it reaches them" "$(inside_gets m a 8080)" v1
	same "and they reach it" "$(inside_gets a m 8080)" v1
	same "its port is published: outside" "$(outside_gets http://192.0.2.1:8080/)" v1
	same "by IPv6" "$(outside_gets 'http://[2001:db8::1]:8080/')" v1
	same "on the device" "$(gets http://127.0.0.1:8080/)" v1
	same "to itself" "$(inside_gets m 192.0.2.1 8080)" v1
	udp_echo m 7000
	same "and by udp" "$(udp_ask 192.0.2.1 7000 ping)" ping
	echoes_end
	check "its root pings" pings m 192.0.2.2
	check "by IPv6, too" pings m 2001:db8::2
	for app in a m; do
		same "also any user ($app)" "$(user_pings $app 192.0.2.2)" answered
		same "who may listen on a low port" \
			"$(berth exec -u 1000:1000 $app /opt/app/bin/busybox timeout 1 /opt/app/bin/busybox nc -l -p 80 2>&1 | grep -c bind)" 0
	done
	same "it may not change its interface" "$(inside m ip link set eth0 down 2>&1 | grep -c 'not permitted')" 1
	before=$(address m)
	kill -9 "$(app_pid m)"
	wait_until "killed, it is started anew" 20 app_is m .restarts 1
	wait_until "and runs" 20 runs m
	same "under its address" "$(address m)" "$before"
	wait_until "its port is published" 20 outside_gets http://192.0.2.1:8080/
	agent_stop
	agent_start
	same "the next agent leaves it alone" "$(app_get m .restarts) $(address m) $(outside_gets http://192.0.2.1:8080/)" "1 $before v1"
}

# Under one that has NAT for IPv4 only: IPv4 has it, IPv6 has the forwarder.
without_nat6() {
	nft flush ruleset
	echo 0 > /proc/sys/net/ipv4/ip_forward
	echo 0 > /proc/sys/net/ipv6/conf/all/forwarding
	config_begin
	bridged a v1 'publish = 8080:8080' 'publish = 7000:7000/udp'
	bridged b v1 'network = lan'
	printf '\n[network lan]\n' | config
	agent_start_without nat6
	wait_until "a runs" 30 runs a
	wait_until "b runs" 30 runs b
	same "what is missing is told once, and what that means" "$(grep -c 'networks: .*NAT for IPv6: it needs CONFIG_NFT_NAT.*By IPv6 published ports are forwarded by a process of berth' "$T/agent.log")" 1
	check "IPv4 gets out into the world" pings a 192.0.2.2
	check "and networks are apart" not pinged b "$(address a)"
	same "published ports work: from outside" "$(outside_gets http://192.0.2.1:8080/)" v1
	same "by IPv6" "$(outside_gets 'http://[2001:db8::1]:8080/')" v1
	same "by the loopback" "$(gets http://127.0.0.1:8080/)" v1
	same "by [::1]" "$(gets 'http://[::1]:8080/')" v1
	same "from another network" "$(inside_gets b 192.0.2.1 8080)" v1
	same "IPv4's by the kernel, only IPv6's by a forwarder, and the loopback's" \
		"$(ss -Hltn 'sport = :8080' | awk '{ print $4 }' | sort | xargs)" '127.0.0.1:8080 [::]:8080'
	same "the device forwards no IPv6 that nothing filters" "$(cat /proc/sys/net/ipv6/conf/all/forwarding)" 0
	agent_stop
	agent_start_without nat6
	wait_until "the next agent" 20 runs a
	same "changes nothing" "$(outside_gets http://192.0.2.1:8080/) $(outside_gets 'http://[2001:db8::1]:8080/')" "v1 v1"
}

# Under one without IPv6: nobody misses it.
without_ipv6() {
	nft flush ruleset
	echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6
	config_begin
	bridged a v1 'publish = 8080:8080'
	agent_start
	wait_until "a runs" 30 runs a
	same "without an address of IPv6" "$(address6 a)" ""
	check "out into the world" pings a 192.0.2.2
	same "in from there" "$(outside_gets http://192.0.2.1:8080/)" v1
	same "by the kernel, but for the loopback's" "$(ss -Hltn 'sport = :8080' | awk '{ print $4 }')" 127.0.0.1:8080
	same "nothing is missing" "$(grep networks: "$T/agent.log" | grep -vc 'ip_forward is 1 now')" 0
	echo 0 > /proc/sys/net/ipv6/conf/all/disable_ipv6
}

# lan_start: a second host, on another interface of the device, which is its way out.
lan_start() {
	background lan unshare -n sleep 1000
	LAN=$!
	poll 30 eval '[ "$(readlink "/proc/$LAN/ns/net")" != "$(readlink /proc/self/ns/net)" ]'
	ip link add lan0 type veth peer name eth0 netns "$LAN"
	ip addr add 198.51.100.1/24 dev lan0
	ip -6 addr add 2001:db8:1::1/64 dev lan0 nodad
	ip link set lan0 up
	lan ip addr add 198.51.100.2/24 dev eth0
	lan ip -6 addr add 2001:db8:1::2/64 dev eth0 nodad
	lan ip link set eth0 up
	lan ip route add default via 198.51.100.1
	lan ip -6 route add default via 2001:db8:1::1
	outside ip route add 198.51.100.0/24 via 192.0.2.1
	outside ip -6 route add 2001:db8:1::/64 via 2001:db8::1
}

lan() { nsenter -t "$LAN" -n "$@"; }
passes() { lan busybox ping -q -c 1 -W 1 "$1" > /dev/null; }
forwarding() { cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding | xargs; }
forwarding_is() { [ "$(forwarding)" = "$*" ]; }
set_forwarding() {
	echo "$1" > /proc/sys/net/ipv4/ip_forward
	echo "$1" > /proc/sys/net/ipv6/conf/all/forwarding
}

# A device that was no router doesn't become one for the hosts around it.
router() {
	nft flush ruleset
	lan_start
	set_forwarding 1
	check "a router forwards" poll 10 passes 192.0.2.2
	check "IPv6, too" poll 10 passes 2001:db8::2
	set_forwarding 0
	config_begin
	bridged a v1 'publish = 8080:8080'
	agent_start
	wait_until "a runs" 30 runs a
	same "its packets are forwarded" "$(forwarding)" "1 1"
	check "out into the world" pings a 192.0.2.2
	same "and in, from everywhere" "$(outside_gets http://192.0.2.1:8080/) $(lan curl -sf -m 15 http://198.51.100.1:8080/)" "v1 v1"
	check "nobody else's are" not passes 192.0.2.2
	check "of IPv6 neither" not passes 2001:db8::2
	agent_stop
	agent_start
	wait_until "the next agent" 20 runs a
	check "knows that" not passes 192.0.2.2
	check "and a still gets out" pings a 192.0.2.2
	berth stop a > /dev/null
	wait_until "without apps the device is what it was" 20 forwarding_is 0 0
	wait_until "and no rule is left" 20 eval '! nft list tables | grep -q berth'
	set_forwarding 1
	check "a device that is a router" poll 10 passes 192.0.2.2
	berth start a > /dev/null
	wait_until "a runs again" 30 runs a
	check "goes on to be one" poll 10 passes 192.0.2.2
	check "by IPv6, too" poll 10 passes 2001:db8::2
	berth stop a > /dev/null
	wait_until "the rules have gone" 20 eval '! nft list tables | grep -q berth'
	same "and stays so" "$(forwarding)" "1 1"
	set_forwarding 0
	echo 1 | tee /proc/sys/net/ipv4/conf/{lan0,up0}/forwarding > /dev/null
	check "one that is a router by its interfaces' settings" poll 10 passes 192.0.2.2
	berth start a > /dev/null
	wait_until "a runs once more" 30 runs a
	check "stays one, too" poll 10 passes 192.0.2.2
	berth stop a > /dev/null
	echo 0 | tee /proc/sys/net/ipv4/conf/{lan0,up0}/forwarding > /dev/null
	wait_until "the rules have gone again" 20 eval '! nft list tables | grep -q berth'
	set_forwarding 0
	berth start a > /dev/null
	wait_until "a runs for the last time" 30 runs a
	same "by forwarding" "$(forwarding)" "1 1"
	# As an agent leaves it that is killed when it has removed its last container.
	agent_stop
	kill -9 $(helpers shim) "$(jq -r .pid "$R"/containers/*/started)" # the shim first: it writes how that has ended
	rm -rf "$R"/containers/*
	config_begin
	agent_start
	wait_until "what is left without a container is undone by the next agent" 10 forwarding_is 0 0
}

agent_pids() { echo "$AGENT"; }

case_run ${1:-published names taken joins own_users router without_nftables without_nat6 without_ipv6}
done_testing
