#!/bin/bash
# Images in files: installed from an OCI layout and from archives, updated by replacing them, rolled back; and the
# medium that comes late, goes away, is damaged or hostile.
. "$(dirname "$0")/../lib.sh"
need skopeo umoci jq curl zstd
images

digest_in() { jq -r --arg name "${2:-stable}" '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == $name) | .digest' "$1/index.json"; }

# burn VERSION DIR [NAME]: as somebody prepares a stick; burn_archive the same in one file.
burn() {
	mkdir -p "${2%/*}"
	skopeo copy -q "oci:$IMAGES:app:$1" "oci:$2:${3:-stable}"
}
burn_archive() {
	rm -f "$2"
	skopeo copy -q "oci:$IMAGES:app:$1" "oci-archive:$2:stable"
}

updates_from_a_stick() {
	local usb=$T/usb port v1 v5
	config_begin
	app web "oci:$usb/fleet:stable"
	port=$PORT
	agent_start
	wait_until "without the stick it waits" 40 app_like web .update.error "waits for $usb/fleet"
	burn v1 "$usb/fleet"
	v1=$(digest_in "$usb/fleet")
	wait_until "when it is there v1 is installed" 40 app_runs web "$v1"
	wait_until "v1 answers" 40 serves "$port" v1
	same "the status has the image as it was written" "$(app_get web .image)" "oci:$usb/fleet:stable"
	same "and nothing to complain" "$(app_get web .update.error)" null

	mv "$usb" "$usb-gone"
	wait_until "without the stick the status says so" 40 app_like web .update.error "waits for"
	check "and v1 runs on" stays 2 app_runs web "$v1"
	mv "$usb-gone" "$usb"

	burn v3 "$usb/fleet"
	wait_until "v3 is not healthy: rolled back" 40 app_is web .update.last rolled-back
	wait_until "v1 runs again" 40 app_runs web "$v1"
	burn v5 "$usb/fleet"
	v5=$(digest_in "$usb/fleet")
	wait_until "v5 is taken" 40 app_runs web "$v5"
	wait_until "v5 answers" 40 serves "$port" v5
	no_leftovers 1
}

updates_from_an_archive() {
	local file=$T/fleet.tar port
	burn_archive v1 "$file"
	config_begin
	app web "oci-archive:$file:stable"
	port=$PORT
	agent_start
	wait_until "v1 is installed, the same image as in a layout" 40 app_runs web "$(digest_in "$IMAGES" app:v1)"
	wait_until "v1 answers" 40 serves "$port" v1
	burn_archive v5 "$file.new" && mv "$file.new" "$file"
	wait_until "v5 is taken" 40 app_runs web "$(digest_in "$IMAGES" app:v5)"
	wait_until "v5 answers" 40 serves "$port" v5
	no_leftovers 1
}

by_hand() {
	local usb=$T/hand
	burn v1 "$usb/skopeo"
	burn_archive v2 "$T/hand.tar"
	# umoci's index.json is for root alone
	umoci init --layout "$usb/umoci" && umoci new --image "$usb/umoci:empty"
	burn v5 "$usb/umoci" app:v5
	config_begin
	agent_start
	check "berth pull reads a layout of skopeo" berth pull -q "oci:$usb/skopeo:stable"
	check "and an archive" berth pull -q "oci-archive:$T/hand.tar:stable"
	check "which oci: takes as well" berth pull -q "oci:$T/hand.tar:stable"
	check "and a layout of umoci, with names as skopeo gives them" berth pull -q "oci:$usb/umoci:app:v5"
	like "images lists them by that name" "$(berth images)" "oci:$usb/skopeo +stable"
	like "a name that is not there is answered with those that are" "$(berth pull "oci:$usb/skopeo:v9" 2>&1)" "no image named v9; it has: stable"
	like "without a tag it asks for one" "$(berth pull "oci:$usb/skopeo" 2>&1)" "add :TAG"
}

# What lies on the stick is as foreign as what comes from a registry.
hostile_sticks() {
	local usb=$T/evil manifest layer
	burn v1 "$usb"
	cp -a "$usb" "$usb.good"
	manifest=$usb/blobs/sha256/$(digest_in "$usb" | cut -d: -f2)
	layer=$usb/blobs/sha256/$(jq -r '.layers[-1].digest' "$manifest" | cut -d: -f2)
	config_begin
	agent_start

	printf X | dd of="$layer" bs=1 seek=100 conv=notrunc status=none
	like "other bytes in a layer are noticed" "$(berth pull "oci:$usb:stable" 2>&1)" 'digest'
	truncate -s -1 "$layer"
	like "and that some are missing" "$(berth pull "oci:$usb:stable" 2>&1)" 'bytes instead of'
	cp "$usb.good/${layer#"$usb"/}" "$T/elsewhere"
	ln -sf "$T/elsewhere" "$layer"
	like "a symbolic link is not followed" "$(berth pull "oci:$usb:stable" 2>&1)" 'symbolic link'
	rm "$layer" && mkfifo "$layer"
	like "a FIFO is not waited for" "$(berth pull "oci:$usb:stable" 2>&1)" 'no regular file'
	rm "$layer"
	like "a blob that vanished is named" "$(berth pull "oci:$usb:stable" 2>&1)" 'No such file'
	rm "$usb/index.json" && ln -s /etc/passwd "$usb/index.json"
	like "nor is index.json a link" "$(berth pull "oci:$usb:stable" 2>&1)" 'symbolic link'
	rm -r "$usb" && cp -a "$usb.good" "$usb"
	chmod -R go= "$usb"
	check "the good one is still taken, and if it is root's alone" berth pull -q "oci:$usb:stable"
	no_leftovers 0
}

# 1.2 GB of zeros in some 40 kB. Only as far as decode, so that nothing is written.
bombs() {
	local manifest
	mkdir "$T/bomb"
	truncate -s 1200M "$T/bomb/zeros"
	tar -C "$T/bomb" -cf - zeros | zstd -q -o "$T/bomb.zst"
	oci_open "$T/bombs"
	manifest=$(oci_image bomb '{}' "$(bomb_layer)")
	"$BERTH" fetch pull "oci:$T/bombs:bomb" "$manifest" 3> "$T/fetched" < /dev/null |
		"$BERTH" decode "$manifest" 3> "$T/report" 6< <(echo '{"limits":{"window_log":23}}') > /dev/null
	like "a zstd bomb is refused" "$(cat "$T/report")" 'unpacks to more than 1[0-9]* bytes.*"limit"'
}

# bomb_layer: the line that oci_layer would print, for a blob that is compressed already.
bomb_layer() {
	local digest
	digest=$(sha256sum < "$T/bomb.zst" | cut -d' ' -f1)
	cp "$T/bomb.zst" "$T/bombs/blobs/sha256/$digest"
	jq -nc --arg digest "sha256:$digest" --argjson size "$(stat -c %s "$T/bomb.zst")" \
		'{diff_id: $digest, descriptor: {mediaType: "application/vnd.oci.image.layer.v1.tar+zstd", digest: $digest, size: $size}}'
}

case_run updates_from_a_stick updates_from_an_archive by_hand hostile_sticks bombs
done_testing
