# shellcheck shell=bash
# oci.sh - writes OCI image layouts with nothing but tar, gzip, zstd, jq and sha256sum, so that the tests
# control every byte: shared layers, odd configs, wrong digests, foreign architectures.
#
#   oci_open DIR                            DIR becomes the current layout; kept if it is one already
#   layer=$(oci_layer FILE.tar gzip)        compresses and adds one layer, once; gzip, zstd, zstd-N (a window of 2^N
#                                           bytes) or tar (as it is)
#   oci_image REF CONFIG LAYER...           adds an image and names it REF; prints its manifest digest
#   oci_index REF PLATFORM=MANIFEST...      adds an index over manifests of this layout; prints its digest
#
# A LAYER is one line of JSON, {"diff_id":..., "descriptor":{...}}. CONFIG is JSON that is merged over a
# plain image config ({"architecture","os","created","config","rootfs","history"}), so that any field can be
# set or broken. PLATFORM is os/architecture[/variant].
# The same input gives the same bytes: times, names and owners are fixed.

# noise SEED BYTES: incompressible. prose SEED BYTES: compresses about two to one. Both reproducible.
noise() {
	openssl enc -aes-128-ctr -K "$(printf %s "$1" | sha256sum | cut -c1-32)" -iv 00 </dev/zero 2>/dev/null |
		head -c "$2" || true
}

prose() {
	noise "$1" $(($2 / 2 + 1)) | od -An -v -tx1 | tr -d ' \n' | head -c "$2" || true
}

# tree_pack DIR FILE.tar
tree_pack() {
	tar --sort=name --mtime=@1700000000 --owner=0 --group=0 --numeric-owner --format=posix \
		--pax-option=delete=atime,delete=ctime -C "$1" -cf "$2" .
}

# The architecture of this machine as images name it.
oci_architecture() {
	case $(uname -m) in
	x86_64) echo amd64 ;;
	aarch64) echo arm64 ;;
	armv*) echo arm ;;
	*) uname -m ;;
	esac
}

oci_open() {
	OCI=$1
	mkdir -p "$OCI/blobs/sha256" "$OCI.layers"
	[ -e "$OCI/index.json" ] && return
	echo '{"imageLayoutVersion":"1.0.0"}' > "$OCI/oci-layout"
	echo '{"schemaVersion":2,"manifests":[]}' > "$OCI/index.json"
}

# oci_blob FILE: moves FILE into the layout; prints "sha256:<hex> <size>".
oci_blob() {
	local hex
	hex=$(sha256sum < "$1")
	hex=${hex%% *}
	mv "$1" "$OCI/blobs/sha256/$hex"
	echo "sha256:$hex $(stat -c %s "$OCI/blobs/sha256/$hex")"
}

oci_layer() {
	local tar=$1 how=${2:-gzip} diff digest size cached temp type
	diff=$(sha256sum < "$tar")
	diff=${diff%% *}
	cached=$OCI.layers/$diff.$how
	[ -e "$cached" ] && { cat "$cached"; return; }
	temp=$(mktemp "$OCI.layers/blob.XXXXXX")
	type=application/vnd.oci.image.layer.v1.tar+${how%-*}
	case $how in
	gzip) gzip -n6 -c "$tar" > "$temp" ;;
	zstd) zstd -q -3 -c "$tar" > "$temp" ;;
	# From a pipe: a frame that knows its size needs no larger window than that.
	zstd-*) zstd -q -3 --long="${how#zstd-}" -c < <(cat "$tar") > "$temp" ;;
	tar) cat "$tar" > "$temp"; type=application/vnd.oci.image.layer.v1.tar ;;
	*) echo "oci_layer: $how: gzip, zstd, zstd-N or tar" >&2; return 2 ;;
	esac
	read -r digest size < <(oci_blob "$temp")
	jq -nc '{diff_id:$diff, descriptor:{mediaType:$type, digest:$digest, size:$size}}' --arg diff "sha256:$diff" \
		--arg type "$type" --arg digest "$digest" --argjson size "$size" > "$cached"
	cat "$cached"
}

# oci_name REF MEDIA_TYPE DIGEST SIZE: the entry in index.json, replacing an older one of that name.
oci_name() {
	local temp=$OCI/index.json.new
	jq -c '.manifests |= (map(select(.annotations["org.opencontainers.image.ref.name"] != $ref)) +
		[{mediaType:$type, digest:$digest, size:$size,
		  annotations:{"org.opencontainers.image.ref.name":$ref}}])' \
		--arg ref "$1" --arg type "$2" --arg digest "$3" --argjson size "$4" "$OCI/index.json" > "$temp"
	mv "$temp" "$OCI/index.json"
}

oci_image() {
	local ref=$1 config=$2 temp digest size
	shift 2
	temp=$(mktemp "$OCI.layers/blob.XXXXXX")
	jq -nc '($ARGS.positional | map(fromjson)) as $layers |
		{created:"2024-01-01T00:00:00Z", architecture:$arch, os:"linux", config:{},
		 rootfs:{type:"layers", diff_ids:($layers | map(.diff_id))},
		 history:($layers | map({created:"2024-01-01T00:00:00Z", created_by:"oci.sh"}))} * ($config | fromjson)' \
		--arg arch "$(oci_architecture)" --arg config "$config" --args "$@" > "$temp"
	read -r digest size < <(oci_blob "$temp")
	jq -nc '{schemaVersion:2, mediaType:"application/vnd.oci.image.manifest.v1+json",
		config:{mediaType:"application/vnd.oci.image.config.v1+json", digest:$digest, size:$size},
		layers:($ARGS.positional | map(fromjson | .descriptor))}' \
		--arg digest "$digest" --argjson size "$size" --args "$@" > "$temp"
	read -r digest size < <(oci_blob "$temp")
	oci_name "$ref" application/vnd.oci.image.manifest.v1+json "$digest" "$size"
	echo "$digest"
}

oci_index() {
	local ref=$1 temp digest size entry platform manifest list='[]'
	shift
	for entry; do
		platform=${entry%%=*} manifest=${entry#*=}
		list=$(jq -c '. + [{mediaType:"application/vnd.oci.image.manifest.v1+json", digest:$digest, size:$size,
			platform:($platform | split("/") | {os:.[0], architecture:.[1]} +
				(if .[2] then {variant:.[2]} else {} end))}]' \
			--arg platform "$platform" --arg digest "$manifest" \
			--argjson size "$(stat -c %s "$OCI/blobs/sha256/${manifest#sha256:}")" <<< "$list")
	done
	temp=$(mktemp "$OCI.layers/blob.XXXXXX")
	jq -c '{schemaVersion:2, mediaType:"application/vnd.oci.image.index.v1+json", manifests:.}' \
		<<< "$list" > "$temp"
	read -r digest size < <(oci_blob "$temp")
	oci_name "$ref" application/vnd.oci.image.index.v1+json "$digest" "$size"
	echo "$digest"
}
