#!/bin/bash
# What the agent runs from, and so all that it executes: an image of the binary that nothing can write to (agent/run/seal.h).
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl
fleet

healthy() { app_is web .health healthy; }
# write_to PID: what happens to who wants to write to what it runs from
write_to() { { : > "/proc/$1/exe"; } 2>&1; }

begin() {
	config_begin
	app web "$REG/app:v1" 'health = exec /opt/app/run health' 'init = yes'
	"$@"
	wait_until "a probe by exec succeeds" 40 healthy
}

sealed() {
	begin agent_start
	like "the agent's image can't be written to, not even by who is on the host" "$(write_to "$AGENT")" 'Read-only file system'
	like "nor the shim's" "$(write_to "$(helpers shim)")" 'Read-only file system'
	same "it has its name" "$(cat "/proc/$AGENT/comm")" berth
	like "and its arguments" "$(tr '\0' ' ' < "/proc/$AGENT/cmdline")" "berth agent --config"
	same "nothing marks what it executes" "$(tr '\0' '\n' < "/proc/$(helpers shim)/environ" | grep SEALED)" ''
	same "it is in no mount table" "$(grep -F "$T/berth" "/proc/$AGENT/mountinfo")" ''

	check "who is executed from there does not execute itself once more" "$TESTS/integration/without-call" execveat \
		"/proc/$AGENT/exe" runtime --root "$R/runtime" exec "$(app_get web .container)" true
	like "who is executed from the file does" "$("$TESTS/integration/without-call" execveat "$BERTH" runtime --root "$R/runtime" exec \
		"$(app_get web .container)" true 2>&1)" "execute berth's own binary again: Function not implemented"

	note "another binary takes the place of the one that runs"
	ln "$BERTH" "$T/berth-before"
	cp "$BERTH" "$T/berth-after"
	mv "$T/berth-after" "$BERTH"
	check "exec goes on" berth exec web true
	check "a container is started anew" eval "berth stop web && berth start web"
	wait_until "and probed" 40 healthy
	like "from the sealed image of before" "$(write_to "$(helpers shim)")" 'Read-only file system'
	like "in the container, too" "$(berth exec -u root web /opt/app/bin/busybox sh -c ': > /proc/1/exe' 2>&1)" 'Read-only file system'
	no_leftovers 1
}

# Before Linux 5.12 (x86_64, aarch64: what the filter knows).
older() {
	begin agent_start_by "$TESTS/integration/without-call" open_tree
	same "the agent keeps no copy of itself in memory" "$(readlink "/proc/$AGENT/exe")" "$T/berth-plain"
	like "the runtime does, as long as it runs, and so init" "$(readlink "/proc/$(app_pid web)/exe")" '^/memfd:berth'
	like "it can't be written to" "$(write_to "$(app_pid web)")" 'Operation not permitted|Text file busy'
	check "berth exec" berth exec web true
	no_leftovers 1
}

case_run sealed
case_run older
done_testing
