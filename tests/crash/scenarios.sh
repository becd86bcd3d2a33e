# shellcheck shell=bash
# scenarios.sh - what is recorded. prepare_NAME leaves the state before, NAME does what power cuts may interrupt.

SCENARIOS="install update rollback collect restart pull repair"
# All of it once, for `make check`.
SHORT=life

# Without a network, so that several of them can run at a time.
crash_app() {
	app web "$REG/crash:stable" 'network = none' 'probation = 1s' 'health_interval = 1s'
}

crash_release() { registry_push "$CRASH/oci" "crash:$1" crash:stable; }
crash_runs() { app_runs web "$(jq -r ".$1.manifest" "$CRASH/versions.json")"; }
crash_was() { app_is web .update.last "$1" && app_phase web idle; }
layers_are() { [ "$(find "$STORE/layers" -mindepth 1 -maxdepth 1 | wc -l)" = "$1" ] && [ -z "$(ls -A "$STORE/staging")" ]; }

# at VERSION: installs it.
at() {
	crash_app
	crash_release "$1"
	agent_start
	wait_until "$1 runs" 30 crash_runs "$1"
}

# goes_to VERSION: releases it and waits; the mark is set as soon as status says so.
goes_to() {
	crash_release "$1"
	wait_until "$1 runs" 30 crash_runs "$1"
	mark "$1"
}

# The agent goes on from what prepare_... left, as after a reboot.
again() {
	agent_start
	wait_until "$1 runs again" 30 crash_runs "$1"
	mark "$1"
}

prepare_install() { crash_app; crash_release v1; }
install() {
	mark ''
	agent_start
	goes_to v1
	sleep 1
	mark v1
}

prepare_update() { at v1; }
update() {
	again v1
	goes_to v2
	sleep 1
	mark v2
}

prepare_rollback() { at v1; }
rollback() {
	again v1
	crash_release v4
	wait_until "v4 is rolled back" 30 crash_was rolled-back
	mark v1
}

prepare_collect() { at v1; crash_release v2; wait_until "v2 runs" 30 crash_runs v2; }
collect() {
	again v2
	goes_to v5
	wait_until "v1 is collected" 10 layers_are 7
	mark v5
}

is_pulling() { [ -n "$(ls -A "$STORE/staging")" ]; }
prepare_restart() { at v1; }
restart() {
	again v1
	agent_stop KILL
	crash_release v2
	agent_start
	poll 5 is_pulling # too quick to be seen each time
	agent_stop KILL
	agent_start
	goes_to v2
}

prepare_pull() { at v1; registry_push "$CRASH/oci" crash:extra crash:extra; }
pull() {
	again v1
	berth pull "$REG/crash:extra" > /dev/null || fail "berth pull"
	mark v1 "$REG/crash:extra"
	sleep 0.5
	mark v1 "$REG/crash:extra"
}

prepare_repair() { at v1; }
repair() {
	local hex
	agent_start
	wait_until "v1 runs again" 30 crash_runs v1
	hex=$(jq -r '.v1.layers[3]' "$CRASH/versions.json" | cut -d: -f2)
	truncate -s 100 "$STORE/layers/$hex/fs/data/0/5"
	rm "$STORE/layers/$hex/fs/data/1/15"
	sync -f "$STORE"
	DAMAGED=$hex mark v1
	berth fsck --repair > "$T/fsck.log" || fail "fsck --repair: $(cat "$T/fsck.log")"
	mark v1
	sleep 1
	mark v1
}

prepare_life() { crash_app; crash_release v1; }
life() {
	mark ''
	agent_start
	goes_to v1
	goes_to v2
	crash_release v4
	wait_until "v4 is rolled back" 30 crash_was rolled-back
	mark v2
	registry_push "$CRASH/oci" crash:extra crash:extra
	berth pull "$REG/crash:extra" > /dev/null || fail "berth pull"
	mark v2 "$REG/crash:extra"
	crash_release v5
	wait_until "v5 runs" 30 crash_runs v5
	mark v5 "$REG/crash:extra"
}
