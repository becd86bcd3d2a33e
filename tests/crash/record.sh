# shellcheck shell=bash
# record.sh - runs a scenario with the real agent on an ext4 of its own and records every write and flush that reaches the
# disk. Source tests/lib.sh, images.sh and scenarios.sh first.
#
#   record SCENARIO DIR       calls prepare_SCENARIO (not recorded; the agent runs) and SCENARIO, both with the store at
#                             $FLASH/store; leaves base.img, log, size, agent.ini in DIR, which replay reads
#   mark APP [TAG...]         the step is done: the app is at version APP ("" for none), the TAGs are there. Power cuts
#                             behind this point must find it, those before it this or the mark before. DAMAGED: until
#                             the next mark this layer is not whole
#
# QEMU's storage daemon shows the image as a file through FUSE and logs what is written to it (blklogwrites). No device
# mapper and no virtual machine is needed.

DISK_SIZE=$((48 << 20))
# Without auto_da_alloc and with rare commits the file system forgives the least: what berth does not sync is not there.
DISK_OPTIONS=loop,noauto_da_alloc,commit=60

disk_make() {
	local size=$DISK_SIZE
	truncate -s $size "$1"
	mkfs.ext4 -q -F -b 4096 -J size=4 -E lazy_itable_init=0,lazy_journal_init=0 "$1"
	truncate -s $((size + 4096)) "$1"
}

# disk_record IMAGE LOG: from now on $DISK is the image, recorded; disk_end ends that.
disk_record() {
	DISK=$T/disk
	: > "$DISK"
	: > "$2"
	background storage qemu-storage-daemon \
		--blockdev driver=file,node-name=file,filename="$1" \
		--blockdev driver=file,node-name=log,filename="$2" \
		--blockdev driver=blklogwrites,node-name=disk,file=file,log=log,log-sector-size=512 \
		--export type=fuse,id=export,node-name=disk,mountpoint="$DISK",writable=on
	STORAGE=$!
	poll 10 test -s "$DISK" || { fail "qemu-storage-daemon shows no disk: $(cat "$T/storage.log")"; exit 1; }
}

disk_end() { end TERM "$STORAGE"; }

mark() {
	local app=null tags
	[ -z "$1" ] || app="\"$1\""
	shift
	tags=$(printf '"%s",' "$@")
	[ $# -gt 0 ] || tags=
	mark_write "{\"app\":$app,\"tags\":[${tags%,}],\"damaged\":\"${DAMAGED:-}\"}"
}

# Whole sectors, as the recorder counts them; not through the file system.
mark_write() {
	printf %s "$1" | dd of="$DISK" bs=512 seek=$((DISK_SIZE / 512)) conv=notrunc,sync status=none
}

unmount() { poll 10 umount "$FLASH"; }

record() {
	local scenario=$1 dir=$2
	mkdir -p "$dir" "$T/flash"
	FLASH=$T/flash
	rm -f "$dir/base.img"
	disk_make "$dir/base.img"
	config_begin
	mount -o $DISK_OPTIONS "$dir/base.img" "$FLASH"
	"prepare_$scenario"
	sweep
	rm -rf "${R:?}"/*
	unmount || { fail "$scenario: the disk is still in use"; return 1; }
	cp --sparse=always "$dir/base.img" "$dir/disk.img"
	disk_record "$dir/disk.img" "$dir/log"
	mount -o $DISK_OPTIONS "$DISK" "$FLASH"
	"$scenario"
	cp "$T/agent.ini" "$dir/agent.ini"
	echo $DISK_SIZE > "$dir/size"
	sweep
	rm -rf "${R:?}"/* "$T/agent.pid"
	unmount || fail "$scenario: the disk is still in use"
	disk_end
	rm -f "$dir/disk.img"
}
