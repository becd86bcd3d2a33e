#!/bin/bash
# Agents come and go, containers stay: SIGTERM, SIGKILL, what changed meanwhile, SIGHUP.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl
fleet

restarts() {
	local pid id signal port
	config_begin
	app web "$REG/app:v1" 'env = WHO=one'
	port=$PORT
	app second "$REG/app:v2"
	agent_start
	wait_until "two apps run" 20 both_run
	pid=$(app_pid web) id=$(app_get web .container)

	for signal in TERM KILL; do
		check "the agent ends on SIG$signal" agent_stop $signal
		check "the container stays" serves "$port" v1
		agent_start
		wait_until "the next agent knows it" 5 both_run
		same "it is the same container" "$(app_get web .container)" "$id"
		same "and the same process" "$(app_pid web)" "$pid"
		wait_until "it is probed again" 10 app_is web .health healthy
		check "its log is at hand" grep -q 'app v1: started' <(berth logs web)
	done

	note "a container that dies while no agent is there"
	agent_stop KILL
	kill -9 "$(jq -r .pid "$R/containers/$id/started")"
	poll 5 closed "$port"
	agent_start
	wait_until "is started again" 15 serves "$port" v1

	note "stopped by the user"
	check "berth stop" berth stop web
	wait_until "it is stopped" 10 app_is web .state exited
	check "berth stop of a stopped one is fine" berth stop web
	agent_stop TERM
	agent_start
	check "it stays stopped with the next agent" stays 3 app_is web .state exited
	check "nothing listens" closed "$port"
	check "berth start" berth start web
	wait_until "it runs again" 10 app_is web .state running
	no_leftovers 2
}

both_run() { app_runs web "$(digest_of app:v1)" && app_runs second "$(digest_of app:v2)"; }
closed() { ! port_open "$1"; }

logged() { grep -qE "$1" "$T/agent.log"; }

reload() {
	local pid id line second
	config_begin
	app web "$REG/app:v1" 'env = WHO=one'
	app second "$REG/app:v2"
	agent_start
	wait_until "two apps run" 20 both_run
	pid=$(app_pid web) second=$(app_pid second)
	cp "$T/agent.ini" "$T/good.ini"

	echo 'memroy = 64M' >> "$T/agent.ini"
	line=$(wc -l < "$T/agent.ini")
	: > "$T/agent.log"
	agent_reload
	wait_until "a bad file is reported with its line" 5 logged "agent.ini:$line: .*memroy"
	like "status tells it too" "$(berth status --json | jq -r .error)" "agent.ini:$line: "
	like "also for people" "$(berth status 2>&1)" "agent.ini:$line: "
	check "both apps run on" stays 2 both_run
	same "the same processes" "$(app_pid web) $(app_pid second)" "$pid $second"
	agent_stop KILL
	cp "$T/good.ini" "$T/agent.ini"
	agent_start
	wait_until "adopted" 5 both_run

	sed -i 's/WHO=one/WHO=two/' "$T/agent.ini"
	id=$(app_get web .container)
	agent_reload
	wait_until "a changed environment makes a new container" 15 other_container "$id"
	wait_until "both run" 15 both_run
	check "with the new value" grep -qzx WHO=two "/proc/$(app_pid web)/environ"
	same "the other app was left alone" "$(app_pid second)" "$second"

	note "an app is taken out, another comes in"
	sed -i '/^\[app second\]/,$ d' "$T/agent.ini"
	app third "$REG/app:v5"
	agent_reload
	wait_until "the new one runs" 20 app_runs third "$(digest_of app:v5)"
	wait_until "the removed one is gone" 15 gone "$second"
	wait_until "status lists the two" 15 listed "web third"
	wait_until "its layers are collected" 10 layers 4
	no_leftovers 2
}

listed() { [ "$(berth status --json | jq -r '[.apps[].name] | join(" ")')" = "$1" ]; }
other_container() { [ "$(app_get web .container)" != "$1" ]; }
layers() { [ "$(find "$STORE/layers" -mindepth 1 -maxdepth 1 -type d | wc -l)" = "$1" ]; }

# Two agents must not share a store.
second_agent() {
	local out
	config_begin
	agent_start
	sed "s|^run = .*|run = $T/other-run|; s|^socket = .*|socket = $T/other.sock|" "$T/agent.ini" > "$T/other.ini"
	out=$(timeout 10 "$BERTH" agent --config "$T/other.ini" 2>&1)
	same "a second agent on the same store ends" $? 1
	like "it names the store and who has it" "$out" "$STORE.*$AGENT"
	check "the first goes on" berth status
}

# late_shim ID: in the place of that container's shim. say WORDS: what it does next.
late_shim() {
	[ -p "$T/words" ] || mkfifo "$T/words"
	rm -f "$T/shim.log" # or what the one before said would be taken for this one
	"$SOURCE/tests/integration/late-shim" "$R/containers/$1" < "$T/words" > "$T/shim.log" 2>&1 &
	remember $!
	disown $!
	exec 8> "$T/words"
	poll 5 said listens
}
say() { echo "$*" >&8; poll 15 said "$1"; }
said() { grep -q "^$1" "$T/shim.log"; }
# asked NAME: the agent has the request of that call in the background; -v tells when it was sent.
asked() { poll 15 grep -q '^> POST' "$T/$1.log"; }
api() { curl -sN --unix-socket "$R/berth.sock" "http://d/v1.41/containers/once/$1" "${@:2}"; }
state_of() { api json | jq -r ".State.$1"; }
has_ended_with() { [ "$(state_of Status) $(state_of ExitCode)" = "exited $1" ]; }

# What a container wrote may take long to get to the disk: until then its shim is there, and its end is known.
slow_disk() {
	local id
	config_begin
	app once "$REG/app:v1" 'command = /opt/app/run exit-after 3 5' 'restart = no' 'health = none' 'probation = 1s'
	agent_start
	wait_until "it has ended" 20 has_ended_with 5
	id=$(app_get once .container)
	agent_stop KILL

	note "the agent before has let the shim go, which says nothing any more"
	late_shim "$id"
	agent_start
	say leave
	check "its end stays what it was" stays 2 has_ended_with 5
	agent_stop KILL

	note "it is wanted again meanwhile"
	rm "$R/containers/$id/exit"
	late_shim "$id"
	background say say started
	agent_start
	wait_until "it is found" 5 app_is once .state running
	background wait api 'wait?condition=not-running' -X POST -v
	asked wait
	say exited 6
	say bye
	wait_until "who waits is told" 5 grep -q '"StatusCode":6' "$T/wait.log"
	check "also who asks now" grep -q '"StatusCode":6' <(api 'wait?condition=not-running' -X POST -m 10)
	background next api 'wait?condition=next-exit' -X POST -v
	asked next
	background start api start -X POST -v
	asked start
	say leave
	wait_until "it is started" 5 grep -q '^< HTTP/1.1 204' "$T/start.log"
	wait_until "the next end is its own" 10 grep -q StatusCode "$T/next.log"
	like "and has its code" "$(grep StatusCode "$T/next.log")" '"StatusCode":5'
}

case_run restarts reload second_agent slow_disk
done_testing
