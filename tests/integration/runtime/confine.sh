#!/bin/bash
# What a container sees and may do: namespaces, mounts, masks, devices, users, capabilities.
. "$(dirname "$0")/harness"

# ---- namespaces ----

run ns sh -c 'echo $$; hostname; cat /proc/1/comm; ip -o link | wc -l; ip -o addr show lo | grep -c 127.0.0.1; echo /proc/[0-9]*'
same "pid 1, its own name, one interface that is up, no other process" "$OUT" $'1\nbox\nsh\n1\n1\n/proc/1'
for ns in pid net ipc uts mnt cgroup; do
	[ -e /proc/self/ns/$ns ] || continue
	run ns readlink /proc/self/ns/$ns
	unlike "the $ns namespace is another one" "$OUT" "$(readlink /proc/self/ns/$ns | tr '[]' '..')"
done
NAMESPACES='{"type":"mount"},{"type":"pid"}' HOSTNAME_LINE=''
run shared readlink /proc/self/ns/net
same "what is not named is the host's" "$OUT" "$(readlink /proc/self/ns/net)"
HOSTNAME_LINE='"hostname":"box",'
run shared true
like "the host's name is not changed" "$OUT" 'hostname needs a uts namespace'
NAMESPACES='{"type":"pid"}' HOSTNAME_LINE=''
run shared true
like "without a mount namespace nothing is done" "$OUT" 'a new mount namespace is needed'
fresh
start other sleep 1000
NAMESPACES="{\"type\":\"mount\"},{\"type\":\"pid\"},{\"type\":\"network\",\"path\":\"/proc/$(pid_of other)/ns/net\"}" HOSTNAME_LINE=''
run joined readlink /proc/self/ns/net
same "a namespace of another container is joined" "$OUT" "$(readlink "/proc/$(pid_of other)/ns/net")"
rt delete --force other
fresh

# ---- mounts ----

run mounts sh -c 'cut -d" " -f2 /proc/mounts | sort | head -3; grep -c "'"$T"'" /proc/mounts; ls /; touch /x && echo written'
unlike "nothing of the host is mounted" "$OUT" "$T"
like "the root can be written" "$OUT" written
rm -f "$ROOTS/x"
READONLY=true
run mounts sh -c 'touch /x; touch /dev/shm/x && echo shm'
like "a read-only root cannot" "$OUT" 'Read-only file system.*shm'
fresh
run mounts sh -c 'mkdir /sys/kernel/x; echo 1 > /proc/sys/kernel/hostname'
same "/sys and the paths named are read-only" "$(grep -c 'Read-only file system' <<< "$OUT")" 2
run mounts sh -c 'wc -c < /proc/keys; ls -A /sys/firmware | wc -l; chmod 600 /proc/keys; stat -c %t:%T /proc/keys'
same "masked ones are empty and cannot be changed" "$OUT" "0
0
chmod: /proc/keys: Read-only file system
1:3"
same "the host's null device is as it was" "$(stat -c '%a %t:%T' /dev/null)" '666 1:3'
run mounts sh -c 'ls /sys/fs/cgroup | head -20; cat /sys/fs/cgroup/*/cgroup.procs /sys/fs/cgroup/cgroup.procs 2>/dev/null | sort -u; mkdir /sys/fs/cgroup/x /sys/fs/cgroup/*/x'
like "the container sees its own cgroup" "$OUT" $'\n1\n'
like "read-only (release_agent)" "$OUT" 'Read-only file system'
run mounts cat /proc/self/cgroup
unlike "and does not know its name" "$OUT" "$CG"

mkdir -p "$T/vol/sub" "$T/outside"
echo data > "$T/vol/file"
MOUNTS=",{\"destination\":\"/data\",\"source\":\"$T/vol\",\"options\":[\"rbind\"]}
	,{\"destination\":\"/ro\",\"source\":\"$T/vol\",\"options\":[\"bind\",\"ro\"]}
	,{\"destination\":\"/etc/deep/file\",\"source\":\"$T/vol/file\",\"options\":[\"bind\",\"ro\"]}
	,{\"destination\":\"/fixed\",\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"options\":[\"ro\",\"size=64k\"]}
	,{\"destination\":\"/fixed/inner\",\"source\":\"../vol\",\"type\":\"bind\",\"options\":[\"noexec\",\"nosuid\",\"nodev\"]}"
run volumes sh -c 'cat /data/file /ro/file /etc/deep/file; echo new > /data/new; touch /ro/x; echo > /etc/deep/file; touch /fixed/x; cat /fixed/inner/new; grep -o "/fixed/inner.*" /proc/mounts | cut -d" " -f3'
like "volumes are read" "$OUT" $'data\ndata\ndata\n'
same "written where allowed" "$(cat "$T/vol/new")" new
same "and only there" "$(grep -c 'Read-only file system' <<< "$OUT")" 3
like "with their flags" "$OUT" $'new\n.*nosuid,nodev,noexec'
rm -rf "$ROOTS"/{ro,fixed} "$ROOTS/etc/deep"
fresh
MOUNTS=',{"destination":"/data","source":"/none/there","options":["bind"]}'
run volumes true
same "a missing source is 125" "$CODE" 125
like "and named" "$OUT" 'mounts\[6\] /data: /none/there on the host: No such file'
MOUNTS=',{"destination":"/data","type":"tmpfs","source":"tmpfs","options":["idmap"]}'
run volumes true
like "an option it cannot do is refused" "$OUT" 'mounts\[6\]: only a bind mount can shift owners'

# Links in the image lead nowhere but into the image.
ROOTFS=$T/rootfs2
mkdir -p "$ROOTFS"
cp -a "$ROOTS/." "$ROOTFS"
ln -s "$T/outside" "$ROOTFS/away"
ln -s ../../../../../../../../.."$T/outside" "$ROOTFS/up"
MOUNTS=",{\"destination\":\"/away/in\",\"source\":\"$T/vol\",\"options\":[\"bind\"]}
	,{\"destination\":\"/up/in\",\"source\":\"$T/vol\",\"options\":[\"bind\"]}"
run links cat "/away/in/file"
same "mounts over links stay in the root" "$OUT" data
same "and nothing was made outside" "$(ls "$T/outside")" ''
MOUNTS=''
rmdir "$ROOTFS/proc"
ln -s /data "$ROOTFS/proc"
run links true
like "/proc may not be a link (CVE-2019-19921)" "$OUT" 'mounts\[0\] /proc: .*symbolic link'
rm "$ROOTFS/proc"
mkdir "$ROOTFS/proc"
rm "$ROOTFS/etc/passwd"
mknod "$ROOTFS/etc/passwd" p
USER='{"uid":0,"gid":0,"username":"app"}'
run links true
like "a fifo for /etc/passwd holds nobody up" "$OUT" "/etc/passwd is not a plain file"
unset ROOTFS
fresh

# ---- devices ----

run dev sh -c 'ls /dev; echo x > /dev/null && head -c 3 /dev/zero | wc -c; head -c 1 /dev/urandom | wc -c; readlink /dev/fd; readlink /dev/ptmx'
same "the default devices" "$(tr '\n' ' ' <<< "$OUT")" \
	'core fd full null ptmx pts random shm stderr stdin stdout tty urandom zero 3 1 /proc/self/fd pts/ptmx '
run dev sh -c 'mknod /tmp/fuse c 10 229 && : < /tmp/fuse; rm /tmp/fuse'
like "other devices cannot be opened" "$OUT" 'Operation not permitted'
run dev sh -c 'mknod /tmp/disk b 7 0 && head -c 1 /tmp/disk; rm /tmp/disk'
like "nor disks" "$OUT" 'Operation not permitted'
RESOURCES=''
run dev sh -c 'mknod /tmp/disk b 7 0; head -c 1 /tmp/disk; rm /tmp/disk; head -c 3 /dev/zero | wc -c'
like "nor where there are no rules at all" "$OUT" $'Operation not permitted\n3$'
fresh
DEVICES='{"path":"/dev/null","type":"c","major":1,"minor":3,"fileMode":432,"uid":0,"gid":44}'
run dev sh -c 'stat -c "%a %u %g %t:%T" /dev/null'
same "a default device as it is asked for" "$OUT" '660 0 44 1:3'
DEVICES='{"path":"/dev/sub/fuse","type":"c","major":10,"minor":229,"fileMode":384,"uid":1000,"gid":44}'
run dev sh -c 'stat -c "%a %u %g %t:%T" /dev/sub/fuse; : < /dev/sub/fuse'
like "a device is made as asked" "$OUT" '^600 1000 44 a:e5'
like "but needs its rule" "$OUT" 'Operation not permitted'
RESOURCES='"devices":[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":10,"minor":229,"access":"r"}]'
run dev sh -c ': < /dev/sub/fuse && echo read; : > /dev/sub/fuse'
like "with it, it is read" "$OUT" '^read'
like "and not written" "$OUT" 'Operation not permitted'
fresh

# ---- users and capabilities ----

show='id -u; id -g; id -G; echo $HOME'
USER='{"uid":0,"gid":0,"username":"app"}'
run user sh -c "$show"
same "a user by name, with groups and home" "$(tr '\n' ' ' <<< "$OUT")" '1000 1001 1001 20 44 /srv '
USER='{"uid":0,"gid":0,"username":"4711:video"}'
run user sh -c "$show"
same "a number and a group's name" "$(tr '\n' ' ' <<< "$OUT")" '4711 44 44 / '
USER='{"uid":0,"gid":0,"username":"nobody"}'
run user true
same "an unknown user is 125" "$CODE" 125
like "and named" "$OUT" "user \"nobody\" is not in the image's /etc/passwd"
USER='{"uid":7,"gid":8,"additionalGids":[9,10],"umask":63}'
run user sh -c "$show; umask"
same "numbers as the spec has them" "$(tr '\n' ' ' <<< "$OUT")" '7 8 8 9 10 / 0077 '
USER='{"uid":1000,"gid":1000}' ENV='"PATH=/bin","HOME=/given"'
run user sh -c 'echo $HOME; cat /proc/self/status; echo ok > /dev/stdout; echo ok > /dev/stderr'
like "HOME that is given stays" "$OUT" '^/given'
like "a plain user has no capabilities" "$OUT" $'CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t00000000a80425fb\nCapAmb:\t0000000000000000'
like "no new privileges" "$OUT" $'NoNewPrivs:\t1'
same "its output can be opened by name" "$(grep -c '^ok$' <<< "$OUT")" 2
fresh
NNP=false
run user cat /proc/self/status
like "root has Docker's" "$OUT" $'CapInh:\t0000000000000000\nCapPrm:\t00000000a80425fb\nCapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\nCapAmb:\t0000000000000000'
like "new privileges only if asked" "$OUT" $'NoNewPrivs:\t0'
USER='{"uid":1000,"gid":1000}'
one='["CAP_NET_BIND_SERVICE"]'
CAPS="{\"bounding\":$one,\"effective\":$one,\"permitted\":$one,\"inheritable\":$one,\"ambient\":$one}"
run user cat /proc/self/status
like "ambient ones are for users" "$OUT" $'CapPrm:\t0000000000000400\nCapEff:\t0000000000000400\nCapBnd:\t0000000000000400\nCapAmb:\t0000000000000400'
CAPS='{}'
run user cat /proc/self/status
like "none if none were asked for" "$OUT" $'CapBnd:\t0000000000000000'
CAPS='{"bounding":["CAP_FLY","CAP_KILL"],"permitted":["CAP_FLY","CAP_SWIM"]}'
run user grep CapBnd /proc/self/status
like "unknown ones are left out" "$OUT" $'CapBnd:\t0000000000000020'
like "with a warning" "$OUT" 'warning: process.capabilities: CAP_FLY, CAP_SWIM: not known'
fresh
CWD=/made/for/it
run cwd pwd
same "the working directory is made" "$OUT" /made/for/it
rm -rf "$ROOTS/made"
fresh

# ---- labels of security modules: not taken for granted where the kernel has none, nor where it has ----

PROCESS=',"apparmorProfile":"no-such-profile"'
run label true
like "an AppArmor profile that is not there" "$OUT$CODE" 'process.apparmorProfile no-such-profile: .*125$'
PROCESS=',"apparmorProfile":"unconfined"'
run label echo none
same "unconfined is none" "$OUT" none
PROCESS=',"selinuxLabel":"no:such:label"'
run label true
like "an SELinux label" "$OUT$CODE" 'process.selinuxLabel no:such:label: .*125$'
PROCESS='' LINUX=',"mountLabel":"no:such:label"'
run mounts true
like "a label for mounts" "$OUT$CODE" '125$'
fresh
start box sleep 1000
printf '{"args":["true"],"cwd":"/","apparmorProfile":"no-such-profile"}' > "$T/process.json"
like "of an exec" "$(rt exec --process "$T/process.json" box 2>&1 < /dev/null; echo $?)" $'process.apparmorProfile no-such-profile: .*\n125'
rt delete --force box
finish
