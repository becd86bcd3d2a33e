#!/bin/bash
# A pull that breaks in the middle, and the agent with it: the next one goes on with the layers that were finished.
# What nobody will go on with is collected.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl openssl
images
registry_start
REAL=$REG
LINK=$T/link
PROXY=$(free_port)
background proxy "$TESTS/integration/tcp-proxy" "$PROXY" "$REG_PORT" "$LINK" "$T/proxy.json"
link() { echo "$*" > "$LINK.new" && mv "$LINK.new" "$LINK"; }

# An image of five layers of 400 kB each, on busybox's; SEED makes others of them.
big() {
	local ref=$1 seed=$2 layers=() i
	oci_open "$T/big"
	mkdir -p "$T/tree"
	for i in 1 2 3 4 5; do
		rm -rf "$T/tree/"*
		noise "$seed$i" 400000 > "$T/tree/file$i"
		tree_pack "$T/tree" "$T/layer.tar"
		layers+=("$(oci_layer "$T/layer.tar" gzip)")
	done
	oci_image "$ref" '{"config":{"Cmd":["/file1"]}}' "${layers[@]}" > /dev/null
	registry_push "$T/big" "$ref" "$ref"
}

layers_in_store() { find "$STORE/layers" -mindepth 1 -maxdepth 1 | wc -l; }
has_layers() { [ "$(layers_in_store)" -ge "$1" ]; }
blobs_asked_for() { registry_requests | grep -c "GET /v2/big/blobs"; }
has_image() { [ -n "$(ls "$STORE/images")" ]; }
records() { find "$STORE/pulls" -type f | wc -l; }

setup() {
	big big:one "$1"
	[ -z "${2-}" ] || big big:two "$2"
	REG=localhost:$PROXY
	config_begin
	REG=$REAL
	config <<-INI

		[app big]
		image = localhost:$PROXY/big:stable
		network = host
	INI
	release_big one
	link hang 1000000 # in the third layer, however long it takes until the agent is killed
	poll 30 port_open "$PROXY"
}
release_big() { registry_tag big "$1" stable; }

broken_in_the_middle() {
	agent_start
	wait_until "some layers are finished" 40 has_layers "$1"
	agent_stop KILL
	same "its record is on flash" "$(records)" 1
}

goes_on() {
	local before asked
	setup go
	broken_in_the_middle 2
	before=$(layers_in_store)
	cp -a "$STORE/pulls" "$T/pulls"
	# It logs a request when that has ended; the one that was cut, too.
	registry_stop
	: > "$REG_LOG"
	registry_start port="$REG_PORT"
	link pass
	agent_start
	wait_until "the next agent ends the pull" 40 has_image
	same "finished layers are not fetched again" "$(blobs_asked_for)" "$((1 + 5 - before))"
	check "the record is gone" poll 20 no_records
	same "all layers are there" "$(layers_in_store)" 5
	agent_stop

	# A power cut just before it would have been removed.
	cp -a "$T/pulls/." "$STORE/pulls/"
	agent_start
	check "a record that was left over goes" poll 20 no_records
	same "and no layer" "$(layers_in_store)" 5
	agent_stop
}
no_records() { [ "$(records)" = 0 ]; }

moved_on() {
	setup one two
	broken_in_the_middle 2
	release_big two
	link pass
	agent_start
	wait_until "the new image is pulled" 40 has_image
	check "the old pull's record is gone" poll 20 no_records
	check "its layers are collected" poll 20 only_layers 5
	agent_stop
}
only_layers() { [ "$(layers_in_store)" = "$1" ]; }

app_is_gone() {
	setup gone
	broken_in_the_middle 2
	sed -i '/^\[app big\]/,$d' "$T/agent.ini"
	agent_start
	check "the record is gone" poll 20 no_records
	check "and the layers" poll 20 only_layers 0
	agent_stop
}

# The registry never comes back: bounded by the number of starts.
never_again() {
	setup never
	broken_in_the_middle 1
	link refuse
	for _ in 1 2 3 4 5 6 7 8; do
		agent_start
		agent_stop
	done
	same "kept for eight starts" "$(records)" 1
	check "with its layers" has_layers 1
	agent_start
	check "not for a ninth" poll 20 no_records
	check "and the layers are collected" poll 20 only_layers 0
	agent_stop
}

case_run goes_on moved_on app_is_gone never_again
done_testing
