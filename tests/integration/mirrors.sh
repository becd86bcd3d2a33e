#!/bin/bash
# Mirrors: content comes from them, tags from the registry; whatever is wrong with a mirror, the update arrives.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl python3
images

CONFIG='{"config":{"Env":["PATH=/opt/app/bin:/bin"],"Cmd":["/opt/app/run","serve"],"WorkingDir":"/opt/app"}}'

# behind NAME PORT: a counting proxy in front of PORT; its own port is in BEHIND, what passed in $T/NAME.traffic
behind() {
	BEHIND=$(free_port)
	echo pass > "$T/$1.link"
	: > "$T/$1.traffic"
	background "$1" "$TESTS/integration/tcp-proxy" "$BEHIND" "$2" "$T/$1.link" "$T/$1.traffic"
	poll 5 port_open "$BEHIND"
}

link() { echo "${*:2}" > "$T/$1.link.new" && mv "$T/$1.link.new" "$T/$1.link"; }
down() { jq -s 'map(.down) | add // 0' "$T/$1.traffic"; }
sent() { [ "$(down "$1")" -ge "$2" ]; }
error_like() { app_like "$1" .update.error "$2"; }

# big NAME BYTES: pushes app:NAME with a layer of noise; its digest is in BIG, its size in SIZE
big() {
	mkdir -p "$T/tree-$1/opt/app"
	noise "$1" "$2" > "$T/tree-$1/opt/app/noise"
	tree_pack "$T/tree-$1" "$T/$1.tar"
	oci_open "$T/layout"
	BIG=$(oci_image "app:$1" "$CONFIG" "$(oci_layer "$CACHE/test/base-busybox.tar")" "$(oci_layer "$CACHE/test/tools.tar")" \
		"$(oci_layer "$CACHE/test/v2.tar")" "$(oci_layer "$T/$1.tar")")
	SIZE=$(jq '[.layers[].size] | add' "$T/layout/blobs/sha256/${BIG#sha256:}")
	LAYER=$(jq -r '.layers[-1].digest' "$T/layout/blobs/sha256/${BIG#sha256:}")
	registry_push "$T/layout" "app:$1" "app:$1"
}

# two NAME: a registry with app:v1 as stable, and a mirror with a copy of its storage, each behind a proxy:
# ORIGIN, MIRROR, MIRROR_DIR
two() {
	registry_start "name=$1"
	registry_push "$IMAGES" app:v1 app:v1
	registry_push "$IMAGES" app:v2 app:v2
	registry_tag app v1 stable
	big noise 3000000
	ORIGIN_PORT=$REG_PORT ORIGIN_PID=$REG_PID ORIGIN_CURL=$REG
	cp -a "$REG_DIR" "$T/$1-mirror"
	registry_start "name=$1-mirror" "storage=$T/$1-mirror"
	MIRROR_REG=$REG MIRROR_DIR=$REG_DIR
	behind "$1-m" "$REG_PORT" && MIRROR=localhost:$BEHIND
	behind "$1-o" "$ORIGIN_PORT" && ORIGIN=localhost:$BEHIND
	REG=$ORIGIN config_begin
	config <<< "mirror = http://$MIRROR"
	app web "$ORIGIN/app:stable"
	REG=$ORIGIN_CURL
}

runs() { wait_until "$1" 40 app_runs web "$2"; }

content_from_the_mirror() {
	POLL=1h two good # each poll costs the registry some bytes
	registry_tag app noise stable
	agent_start
	runs "the app is installed" "$BIG"
	agent_stop TERM
	# A proxy tells of a connection when both sides have closed it.
	poll 10 sent good-m "$SIZE"
	check "the mirror sent the layers ($(down good-m) bytes)" sent good-m "$SIZE"
	check "the registry was asked for something" poll 10 sent good-o 1
	check "the registry only told what the tag names ($(down good-o) bytes)" test "$(down good-o)" -le 20000
}

cut_in_the_middle() {
	POLL=1h two cut
	registry_tag app noise stable
	link cut-m cut 2000000
	agent_start
	runs "a mirror that breaks off is no obstacle" "$BIG"
	like "the log tells" "$(cat "$T/agent.log")" "mirror $MIRROR is passed over"
	agent_stop TERM
	check "the mirror sent a part" poll 10 sent cut-m 2000000
	check "the registry the rest" poll 10 sent cut-o $((SIZE - 2000000))
	check "both together sent it once ($(down cut-m) + $(down cut-o) of $SIZE bytes)" \
		test $(($(down cut-m) + $(down cut-o))) -le $((SIZE + SIZE / 50 + 20000))
}

other_bytes() {
	local blob
	two bad
	registry_tag app noise stable
	blob=$(REG_DIR=$MIRROR_DIR registry_blob "$LAYER")
	printf 'x' | dd of="$blob" bs=1 seek=1500000 conv=notrunc 2> /dev/null
	agent_start
	runs "a mirror with other bytes is no obstacle" "$BIG"
	like "the log tells" "$(cat "$T/agent.log")" "trying again without the mirrors"
	same "the image is not blamed" "$(app_get web '.update.refused | length')" 0
}

lacking_or_dead() {
	two lack
	registry_tag app noise stable
	rm "$(REG_DIR=$MIRROR_DIR registry_blob "$LAYER")"
	agent_start
	runs "a mirror that lacks a layer is no obstacle" "$BIG"
	link lack-m refuse
	registry_tag app v2 stable
	runs "nor one that is down" "$(digest_of app:v2)"
}

# The mirror's copy says v1 for stable.
tags() {
	two tags
	agent_start
	runs "v1 runs" "$(digest_of app:v1)"
	registry_tag app v2 stable
	runs "v2 runs: the registry's word counts" "$(digest_of app:v2)"
	link tags-o refuse
	wait_until "the registry is out of reach" 30 error_like web "previous version is not taken from its mirror"
	sleep 2
	same "v2 is kept" "$(app_get web .digest)" "$(digest_of app:v2)"
	(REG=$MIRROR_REG; registry_tag app noise stable)
	runs "what is new is taken from the mirror meanwhile" "$BIG"
	like "the log tells" "$(cat "$T/agent.log")" "registry is out of reach, its mirror $MIRROR answers"
}

case_run content_from_the_mirror cut_in_the_middle other_bytes lacking_or_dead tags
done_testing
