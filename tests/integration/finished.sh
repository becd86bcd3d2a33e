#!/bin/bash
# An app that has done its work is not run again by an agent that is started anew.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl
fleet

app_state() { app_is "$1" .state "$2"; }
works() { app_is "$1" '"\(.state) \(.update.phase)"' 'running idle'; }
done_by_now() { kill -USR1 "$1"; poll 10 gone "$1"; }

job() {
	local id pid command='command = /bin/sh -c "trap \"exit 0\" USR1; echo up for long; while :; do sleep 0.1; done"'
	config_begin
	app once "$REG/app:v1" "$command" 'restart = on-failure' 'health = none' 'probation = 1s'
	app again "$REG/app:v1" "$command" 'health = none' 'probation = 1s'
	agent_start
	wait_until "one works" 20 works once
	wait_until "so does the other" 20 works again
	id=$(app_get once .container) pid=$(app_pid again)
	check "it ends" done_by_now "$(app_pid once)"
	wait_until "it is done" 20 app_state once exited
	agent_stop KILL
	check "the other ends when no agent is there" done_by_now "$pid"
	agent_start
	wait_until "one that shall always run does" 10 app_state again running
	check "the finished one stays so" stays 2 app_state once exited
	same "it is the same container" "$(app_get once .container)" "$id"
	like "its log is kept, from one run" "$(berth logs once | grep -c 'up for')" '^1$'
	check "it can be started by hand" berth start once
	wait_until "and runs" 5 app_state once running
	no_leftovers 2
}

case_run job
done_testing
