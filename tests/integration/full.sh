#!/bin/bash
# A store that is full, or gets so in the middle of a pull, at any byte and at any inode: the app runs on, what the pull
# wrote is given back, the reason says what is missing, and once there is room it goes on by itself.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl openssl mkfs.ext4
fleet
FLASH=$T/flash
mkdir "$FLASH"

# flash MKFS-OPTION...: a file system of its own for the store, 48 MB.
flash() {
	truncate -s 48M "$T/flash.img"
	mkfs.ext4 -q -F -m 0 "$@" "$T/flash.img" || { fail "mkfs.ext4 $*"; exit 1; }
	mount -o loop "$T/flash.img" "$FLASH" || { fail "mount a loop device"; exit 1; }
}
unflash() {
	end KILL "$AGENT"
	sweep
	poll 10 umount "$FLASH"
	rm -f "$T/flash.img" "$T/agent.pid"
}

free() { sync -f "$FLASH"; stat -f -c '%a %S' "$FLASH" | { read -r blocks size; echo "$((blocks * size))"; }; }
inodes() { stat -f -c %d "$FLASH"; }
# leave BYTES: fills the file system up to that.
leave() {
	rm -f "$FLASH/filler"
	fallocate -l "$(($(free) - $1 - 8192))" "$FLASH/filler"
}
leave_inodes() {
	local count
	count=$(($(inodes) - $1))
	mkdir -p "$FLASH/fillers"
	(cd "$FLASH/fillers" && seq "$count" | xargs touch)
}

# An image of three layers with large files and small ones; compressed it is next to nothing.
large() {
	local layers=() i n
	oci_open "$T/large"
	for i in 1 2 3; do
		rm -rf "$T/tree"
		mkdir -p "$T/tree/dir$i"
		for n in $(seq "${FILES:-60}"); do echo "$i $n" > "$T/tree/dir$i/$n"; done
		yes "layer $i" | head -c "${SIZE:-1500000}" > "$T/tree/dir$i/large"
		tree_pack "$T/tree" "$T/layer.tar"
		layers+=("$(oci_layer "$T/layer.tar" gzip)")
	done
	oci_image "$1" '{"config":{"Cmd":["/none"]}}' "${layers[@]}" > /dev/null
	registry_push "$T/large" "$1" "$1"
}

# Of noise: its compressed size tells how much it needs.
noisy() {
	oci_open "$T/noisy"
	rm -rf "$T/tree"
	mkdir -p "$T/tree"
	noise noisy 6000000 > "$T/tree/noise"
	tree_pack "$T/tree" "$T/layer.tar"
	oci_image "$1" '{}' "$(oci_layer "$T/layer.tar" gzip)" > /dev/null
	registry_push "$T/noisy" "$1" "$1"
}

start_v1() {
	config_begin
	[ -z "${1-}" ] || sed -i "s/^\[agent\]/&\nmin_free = $1/" "$T/agent.ini"
	release v1
	app web "$REG/app:stable"
	agent_start
	wait_until "v1 runs" 20 app_runs web "$(digest_of app:v1)"
}

undisturbed() {
	check "v1 runs on" app_runs_on
	check "nothing is left in staging" poll 10 is_empty "$STORE/staging"
	check "no record of the pull is left" poll 10 is_empty "$STORE/pulls"
}
app_runs_on() { serves "$PORT" v1 && [ "$(app_pid web)" = "$PID" ]; }
nearly() { local difference=$(($1 - $2)); [ "${difference#-}" -le "${3:-65536}" ]; }
# given_back WHAT BEFORE [NEARLY]: nothing is left over of a pull, and as much is free as before.
given_back() { is_empty "$STORE/staging" && is_empty "$STORE/pulls" && nearly "$2" "$($1)" "${@:3}"; }

refused() {
	flash
	start_v1 2M
	PID=$(app_pid web)
	noisy app:noisy
	leave 8000000
	: > "$REG_LOG"
	registry_tag app noisy stable
	wait_until "the update is refused" 20 app_like web .update.error 'it needs about [0-9.]*MB and .* inodes; .* min_free'
	note "$(app_get web .update.error)"
	sleep 2
	same "no layer was asked for more than once" "$(registry_requests | grep -c 'GET /v2/app/blobs' | awk '{print $1 <= 2}')" 1
	undisturbed
	rm "$FLASH/filler"
	wait_until "with room it is pulled" 20 test_trying
	unflash
}
# It has no program.
test_trying() { app_is web .update.last rolled-back || app_phase web rolling-back; }

stopped() {
	flash
	SIZE=5000000 large big:big
	start_v1 2M
	PID=$(app_pid web)
	leave 10000000
	local before
	before=$(free)
	like "a pull that turns out to be too large is stopped" "$(berth pull "$REG/big:big" 2>&1)" 'stopped with .* left; .* min_free keeps 2.1MB'
	check "all of it is given back" poll 10 given_back free "$before"
	undisturbed
	rm "$FLASH/filler"
	check "with room it works" berth pull "$REG/big:big"
	unflash
}

any_byte() {
	local step before wrong=0 stopped=0
	flash
	large big:any
	start_v1 0
	PID=$(app_pid web)
	for step in $(seq 0 150000 6000000); do
		leave "$step"
		before=$(free)
		berth pull "$REG/big:any" > "$T/out" 2>&1 && break
		stopped=$((stopped + 1))
		grep -qE 'No space left|stopped with|it needs' "$T/out" || { wrong=1; note "$step: $(cat "$T/out")"; }
		poll 10 given_back free "$before" ||
			{ wrong=1; note "$step: $before bytes free before, $(free) after; left: $(ls "$STORE/staging" "$STORE/pulls")"; }
		app_runs_on || { wrong=1; note "$step: the app does not run"; }
	done
	same "at each of $stopped sizes it is given back" "$wrong" 0
	check "which are at least 25" test "$stopped" -ge 25
	rm -f "$FLASH/filler"
	check "with room it works" berth pull "$REG/big:any"
	undisturbed
	agent_stop KILL
	agent_start
	check "the store opens, the app is found" app_runs_on
	unflash
}

any_inode() {
	local step before wrong=0 stopped=0
	flash -N 700
	FILES=70 SIZE=1000 large big:inodes
	start_v1 0
	PID=$(app_pid web)
	for step in $(seq 35 12 400); do
		rm -rf "$FLASH/fillers"
		leave_inodes "$step"
		before=$(inodes)
		berth pull "$REG/big:inodes" > "$T/out" 2>&1 && break
		stopped=$((stopped + 1))
		grep -qE 'No space left|stopped with|it needs' "$T/out" || { wrong=1; note "$step: $(cat "$T/out")"; }
		poll 10 given_back inodes "$before" 2 || { wrong=1; note "$step: $before inodes before, $(inodes) after"; }
		app_runs_on || { wrong=1; note "$step: the app does not run"; }
	done
	same "at each of $stopped counts they are given back" "$wrong" 0
	check "which are at least 10" test "$stopped" -ge 10
	rm -rf "$FLASH/fillers"
	check "with room it works" berth pull "$REG/big:inodes"
	undisturbed
	unflash
}

# The run directory is a small file system: no room for the new container, while the old one runs.
no_room_to_switch() {
	mount -t tmpfs -o size=3m none "$R"
	start_v1
	PID=$(app_pid web)
	head -c 20M /dev/zero > "$R/filler" 2> /dev/null
	release v2
	wait_until "the new version waits for room" 20 app_like web .update.error 'the new version waits: .* has only'
	check "v1 runs on" app_runs_on
	same "v2 is staged" "$(app_get web '"\(.update.phase) \(.update.candidate)"')" "staged $(digest_of app:v2)"
	rm "$R/filler"
	wait_until "with room it is switched in" 20 app_runs web "$(digest_of app:v2)"

	note "full just when the old one has stopped"
	sed -i 's/^env = PORT.*/&\nenv = STOP_DELAY=6/' "$T/agent.ini"
	agent_reload
	wait_until "new settings are in" 20 settled_with_delay
	release v5
	wait_until "switching" 20 app_phase web switching
	head -c 20M /dev/zero > "$R/filler" 2> /dev/null
	wait_until "v5 is put back, not refused" 20 app_phase web staged
	same "nothing is refused" "$(app_get web '.update.refused | length')" 0
	rm "$R/filler"
	wait_until "v2 runs again" 20 serves "$PORT" v2
	check "v5 is asked for" berth update web
	wait_until "and runs" 20 app_runs web "$(digest_of app:v5)"
	same "nothing was refused" "$(app_get web '.update.refused | length')" 0
	agent_stop KILL
	sweep
	umount -l "$R"
}
# A change of settings is an update of the same image.
settled_with_delay() { app_like web '"\(.update.phase) \(.previous)"' "^(idle|resolving) $(digest_of app:v2)$"; }

case_run refused stopped any_byte any_inode no_room_to_switch
done_testing
