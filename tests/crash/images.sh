# shellcheck shell=bash
# images.sh - the images of the crash test, in $CRASH/oci (an OCI layout), their layers in $CRASH/tars, what is in them in
# $CRASH/versions.json: {"v1": {"manifest", "config", "layers": [diff IDs]}, ...}. Source tests/lib.sh first.
#   v1 v2 v5    good        v4    ends at once       extra    only pulled
# Each is base | tools | odd | data-N | vN; every other file of data-N is the same in all of them.

crash_tars() {
	local tars=$CRASH/tars version
	mkdir -p "$tars"
	"$TESTS/crash/make-tars" "$tars"
	for version in base-busybox tools v1 v2 v4 v5; do
		cp "$CACHE/test/$version.tar" "$tars"
	done
}

crash_image() {
	local name=$1 config='{"config":{"Env":["PORT=8080"],"Cmd":["/opt/app/run","serve"],"WorkingDir":"/opt/app"}}'
	local layers=() tar manifest
	shift
	for tar; do
		layers+=("$(oci_layer "$CRASH/tars/$tar.tar" gzip)")
	done
	manifest=$(oci_image "crash:$name" "$config" "${layers[@]}")
	jq -c --arg name "$name" --arg manifest "$manifest" \
		'{($name): {manifest:$manifest, config:.config.digest, layers:($ARGS.positional | map(fromjson.diff_id))}}' \
		"$CRASH/oci/blobs/sha256/${manifest#sha256:}" --args "${layers[@]}"
}

crash_build() {
	local number
	rm -rf "$CRASH"
	crash_tars
	oci_open "$CRASH/oci"
	for number in 1 2 4 5; do
		crash_image v$number base-busybox tools odd data-$number v$number
	done > "$CRASH/versions"
	crash_image extra base-busybox data-1 data-9 >> "$CRASH/versions"
	jq -s add "$CRASH/versions" > "$CRASH/versions.json"
	crash_sources > "$CRASH/built"
}

crash_sources() { cat "$CACHE/test/built" "$TESTS/crash/make-tars" "$TESTS/crash/images.sh" | sha256sum; }

crash_images() {
	images
	CRASH=$CACHE/crash
	exec 8> "$CACHE/crash.lock"
	flock 8
	cmp -s "$CRASH/built" <(crash_sources) || crash_build
	exec 8>&-
}
