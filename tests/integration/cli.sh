#!/bin/bash
# The command line against a running agent: logs, exec, ps, images, pull, check; networks of apps.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl timeout
fleet

commands() {
	local out id
	config_begin
	app web "$REG/app:v1"
	app lines "$REG/app:v1" 'command = /opt/app/run lines 100' 'health = none'
	app chatter "$REG/app:v1" 'command = /opt/app/run chatter' 'health = none' 'network = none'
	agent_start
	for out in web lines chatter; do
		wait_until "$out runs" 30 app_runs $out "$(digest_of app:v1)"
	done

	wait_until "lines has written all" 10 eval 'berth logs lines | grep -q "line 100$"'
	same "logs has all lines in order" "$(berth logs lines | sha256sum)" \
		"$(for out in $(seq 100); do echo "app v1: line $out"; done | sha256sum)"
	same "logs --tail 2" "$(berth logs --tail 2 lines | tr '\n' ' ')" "app v1: line 99 app v1: line 100 "
	same "stderr is apart" "$(berth logs web 2>&1 > /dev/null)" "app v1: a line on stderr"
	background follow "$BERTH" logs -f --tail 0 chatter
	wait_until "logs -f shows new lines as they come" 10 eval '[ "$(wc -l < "$T/follow.log")" -ge 15 ]'
	check "and follows on" alive $!
	berth logs nosuch > "$T/out" 2>&1
	same "logs of an unknown app fails" $? 1
	like "and names it" "$(cat "$T/out")" nosuch

	same "exec gives output" "$(berth exec web /opt/app/bin/busybox cat /opt/app/VERSION)" v1
	berth exec web sh -c 'exit 42'
	same "exec passes the exit code on" $? 42
	berth exec web /no/such/program > "$T/out" 2>&1
	same "a program that doesn't exist is 127" $? 127
	berth exec web /opt/app/VERSION > "$T/out" 2>&1
	same "one that can't be run is 126" $? 126
	same "exec -i passes input" "$(echo hello | berth exec -i web cat)" hello
	same "exec keeps stderr apart" "$(berth exec web sh -c 'echo out; echo err >&2' 2> /dev/null)" out
	same "exec runs in the container" "$(berth exec chatter hostname)" "$(app_get chatter .container | cut -c1-12)"
	same "with its environment" "$(berth exec web sh -c 'echo $PORT')" "$(sed -n 's/^env = PORT=//p' "$T/agent.ini" | head -1)"

	out=$(berth ps)
	like "ps has docker's columns" "$out" '^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES'
	same "ps lists the three" "$(tail -n +2 <<< "$out" | awk '{ print $NF }' | sort | tr '\n' ' ')" "chatter lines web "
	id=$(app_get web .container)
	like "with their IDs" "$out" "${id:0:12}"
	like "images lists the image" "$(berth images)" "$REG/app +v1 "

	check "pull" berth pull "$REG/app:v2"
	like "images has it" "$(berth images)" "$REG/app +v2 "
	berth pull "$REG/app:nosuch" > "$T/out" 2>&1
	same "pull of a tag that doesn't exist fails" $? 1
	like "and says so" "$(cat "$T/out")" 'nosuch.*(not found|unknown|no such)|(not found|unknown|no such).*nosuch'

	like "status is a table" "$(berth status)" 'web .*running'
	like "version" "$(berth version)" '[0-9]+\.[0-9]+\.[0-9]+'
	berth nosuchcommand > "$T/out" 2>&1
	same "an unknown command is a usage error" $? 2
	berth logs > "$T/out" 2>&1
	same "so is a missing argument" $? 2
	for out in agent check status update rollback logs ps images pull exec start stop version; do
		check "$out --help" berth $out --help
	done
}

no_agent() {
	local out
	out=$(BERTH_HOST=unix://$T/nobody.sock berth status 2>&1)
	same "without an agent status fails" $? 1
	like "and says where it looked" "$out" "$T/nobody.sock"
}

# A typo in agent.ini: file, line, what, and the way out. Neither check nor agent need a running agent.
config_errors() {
	local out
	config_begin
	config <<-INI

		[app web]
		image = $REG/app:v1
		memory = 64Q
	INI
	out=$(berth check "$T/agent.ini" 2>&1)
	same "check finds a bad value" $? 1
	like "with file, line and key" "$out" "$T/agent.ini:$(wc -l < "$T/agent.ini"): .*memory.*64Q"
	same "on one line" "$(wc -l <<< "$out")" 1
	out=$(timeout 10 "$BERTH" agent --config "$T/agent.ini" 2>&1)
	same "the agent does not start with it" $? 1
	like "and says the same" "$out" "$T/agent.ini:$(wc -l < "$T/agent.ini"): "
	sed -i 's/64Q/64M/' "$T/agent.ini"
	check "check is content with a good file" berth check "$T/agent.ini"
	echo 'colour = red' >> "$T/agent.ini"
	like "an unknown key is named" "$(berth check "$T/agent.ini" 2>&1)" 'colour'
	echo 'size = 5' >> "$T/agent.ini"
	same "and the next one, too" "$(berth check "$T/agent.ini" 2>&1 | cut -d ' ' -f 3-6)" $'[app web] colour =\n[app web] size ='
	sed -i '$d' "$T/agent.ini"
	sed -i '$ s/.*/group = release/' "$T/agent.ini"
	like "a key that comes later says so" "$(berth check "$T/agent.ini" 2>&1)" 'group.*not supported yet'
	berth check "$T/nosuchfile.ini" > "$T/out" 2>&1
	same "a file that isn't there fails" $? 1
	like "and is named" "$(cat "$T/out")" 'nosuchfile.ini'
}

networks() {
	local host
	config_begin
	app host "$REG/app:v1"
	app none "$REG/app:v1" 'network = none'
	agent_start
	wait_until "host runs" 20 app_runs host "$(digest_of app:v1)"
	wait_until "none runs, probed in its own network" 20 app_runs none "$(digest_of app:v1)"
	host=$(readlink /proc/self/ns/net)
	same "network = host is the host's" "$(readlink "/proc/$(app_pid host)/ns/net")" "$host"
	check "network = none is another" test "$(readlink "/proc/$(app_pid none)/ns/net")" != "$host"
	same "with loopback only" "$(berth exec none sh -c 'cat /proc/net/dev' | grep -c :)" 1
	check "port of none is not reached from outside" test "$(curl -s -o /dev/null -m 10 "http://127.0.0.1:$PORT/"; echo $?)" = 7
}

case_run commands no_agent config_errors networks
done_testing
