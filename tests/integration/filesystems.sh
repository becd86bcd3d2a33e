#!/bin/bash
# The store on each file system that this kernel has: an app is installed and updated there, and the agent has nothing to
# warn of. One that can't do it is told at the start, with the reason.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl mkfs.ext4
fleet
FLASH=$T/flash
mkdir "$FLASH"

# on SIZE MKFS...: makes and mounts it. 1: this kernel or machine can't.
on() {
	local size=$1
	shift
	command -v "$1" > /dev/null || return 1
	truncate -s "$size" "$T/flash.img"
	"$@" "$T/flash.img" > "$T/mkfs.log" 2>&1 && mount -o loop,noatime "$T/flash.img" "$FLASH" 2> /dev/null
}
off() { end KILL "$AGENT"; sweep; poll 10 umount "$FLASH"; rm -f "$T/flash.img" "$T/agent.pid"; : > "$T/agent.log"; }

works() {
	local name=$1
	config_begin
	release v1
	app web "$REG/app:stable" "probation = 1s"
	agent_start
	wait_until "$name: v1 runs" 20 app_runs web "$(digest_of app:v1)"
	check "$name: what was tried is remembered" test -s "$STORE/tried"
	release v2
	wait_until "$name: v2 runs" 20 app_runs web "$(digest_of app:v2)"
	same "$name: no warning" "$(grep -a 'warning: store' "$T/agent.log")" ""
	off
}

ext4() { on 64M mkfs.ext4 -q -F && works ext4; }
xfs() { if on 320M mkfs.xfs -q; then works xfs; else note "no xfs here"; fi; }
btrfs() { if on 256M mkfs.btrfs -q; then works btrfs; else note "no btrfs here"; fi; }
f2fs() { if on 64M mkfs.f2fs -q; then works f2fs; else note "no f2fs here"; fi; }
tmpfs() { mount -t tmpfs -o size=64m none "$FLASH" && works tmpfs; }

told() {
	like "$1 is told" "$(grep -a 'store' "$T/agent.log")" "$2"
	off
}

overlay_on_overlay() {
	mkdir -p "$T/lower" "$T/upper" "$T/work"
	mount -t tmpfs none "$T/upper"
	mkdir "$T/upper/u" "$T/upper/w"
	mount -t overlay overlay -o "lowerdir=$T/lower,upperdir=$T/upper/u,workdir=$T/upper/w" "$FLASH"
	config_begin
	agent_start
	told "overlayfs" "is on overlayfs: .*; put it on ext4"
	umount "$T/upper"
}

fat() {
	on 64M mkfs.vfat || { note "no FAT here"; return; }
	config_begin
	agent_start
	told "FAT" "is on FAT: no symlinks, .*; put it on ext4"
}

# Made for it, and with a kernel of old: entries without their kind.
xfs_without_ftype() {
	on 320M mkfs.xfs -q -m crc=0 -n ftype=0 || { note "no such xfs here"; return; }
	config_begin
	agent_start
	told "xfs without ftype" "has no .*kinds of directory entries"
}

read_only() {
	on 64M mkfs.ext4 -q -F
	mkdir "$FLASH/store"
	mount -o remount,ro "$FLASH"
	config_begin
	like "a read-only store is told" "$(timeout 10 "$BERTH" agent --config "$T/agent.ini" 2>&1)" 'mounted read-only; mount it for writing'
	umount "$FLASH"
}

case_run ext4 xfs btrfs f2fs tmpfs overlay_on_overlay fat xfs_without_ftype read_only
done_testing
