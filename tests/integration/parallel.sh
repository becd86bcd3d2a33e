#!/bin/bash
# The layers of one image are brought by several chains of helpers at the same time.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl
PARALLEL=4

# 12 layers of one file each, and a manifest that names one of them twice.
many() {
	local i tree=$T/tree layers=()
	images
	registry_start
	oci_open "$T/many"
	mkdir "$tree"
	for i in $(seq 12); do
		noise "many-$i" $((i * 20000)) > "$tree/file$i"
		tree_pack "$tree" "$T/layer.tar"
		rm "$tree/file$i"
		layers+=("$(oci_layer "$T/layer.tar" "$([ $((i % 2)) = 0 ] && echo gzip || echo zstd)")")
	done
	MANY=$(oci_image many:v1 '{}' "${layers[@]}" "${layers[3]}")
	registry_push "$T/many" many:v1 many:v1
	PROXY=$(free_port)
	background proxy "$TESTS/integration/tcp-proxy" "$PROXY" "$REG_PORT" "$T/link" "$T/proxy.json"
	poll 30 port_open "$PROXY"
	SLOW=localhost:$PROXY
}

link() { echo "$*" > "$T/link.new" && mv "$T/link.new" "$T/link"; }

blobs_asked() { registry_requests | grep -c '^GET .*/blobs/'; }
start() {
	REG=$SLOW config_begin
	agent_start
}
lanes_run() { [ "$(helpers fetch | wc -l)" = 4 ] && [ "$(helpers decode | wc -l)" = 4 ] && [ "$(helpers unpack | wc -l)" = 4 ]; }
pulled() {
	local i
	same "each layer once" "$(ls "$STORE/layers" | wc -l)" 12
	for i in $(seq 12); do
		same "file$i" "$(cat "$STORE"/layers/*/fs/"file$i" | sha256sum)" "$(noise "many-$i" $((i * 20000)) | sha256sum)"
	done
}

each_layer_once() {
	local before
	link rate 20000 # until they are seen
	start
	before=$(blobs_asked)
	berth pull "$SLOW/many:v1" > "$T/pull.log" 2>&1 &
	local pull=$!
	check "four chains run" poll 60 lanes_run
	link pass
	if wait $pull; then ok "the pull works"; else fail "the pull: $(tail -1 "$T/pull.log")"; fi
	same "requests for blobs: the config and 12 layers" $(($(blobs_asked) - before)) 13
	pulled
	wait_until "nothing is left in staging" 30 is_empty "$STORE/staging"
}

# killed ROLE: of lane 2, in the middle.
killed() {
	local pull victim
	link rate 20000 # until they are seen
	start
	berth pull "$SLOW/many:v1" > "$T/pull.log" 2>&1 &
	pull=$!
	check "four chains run" poll 60 lanes_run
	victim=$(helpers "$1" | sed -n 3p)
	kill -9 "$victim"
	sleep 0.2
	link pass
	if wait $pull; then fail "a pull with a dead $1 worked"; else ok "the pull fails"; fi
	like "and says why" "$(cat "$T/pull.log")" "the $1 helper was killed"
	check "all its processes end" poll 30 no_helpers
	wait_until "nothing is left in staging" 30 is_empty "$STORE/staging"
	check "the next pull works" berth pull "$SLOW/many:v1"
	pulled
}
no_helpers() { [ -z "$(helpers fetch decode unpack)" ]; }
fetch_killed() { killed fetch; }
decode_killed() { killed decode; }
unpack_killed() { killed unpack; }

one_layer_is_damaged() {
	local blob out
	link pass
	start
	blob=$(jq -r '.layers[5].digest' "$T/many/blobs/sha256/${MANY#sha256:}")
	blob=$REG_DIR/docker/registry/v2/blobs/sha256/$(cut -c8-9 <<< "$blob")/${blob#sha256:}/data
	cp "$blob" "$T/whole"
	printf X | dd of="$blob" bs=1 seek=5000 conv=notrunc 2> /dev/null
	if out=$(berth pull "$SLOW/many:v1" 2>&1); then fail "a damaged layer passed"; else ok "the pull fails"; fi
	like "the damaged layer is named" "$out" "layer 5 .*digest"
	check "all its processes end" poll 30 no_helpers
	cp "$T/whole" "$blob"
	check "the next pull works" berth pull "$SLOW/many:v1"
	pulled
}

many
case_run each_layer_once fetch_killed decode_killed unpack_killed one_layer_is_damaged
done_testing
