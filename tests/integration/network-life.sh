#!/bin/bash
# What a network survives: updates, a bad version, the agent's end, a flushed firewall, a changed agent.ini. And that
# nothing of it is left when nobody needs it.
. "$(dirname "$0")/../network.sh"
need docker-registry skopeo jq curl python3
outside_start
fleet

runs() { app_runs "$1" "$(digest_of "app:${2:-v1}")"; }
bridges() { ip -o link show type bridge | awk '{ sub(":", "", $2); print $2 }' | sort | xargs; }
tables() { nft list tables | sort | xargs; }
are() { [ "$("$1")" = "$2" ]; }
published() { outside_gets "http://192.0.2.1:${1:-8080}/" > /dev/null; }
serves_version() { [ "$(outside_gets http://192.0.2.1:8080/)" = "$1" ]; }

# watch_port FILE: a request every 20 ms from the device, a line each, until the file FILE.stop is there.
watch_port() {
	python3 -c '
import sys, os, time, urllib.request
out = open(sys.argv[1], "w", 1)
while not os.path.exists(sys.argv[1] + ".stop"):
    try:
        what = urllib.request.urlopen("http://192.0.2.1:8080/", timeout=20).read().decode().strip()
    except Exception:
        what = "-"
    print(time.monotonic(), what, file=out)
    time.sleep(0.02)' "$1"
}

# gap FILE: how long, in ms, nothing was answered between v1 and v2.
gap() {
	awk '$2 == "v1" { last = $1 } $2 == "v2" && !first { first = $1 } END { printf "%d", (first - last) * 1000 }' "$1"
}

# switched: how long, in ms, the agent took from v1's end to v2's start.
switched() {
	local ended started
	ended=$(logged ' app web: stopped: ') started=$(logged ' app web: running, ')
	echo $((started - ended))
}
# logged TEXT: when the last line that has it was written, in ms.
logged() { date -d "$(grep -a "$1" "$T/agent.log" | tail -1 | cut -d ' ' -f 1)" +%s%3N; }

updates() {
	local before took switched
	config_begin
	bridged web "stable" 'publish = 8080:8080'
	release v1
	agent_start
	wait_until "v1 runs" 30 runs web v1
	wait_until "it is published" 20 serves_version v1
	before=$(address web)
	background watched watch_port "$T/answers"
	wait_until "v1 is asked all the time" 30 grep -q v1 "$T/answers"
	release v2
	wait_until "v2 takes over" 30 runs web v2
	wait_until "which is seen" 30 grep -q v2 "$T/answers"
	touch "$T/answers.stop"
	same "at the same address" "$(address web)" "$before"
	same "and the same port" "$(outside_gets http://192.0.2.1:8080/)" v2
	took=$(gap "$T/answers") switched=$(switched)
	note "$took ms without an answer, $switched of them without a container"
	check "what comes meanwhile waits for the new version, a retransmission long" test "$took" -lt $((2 * switched + 7000))
	note "$(grep -c ' -$' "$T/answers") of $(wc -l < "$T/answers") requests failed"
	release v3
	wait_until "a bad version is rolled back" 40 app_is web .update.last rolled-back
	wait_until "v2 is back" 20 runs web v2
	wait_until "on its port" 20 serves_version v2
	same "at its address" "$(address web)" "$before"
}

# A connection in a coprocess: says TEXT answers with what comes back.
connect() { coproc LINE { outside python3 -uc '
import socket, sys
s = socket.create_connection(("192.0.2.1", 7000), 30)
for line in sys.stdin:
    s.sendall(line.encode())
    sys.stdout.write(s.recv(2000).decode())'; }; }
says() {
	local answer=''
	echo "$1" >&"${LINE[1]}"
	read -r -t 30 answer <&"${LINE[0]}"
	[ "$answer" = "$1" ]
}

agent_ends() {
	local pid before
	config_begin
	bridged web v1 'publish = 8080:8080' 'publish = 7000:7000'
	bridged other v1
	agent_start
	wait_until "it runs" 30 runs web
	wait_until "the other one runs" 30 runs other
	pid=$(app_pid web) before=$(address web)
	tcp_echo web 7000
	connect
	check "a connection" says hello
	agent_stop KILL
	check "goes on without the agent" says still
	check "new ones come in" published
	agent_start
	check "it goes on with the next agent" says again
	same "nothing was restarted" "$(app_pid web)" "$pid"
	same "the address is known" "$(address web)" "$before"
	agent_stop TERM
	check "an agent that leaves leaves the network" says bye
	check "and published ports" published
	agent_start
	kill -9 "$(app_pid other)"
	wait_until "the other one is started anew" 20 app_is other .restarts 1
	check "which the connection doesn't notice" says ever
	: > "$T/agent.log" # it may have been told before
	nft flush ruleset
	wait_until "a flushed firewall is set again" 20 published
	check "and the connection goes on" says on
	like "which is told" "$(cat "$T/agent.log")" "somebody has changed berth's firewall rules"
	nft delete table ip berth
	wait_until "also when only berth's table goes" 20 published
	# Before the agent comes to that it sets them because of an app; then they go once more.
	nft delete table ip berth
	kill -9 "$(app_pid other)"
	wait_until "an app that starts sets them" 20 published
	nft delete table ip berth
	wait_until "and they are set again after that, too" 30 published
	echoes_end
}

# What somebody else has removed: while the agent runs, and while there is none.
lost_bridges() {
	config_begin
	bridged web v1 'publish = 8080:8080'
	bridged other v1 'network = lan'
	printf '\n[network lan]\nsubnet = 10.99.1.0/24\n' | config
	agent_start
	wait_until "web runs" 30 runs web
	wait_until "the other one runs" 30 runs other
	ip link delete berth0
	wait_until "a bridge that is gone is made again, and its container is on it" 30 published
	like "which is told" "$(cat "$T/agent.log")" 'network bridge: somebody has removed its bridge berth0: made again'
	same "the other one has stayed" "$(grep -c 'berth-lan' "$T/agent.log")" 0
	agent_stop KILL
	ip link delete berth0
	ip link delete berth-lan
	check "nothing is published without them" not published
	agent_start
	wait_until "the next agent finds that out" 30 published
	wait_until "and of both" 20 are bridges "berth-lan berth0"
	wait_until "with their containers" 20 berth exec other /opt/app/bin/busybox ping -c 1 -W 2 10.99.1.1
	same "which were not restarted" "$(app_get web .restarts) $(app_get other .restarts)" "0 0"
}

interface() { local id; id=$(app_get "$1" .container); echo "v${id:0:12}"; }

# The app's own probe is on its loopback, so nothing else would tell.
lost_interfaces() {
	local pid other link
	config_begin
	bridged web v1 'publish = 8080:8080'
	bridged other v1
	agent_start
	wait_until "web runs" 30 runs web
	wait_until "the other one runs" 30 runs other
	wait_until "it is published" 30 published
	pid=$(app_pid web) other=$(app_pid other)
	ip link delete "$(interface web)"
	wait_until "a container whose interface is gone has one again" 30 published
	like "which is told" "$(cat "$T/agent.log")" 'container web: somebody has removed its interface v[0-9a-f]{12}: started anew'
	check "by a start" test "$(app_pid web)" != "$pid"
	same "which is no crash" "$(app_get web .restarts)" 0
	link=$(interface web)
	agent_stop KILL
	ip link delete "$link"
	check "nothing is published without it" not published
	agent_start
	wait_until "the next agent finds that out" 30 published
	same "the other one has stayed" "$(app_pid other)" "$other"
	kill -9 "$(app_pid other)"
	wait_until "one that ends takes its interface along" 30 app_is other .restarts 1
	wait_until "and runs again" 30 runs other
	same "which is nobody's doing" "$(grep -c 'container other: somebody' "$T/agent.log")" 0
}

lost_forwarder() {
	local web other
	config_begin
	bridged web v1 'publish = 8080:8080'
	bridged other v1 'publish = 8081:8080'
	agent_start
	wait_until "web runs" 30 runs web
	wait_until "the other one runs" 30 runs other
	wait_until "it is published on the loopback" 20 is_local
	web=$(app_pid web) other=$(app_pid other)
	kill -9 "$(forwarder 8080)"
	wait_until "a forwarder that was killed is replaced" 20 is_local
	like "which is told" "$(cat "$T/agent.log")" 'container web: the forwarder of its published ports was killed: started anew'
	check "by a start" test "$(app_pid web)" != "$web"
	same "which is no crash" "$(app_get web .restarts)" 0
	agent_stop KILL
	kill -9 "$(forwarder 8080)"
	agent_start
	wait_until "the next agent is told, too" 20 is_local
	same "the other one has stayed" "$(app_pid other)" "$other"
	kill -9 "$other"
	wait_until "one that ends takes its forwarder along" 30 app_is other .restarts 1
	wait_until "and runs again" 30 runs other
	same "which is no loss" "$(grep -c 'container other: the forwarder' "$T/agent.log")" 0
}
is_local() { gets http://127.0.0.1:8080/; }
forwarder() { local pid; for pid in $(forwarders); do tr '\0' ' ' < "/proc/$pid/cmdline" | grep -q ",127.0.0.1,$1," && echo "$pid"; done; }

reloads() {
	local web other
	config_begin
	cp "$T/agent.ini" "$T/head.ini"
	bridged web v1
	bridged other v1 'network = lan'
	printf '\n[network lan]\nsubnet = 10.99.1.0/24\n' | config
	agent_start
	wait_until "web runs" 30 runs web
	wait_until "the other one runs" 30 runs other
	same "two bridges" "$(bridges)" "berth-lan berth0"
	check "nothing is published" not published
	web=$(app_pid web) other=$(app_pid other)
	sed -i '/^\[app web\]/a publish = 8080:8080' "$T/agent.ini"
	agent_reload
	wait_until "a port is published by SIGHUP" 20 published
	wait_until "by a restart of that app" 20 runs web
	check "indeed" test "$(app_pid web)" != "$web"
	same "and of that one only" "$(app_pid other)" "$other"
	sed -i 's/^publish = 8080:8080/publish = 8081:8080/' "$T/agent.ini"
	agent_reload
	wait_until "another port" 20 published 8081
	check "instead of that" not published 8080
	web=$(app_pid web)

	sed -i 's/^subnet = .*/subnet = 10.99.2.0\/24/' "$T/agent.ini"
	agent_reload
	wait_until "a changed network restarts its apps" 20 eval '[[ $(address other) = 10.99.2.* ]]'
	wait_until "which run" 20 eval '[ "$(app_get other .state)" = running ]'
	same "and no others" "$(app_pid web)" "$web"

	other=$(app_pid other)
	sed -i 's/^subnet = .*/subnet = 192.0.0.0\/16/' "$T/agent.ini"
	agent_reload
	wait_until "a subnet that would take the device's own route away is refused" 20 \
		grep -q '\[network lan\] stays as it is: .*this device has addresses or a route in 192.0.2.0/24' "$T/agent.log"
	same "and its app runs on" "$(app_pid other)" "$other"
	sed -i 's/^subnet = .*/subnet = 10.99.2.0\/24/' "$T/agent.ini"

	sed -i '/^\[app other\]/,/^\[network/ { s/^publish.*//; s/^network = .*/network = lan\npublish = 8081:8080/ }' "$T/agent.ini"
	agent_reload
	wait_until "a port that two publish is refused" 20 eval 'berth status --json | jq -r .error | grep -q "publishes this port already"'
	check "and nothing changes" published 8081

	cp "$T/head.ini" "$T/agent.ini"
	bridged web v1 'network = host'
	agent_reload
	wait_until "the last app on a bridge is gone" 20 apps_are 1
	wait_until "no bridge is left" 30 are bridges ""
	wait_until "no table" 20 are tables ""
	wait_until "no veth but the test's own" 60 eval '[ "$(ip -o link show type veth | wc -l)" = 1 ]'
	wait_until "no forwarder" 20 eval '[ -z "$(forwarders)" ]'
}

# An app that shall join another's network runs on until that one is there.
joins_later() {
	local pid
	config_begin
	bridged a v1
	bridged j v1
	agent_start
	wait_until "a runs" 30 runs a
	wait_until "j runs, on a bridge" 30 runs j
	berth stop a > /dev/null
	pid=$(app_pid j)
	sed -i '/^\[app j\]/,$ { s/^network = .*/network = container:a/ }' "$T/agent.ini"
	agent_reload
	wait_until "j shall join a, which does not run: told" 20 app_like j .update.error \
		'the new version waits: network = container:a: that app does not run'
	same "it runs on as it was" "$(app_pid j) $(app_get j .update.phase)" "$pid staged"
	sed -i '/^\[app j\]/,$ { s/^network = .*/network = bridge/ }' "$T/agent.ini"
	agent_reload
	wait_until "and can be left so" 20 app_is j .update.phase idle
	same "without a restart" "$(app_pid j)" "$pid"
	sed -i '/^\[app j\]/,$ { s/^network = .*/network = container:a/; s/^env = PORT=.*/env = PORT=8090/; s,http://:8080/,http://:8090/, }' "$T/agent.ini"
	agent_reload
	wait_until "asked for again" 20 app_is j .update.phase staged
	berth start a > /dev/null
	wait_until "it joins when a is there" 30 eval '[ "$(app_pid j)" != '"$pid"' ] && runs j'
}

# A job in another's network is done once, however often that one starts anew.
joins_once() {
	config_begin
	bridged a v1
	app j "$REG/app:v1" 'network = container:a' 'restart = no' 'command = /opt/app/bin/busybox true'
	sed -i '/^\[app j\]/,$ { /^health/d }' "$T/agent.ini"
	agent_start
	wait_until "a runs" 30 runs a
	wait_until "the job in its network is done" 30 app_is j '"\(.update.phase) \(.state)"' 'idle exited'
	same "once" "$(grep -c 'app j: running' "$T/agent.log")" 1
	kill -9 "$(app_pid a)"
	wait_until "a is started anew" 20 app_is a .restarts 1
	wait_until "and runs" 20 runs a
	sleep 1
	same "the job isn't" "$(grep -c 'app j: running' "$T/agent.log")" 1
}

# A container that has ended says nothing about what the network of those that run is like.
ended_long_ago() {
	local app pid before
	config_begin
	bridged a v1 'network = lan'
	bridged b v1 'network = lan'
	bridged c v1 'network = lan'
	printf '\n[network lan]\nsubnet = 10.99.1.0/24\n' | config
	agent_start
	for app in a b c; do wait_until "$app runs" 30 runs $app; done
	berth stop a > /dev/null
	berth stop c > /dev/null
	sed -i 's/^subnet = .*/subnet = 10.99.2.0\/24/' "$T/agent.ini"
	agent_reload
	wait_until "a changed network" 20 eval '[[ $(address b) = 10.99.2.* ]]'
	wait_until "has its app" 20 runs b
	pid=$(app_pid b) before=$(address b)
	agent_stop TERM
	agent_start
	wait_until "the next agent" 20 runs b
	sleep 1
	same "restarts nothing" "$(app_pid b)" "$pid"
	same "and leaves it its address" "$(address b)" "$before"
	berth start c > /dev/null
	berth start a > /dev/null
	for app in a c; do wait_until "$app runs in the new subnet" 20 eval '[[ $(address '$app') = 10.99.2.* ]]'; done
}

# A port that is taken is no fault of the version that shall have it.
taken_ports() {
	local pid own
	config_begin
	bridged a stable
	release v1
	agent_start
	wait_until "v1 runs" 30 runs a v1
	pid=$(app_pid a)
	background own python3 -m http.server --bind 127.0.0.1 8092
	own=$!
	poll 30 port_open 8092
	sed -i '/^\[app a\]/a publish = 8092:8080\npublish = [::1]:8093:8080' "$T/agent.ini"
	agent_reload
	wait_until "it shall publish a port that is taken: told" 20 app_like a .update.error \
		'the new version waits: port 8092/tcp is taken by another program'
	same "it runs on as it was" "$(app_pid a) $(app_get a '"\(.update.phase) \(.update.refused)"')" "$pid staged []"
	end KILL "$own"
	wait_until "when the port is free it is published" 30 eval '[ "$(gets "http://[::1]:8093/")" = v1 ]'
	wait_until "for good" 20 app_is a .update.phase idle
	release v2
	wait_until "an update takes a port over from the forwarder before" 30 runs a v2
	wait_until "for good, too" 20 app_is a .update.last updated
	check "at the first try" not grep -q no-room "$T/agent.log"
	same "and is no restart" "$(app_get a '"\(.restarts) \(.update.refused)"')" "0 []"
}

# A bad change that also takes the network away, of which the version before is: undone all the same.
rolls_back_to_lost() {
	local pid
	config_begin
	bridged a v1 'network = old'
	printf '\n[network old]\nsubnet = 10.99.3.0/24\ninternal = yes\n' | config
	bridged j v1 'network = container:a'
	sed -i '/^\[app j\]/,$ { s/^env = PORT=.*/env = PORT=8090/; s,http://:8080/,http://:8090/, }' "$T/agent.ini"
	agent_start
	wait_until "a runs on a network" 30 runs a
	wait_until "j joins it" 30 runs j
	sed -i 's/^\[network old\]/[network new]/; s/^network = old/network = new/; s,^env = PORT=8080,command = /nosuch,' "$T/agent.ini"
	agent_reload
	wait_until "the network is renamed, and a is bad" 30 app_is a .update.last rolled-back
	wait_until "what ran before runs" 20 runs a
	like "on the network that it had" "$(address a)" '^10\.99\.3\.'
	same "which has no way out" "$(inside a ip route | awk '{ print $1 }' | xargs)" 10.99.3.0/24
	pid=$(app_pid a)
	agent_stop TERM
	kill -9 "$pid"
	agent_start
	wait_until "also when the next agent starts it" 20 eval '[ "$(app_pid a)" != '"$pid"' ] && runs a'
	like "there" "$(address a)" '^10\.99\.3\.'
}

# There is no way back to the network of an app that is gone: said, and what is corrected is looked at.
rolls_back_alone() {
	config_begin
	bridged j v1 'network = container:a'
	sed -i '/^\[app j\]/,$ { s/^env = PORT=.*/env = PORT=8090/; s,http://:8080/,http://:8090/, }' "$T/agent.ini"
	bridged a v1
	agent_start
	wait_until "j runs in a's network" 30 runs j
	sed -i '/^\[app a\]/,$ d; s/^network = container:a/network = bridge\ncommand = \/nosuch/' "$T/agent.ini"
	agent_reload
	wait_until "a goes, and j is bad: the way back fails" 30 app_like j .update.error \
		'network = container:a: there is no \[app a\] in agent.ini any more'
	wait_until "which is the end of it" 20 app_is j '"\(.update.phase) \(.update.last)"' 'idle rolled-back'
	sed -i '/^command = /d' "$T/agent.ini"
	agent_reload
	wait_until "a corrected agent.ini is looked at" 30 runs j
}

# A kernel without bridges is nobody's fault: what runs goes on, and no version is refused.
without_bridges() {
	local pid
	config_begin
	bridged web v1 'network = host'
	sed -i '/^\[app web\]/,$ { s/^env = PORT=.*/env = PORT=18081/; s,http://:8080/,http://:18081/, }' "$T/agent.ini"
	bridged new v1
	agent_start_without route
	wait_until "an app with the device's network runs" 30 runs web
	wait_until "one on a bridge doesn't" 20 app_like new .update.error 'network = bridge: '
	same "nothing is refused for that" "$(app_get new .update.refused)" "[]"
	like "the agent says so once, at its start" "$(grep -c "apps on a bridge can't be started on this device: " "$T/agent.log")" '^1$'
	pid=$(app_pid web)
	sed -i '/^\[app web\]/,/^\[/ s/^network = host/network = bridge/' "$T/agent.ini"
	agent_reload
	wait_until "one that shall go there waits" 20 app_like web .update.error 'the new version waits: network = bridge: '
	same "and runs on" "$(app_pid web) $(app_get web '"\(.update.phase) \(.update.refused)"')" "$pid staged []"
}

# As berth(1) has it in REMOVING BERTH: agent.ini without apps, then the agent stops, then what it had is removed.
removed() {
	local root
	config_begin
	cp "$T/agent.ini" "$T/head.ini"
	bridged web v1 'publish = 8080:8080' 'userns = auto'
	bridged other v1 'network = lan' 'writable = tmpfs' 'volume = data:/data'
	printf '\n[network lan]\n' | config
	agent_start
	wait_until "web runs" 30 runs web
	wait_until "other runs" 30 runs other
	check "a forwarder, too" test -n "$(forwarders)"
	agent_stop
	check "without an agent apps run on" published
	cp "$T/head.ini" "$T/agent.ini"
	agent_start
	wait_until "an agent without apps has no containers" 20 eval '[ "$(berth ps -aq | wc -l)" = 0 ]'
	agent_stop
	same "no bridge is left" "$(bridges)" ""
	same "no table" "$(tables)" ""
	wait_until "no veth but the test's own" 60 eval '[ "$(ip -o link show type veth | wc -l)" = 1 ]'
	wait_until "no process" 20 eval '[ -z "$(helpers agent shim init runtime probe sweep)$(forwarders)" ]'
	same "no mount" "$(own_mounts | grep -cvE '^/run/bt\.[^/]*$|^/etc/resolv.conf$')" 0
	same "no route" "$(ip route | grep -c 'dev berth')" 0
	for root in $(cgroup_roots); do check "an empty cgroup" poll 10 rmdir "$root"; done
	check "and files, which can be removed" rm -r "$STORE" "$R"
	mkdir "$R"
}

config_errors() {
	local text
	config_begin
	bridged web v1 'publish = 8080:8080'
	bridged other v1 'publish = 8080:80'
	text=$(berth check "$T/agent.ini" 2>&1)
	like "both apps are named" "$text" '\[app other\] publish = 8080:80/tcp: \[app web\] publishes this port already'
}

case_run ${1:-updates agent_ends lost_bridges lost_interfaces lost_forwarder reloads joins_later joins_once ended_long_ago taken_ports rolls_back_to_lost rolls_back_alone without_bridges removed config_errors}
done_testing
