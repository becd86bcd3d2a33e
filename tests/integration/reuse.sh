#!/bin/bash
# An update in which few files differ: the others are linked to those of the version before, and hardly anything is
# written. The store is on an ext4 of its own, whose device tells how much was.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl openssl mkfs.ext4 findmnt
FLASH=$T/flash
FILES=120
registry_start

# flash_make SIZE
flash_make() {
	mkdir -p "$FLASH"
	! mountpoint -q "$FLASH" || poll 20 umount "$FLASH" # the case before may hold it for a moment
	rm -f "$T/flash.img"
	truncate -s "$1" "$T/flash.img"
	mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 "$T/flash.img"
	mount -o loop,noatime "$T/flash.img" "$FLASH"
	DISK=$(basename "$(findmnt -no SOURCE "$FLASH")")
}
flash_sectors() { sync -f "$FLASH"; awk '{ print $7 }' "/sys/block/$DISK/stat"; }

# tree VERSION: 120 files of 64 KiB of which the 60th is of its version, a hard link, a directory that becomes a link.
tree() {
	local i
	rm -rf "$T/tree"
	mkdir -p "$T/tree/opt/fat" "$T/tree/etc"
	for i in $(seq $FILES); do noise "file$i" 65536 > "$T/tree/opt/fat/file$i"; done
	noise "file60$1" 65536 > "$T/tree/opt/fat/file60"
	for i in $(seq 50); do echo "small $i" > "$T/tree/etc/small$i"; done
	chmod 04755 "$T/tree/etc/small1"
	ln "$T/tree/opt/fat/file1" "$T/tree/opt/again"
	echo "$1" > "$T/tree/version"
	case $1 in
	v1) mkdir "$T/tree/moved" && echo x > "$T/tree/moved/x" ;;
	*) ln -s etc "$T/tree/moved" ;;
	esac
	tree_pack "$T/tree" "$T/layer-$1.tar"
}

release_fat() {
	tree "$1"
	oci_image "fat:$1" '{"config":{"Cmd":["/version"]}}' "$(oci_layer "$T/layer-$1.tar" "${2:-gzip}")" > /dev/null
	registry_push "$T/oci" "fat:$1" fat:stable
}

pull() { "$BERTH" pull -q "$REG/fat:stable" > "$T/pull.log" 2>&1 || { fail "pull: $(cat "$T/pull.log")"; explain; exit 1; }; }
# fs_of VERSION: its layer's tree in the store.
fs_of() { echo "$STORE/layers/$(sha256sum < "$T/layer-$1.tar" | cut -d' ' -f1)/fs"; }
inode() { stat -c %i "$1"; }

# is_whole VERSION: what the tar says, in the store.
is_whole() {
	local fs
	fs=$(fs_of "$1")
	tar --compare --numeric-owner -f "$T/layer-$1.tar" -C "$fs" &&
		[ "$(find "$fs" | wc -l)" = "$(tar -tf "$T/layer-$1.tar" | wc -l)" ]
}

# shared OLD NEW: how many names of NEW are the same file under the same name in OLD.
shared() {
	comm -12 <(cd "$(fs_of "$1")" && find . -type f -printf '%i %p\n' | sort) \
		<(cd "$(fs_of "$2")" && find . -type f -printf '%i %p\n' | sort) | wc -l
}

unchanged_files_are_linked() {
	local before written
	flash_make 128M
	oci_open "$T/oci"
	config_begin
	agent_start
	release_fat v1
	before=$(flash_sectors)
	pull
	written=$((($(flash_sectors) - before) * 512))
	check "the first version is whole" is_whole v1
	check "it was written ($written bytes)" test "$written" -gt $((FILES * 65536))

	release_fat v2
	before=$(flash_sectors)
	pull
	written=$((($(flash_sectors) - before) * 512))
	check "the second version is whole" is_whole v2
	same "files shared, hard links among them" "$(shared v1 v2)" $((FILES - 1 + 50 + 1))
	check "the changed file has an inode of its own" \
		test "$(inode "$(fs_of v1)/opt/fat/file60")" != "$(inode "$(fs_of v2)/opt/fat/file60")"
	same "an unchanged one has a name in both" "$(stat -c %h "$(fs_of v2)/opt/fat/file2")" 2
	check "hardly anything was written ($written bytes)" test "$written" -lt 500000
	check "the first version is as it was" is_whole v1
	wait_until "nothing is left in staging" 20 is_empty "$STORE/staging"
	same "no list of unchanged files is left" "$(find "$STORE" -name held | wc -l)" 0

	release_fat v3 zstd
	pull
	check "the third version, by zstd, is whole" is_whole v3
	same "it shares with the second" "$(shared v2 v3)" $((FILES - 1 + 50 + 1))
	wait_until "nothing is left in staging" 20 is_empty "$STORE/staging"
	same "what is counted as used is what is used" \
		"$(($(berth status --json | jq .store.bytes) / 100000))" \
		"$(($(cd "$STORE/layers" && find . -type f -path '*/fs/*' -printf '%i %s\n' | sort -u | awk '{ s += $2 } END { print s }') / 100000))"
}


# There is no room for the second version as a whole, but for what is new in it.
room_for_what_is_new_is_enough() {
	flash_make 36M
	oci_open "$T/oci"
	config_begin
	sed -i '/^\[agent\]/a min_free = 8M' "$T/agent.ini"
	agent_start
	release_fat v1
	pull
	release_fat v2
	pull
	check "the second version is whole" is_whole v2
	same "files shared" "$(shared v1 v2)" $((FILES - 1 + 50 + 1))
}

case_run unchanged_files_are_linked room_for_what_is_new_is_enough
done_testing
