#!/bin/bash
# Commands of the user, and bad luck, in the middle of something else: each app still comes to rest where it should.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl
fleet

restarted() { [ "$(app_get "$1" .restarts)" -ge "$2" ]; }
runs() { app_is "$1" .state running; }

# A first version that is never healthy has nothing to go back to: it is started again and again, and watched.
sick_from_the_start() {
	config_begin
	app web "$REG/app:v1" "health = tcp://127.0.0.1:1" 'health_start = 1s' 'probation = 1s'
	agent_start
	wait_until "it is restarted" 25 restarted web 2
	like "status says why" "$(app_get web .update.reason)" 'health: '
}

# There is no tag to poll, which would try again.
pinned() {
	config_begin
	sed -i 's/^jitter = .*/jitter = 50%/' "$T/agent.ini"
	app web "$REG/late@$(digest_of app:v1)" 'health = none' 'probation = 1s'
	agent_start
	wait_until "it is not there yet" 10 app_like web .update.error 'pull .*late'
	sleep 3
	registry_push "$IMAGES" app:v1 late:v1
	wait_until "later it is" 25 app_runs web "$(digest_of app:v1)"
}

# Stopped and started again while it takes its time to end: that is not the app's fault.
stop_start() {
	config_begin
	app web "$REG/app:stable" 'env = STOP_DELAY=2' 'probation = 4s'
	app job "$REG/app:v1" 'env = STOP_DELAY=2' 'restart = no' 'health = none' 'probation = 1s'
	release v1
	agent_start
	wait_until "web runs v1" 20 app_runs web "$(digest_of app:v1)"
	wait_until "job runs" 20 app_runs job "$(digest_of app:v1)"
	release v2
	wait_until "v2 is on probation" 20 app_phase web probation
	berth stop web > /dev/null 2>&1 &
	berth stop job > /dev/null 2>&1 &
	wait_until "both are being stopped" 10 both_stopped
	check "web is wanted again" berth start web
	check "so is job" berth start job
	wait_until "job runs again" 10 runs job
	wait_until "v2 passes" 20 app_runs web "$(digest_of app:v2)"
	same "nothing is refused" "$(app_get web '.update.refused | length')" 0
}

both_stopped() { record_text "$STORE/apps/web" | grep -q '"stopped":true' && record_text "$STORE/apps/job" | grep -q '"stopped":true'; }

# The old version is on its way out, and is wanted back.
rollback_while_switching() {
	config_begin
	app web "$REG/app:stable" 'env = STOP_DELAY=5' 'restart = no'
	release v1
	agent_start
	wait_until "v1 runs" 20 app_runs web "$(digest_of app:v1)"
	release v2
	wait_until "it is being replaced" 20 app_phase web switching
	check "berth rollback" berth rollback web
	wait_until "v1 runs again" 20 app_runs web "$(digest_of app:v1)"
	same "v2 is refused" "$(app_get web '.update.refused[-1]')" "$(digest_of app:v2)"
}

# Being stopped is no proof of being good.
stop_in_probation() {
	config_begin
	app web "$REG/app:stable" 'env = STOP_DELAY=8' 'probation = 6s' 'health = none'
	release v1
	agent_start
	wait_until "v1 is on probation" 20 app_phase web probation
	check "berth stop" berth stop web
	same "it is not over" "$(app_get web '"\(.update.phase) \(.update.last)"')" "probation none"
}

# Another tag in agent.ini while the old one is fetched or asked for.
other_reference() {
	local proxy registry=$REG
	proxy=$(free_port)
	background proxy "$TESTS/integration/tcp-proxy" "$proxy" "$REG_PORT" "$T/link" "$T/proxy.json"
	echo rate 20000 > "$T/link"
	poll 5 port_open "$proxy"
	REG=localhost:$proxy
	POLL=1h config_begin
	app web "$REG/app:v1"
	REG=$registry
	agent_start
	wait_until "v1 is being pulled" 10 app_phase web pulling
	sed -i 's/app:v1$/app:v2/' "$T/agent.ini"
	agent_reload
	sleep 0.5
	echo pass > "$T/link"
	wait_until "v2 runs" 20 app_runs web "$(digest_of app:v2)"
}

# The agent starts where there is no link: what it had staged is still there.
staged_offline() {
	config_begin
	app web "$REG/app:stable" 'update = download'
	release v1
	agent_start
	wait_until "v1 runs" 20 app_runs web "$(digest_of app:v1)"
	release v2
	wait_until "v2 is staged" 20 app_phase web staged
	agent_stop
	registry_stop
	agent_start
	check "it stays staged" stays 2 app_phase web staged
	check "berth update" berth update web
	wait_until "v2 runs" 20 app_runs web "$(digest_of app:v2)"
	registry_start port="$REG_PORT"
}

# A record written by another version of berth, say.
unreadable_settings() {
	config_begin
	app web "$REG/app:stable" 'update = download'
	release v1
	agent_start
	wait_until "v1 runs" 20 app_runs web "$(digest_of app:v1)"
	release v2
	wait_until "v2 is staged" 20 app_phase web staged
	agent_stop
	record_text "$STORE/apps/web" | jq -c '.trying.settings = {}' > "$T/record"
	cp "$T/record" "$STORE/apps/web"
	agent_start
	check "berth update" berth update web
	wait_until "v1 runs again" 20 app_runs web "$(digest_of app:v1)"
	like "status says why" "$(app_get web .update.reason)" 'settings'
}

# Not everything a device says of itself is UTF-8, and a reason that is cut may end within a letter.
strange_bytes() {
	local long short
	long=$(printf 'ä%.0s' {1..400})
	config_begin
	sed -i '/^name = /d' "$T/agent.ini"
	app even "$REG/app:v1" "command = /$long"
	app odd "$REG/app:v1" "command = /x$long"
	short=$(printf 'import socket, os, sys\nsocket.sethostname(b"gw\\xff1")\nos.execvp(sys.argv[1], sys.argv[1:])')
	background agent unshare --uts --mount sh -c \
		'mount --bind /dev/null /etc/machine-id && exec "$@"' sh python3 -c "$short" "$BERTH" agent --config "$T/agent.ini"
	AGENT=$!
	echo "$AGENT" > "$T/agent.pid"
	wait_until "the agent answers" 10 "$BERTH" status --json
	like "with its name" "$(berth status --json | jq -r .device)" '^gw.*1$'
	wait_until "a start has failed" 20 app_like even .update.error 'ä'
	wait_until "and the other" 20 app_like odd .update.error 'ä'
}

# The store is full for a while: the update goes on in memory, and is written down and tidied up later.
full_store() {
	local id
	mkdir -p "$T/flash"
	mount -t tmpfs -o size=16M tmpfs "$T/flash"
	FLASH=$T/flash config_begin
	app web "$REG/app:stable" 'update = download'
	release v1
	agent_start
	wait_until "v1 runs" 20 app_runs web "$(digest_of app:v1)"
	id=$(app_get web .container)
	release v2
	wait_until "v2 is staged" 20 app_phase web staged
	# What is swept later would make room again; and a record that has room in its file needs none.
	check "the pull is tidied up" poll 10 eval 'is_empty "$STORE/staging" && is_empty "$STORE/pulls" && [ -z "$(helpers sweep)" ]'
	record_text "$STORE/apps/web" > "$T/record"
	cp "$T/record" "$STORE/apps/web"
	dd if=/dev/zero of="$T/flash/ballast" bs=4k 2> /dev/null
	check "berth update" berth update web
	wait_until "v2 runs" 20 app_runs web "$(digest_of app:v2)"
	like "the agent complains" "$(cat "$T/agent.log")" 'No space left'
	same "v1 can still be started after a power cut" "$(record_text "$STORE/apps/web" | jq -r .current.image)" "$(digest_of app:v1)"
	rm "$T/flash/ballast"
	wait_until "it is written down" 20 eval 'record_text "$STORE/apps/web" | grep -q "current\":{[^}]*$(digest_of app:v2)"'
	wait_until "the name is the new image's" 20 grep -q "$(digest_of app:v2)" -r "$STORE/tags"
	wait_until "the old container is gone" 10 test ! -e "$STORE/containers/$id"
	sweep
	umount -l "$T/flash"
}

# The record could be written, the tag could not: by itself it does not come again.
tag_later() {
	config_begin
	app web "$REG/app:stable"
	release v1
	mkdir -p "$STORE/tags"
	mount --bind "$STORE/tags" "$STORE/tags"
	agent_start
	wait_until "v1 runs" 20 app_runs web "$(digest_of app:v1)"
	mount -o remount,bind,ro "$STORE/tags"
	release v2
	wait_until "v2 runs" 20 app_runs web "$(digest_of app:v2)"
	like "the agent complains" "$(cat "$T/agent.log")" 'tag .*Read-only file system'
	mount -o remount,bind,rw "$STORE/tags"
	wait_until "later the name is the new image's" 20 grep -q "$(digest_of app:v2)" -r "$STORE/tags"
	end KILL "$AGENT"
	umount -l "$STORE/tags"
}

# A name that begins like another's.
alike() {
	config_begin
	app web "$REG/app:stable"
	app web-previous "$REG/app:v1" 'command = /opt/app/run exit 3' 'health = none' 'restart = always'
	release v1
	agent_start
	wait_until "v1 runs" 20 app_runs web "$(digest_of app:v1)"
	wait_until "the other one crashes" 20 restarted web-previous 5
	release v2
	wait_until "v2 runs" 20 app_runs web "$(digest_of app:v2)"
	check "the other's restarts still count" restarted web-previous 5
}

case_run sick_from_the_start pinned stop_start rollback_while_switching stop_in_probation other_reference staged_offline unreadable_settings strange_bytes full_store tag_later alike
done_testing
