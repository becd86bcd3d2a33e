#!/bin/bash
# The agent is killed with SIGKILL in each phase of an update, on one device that goes from version to version. The
# next agent ends what was begun, and nothing is left behind.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl
fleet

# The agent reaches the registry through a proxy that can be slow or silent.
LINK=$T/link
PROXY=$(free_port)
background proxy "$TESTS/integration/tcp-proxy" "$PROXY" "$REG_PORT" "$LINK" "$T/proxy.json"

link() { echo "$*" > "$LINK.new" && mv "$LINK.new" "$LINK"; }

# kill_in PHASE [LINK]: waits for it, kills, and makes sure that the helpers went along. A phase lasts for some seconds.
kill_in() {
	wait_until "phase $1" 20 app_phase web "$1"
	PID=$(app_pid web 2> /dev/null)
	agent_stop KILL
	poll 10 no_helpers || fail "a helper outlived the agent: $(helpers fetch decode unpack relink)"
	link "${2:-pass}"
}

no_helpers() { [ -z "$(helpers fetch decode unpack relink)" ]; }

# comes_up VERSION
comes_up() {
	agent_start
	wait_until "the next agent brings $1" 30 app_runs web "$(digest_of "app:$1")"
	wait_until "it is healthy" 10 app_is web .health healthy
	wait_until "$1 answers" 5 serves "$WEB" "$1"
	no_leftovers 1
}

device() {
	local registry=$REG
	REG=localhost:$PROXY
	poll 5 port_open "$PROXY"
	config_begin
	app web "$REG/app:stable" "env = STOP_DELAY=4" "probation = 5s" "update = auto"
	WEB=$PORT
	REG=$registry

	note "first install, killed while pulling"
	release v1
	link rate 150000
	agent_start
	kill_in pulling
	comes_up v1

	note "killed while asking for the tag's digest"
	PID=$(app_pid web)
	link stall
	release v2
	kill_in resolving stall
	agent_start
	same "v1 went on undisturbed" "$(app_pid web)" "$PID"
	agent_stop KILL
	link pass
	comes_up v2

	note "killed while pulling an update"
	link rate 5000
	release v5
	kill_in pulling
	check "v2 still answers" serves "$WEB" v2
	comes_up v5

	note "killed while switching"
	release v1
	kill_in switching
	comes_up v1

	note "killed in probation"
	release v2
	kill_in probation
	agent_start
	poll 5 app_is web .state running
	same "the new version was found running" "$(app_pid web)" "$PID"
	agent_stop KILL
	comes_up v2

	note "killed while rolling back"
	release v3
	kill_in rolling-back
	comes_up v2
	same "v3 stays refused" "$(app_get web '.update.refused[-1]')" "$(digest_of app:v3)"

	note "killed while a version is staged"
	sed -i 's/^update = auto/update = download/' "$T/agent.ini"
	agent_reload
	release v5
	kill_in staged
	agent_start
	wait_until "it is still staged" 10 app_is web .update.candidate "$(digest_of app:v5)"
	wait_until "v2 runs on" 10 app_is web '"\(.state) \(.digest)"' "running $(digest_of app:v2)"
	check "berth update applies it" berth update web
	wait_until "v5 runs" 20 app_runs web "$(digest_of app:v5)"
	no_leftovers 1
}

case_run device
done_testing
