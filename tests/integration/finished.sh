#!/bin/bash
# An app that has done its work is not run again by an agent that is started anew.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl
fleet

app_state() { app_is "$1" .state "$2"; }

job() {
	config_begin
	app once "$REG/app:v1" 'command = /opt/app/run exit-after 4 0' 'restart = on-failure' 'health = none' 'probation = 1s'
	app again "$REG/app:v1" 'command = /opt/app/run exit-after 6 0' 'health = none' 'probation = 1s'
	agent_start
	wait_until "it is done" 20 app_state once exited
	local id
	id=$(app_get once .container)
	agent_stop KILL
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
