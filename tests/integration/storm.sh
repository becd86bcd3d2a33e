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
	wait_until "a shim that is killed is noticed" 30 other_shim "$shim"
	wait_until "the app runs again" 40 app_runs web "$(digest_of app:v1)"
	wait_until "and answers" 20 serves "$PORT" v1
	check "its old process is gone" poll 20 gone "$pid"
	no_leftovers 1

	note "shim and agent at once"
	pid=$(app_pid web)
	agent_stop KILL
	kill -9 "$(helpers shim)"
	agent_start
	wait_until "the app runs again" 40 app_runs web "$(digest_of app:v1)"
	wait_until "and answers" 20 serves "$PORT" v1
	check "its old process is gone" poll 20 gone "$pid"
	no_leftovers 1
}

other_shim() { [ -n "$(helpers shim)" ] && [ "$(helpers shim)" != "$1" ]; }

# victim ROLE: one process of it. Helpers live for moments only, so it is looked for a while; else it is the agent.
victim() {
	local pids end=$((SECONDS + 1))
	until pids=$(helpers "$1") && [ "$pids" ] || [ "$SECONDS" -ge "$end" ]; do :; done
	[ "$pids" ] && echo "${pids%%$'\n'*}" || echo "$AGENT"
}

# settled SECONDS: the last version runs.
settled() { poll "$1" app_runs web "$(digest_of "app:$version")"; }

# Every layer in the store is one of an image there, which is current or previous; nothing waits or is thrown away.
no_orphans() {
	local images used
	images=$(ls "$STORE/images")
	used=$(cd "$STORE/images" && jq -r '.rootfs.diff_ids[]' $images | sed 's/^sha256://' | sort -u)
	[ "$(echo "$images" | wc -l)" -le 2 ] && [ "$(ls "$STORE/layers" | sort)" = "$used" ] &&
		[ -z "$(ls "$STORE/staging" "$STORE/pulls" | grep -v -e : -e '^$')" ] && [ "$(ls "$STORE/containers" | wc -l)" -le 2 ]
}

storm() {
	local round version target role roles=(agent agent agent fetch decode unpack sweep shim) hit=0
	config_begin
	app web "$REG/app:stable" "probation = 1s"
	release v1
	agent_start
	note "seed $SEED"
	for round in $(seq "${ROUNDS:-50}"); do
		version=${versions[RANDOM % 3]}
		release "$version"
		role=${roles[RANDOM % 8]}
		case $role in
		agent | shim) sleep "0.$((RANDOM % 10))" ;;
		esac
		for _ in 1 2 3; do # it may have ended by itself meanwhile
			target=$(victim "$role")
			[ "$target" != "$AGENT" ] && ! kill -9 "$target" 2> /dev/null || break
			target=''
		done
		[ -z "$target" ] || hit=$((hit + 1))
		if [ "$target" = "$AGENT" ]; then
			agent_stop KILL
			agent_start
		fi
		alive "$AGENT" || { fail "round $round: the agent has ended"; explain; return; }
	done
	note "$hit processes killed in $round rounds"
	check "nearly all rounds met somebody" test "$hit" -ge "$((round - round / 5))"
	# A version whose shim was killed in its probation counts as one that crashed.
	settled 30 || berth update web
	wait_until "the newest version runs in the end ($version)" 60 app_runs web "$(digest_of "app:$version")"
	wait_until "it answers" 20 serves "$PORT" "$version"
	wait_until "it is healthy" 20 app_is web .health healthy
	no_leftovers 1
	check "and stays up" stays 3 app_is web .state running
	check "only its process listens" test "$(ss -Hltn "sport = :$PORT" | wc -l)" = 1
	agent_stop KILL
	agent_start
	wait_until "no orphan survives an agent's start" 30 no_orphans
	check "and the app did not notice" app_runs web "$(digest_of "app:$version")"
	no_leftovers 1
}

case_run shim_killed storm
done_testing
