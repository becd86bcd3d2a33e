#!/bin/bash
# Every shape of tar, as layers of one image: what berth makes of each is compared with what GNU tar makes of it, name by
# name: type, mode, owner, size, time in ns, device, hard links, attributes, content, holes. What all layers together
# give, whiteouts and all, is compared with what umoci unpacks.
#
# Differences that are meant:
#   - The root directory keeps its attributes where an archive has no entry for it.
#   - A directory has the time its entry says, whatever comes later. GNU tar sets it when it thinks that it has left the
#     directory, and forgets it when more is written there by another spelling or through a link.
#   - pax headers for all that follows ("g") are passed over, as docker does, not applied.
#   - A hard link to a file of a lower layer is refused. Layers are unpacked without what is below them, so that images
#     can share them; docker does so as well. umoci, which unpacks one onto the other, follows it.
#   - Attributes of kinds that containers don't have (trusted.*, security.selinux) are left out.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl tar umoci python3
HERE=$(dirname "$0")
BEGIN=$(date +%s)
mkdir -p "$T/tars" "$T/out"

# rich DIR: a tree of all that a file system holds.
rich() {
	local deep i
	mkdir -p "$1/dir/sub" "$1/empty" "$1/read-only" "$1/$(printf 'a%.0s' {1..90})"
	deep=$1/$(printf 'deep%.0s/' {1..40})
	mkdir -p "$deep"
	echo deep > "$deep/file"
	echo x > "$1/dir/file"
	: > "$1/dir/nothing"
	noise content 300000 > "$1/dir/large"
	ln "$1/dir/file" "$1/dir/sub/hard"
	ln "$1/dir/large" "$1/another-name-of-large"
	ln -s "$(printf 'target/%.0s' {1..40})" "$1/long-link"
	ln -s ../dir "$1/empty/link"
	mkfifo "$1/fifo"
	mknod "$1/char" c 1 7 && mknod "$1/block" b 259 70000
	echo n > "$1/$(printf 'n%.0s' {1..240})"
	echo b > "$1/$(printf 'bytes-\xff\xfe')"
	install -m 4711 -o 1234 -g 4321 /dev/null "$1/suid"
	install -m 2755 -o 70000 -g 3000000000 /dev/null "$1/sgid"
	install -d -m 1777 "$1/sticky"
	install -d -m 3775 -g 99 "$1/sgid-dir"
	echo r > "$1/read-only/file"
	chmod 0400 "$1/read-only/file"
	truncate -s 3M "$1/sparse"
	for i in 0 9 17 300 512 700 701; do printf 'data %s' $i | dd of="$1/sparse" bs=4096 seek=$i conv=notrunc status=none; done
	truncate -s 1M "$1/all-hole"
	truncate -s 40M "$1/many-holes"
	for i in $(seq 0 50); do printf x | dd of="$1/many-holes" bs=4096 seek=$((i * 200)) conv=notrunc status=none; done
	find "$1" -exec touch -h -d '2021-03-04 05:06:07.123456789' {} +
	python3 -c '
import os, sys
os.setxattr(sys.argv[1] + "/dir/file", "user.note", b"bytes \0\xff")
os.setxattr(sys.argv[1] + "/dir", "user.note", b"of a directory")
os.setxattr(sys.argv[1] + "/suid", "security.capability", bytes.fromhex("0100000200240000000000000000000000000000"))' "$1"
	touch -d '2001-02-03' "$1/dir/sub" && chmod 0500 "$1/read-only"
}

pack() { tar --numeric-owner --sort=name -C "$T/rich" -cf "$T/tars/$1.tar" "${@:2}"; }

archives() {
	rich "$T/rich"
	pack posix --format=posix --xattrs --xattrs-include='*' .
	pack posix-sparse --format=posix -S .
	pack posix-sparse-0.0 --format=posix -S --sparse-version=0.0 .
	pack posix-sparse-0.1 --format=posix -S --sparse-version=0.1 .
	pack gnu --format=gnu .
	pack gnu-sparse --format=gnu -S .
	pack oldgnu --format=oldgnu -S dir fifo char sparse many-holes all-hole
	pack ustar --format=ustar dir fifo char sticky read-only sparse
	pack v7 --format=v7 dir read-only empty
	pack absolute-gnu --format=gnu -P --transform 's,^,/abs/,' dir sparse fifo
	"$HERE/make-shapes" "$T/tars"
}

list() { "$HERE/tree-list" "$1" "$BEGIN"; }

# without_root: GNU tar leaves the directory it extracts into alone unless there is an entry for it.
without_root() {
	tar -tf "$1" > "$T/names" 2> /dev/null
	if grep -qx -e ./ -e . "$T/names"; then cat; else sed 1d; fi
}

same_as_tar() {
	local name=$1 tar=$T/tars/$1.tar fs
	fs=$STORE/layers/$(sha256sum < "$tar" | cut -d' ' -f1)/fs
	mkdir -p "$T/out/$name"
	tar -xp --same-owner --numeric-owner --xattrs --xattrs-include='*' -f "$tar" -C "$T/out/$name" 2> "$T/tar.log" ||
		{ fail "$name: GNU tar: $(cat "$T/tar.log")"; return; }
	list "$T/out/$name" | without_root "$tar" > "$T/tar.list"
	list "$fs" | without_root "$tar" > "$T/berth.list"
	if diff "$T/tar.list" "$T/berth.list" > "$T/diff"; then
		ok "$name: $(wc -l < "$T/berth.list") names as GNU tar has them"
	else
		fail "$name: < GNU tar, > berth: $(head -10 "$T/diff")"
	fi
	rm -rf "$T/out/$name"
}

as_gnu_tar() {
	local tar layers=()
	archives
	oci_open "$T/oci"
	for tar in "$T"/tars/*.tar; do layers+=("$(oci_layer "$tar" tar)"); done
	oci_image shapes:v1 '{}' "${layers[@]}" > /dev/null
	registry_push "$T/oci" shapes:v1 shapes:v1
	config_begin
	agent_start
	check "an image of ${#layers[@]} layers is pulled" "$BERTH" pull -q "$REG/shapes:v1"
	for tar in "$T"/tars/*.tar; do same_as_tar "$(basename "$tar" .tar)"; done
	like "fsck finds them whole" "$(berth fsck 2>&1)" 'the store is whole'
}

# layer NAME: of $T/tree.
layer() {
	tar --sort=name --numeric-owner --format=posix --xattrs --xattrs-include='*' -C "$T/tree" -cf "$T/$1.tar" .
	LAYERS+=("$(oci_layer "$T/$1.tar" gzip)")
	rm -rf "$T/tree"
	mkdir -p "$T/tree"
}

layered_image() {
	local t=$T/tree
	LAYERS=()
	rm -rf "$t"
	rich "$t"
	mkdir -p "$t/gone" "$t/emptied/sub" "$t/replaced" "$t/kept"
	touch "$t/gone/file" "$t/emptied/a" "$t/emptied/sub/b" "$t/replaced/old" "$t/kept/file" "$t/file-then-dir" "$t/plain"
	ln "$t/plain" "$t/hard-1" && ln "$t/plain" "$t/hard-2"
	ln -s kept "$t/was-link"
	find "$t" -exec touch -h -d '2021-03-04 05:06:07.123456789' {} +
	layer one

	# Whiteouts, an opaque directory, hard links of which one goes, kinds that change.
	mkdir -p "$t/emptied" "$t/dir" "$t/file-then-dir" "$t/was-link" "$t/new"
	touch "$t/.wh.gone" "$t/emptied/.wh..wh..opq" "$t/emptied/fresh" "$t/dir/.wh.large" "$t/file-then-dir/x" "$t/was-link/y"
	touch "$t/.wh.replaced" "$t/.wh.hard-1" "$t/.wh.fifo" "$t/.wh.char" "$t/.wh.not-there"
	echo now a file > "$t/empty"
	echo one > "$t/new/one" && ln "$t/new/one" "$t/new/two" && ln "$t/new/one" "$t/hard-3"
	find "$t" -exec touch -h -d '2022-03-04 05:06:07.987654321' {} +
	layer two

	# What was hidden comes back otherwise; a hidden hard link's other names stay.
	mkdir -p "$t/gone" "$t/new" "$t/replaced"
	echo back > "$t/gone/file" && echo c > "$t/replaced/c"
	touch "$t/new/.wh.one"
	mkfifo "$t/char"
	find "$t" -exec touch -h -d '2023-03-04 05:06:07.5' {} +
	layer three
	oci_image layered:v1 '{}' "${LAYERS[@]}" > /dev/null
	registry_push "$T/oci" layered:v1 layered:v1
}

as_umoci() {
	local lower='' diff
	oci_open "$T/oci"
	layered_image
	config_begin
	agent_start
	check "an image with whiteouts is pulled" "$BERTH" pull -q "$REG/layered:v1"
	umoci raw unpack --image "$T/oci:layered:v1" "$T/umoci" > "$T/umoci.log" 2>&1 || fail "umoci: $(tail -3 "$T/umoci.log")"
	for diff in one two three; do lower=$STORE/layers/$(sha256sum < "$T/$diff.tar" | cut -d' ' -f1)/fs${lower:+:$lower}; done
	mkdir -p "$T/merged"
	mount -t overlay overlay -o "ro,lowerdir=$lower" "$T/merged" || { fail "cannot mount the layers"; return; }
	list "$T/umoci" > "$T/umoci.list"
	list "$T/merged" > "$T/berth.list"
	umount "$T/merged"
	if diff "$T/umoci.list" "$T/berth.list" > "$T/diff"; then
		ok "layers: $(wc -l < "$T/berth.list") names as umoci has them"
	else
		fail "layers: < umoci, > berth: $(head -20 "$T/diff")"
	fi
}

# The difference that is meant: it says so.
a_link_to_a_lower_layer_is_refused() {
	local lower
	oci_open "$T/oci"
	mkdir -p "$T/low" "$T/both"
	echo x > "$T/low/file"
	cp -a "$T/low/file" "$T/both/" && ln "$T/both/file" "$T/both/link"
	tree_pack "$T/low" "$T/low.tar"
	tree_pack "$T/both" "$T/link.tar"
	tar --delete -f "$T/link.tar" ./file
	lower=$(oci_layer "$T/low.tar" gzip)
	oci_image link:v1 '{}' "$lower" "$(oci_layer "$T/link.tar" gzip)" > /dev/null
	registry_push "$T/oci" link:v1 link:v1
	config_begin
	agent_start
	like "a hard link to a file of a lower layer is refused" "$("$BERTH" pull -q "$REG/link:v1" 2>&1)" 'link'
}

registry_start
case_run as_gnu_tar as_umoci a_link_to_a_lower_layer_is_refused
done_testing
