#!/bin/bash
# The client's own words: update --wait and rollback with their exit codes, usage, hosts, help.
. "$(dirname "$0")/../../network.sh" # one app has a bridge
need docker-registry skopeo jq curl
fleet

# fails CODE TEXT REGEX COMMAND...: one line on stderr that says REGEX, and that exit code.
fails() {
	local code=$1 text=$2 regex=$3 status
	shift 3
	"$@" > "$T/out" 2> "$T/err"
	status=$?
	same "$text: exit code" $status "$code"
	like "$text: what it says" "$(cat "$T/err")" "$regex"
	same "$text: on one line" "$(wc -l < "$T/err")" 1
}

updates() {
	registry_tag app v1 stable
	POLL=1h config_begin
	app web "$REG/app:stable" 'probation = 5s' # long enough to be seen
	agent_start
	wait_until "the first version runs" 30 app_runs web "$(digest_of app:v1)"
	like "nothing new" "$(berth update --wait web)" "web: stays at $(digest_of app:v1)"
	release v2
	berth update -w > "$T/out"
	same "update --wait of a good version" $? 0
	like "tells where it goes and ends" "$(tr '\n' ' ' < "$T/out")" "web: probation web: idle web: now at $(digest_of app:v2)"
	release v3
	fails 1 "of an unhealthy one" '^berth: web: rolled-back: health: .*500' berth update -w web
	check "and the good one runs on" app_runs web "$(digest_of app:v2)"
	fails 1 "of the same again" '^berth: web: rolled-back: health: .*500' berth update -w web
	check "it runs on still" app_runs web "$(digest_of app:v2)"
	like "status names the reason" "$(berth status)" 'web: last update rolled-back: health: .*500'
	like "and the refused version" "$(berth status)" 'web: 1 refused version'
	check "rollback" berth rollback web
	wait_until "goes back to the version before" 20 app_runs web "$(digest_of app:v1)"
	fails 1 "rollback without a previous version" 'no previous version' berth rollback web
	fails 1 "update of an unknown app" 'No such app: nosuch' berth update nosuch
	fails 1 "rollback of an unknown app" 'No such app: nosuch' berth rollback nosuch
	same "status --json is one document" "$(berth status --json | jq -r '.device + " " + .apps[0].name')" "bench-1 web"
}

# There is nothing to go back to: they are tried for ever, but the client tells what came of the first time.
first_versions() {
	config_begin
	app good "$REG/app:v1" 'network = host'
	app crashes "$REG/app:v4" 'network = none'
	app taken "$REG/app:v1" 'network = bridge' "publish = $REG_PORT:80"
	agent_start
	wait_until "one app runs" 30 app_runs good "$(digest_of app:v1)"
	fails 1 "update --wait of one that was never good" '^berth: crashes: failed: exited with code 3' berth update -w crashes
	fails 1 "of one that can't be started" '^berth: taken: .*is taken by another program' berth update -w taken
	note "a reason that is longer than the record keeps"
	config <<< "[app wordy]
image = $REG/app:v1
network = none
bind = /nowhere/$(printf 'x%.0s' {1..240}):/x"
	agent_reload
	wait_until "status has all of it" 20 eval 'berth status | grep -q "wordy: last update failed: .*: No such file or directory$"'
	fails 1 "update --wait as well" '^berth: wordy: failed: .*: No such file or directory$' berth update -w wordy
	same "status says once why" "$(berth status | grep -c 'crashes: .*exited with code 3')" 1
	like "ps -a tells how it went" "$(berth ps -a)" 'Restarting \(125\)  .*taken'
	check "that is told as long as it is so" stays 4 app_like taken '.update.error // ""' "port $REG_PORT/tcp is taken"
}

usage() {
	fails 2 "an unknown command" '"stauts" \(did you mean status\?\)' berth stauts
	fails 2 "an empty one" '"" \(berth help lists them\)' timeout 5 "$BERTH" ""
	fails 2 "one with a blank" '" inspect" ' berth " inspect"
	fails 2 "one that is near to nothing" '"xyzzy" \(berth help lists them\)' berth xyzzy
	fails 2 "help for it" '"xyzzy" \(berth help lists them\)' berth help xyzzy
	fails 2 "one of docker's" "\"inspect\": docker's own client has it" berth inspect web
	fails 2 "another one" '"rm": apps are sections of agent.ini' berth rm web
	fails 2 "the agent takes no words" 'agent: "x" is one word too many' berth agent x
	fails 1 "no agent.ini" "error: $T/none.ini is not there: .* --config FILE" berth agent --config "$T/none.ini"
	fails 2 "an unknown option" 'ps: unknown option --al \(see berth ps --help\)' berth ps --al
	fails 2 "a word too many" 'ps: "x" is one word too many' berth ps x
	fails 2 "a missing word" 'usage: berth exec CONTAINER COMMAND' berth exec web
	fails 2 "a missing value" '--tail needs a value' berth logs web --tail
	fails 2 "no number" '--tail x: not a number' berth logs --tail x web
	fails 2 "no time" '--since x: not a time; use' berth logs --since x web
	fails 1 "no such socket" "unix:///nowhere/x.sock: No such file or directory .is .berth agent. running" \
		berth -H unix:///nowhere/x.sock ps
	fails 1 "not a unix socket" 'only unix sockets are served' berth -H tcp://localhost:2375 ps
	same "DOCKER_HOST counts when BERTH_HOST is not set" \
		"$(BERTH_HOST='' DOCKER_HOST=unix:///nowhere/d.sock "$BERTH" ps 2>&1 | grep -c /nowhere/d.sock)" 1
	"$BERTH" > "$T/out" 2> "$T/err"
	same "no command at all" $? 2
	like "shows the help" "$(cat "$T/err")" 'Usage: berth'
	like "berth --version" "$(berth --version)" '^berth [0-9]+\.[0-9]+\.[0-9]+$'
	same "help X is X --help" "$(berth help logs)" "$(berth logs --help)"
	like "help lists the commands" "$(berth help)" 'rollback +Put the previous version'
	for command in '' $(berth help | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
		berth $command --help
		berth help $command
		[ "$command" != runtime ] || berth runtime exec --help
	done > "$T/out"
	same "no help is wider than a terminal" "$(awk 'length > 80' "$T/out")" ''
	check "of all commands" grep -q 'berth runtime exec' "$T/out"
	berth ps --help > /dev/full 2> "$T/err"
	same "output that can't be written is a failure" $? 1
	like "and told" "$(cat "$T/err")" 'No space left on device'
}

case_run updates first_versions usage
done_testing
