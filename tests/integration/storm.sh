#!/bin/bash
# Processes that are killed at any moment while versions come and go: the agent, its helpers, a shim, an app. In the end
# the newest version runs, once, and nothing is left over. SEED=N repeats a run, ROUNDS=N makes it longer.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl
fleet

SEED=${SEED:-$(date +%s)}
RANDOM=$SEED
versions=(v1 v2 v5)

shim_killed() {
	local pid shim
	config_begin
	app web "$REG/app:v1"
	agent_start
	wait_until "v1 is installed" 20 app_runs web "$(digest_of app:v1)"
	pid=$(app_pid web) shim=$(helpers shim)
	kill -9 "$shim"
	wait_until "a shim that is killed is noticed" 10 other_shim "$shim"
	wait_until "the app runs again" 10 app_runs web "$(digest_of app:v1)"
	wait_until "and answers" 10 serves "$PORT" v1
	check "its old process is gone" poll 5 gone "$pid"
	no_leftovers 1

	note "shim and agent at once"
	pid=$(app_pid web)
	agent_stop KILL
	kill -9 "$(helpers shim)"
	agent_start
	wait_until "the app runs again" 10 app_runs web "$(digest_of app:v1)"
	wait_until "and answers" 10 serves "$PORT" v1
	check "its old process is gone" poll 5 gone "$pid"
	no_leftovers 1
}

other_shim() { [ -n "$(helpers shim)" ] && [ "$(helpers shim)" != "$1" ]; }

# a victim, chosen by chance; most often the agent
victim() {
	local role pids
	case $((RANDOM % 7)) in
	0) role=fetch ;;
	1) role=unpack ;;
	6) role=decode ;;
	2) role=shim ;;
	*) role=agent ;;
	esac
	pids=$(helpers $role)
	echo "${pids%%$'\n'*}"
}

# settled SECONDS: the last version runs.
settled() { poll "$1" app_runs web "$(digest_of "app:$version")"; }

storm() {
	local round version target
	config_begin
	app web "$REG/app:stable" "probation = 1s"
	release v1
	agent_start
	note "seed $SEED"
	for round in $(seq "${ROUNDS:-25}"); do
		version=${versions[RANDOM % 3]}
		release "$version"
		sleep "0.$((RANDOM % 10))"
		target=$(victim)
		if [ "$target" = "$AGENT" ]; then
			agent_stop KILL
			agent_start
		elif [ "$target" ]; then
			kill -9 "$target" 2> /dev/null
		fi
		alive "$AGENT" || { fail "round $round: the agent has ended"; explain; return; }
	done
	# A version whose shim was killed in its probation counts as one that crashed.
	settled 15 || berth update web
	wait_until "the newest version runs in the end ($version)" 40 app_runs web "$(digest_of "app:$version")"
	wait_until "it answers" 10 serves "$PORT" "$version"
	wait_until "it is healthy" 10 app_is web .health healthy
	no_leftovers 1
	check "and stays up" stays 3 app_is web .state running
	check "only its process listens" test "$(ss -Hltn "sport = :$PORT" | wc -l)" = 1
}

case_run shim_killed storm
done_testing
