#!/bin/bash
# Links and registries that fail in the middle of a pull: it goes on where it was cut, says what it waits for, never takes
# other bytes, and never touches the app that runs.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo openssl jq curl python3
images

registry_start
registry_push "$IMAGES" app:v1 app:v1

CONFIG='{"config":{"Env":["PATH=/opt/app/bin:/bin"],"Cmd":["/opt/app/run","serve"],"WorkingDir":"/opt/app"}}'
LINK=$T/link

# link WORD...: what the proxy in use does from now on.
link() { echo "$*" > "$LINK.new" && mv "$LINK.new" "$LINK"; }

# big NAME BYTES: pushes app:NAME, v2 with one more layer of that size, and sets BIG to its digest and LAYERS to the size of its two new layers.
big() {
	local tree=$T/tree-$1
	mkdir -p "$tree/opt/app"
	noise "$1" "$2" > "$tree/opt/app/noise"
	tree_pack "$tree" "$T/$1.tar"
	oci_open "$T/layout"
	BIG=$(oci_image "app:$1" "$CONFIG" "$(oci_layer "$CACHE/test/base-busybox.tar")" "$(oci_layer "$CACHE/test/tools.tar")" \
		"$(oci_layer "$CACHE/test/v2.tar")" "$(oci_layer "$T/$1.tar")")
	LAYERS=$(jq '[.layers[2:][].size] | add' "$T/layout/blobs/sha256/${BIG#sha256:}")
	registry_push "$T/layout" "app:$1" "app:$1"
}

# through PROGRAM [ARGUMENT...]: the registry is reached by way of tcp-proxy or http-faults from now on.
through() {
	FRONT=$(free_port)
	link pass
	: > "$T/traffic"
	background front "$TESTS/integration/$1" "$FRONT" "$REG_PORT" "$LINK" "$T/traffic"
	poll 5 port_open "$FRONT"
}

# device: the small v1 runs, from the registry behind $FRONT.
device() {
	REG=localhost:$FRONT config_begin
	app web "localhost:$FRONT/app:stable"
	registry_tag app v1 stable
	agent_start
	wait_until "v1 runs" 20 app_runs web "$(digest_of app:v1)"
	OLD=$(app_pid web)
}

# update_to NAME: from now on. The log of the traffic starts anew.
update_to() {
	: > "$T/traffic"
	registry_tag app "$1" stable
}

error_like() { app_like web .update.error "$1"; }

old_runs() { [ "$(app_pid web)" = "$OLD" ] && alive "$OLD"; }

# settled: what was big runs, no trouble is left over.
settled() {
	wait_until "the update runs in the end" "${1:-20}" app_runs web "$BIG"
	same "no error is left" "$(app_get web '.update.error // ""')" ""
}

# received: bytes that went to the device, once all connections of the pull have ended.
received() { jq -s 'map(.down) | add' "$T/traffic"; }

cuts() {
	big cuts 4000000
	through tcp-proxy
	device
	link cut 300000 10
	update_to cuts
	settled
	agent_stop TERM
	sleep 0.3
	check "ten cuts cost at most 2 %: $(received) bytes for layers of $LAYERS" \
		test "$(received)" -le $((LAYERS * 102 / 100))
	same "eleven connections brought it" "$(jq -s 'map(select(.down > 200000)) | length' "$T/traffic")" 11
}

case_run cuts
done_testing
