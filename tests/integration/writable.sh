#!/bin/bash
# writable_size: an app can't write more to flash than it says, on file systems that keep project quotas; where they don't,
# it is told why. GUEST=1: under Debian's kernel in QEMU, which has them on ext4, f2fs and xfs, as this machine's may not;
# `make check-flash` does that.
cd "$(dirname "$0")" || exit 2
. ../lib.sh
need jq curl mkfs.ext4 ${GUEST:+mkfs.f2fs mkfs.xfs}

BOX=/opt/app/bin/busybox

# in_guest: this script in an emulated device, which sees this machine's files.
in_guest() {
	mkdir "$T/add" "$T/disks"
	truncate -s 400M "$T/disks/0"
	VM_MEM=768 VM_SHARE=/ VM_DISKS=$T/disks/0 VM_TIMEOUT=900 VM_MODULES="ext4 f2fs xfs quota_v2" ../kernel/vm "$T/add" "
		for dir in proc sys dev; do mount --rbind /\$dir /host/\$dir; done
		for dir in run mnt tmp; do mount -t tmpfs tmpfs /host/\$dir; done
		export IN_GUEST=1 PATIENCE=5 BERTH=$SOURCE/out/x86_64/berth CACHE=$CACHE PATH=/usr/sbin:/usr/bin:/sbin:/bin
		cd /host && mount --move . / && exec chroot . /bin/bash $PWD/writable.sh" | tee "$T/guest.log"
	[ "${PIPESTATUS[0]}" = 0 ] && tail -n 1 "$T/guest.log" | grep -q '^[0-9]* passed, 0 failed'
	exit
}

keeps_quotas() {
	truncate -s 16M "$T/try" && mkfs.ext4 -q -O quota,project "$T/try" && mkdir "$T/m" &&
		mount -o loop,prjquota "$T/try" "$T/m" 2> /dev/null && umount "$T/m"
}

# disk MKFS...: makes the file system; mounted at $T/flash with OPTIONS.
disk() {
	local options=$1
	shift
	umount -l "$T/flash" 2> /dev/null # when the case before ended early
	"$@" "$DISK" > "$T/mkfs.log" 2>&1 || { cat "$T/mkfs.log"; return 1; }
	mkdir -p "$T/flash"
	mount -o "$options" "$DISK" "$T/flash"
}

capped() {
	config_begin
	cat >> "$T/agent.ini" <<-INI
		[app $1]
		image = oci:$IMAGES:app:v1
		network = none
		health = none
		probation = 1s
		stop_timeout = 1s
		entrypoint = /bin/sh -c "while :; do sleep 1; done"
		volume = data:/data
		bind = /:/host:ro
		writable_size = 8M
	INI
}

in_app() { berth exec "$1" $BOX "${@:2}"; }
free_kb() { df -k --output=avail "$T/flash" | tail -n 1; }

# limited KIND: on the disk that is mounted.
limited() {
	FLASH=$T/flash
	capped "$1"
	agent_start
	wait_until "$1: it runs" 30 app_is "$1" .state running
	if [ "$(app_get "$1" .state)" = running ]; then
		like "$1: more than its size is refused" "$(in_app "$1" dd if=/dev/zero of=/big bs=64k count=200 2>&1)" 'No space left|quota exceeded'
		check "$1: but not much less" test "$(in_app "$1" stat -c %s /big)" -gt 7000000
		same "$1: df shows the size" "$(in_app "$1" df -m / | awk 'NR == 2 { print $2 }')" 8
		check "$1: a volume is none of it" in_app "$1" dd if=/dev/zero of=/data/big bs=64k count=200
		check "$1: what is removed may be written again" in_app "$1" rm /big
		check "$1: a file of the image as well" in_app "$1" dd if=/dev/zero of=/big bs=64k count=100
		check "$1: files are moved between directories" in_app "$1" sh -c "mkdir /d && mv /big /d/big && mv /etc/passwd /d"
		leave_project "$1"
		same "$1: no end of empty files" "$(in_app "$1" sh -c 'mkdir /m; i=0; while : > /m/$i; do i=$((i+1)); [ $i -lt 5000 ] || exit 3; done' > /dev/null 2>&1; [ $? != 3 ] && echo no)" no
	fi
	agent_stop
	sed -i '/writable_size/d' "$T/agent.ini"
	agent_start
	wait_until "$1: without the limit" 30 has_no_limit "$1"
	wait_until "$1: the old container's project is gone" 30 has_no_projects
	sweep
	rm -rf "$T/flash/store" "${R:?}"/*
	check "$1: the disk is free again" poll 20 umount "$T/flash"
}

# Who owns a file may change its project, but for seccomp. Python is this machine's.
leave_project() {
	berth exec "$1" $BOX sh -c 'rm -f /d/big; mkdir /out; exec 3< /out; chroot /host python3 -c "
import fcntl, struct
def tell(request, value):
    try:
        fcntl.ioctl(3, request, value)
        print(\"changed\")
    except OSError as error:
        print(error.errno)
attr = bytearray(fcntl.ioctl(3, 0x801c581f, bytes(28)))
attr[12:16] = bytes(4)
tell(0x401c5820, bytes(attr))
tell(0x40086602, bytes(8))"' > "$T/leave" 2>&1
	same "$1: nobody leaves the project" "$(cat "$T/leave")" $'95\n95'
	like "$1: a directory that might have" "$(in_app "$1" dd if=/dev/zero of=/out/big bs=64k count=200 2>&1)" 'No space left|quota exceeded'
	in_app "$1" rm -r /out
}

has_no_limit() { app_is "$1" .state running && [ "$(in_app "$1" df -m / | awk 'NR == 2 { print $2 }')" -gt 8 ]; }
# Nothing below the store belongs to a project, so nothing counts for one.
has_no_projects() { [ -z "$(lsattr -pR "$T/flash/store" 2> /dev/null | awk '$1 + 0 >= 1073741824')" ]; }

refused() {
	FLASH=$T/flash
	capped "$1"
	agent_start
	wait_until "$1: it is told why not" 30 app_like "$1" .update.reason "$2"
	agent_stop
	sweep
	rm -rf "$T/flash/store" "${R:?}"/*
	check "$1: the disk is free again" poll 20 umount "$T/flash"
}

ext4() { disk prjquota mkfs.ext4 -q -F -O quota,project && limited ext4; }
f2fs() { disk prjquota mkfs.f2fs -q -f -O extra_attr,quota,project_quota && limited f2fs; }
xfs() { disk prjquota mkfs.xfs -q -f && limited xfs; }
ext4_counts_only() { disk defaults mkfs.ext4 -q -F -O quota,project && refused ext4 'mount it with -o prjquota'; }
ext4_plain() { disk defaults mkfs.ext4 -q -F && refused ext4 'mkfs.ext4 -O quota,project'; }
memory() { mkdir -p "$T/flash"; mount -t tmpfs tmpfs "$T/flash" && refused tmpfs 'put the store on ext4, f2fs or xfs'; }

if [ "${IN_GUEST:-}" ]; then
	IMAGES=$CACHE/test/oci
	DISK=/dev/vda
	for module in ext4 f2fs xfs; do
		case_run $module
	done
elif [ "${GUEST:-}" ]; then
	images
	in_guest
elif images && keeps_quotas; then
	truncate -s 400M "$T/disk"
	DISK=$(losetup -f --show "$T/disk")
	case_run ext4
	if command -v mkfs.f2fs > /dev/null; then case_run f2fs; else note "no f2fs here"; fi
else
	note "this machine's kernel keeps no quotas on a disk image"
	case_run memory
	done_testing
fi
case_run ext4_counts_only ext4_plain
[ "${IN_GUEST:-}" ] || losetup -d "$DISK"
done_testing
