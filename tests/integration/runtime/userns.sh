#!/bin/bash
# User namespaces: whom the container's users are outside, what they may reach, devices, exec, joined ones; and mounts
# that shift owners.
. "$(dirname "$0")/harness"

# The container's root owns its files; the bundle's directory is closed to it.
chown -R 100000:100000 "$ROOTS"
chmod 700 "$T"
ALL_NAMESPACES=$NAMESPACES

# userns [MORE-LINUX]: settings for config
userns() {
	fresh
	NAMESPACES="$ALL_NAMESPACES,{\"type\":\"user\"}"
	LINUX=',"uidMappings":[{"containerID":0,"hostID":100000,"size":65536}],"gidMappings":[{"containerID":0,"hostID":100000,"size":65536}]'"${1:-}"
}

userns
run box sh -c 'id -u; cat /proc/self/uid_map /proc/self/gid_map; hostname; stat -c %u:%g /bin /proc/1 /dev/pts'
like "root inside, with its mapping" "$OUT" $'^0\n +0 +100000 +65536\n +0 +100000 +65536\nbox\n0:0\n0:0\n0:0$'
start box sleep 1000
pid=$(pid_of box)
same "nobody outside" "$(stat -c %u:%g "/proc/$pid/root/proc/1")" 100000:100000
like "in all four ids" "$(cat "/proc/$pid/status")" $'Uid:\t100000\t100000\t100000\t100000'
like "without the host's groups" "$(cat "/proc/$pid/status")" $'Groups:\t *\n'
like "exec is root inside" "$(rt exec box sh -c 'id -u; id -g; cat /proc/self/uid_map')" $'^0\n0\n +0 +100000'
rt exec --detach --pid-file "$T/pid" box sleep 999 > /dev/null
like "exec's process is nobody outside" "$(cat "/proc/$(cat "$T/pid")/status")" $'Uid:\t100000\t100000\t100000\t100000\nGid:\t100000\t100000'
same "exec as a user" "$(rt exec --user app box id -u)$(rt exec --user 7:8 box id -g)" 10008
like "exec's supplementary groups" "$(rt exec --user app box id -G)" '^1001 20 44$'
same "exec is in every namespace" "$(rt exec box readlink /proc/self/ns/user)" "$(readlink "/proc/$pid/ns/user")"
like "exec holds no more than the container" "$(rt exec box grep CapEff /proc/self/status)" 'a80425fb$'
rt delete --force box

MOUNTS=',{"destination":"/dev/mqueue","type":"mqueue","source":"mqueue"}'
run box stat -c %u:%g /dev/mqueue
same "the directory of message queues is root's" "$OUT" 0:0
MOUNTS=''

USER='{"uid":1000,"gid":1001,"additionalGids":[20]}'
run box sh -c 'id -u; id -G; touch /data/x && echo wrong; echo out > /dev/stdout'
same "another user of it" "$OUT" $'1000\n1001 20\ntouch: /data/x: Permission denied\nout'
config piped sh -c 'echo again > /dev/stdout'
same "its pipes can be opened again" "$(rt run --bundle "$T/piped" piped 2>&1 < /dev/null | cat)" again
USER='{"uid":70000,"gid":0}'
run box true
like "a user that is not mapped" "$OUT" 'become user 70000: Invalid argument'

# ---- what root inside may do, and what not ----

userns
ALL=$(list CAP_SYS_ADMIN CAP_NET_ADMIN CAP_CHOWN CAP_DAC_OVERRIDE CAP_SYS_RESOURCE CAP_MKNOD CAP_SETUID CAP_SETGID)
CAPS="{\"bounding\":[$ALL],\"effective\":[$ALL],\"permitted\":[$ALL]}"
run box sh -c 'mount -t tmpfs x /tmp && echo mounted; umount /tmp; ip link set lo mtu 1400 && echo net; ip -o link | grep -c 1400
	mknod /dev/x b 8 0; echo 1 > /proc/sys/kernel/sysrq; echo x > /proc/sysrq-trigger; mount -o remount,rw /sys 2> /dev/null; true'
like "all rights inside" "$OUT" $'^mounted\nnet\n1\n'
like "no device nodes" "$OUT" 'mknod: /dev/x: Operation not permitted'
like "none of the host's switches" "$OUT" "can't create /proc/sys"
echo secret > "$T/secret"
chmod 600 "$T/secret"
MOUNTS=",{\"destination\":\"/srv/secret\",\"source\":\"$T/secret\",\"options\":[\"bind\"]}"
run box cat /srv/secret
like "a closed file of the host stays closed" "$OUT" 'Permission denied'
mkdir "$T/volume"
mount --bind "$T/volume" "$T/volume"
mount --make-shared "$T/volume"
MOUNTS=",{\"destination\":\"/srv/volume\",\"source\":\"$T/volume\",\"options\":[\"rbind\"]}"
run box grep ' /srv/volume ' /proc/self/mountinfo
like "a volume hears of the host's mounts" "$OUT" ' master:'
unlike "and tells of none" "$OUT" ' shared:'
umount "$T/volume"
MOUNTS=''

# ---- devices ----

userns
DEVICES='{"path":"/dev/kmsg","type":"c","major":1,"minor":11},{"path":"/dev/pipe","type":"p"}'
run box sh -c 'echo x > /dev/null && head -c 4 /dev/zero | wc -c; ls -l /dev/kmsg /dev/pipe | cut -c 1; tty; stat -c %t:%T /dev/full'
same "devices are the host's" "$OUT" $'4\nc\np\nnot a tty\n1:7'
DEVICES='{"path":"/dev/null","type":"c","major":1,"minor":5}'
run box true
like "not others" "$OUT" 'device /dev/null: on the host is not device 1:5'
DEVICES='{"path":"/dev/none","type":"c","major":1,"minor":5}'
run box true
like "nor what the host has not" "$OUT" 'device /dev/none: on the host \(a user namespace'
userns
TERMINAL=true
if command -v script > /dev/null; then
	config box sh -c 'tty; stat -c %u /dev/console'
	like "a terminal" "$(script -qec "'$BERTH' runtime --root '$T/state' run --bundle '$T/box' box" /dev/null < /dev/null)" '/dev/pts/0[^a-z]*0'
fi
userns

# ---- shared namespaces ----

NAMESPACES='{"type":"mount"},{"type":"pid"},{"type":"user"},{"type":"uts"}'
run box sh -c 'ls /sys/class/net/lo > /dev/null && echo sys; touch /sys/x 2>&1'
like "the host's sysfs when its network is shared" "$OUT" $'^sys\ntouch: /sys/x: Read-only file system'
userns
start first sleep 1000
pid=$(pid_of first)
NAMESPACES="{\"type\":\"mount\"},{\"type\":\"user\",\"path\":\"/proc/$pid/ns/user\"},{\"type\":\"network\",\"path\":\"/proc/$pid/ns/net\"},{\"type\":\"pid\",\"path\":\"/proc/$pid/ns/pid\"},{\"type\":\"ipc\",\"path\":\"/proc/$pid/ns/ipc\"},{\"type\":\"uts\"}"
LINUX=
run box sh -c 'for n in user net pid; do readlink /proc/self/ns/$n; done; head -c 5 /proc/1/cmdline; id -u; stat -c %u /bin'
same "a user namespace is joined with the others" "$OUT" "$(for n in user net pid; do readlink "/proc/$pid/ns/$n"; done)"$'\nsleep0\n0'
rt delete --force first
unshare --net sleep 1000 &
other=$!
is_apart() { [ "$(readlink /proc/self/ns/net)" != "$(readlink /proc/$other/ns/net)" ]; }
wait_for 20 is_apart
userns
NAMESPACES="{\"type\":\"mount\"},{\"type\":\"user\"},{\"type\":\"network\",\"path\":\"/proc/$other/ns/net\"},{\"type\":\"pid\"},{\"type\":\"uts\"}"
run box sh -c 'readlink /proc/self/ns/net; id -u'
same "a network of the host's beside a new user namespace" "$OUT" "$(readlink /proc/$other/ns/net)"$'\n0'
start box sleep 1000
same "and exec into it" "$(rt exec box readlink /proc/self/ns/net)" "$(readlink /proc/$other/ns/net)"
rt delete --force box
kill $other

# ---- owners are shifted ----

userns
mkdir -p "$T/vol/sub"
echo 1 > "$T/vol/file"
chown 7:8 "$T/vol/file"
MOUNTS=",{\"destination\":\"/data\",\"source\":\"$T/vol\",\"options\":[\"bind\",\"idmap\"]}"
run box sh -c 'stat -c %u:%g /data /data/file; echo 2 > /data/new; chown 9:9 /data/new; stat -c %u /data/new'
if [[ $OUT = *'has no idmapped mounts'* || $OUT = *'idmapped mounts need Linux 5.12' ]]; then
	ok "a file system or a kernel without idmapped mounts is said so"
else
	same "a volume's owners inside are those on disk" "$OUT" $'0:0\n7:8\n9'
	same "and so are those of new files on disk" "$(stat -c %u:%g "$T/vol/new")" 9:9
	MOUNTS=",{\"destination\":\"/data\",\"source\":\"vol\",\"uidMappings\":[{\"containerID\":7,\"hostID\":100055,\"size\":1}],\"gidMappings\":[{\"containerID\":8,\"hostID\":100066,\"size\":1}],\"options\":[\"bind\",\"ro\"]}"
	mkdir -p "$T/box"
	ln -sfn "$T/vol" "$T/box/vol"
	run box sh -c 'stat -c %u:%g /data/file; echo 1 > /data/file'
	like "mappings of the mount's own" "$OUT" $'^55:66\n.*Read-only file system'
	fresh
	run box stat -c %u:%g /data/file
	MOUNTS=",{\"destination\":\"/data\",\"source\":\"$T/vol\",\"uidMappings\":[{\"containerID\":0,\"hostID\":500,\"size\":100}],\"gidMappings\":[{\"containerID\":0,\"hostID\":600,\"size\":100}],\"options\":[\"bind\"]}"
	run box stat -c %u:%g /data/file
	same "without a user namespace, too" "$OUT" 507:608
fi
fresh
MOUNTS=",{\"destination\":\"/data\",\"source\":\"$T/vol\",\"options\":[\"bind\",\"idmap\"]}"
run box true
like "idmap needs mappings" "$OUT" '"idmap" needs uidMappings and gidMappings, or a user namespace'
fresh
MOUNTS=",{\"destination\":\"/data\",\"source\":\"/proc\",\"uidMappings\":[{\"containerID\":0,\"hostID\":500,\"size\":100}],\"gidMappings\":[{\"containerID\":0,\"hostID\":600,\"size\":100}],\"options\":[\"bind\"]}"
run box true
like "a file system that can't is named" "$OUT" 'shift the owners of /proc: (its file system has no idmapped mounts|idmapped mounts need Linux 5.12)'
same "and nothing is left" "$(ls "$T/state")$(cgroup_dirs)" ''

# ---- wrong mappings ----

userns
LINUX=',"uidMappings":[{"containerID":1,"hostID":100000,"size":65536}],"gidMappings":[{"containerID":0,"hostID":100000,"size":65536}]'
run box true
like "0 must be mapped" "$OUT" 'become root of the user namespace \(do linux.uidMappings and gidMappings have 0'
LINUX=',"uidMappings":[{"containerID":0,"hostID":100000,"size":100},{"containerID":50,"hostID":5,"size":100}],"gidMappings":[{"containerID":0,"hostID":100000,"size":65536}]'
run box true
like "ranges must not overlap" "$OUT" "set the user namespace's uid_map: Invalid argument \(do its ranges overlap"

# ---- clocks ----

fresh
if [ -e /proc/self/ns/time ]; then
	NAMESPACES="$ALL_NAMESPACES,{\"type\":\"time\"}"
	clock=$(readlink /proc/self/ns/time)
	LINUX=',"timeOffsets":{"boottime":{"secs":5000000},"monotonic":{"secs":1000000,"nanosecs":5}}'
	start box sleep 1000
	up=$(rt exec box cut -d . -f 1 /proc/uptime)
	check "a time namespace's clock, in exec, too" test $((up - $(cut -d . -f 1 /proc/uptime))) -ge 4999990
	like "its offsets" "$(cat "/proc/$(pid_of box)/timens_offsets")" $'monotonic +1000000 +5\nboottime +5000000 +0'
	same "the host's clock is as it was" "$(readlink /proc/self/ns/time)" "$clock"
	rt delete --force box
fi
finish
