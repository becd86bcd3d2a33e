#!/bin/bash
# update = manual and download: what happens by itself and what waits for the user.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl
fleet

waiting() { [ "$(app_get "$1" .update.candidate)" = "$(digest_of "app:$2")" ]; }
versions() { app_runs auto "$(digest_of "app:$1")" && app_runs download "$(digest_of "app:$2")" && app_runs manual "$(digest_of "app:$3")"; }

says() { berth status | grep -qE "$1"; }

policies() {
	local pid port
	config_begin
	app auto "$REG/app:stable"
	app download "$REG/app:stable" 'update = download'
	port=$PORT
	app manual "$REG/app:stable" 'update = manual'
	release v1
	agent_start
	wait_until "a first install waits for nobody" 30 versions v1 v1 v1
	pid=$(app_pid manual)

	release v2
	wait_until "auto takes v2" 40 app_runs auto "$(digest_of app:v2)"
	wait_until "download has it staged" 40 app_phase download staged
	check "the candidate is named" waiting download v2
	same "v1 still runs there" "$(app_get download .digest)" "$(digest_of app:v1)"
	check "manual runs v1" app_runs manual "$(digest_of app:v1)"
	check "and they stay so" stays 3 app_phase download staged
	wait_until "what to do is told" 40 says 'download: staged, .*\(berth update download puts it in\)'
	wait_until "to both" 40 says 'manual: idle, .*\(berth update manual fetches it\)' # between two polls

	check "berth update download" berth update download
	wait_until "v2 runs" 40 app_runs download "$(digest_of app:v2)"
	check "v2 answers" poll 20 serves "$port" v2
	same "manual was not touched" "$(app_pid manual)" "$pid"
	check "berth update manual" berth update manual
	wait_until "v2 runs" 40 app_runs manual "$(digest_of app:v2)"

	note "a staged version that is overtaken"
	release v3
	wait_until "v3 is staged" 40 waiting download v3
	release v5
	wait_until "v5 takes its place" 40 waiting download v5
	check "berth update" berth update
	wait_until "everybody runs v5" 30 versions v5 v5 v5
	same "v3 was never tried there" "$(app_get download '.update.refused | length')" 0
	no_leftovers 3
}

# The user's rollback, and what can't be done.
by_hand() {
	config_begin
	app web "$REG/app:stable"
	release v1
	agent_start
	wait_until "v1 is installed" 40 app_runs web "$(digest_of app:v1)"
	berth rollback web > "$T/out" 2>&1
	same "there is nothing to go back to" $? 1
	like "which is said" "$(cat "$T/out")" 'previous|earlier|roll'
	release v2
	wait_until "v2 runs" 40 app_runs web "$(digest_of app:v2)"
	check "berth rollback" berth rollback web
	wait_until "v1 runs" 40 app_runs web "$(digest_of app:v1)"
	check "berth update insists on what was refused" berth update web
	wait_until "v2 runs again" 40 app_runs web "$(digest_of app:v2)"
	berth update nosuchapp > "$T/out" 2>&1
	same "an app that doesn't exist fails" $? 1
	like "and is named" "$(cat "$T/out")" 'nosuchapp'
	no_leftovers 1
}

case_run policies by_hand
done_testing
