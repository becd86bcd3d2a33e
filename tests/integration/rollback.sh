#!/bin/bash
# Bad versions and bad settings: rolled back by health and by crash, remembered, and the next good one taken.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl
fleet

bad_versions() {
	local port v1 pid
	v1=$(digest_of app:v1)
	config_begin
	app web "$REG/app:stable" 'health_timeout = 10s' # what is answered is told, not that it came late
	port=$PORT
	release v1
	agent_start
	wait_until "v1 is installed" 40 app_runs web "$v1"

	release v3
	wait_until "v3 is rolled back" 40 app_is web .update.last rolled-back
	wait_until "v1 runs again" 40 app_runs web "$v1"
	wait_until "v1 answers again" 40 serves "$port" v1
	like "the reason names health" "$(app_get web .update.reason)" 'health.*500'
	same "v3 is refused" "$(app_get web '.update.refused[-1]')" "$(digest_of app:v3)"

	release v4
	wait_until "v4 is refused" 40 app_is web '.update.refused[-1]' "$(digest_of app:v4)"
	wait_until "v1 runs again" 40 app_runs web "$v1"
	like "the reason names the exit code" "$(app_get web .update.reason)" 'exit.* 3'
	pid=$(app_pid web)
	check "a refused version is not tried again" stays 3 app_is web .container "$(app_get web .container)"

	agent_stop KILL
	agent_start
	check "nor by the next agent" stays 3 app_runs web "$v1"
	same "which found the same process" "$(app_pid web)" "$pid"
	same "and remembers both" "$(app_get web '.update.refused | length')" 2

	release v5
	wait_until "v5 is taken" 40 app_runs web "$(digest_of app:v5)"
	same "v1 is the one before it" "$(app_get web .previous)" "$v1"
	no_leftovers 1
}

# A change of agent.ini is a generation of its own.
bad_settings() {
	local v1 pid
	v1=$(digest_of app:v1)
	config_begin
	app web "$REG/app:v1"
	cp "$T/agent.ini" "$T/good.ini"
	agent_start
	wait_until "v1 is installed" 40 app_runs web "$v1"

	sed -i 's/^health = .*/health = tcp:\/\/:1/' "$T/agent.ini"
	agent_reload
	wait_until "a health check that can't pass is rolled back" 40 app_is web .update.last rolled-back
	wait_until "the old settings run again" 40 app_runs web "$v1"
	wait_until "and are healthy" 40 app_is web .health healthy
	like "the reason names the probe" "$(app_get web .update.reason)" 'refused|tcp'
	pid=$(app_pid web)

	cp "$T/good.ini" "$T/agent.ini"
	agent_reload
	check "going back to the good file restarts nothing" stays 2 app_runs web "$v1"
	same "the process is the same" "$(app_pid web)" "$pid"

	echo 'command = /opt/app/run exit 7' >> "$T/agent.ini"
	agent_reload
	wait_until "a command that fails is rolled back" 40 app_like web .update.reason 'exit.* 7'
	wait_until "the old settings run again" 40 app_runs web "$v1"
	echo 'command = /no/such/program' > "$T/line"
	sed -i "s|^command = .*|$(cat "$T/line")|" "$T/agent.ini"
	agent_reload
	wait_until "so is a command that doesn't exist" 40 app_like web .update.reason '/no/such/program.*[Nn]o such file|not found'
	wait_until "the old settings run again" 40 app_runs web "$v1"
	no_leftovers 1
}

# There is nothing to go back to: tried again with back-off, until something better is released.
bad_first() {
	config_begin
	app web "$REG/app:stable"
	release v4
	agent_start
	wait_until "a first version that crashes is started again" 40 app_like web .restarts '^[2-9]'
	release v2
	wait_until "until a good one comes" 40 app_runs web "$(digest_of app:v2)"
	same "the bad one is not kept as previous" "$(app_get web '.previous // ""')" ""
	no_leftovers 1
}

# No version was good yet, so there is nothing to go back to, and nothing to keep either.
moving_first() {
	config_begin
	app web "$REG/app:stable" "probation = 60s"
	release v1
	agent_start
	for version in v2 v5 v1; do
		wait_until "a version is on trial" 40 app_phase web probation
		release "$version"
		wait_until "$version takes its place" 40 app_is web .update.candidate "$(digest_of app:$version)"
		wait_until "and is on trial" 40 app_phase web probation
	done
	check "one container is kept" poll 20 one_container
}
one_container() { [ "$(find "$R/containers" -mindepth 1 -maxdepth 1 | wc -l)" = 1 ] && [ "$(ls "$STORE/containers" | wc -l)" = 1 ]; }

case_run bad_versions bad_settings bad_first moving_first
done_testing
