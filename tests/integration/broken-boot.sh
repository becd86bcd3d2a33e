#!/bin/bash
# An agent.ini that was good when the agent was last started and is broken now: what ran goes on.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl
fleet

broken_at_boot() {
	config_begin
	app web "$REG/app:v1"
	agent_start
	wait_until "it runs" 20 app_runs web "$(digest_of app:v1)"
	local pid
	pid=$(app_pid web)
	agent_stop KILL
	cp "$T/agent.ini" "$T/good.ini"
	printf '\n[app web]\nimaeg = x\n' >> "$T/agent.ini"
	agent_start
	wait_until "the agent starts with the last good one" 10 app_runs web "$(digest_of app:v1)"
	same "the container is the same" "$(app_pid web)" "$pid"
	like "status says what is wrong with the new one" "$(berth status --json | jq -r .error)" 'agent.ini:[0-9]+: '
	agent_stop KILL
	cp "$T/good.ini" "$T/agent.ini"
	agent_start
	wait_until "a mended one is used" 10 app_runs web "$(digest_of app:v1)"
	same "and nothing is wrong any more" "$(berth status --json | jq -r .error)" null
	no_leftovers 1
}

case_run broken_at_boot
done_testing
