#!/bin/bash
# The store is damaged behind its back, in each way, and heals: while the app runs, over a restart, when somebody
# pulls, and when the registry is back. FILES: regular files of a layer.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl
fleet

STORE=$T/store
layers() { find "$STORE/layers" -mindepth 1 -maxdepth 1 -name '????????????????????????????????????????????????????????????????'; }
empty_all() { find "$STORE"/layers/*/fs -type f -exec truncate -s 0 {} +; }
whole() { berth fsck > "$T/fsck.out"; }
base() { layers | while read -r dir; do [ -z "$(find "$dir/fs" -name busybox -type f -print -quit)" ] || echo "$dir"; done | head -n 1; }
fsck_says() { like "$1" "$(cat "$T/fsck.out")" "$2"; }
run_fsck() { "$BERTH" fsck "$@" > "$T/fsck.out" 2>&1; }
code_of() { "$@" > "$T/fsck.out" 2>&1; echo $?; }

begin() {
	release v1
	config_begin
	app web "$REG/app:stable"
	WEB=$PORT
	agent_start
	wait_until "v1 runs" 20 app_runs web "$(digest_of app:v1)"
	wait_until "it answers" 20 serves "$WEB" v1
}

# damage TEXT REGEX COMMAND...: found, repaired while the app runs, found no more.
damage() {
	local text=$1 regex=$2 pid
	shift 2
	pid=$(app_pid web)
	( cd "$(base)" && "$@" )
	same "fsck finds $text" "$(code_of berth fsck)" 1
	fsck_says "and says so" "$regex"
	same "it is repaired" "$(code_of berth fsck --repair)" 0
	fsck_says "which is told" 'all repaired'
	same "then the store is whole" "$(code_of berth fsck)" 0
	same "the app was left alone" "$(app_pid web)" "$pid"
	check "it still answers" poll 20 serves "$WEB" v1
}

busybox() { find "$(base)/fs" -name busybox -type f -printf '%P\n' | head -n 1; }

live() {
	begin
	same "a new store is whole" "$(code_of berth fsck)" 0
	fsck_says "which is told" '^the store is whole$'
	like "df knows the image" "$(berth df | tr -s ' ' | sed -n 2p)" '^Images 1 1 [0-9.]+[kM]B 0B \(0%\)'
	like "and its parts" "$(berth df -v | grep -A3 '^Images space')" "app:stable"
	same "and whose the containers are" "$(berth df -v | awk '/^CONTAINER ID +APP +SIZE/ { getline; print length($1), $2 }')" "12 web"
	local file
	file=$(busybox)
	damage "an emptied file" "fs/$file: truncated: 0 bytes instead of [0-9]+ \(used by .*web" truncate -s 0 "fs/$file"
	damage "a missing file" "fs/$file: missing" rm "fs/$file"
	damage "other bytes" "fs/$file: altered: other bytes" sh -c "touch -r fs/$file x; printf x | dd of=fs/$file bs=1 seek=999 conv=notrunc status=none; touch -r x fs/$file; rm x"
	damage "another mode" "fs/$file: metadata: mode 0700" chmod 700 "fs/$file"
	damage "a foreign file" "fs/intruder: foreign" touch fs/intruder
	damage "a broken index" "record: its index" truncate -s 20 index
	damage "a broken meta" "record: its meta" truncate -s 0 meta
	damage "a lost image" "images/.*: missing" sh -c "rm $STORE/images/*"
	damage "a broken image" "images/.*: record" sh -c "truncate -s 5 $STORE/images/*"
	damage "a broken manifest" "manifests/.*: record" sh -c "truncate -s 5 $STORE/manifests/*"
	damage "a broken record" "apps/web: record" truncate -s 5 "$STORE/apps/web"
	damage "a broken tag" "tags/.*: record" sh -c "truncate -s 5 $STORE/tags/*"
	check "no replaced tree is under the app's feet" poll 20 serves "$WEB" v1
	berth stop web > /dev/null && berth start web > /dev/null
	wait_until "it runs from the repaired tree" 20 serves "$WEB" v1
	agent_stop TERM
	agent_start
	poll 20 eval '! ls -d "$STORE"/layers/*.old1'
	no_leftovers 1
}

emptied() {
	begin
	empty_all
	check "the next pull notices and repairs" berth pull "$REG/app:stable"
	check "the store is whole" whole
	empty_all
	berth stop web > /dev/null
	agent_stop TERM
	agent_start
	berth start web > /dev/null
	wait_until "the next start notices and repairs" 40 serves "$WEB" v1
	check "the store is whole again" whole
	no_leftovers 1
}

# An agent that ends before it has checked the store leaves no mark, and nobody is told when it has.
ends_clean() {
	local seconds
	for seconds in 0.5 2 5 10; do
		sleep $seconds
		agent_stop TERM
		[ ! -e "$STORE/clean" ] || return 0
		agent_start
	done
	return 1
}

cleanly() {
	begin
	agent_stop KILL
	agent_start
	wait_until "the next agent finds it" 20 serves "$WEB" v1
	check "a clean end is marked" ends_clean
	same "without an agent fsck looks itself" "$(code_of berth fsck --config "$T/agent.ini")" 0
	fsck_says "and finds it whole" 'the store is whole'
	truncate -s 0 "$(layers | head -n 1)/index"
	same "or not" "$(code_of berth fsck --config "$T/agent.ini")" 1
	same "it does not repair" "$(code_of berth fsck --repair --config "$T/agent.ini")" 1
	agent_start
	same "the mark is taken at the start" "$(code_of test -e "$STORE/clean")" 1
	wait_until "the start finds a broken index and repairs" 40 whole
	agent_stop KILL
	same "no mark after a kill" "$(code_of test -e "$STORE/clean")" 1
	agent_start
	no_leftovers 1
}

# The registry is down, v2 is damaged, and a new agent has to start it.
one_container() { [ "$(berth ps -aq | wc -l)" = 1 ]; }

stand_in() {
	local top
	berth stop web > /dev/null
	agent_stop TERM
	registry_stop
	top=$(layers | sed 's,$,/fs,' | xargs grep -lrx v2 | grep html | head -n 1)
	note "damaged: ${top#"$STORE"/}"
	echo other > "$top"
	agent_start
	berth start web > /dev/null
	wait_until "v1 stands in" 60 serves "$WEB" v1
	like "the log says why" "$(grep -c 'previous version runs' "$T/agent.log")" '[1-9]'
	like "so does the status" "$(app_get web .update.error)" '^the previous version runs: sha256:.* is damaged and could not be fetched: '
}

# With the registry down the previous version stands in, and goes when the current one is whole again; or it
# becomes the current one by a rollback, without being stopped for that.
registry_down() {
	local pid
	begin
	release v2
	wait_until "v2 runs" 20 app_runs web "$(digest_of app:v2)"
	wait_until "and answers" 20 serves "$WEB" v2
	stand_in
	same "fsck --repair says that it can't" "$(code_of berth fsck --repair)" 1
	fsck_says "and why" 'left.*goes on trying'
	registry_start port="$REG_PORT" storage="$REG_DIR"
	same "with the registry it can" "$(code_of berth fsck --repair)" 0
	wait_until "and v2 is back" 30 serves "$WEB" v2
	wait_until "alone" 20 one_container # it may answer before the agent knows that it has started
	no_leftovers 1
	stand_in
	pid=$(app_pid web)
	berth rollback web > /dev/null
	wait_until "the rollback has ended" 20 app_like web .update.phase '^(idle|resolving)$'
	same "v1 is current" "$(app_get web .digest)" "$(digest_of app:v1)"
	same "it was left alone" "$(app_pid web)" "$pid"
	check "it still answers" poll 20 serves "$WEB" v1
	no_leftovers 1
}

case_run live emptied cleanly registry_down
done_testing
