#!/bin/bash
# pause and unpause: berth's own and docker's, and what comes in between: probes, stop, kill, exec, updates, restarts.
. "$(dirname "$0")/../lib.sh"
need docker docker-registry skopeo jq curl
fleet
export DOCKER_HOST=$BERTH_HOST DOCKER_CONFIG=$T

chats() { berth logs chatter | wc -l; }
is_quiet() { local before; before=$(chats); sleep 0.5; [ "$(chats)" = "$before" ]; }
goes_on() { ! is_quiet; }
# What it wrote before comes by way of its shim, and what it writes when it has its turn.
becomes_quiet() { poll 10 is_quiet; }
writes() { poll 20 goes_on; }

# The cgroup goes before the shim does.
nothing_runs() { [ -z "$(cgroup_dirs)$(helpers shim)$(berth ps -aq)" ]; }

start_chatter() {
	config_begin
	app chatter "$REG/app:stable" \
		'command = /opt/app/bin/busybox sh -c "trap exit TERM; while :; do echo x; /opt/app/bin/busybox usleep 100000; done"' \
		'health = none' "$@"
	release v1
	agent_start
	wait_until "chatter runs" 20 app_runs chatter "$(digest_of app:v1)"
}

pause_it() {
	check "berth pause" berth pause chatter
	wait_until "it is paused" 20 app_is chatter .state paused
}

as_docker() {
	start_chatter
	same "berth pause prints the name" "$(berth pause chatter)" chatter
	check "nothing in it goes on" becomes_quiet
	same "the status says so" "$(app_get chatter .state)" paused
	like "ps says so" "$(berth ps)" 'Up .* \(Paused\)'
	same "inspect says so" "$(docker inspect -f '{{.State.Status}} {{.State.Paused}} {{.State.Running}}' chatter)" \
		"paused true true"
	like "docker ps says so" "$(docker ps --filter status=paused --format '{{.Names}} {{.Status}}')" '^chatter Up .* \(Paused\)$'
	like "a second pause is refused" "$(docker pause chatter 2>&1)" 'chatter is paused already'
	like "exec is refused" "$(docker exec chatter true 2>&1)" 'chatter is paused: unpause it first'
	same "by berth's, too" "$(berth exec chatter true 2>&1; echo $?)" "berth: container chatter is paused: unpause it first
1"
	like "start says what to do" "$(docker start chatter 2>&1)" 'chatter is paused: unpause it'
	same "docker unpause" "$(docker unpause chatter)" chatter
	check "it goes on" writes
	like "a second unpause is refused" "$(berth unpause chatter 2>&1)" 'chatter is not paused'
	check "docker pause" docker pause chatter
	check "nothing in it goes on" becomes_quiet
	check "berth unpause" berth unpause chatter
	same "running again" "$(app_get chatter .state)" running
	like "no such container" "$(berth pause nosuch 2>&1)" 'nosuch'
}

ends() {
	local id
	start_chatter
	pause_it
	SECONDS=0
	check "docker stop of a paused one" docker stop -t 60 chatter
	check "without SIGKILL: it had its stop signal" test "$SECONDS" -lt 50
	same "it has exited" "$(app_get chatter .state)" exited
	like "pause of a stopped one is refused" "$(berth pause chatter 2>&1)" 'chatter is not running'
	check "start" berth start chatter
	pause_it
	check "docker kill" docker kill chatter
	wait_until "has killed it" 20 app_is chatter .state exited
	same "by SIGKILL" "$(docker inspect -f '{{.State.ExitCode}}' chatter)" 137
	check "start" berth start chatter
	pause_it
	check "restart" docker restart -t 5 chatter
	wait_until "runs again" 20 app_is chatter .state running
	check "and writes" writes
	pause_it
	id=$(app_get chatter .container)
	kill -9 "$(helpers shim)"
	wait_until "a killed shim: it is started again" 30 app_is chatter .state running
	same "the same container" "$(app_get chatter .container)" "$id"
	no_leftovers 1
}

next_agent() {
	local pid
	start_chatter
	pid=$(app_pid chatter)
	pause_it
	agent_stop KILL
	agent_start
	same "the next agent finds it paused" "$(app_get chatter .state)" paused
	check "it is" becomes_quiet
	check "unpause" berth unpause chatter
	check "it goes on" writes
	same "the same process" "$(app_pid chatter)" "$pid"
	pause_it
	agent_stop TERM
	sed -i '/^\[app chatter\]/,$d' "$T/agent.ini"
	agent_start
	wait_until "one that left agent.ini meanwhile goes, paused or not" 30 nothing_runs
	no_leftovers 0
}

# An app that may mount, one with containers in it say, can freeze itself, and cgroups below its own. The agent has no part in it,
# and cgroup v1 holds what is frozen even against SIGKILL.
freeze_below() {
	local freezer=/sys/fs/cgroup/freezer$CG/$1
	mkdir "$freezer/inner"
	echo "$2" > "$freezer/inner/cgroup.procs"
	echo FROZEN > "$freezer/inner/freezer.state"
	echo "${3:-THAWED}" > "$freezer/freezer.state"
	sed 's/FREEZING/FROZEN/' "$freezer/inner/freezer.state"
}

frozen_below() {
	local outer
	if [ ! -e /sys/fs/cgroup/freezer/tasks ]; then
		skip "no cgroup v1: SIGKILL reaches what is frozen"
		return
	fi
	start_chatter
	for outer in THAWED FROZEN; do
		same "a part of it is frozen, the whole is $outer" \
			"$(freeze_below "$(app_get chatter .container)" "$(app_pid chatter)" $outer)" FROZEN
		check "stop ends it" within 10 docker stop -t 1 chatter
		check "start" berth start chatter
		wait_until "it runs again" 20 app_is chatter .state running
		same "frozen in the same way" \
			"$(freeze_below "$(app_get chatter .container)" "$(app_pid chatter)" $outer)" FROZEN
		check "docker kill" docker kill chatter
		wait_until "has killed it" 10 app_is chatter .state exited
		check "start" berth start chatter
		wait_until "it runs again" 20 app_is chatter .state running
	done
	no_leftovers 1
}

# A shim may be held up longer than an agent waits for its word at its start.
late_word() {
	local shim
	config_begin
	app web "$REG/app:v1"
	agent_start
	wait_until "web is healthy" 40 app_is web .health healthy
	check "pause" berth pause web
	agent_stop KILL
	shim=$(helpers shim)
	kill -STOP "$shim"
	agent_start
	kill -CONT "$shim"
	wait_until "the next agent finds it paused when it hears of it" 20 app_is web .state paused
	check "and leaves it so" stays 6 app_is web .state paused
	check "unpause" berth unpause web
	wait_until "it goes on" 20 app_is web .health healthy
	same "no restart" "$(app_get web .restarts)" 0
}

probes() {
	config_begin
	app web "$REG/app:v1" 'health_timeout = 1s' 'health_retries = 3' # two may come late on a busy machine
	agent_start
	wait_until "web is healthy" 20 app_is web .health healthy
	check "pause" berth pause web
	check "probes do not count meanwhile" stays 8 app_is web .state paused
	same "no restart" "$(app_get web .restarts)" 0
	check "unpause" berth unpause web
	check "it stays healthy" stays 3 app_is web .health healthy
	same "no probe failed" "$(grep -ac unhealthy "$T/agent.log")" 0
}

updates() {
	start_chatter
	pause_it
	release v2
	wait_until "an update replaces a paused version" 20 app_runs chatter "$(digest_of app:v2)"
	check "it writes" writes
	pause_it
	check "rollback" berth rollback chatter
	wait_until "goes back from a paused version" 20 app_runs chatter "$(digest_of app:v1)"
	no_leftovers 1
}

probation() {
	start_chatter 'probation = 6s'
	release v2
	wait_until "the new version is on probation" 20 app_is chatter '"\(.state) \(.update.phase)"' 'running probation'
	check "pause" berth pause chatter
	check "a paused version does not prove itself" stays 7 app_phase chatter probation
	check "unpause" berth unpause chatter
	wait_until "then it does" 30 app_is chatter .update.last updated
}

case_run ${1:-as_docker ends frozen_below next_agent late_word probes updates probation}
done_testing
