#!/bin/bash
# The options of mounts: those for all that is mounted below, propagation, kinds of atime, a tmpfs with the image's files.
. "$(dirname "$0")/harness"

mkdir -p "$T/vol/sub" "$T/under"
mount -t tmpfs -o size=64k below "$T/vol/sub"
touch "$T/vol/sub/file"

# mounted OPTION...: /data is the volume with these options
mounted() { MOUNTS=",{\"destination\":\"/data\",\"source\":\"$T/vol\",\"options\":[$(list "$@")]}"; }
options() { sed -n "s|^[^ ]* [^ ]* [^ ]* [^ ]* /data${1:-} \([^ ]*\) .*|\1|p" <<< "$OUT"; }

mounted rbind ro
run box sh -c 'touch /data/x 2>&1; touch /data/sub/x && echo written'
like "ro is for the mount itself" "$OUT" $'touch: /data/x: Read-only file system\nwritten'
mounted rbind rro
run box sh -c 'touch /data/x /data/sub/x'
if [[ $OUT = *'need Linux 5.12' ]]; then
	ok "a kernel without recursive options is said so"
else
	like "rro is for all below" "$OUT" $'/data/x: Read-only file system\ntouch: /data/sub/x: Read-only file system'
	mounted rbind rnosuid rnodev rnoexec rnoatime rnodiratime
	run box cat /proc/self/mountinfo
	same "the other recursive ones" "$(options)/$(options /sub)" 'rw,nosuid,nodev,noexec,noatime,nodiratime/rw,nosuid,nodev,noexec,noatime,nodiratime'
	mounted rbind rstrictatime
	run box cat /proc/self/mountinfo
	same "another kind of atime" "$(options /sub)" rw
fi
touch "$T/vol/sub/x"
same "the host's is as it was" "$(cat "$T/vol/sub/x")" ''
mounted bind
run box ls /data/sub
same "bind shows only the mount itself" "$OUT" ''
mounted bind nosuid noexec noatime ro
run box cat /proc/self/mountinfo
same "flags of a bind mount" "$(options)" 'ro,nosuid,noexec,noatime'

# ---- propagation ----

mount --bind "$T/vol" "$T/vol"
mount --make-shared "$T/vol"
mkdir "$T/vol/late"
mounted rbind rslave
start box sleep 1000
mount -t tmpfs late "$T/vol/late"
like "rslave sees what the host mounts later" "$(rt exec box cat /proc/self/mountinfo)" ' /data/late '
umount "$T/vol/late"
rt delete --force box
mounted rbind rprivate
start box sleep 1000
mount -t tmpfs late "$T/vol/late"
unlike "rprivate does not" "$(rt exec box cat /proc/self/mountinfo)" ' /data/late '
umount "$T/vol/late"
rt delete --force box
MOUNTS=",{\"destination\":\"/mnt\",\"source\":\"$T/vol\",\"uidMappings\":[{\"containerID\":0,\"hostID\":5,\"size\":9}],\"gidMappings\":[{\"containerID\":0,\"hostID\":5,\"size\":9}],\"options\":[\"bind\"]}"
CAPS='{"bounding":["CAP_SYS_ADMIN"],"effective":["CAP_SYS_ADMIN"],"permitted":["CAP_SYS_ADMIN"]}'
mkdir -p "$ROOTS/mnt"
before=$(grep -c "$T/vol" /proc/self/mountinfo)
run box sh -c 'mount -t tmpfs x /mnt/late; grep -c /mnt/late /proc/self/mountinfo'
if [[ $OUT = *'has no idmapped mounts'* || $OUT = *'idmapped mounts need Linux 5.12' ]]; then
	ok "a file system or a kernel without idmapped mounts is said so"
else
	same "what is mounted inside of a detached mount" "$OUT" 1
fi
same "is not seen by the host" "$(grep -c "$T/vol" /proc/self/mountinfo)" "$before"
umount "$T/vol"

# ---- tmpcopyup ----

fresh
mkdir -p "$ROOTS/var/dir/empty"
printf 'text\n' > "$ROOTS/var/dir/file"
chown 7:8 "$ROOTS/var/dir/file"
chmod 4751 "$ROOTS/var/dir/file"
chmod 700 "$ROOTS/var/dir/empty"
ln -s /etc/passwd "$ROOTS/var/link"
mknod "$ROOTS/var/pipe" p
MOUNTS=',{"destination":"/var","type":"tmpfs","source":"tmpfs","options":["tmpcopyup","size=1m","mode=750"]}'
run box sh -c 'stat -c "%n %a %u:%g" /var/dir/* | sort; cat /var/dir/file; readlink /var/link; ls /var; echo more >> /var/dir/file; stat -c %a /var'
same "tmpcopyup begins with the image's files" "$OUT" $'/var/dir/empty 700 0:0\n/var/dir/file 4751 7:8\ntext\n/etc/passwd\ndir\nlink\n750'
same "and the image stays" "$(cat "$ROOTS/var/dir/file")" text
head -c 200000 /dev/zero > "$ROOTS/var/big"
MOUNTS=',{"destination":"/var","type":"tmpfs","source":"tmpfs","options":["tmpcopyup","size=64k","ro"]}'
run box true
like "more than the tmpfs holds" "$OUT" "mounts\[6\] /var: copy the image's files into the tmpfs: they are more than its size allows"
rm "$ROOTS/var/big"
run box sh -c 'cat /var/dir/file; touch /var/x'
like "a read-only copy" "$OUT" $'^text\ntouch: /var/x: Read-only file system'

# A tmpfs has the mode of the directory below it.
chmod 750 "$ROOTS/var"
MOUNTS=',{"destination":"/var","type":"tmpfs","source":"tmpfs"},{"destination":"/var/new","type":"tmpfs","source":"tmpfs"}'
run box stat -c %a /var /var/new
same "the directory's mode, or the kernel's" "$OUT" $'750\n1777'

# What is made of several mounts, or is the host's, as well.
MOUNTS=',{"destination":"/srv","type":"cgroup","source":"cgroup","options":["rro","rnoexec"]}'
run box sh -c 'grep " /srv" /proc/mounts | cut -d" " -f4'
if [[ $OUT = *'need Linux 5.12' ]]; then
	ok "a cgroup mount is refused it before 5.12"
else
	unlike "all of a cgroup mount" "${OUT:-none}" 'rw|none'
	unlike "each option" "$(grep -v noexec <<< "$OUT")" .
fi
MOUNTS=',{"destination":"/srv","type":"sysfs","source":"sysfs","options":["rro"]}'
NAMESPACES='{"type":"mount"},{"type":"uts"},{"type":"user"}' LINUX=',"uidMappings":[{"size":65536,"hostID":100000}],"gidMappings":[{"size":65536,"hostID":100000}]'
DEFAULT_MOUNTS='{"destination":"/proc","type":"proc","source":"proc"},{"destination":"/dev","type":"tmpfs","source":"tmpfs"}'
run box sh -c 'grep " /srv" /proc/mounts | cut -d" " -f4 | cut -d, -f1 | sort -u'
like "all of the host's /sys" "$OUT" '^ro$|need Linux 5.12$'
fresh

# ---- the root itself ----

mkdir "$ROOTS/links"
ln -s .. "$ROOTS/links/root"
for place in / /./ /var/.. /links/root; do
	MOUNTS=",{\"destination\":\"$place\",\"source\":\"$T/vol\"}"
	run box true
	like "nothing is mounted at $place" "$OUT" "^berth runtime run: mounts\[6\] .* is the container's root itself"
	MOUNTS=",{\"destination\":\"$place\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"}"
	run box true
	like "nor a tmpfs" "$OUT" "^berth runtime run: mounts\[6\] .* is the container's root itself"
done
# ---- /proc ----

ln -s /proc/sys "$ROOTS/links/sys"
for place in /proc/sys /proc/self/attr /links/sys /proc; do
	MOUNTS=",{\"destination\":\"$place\",\"source\":\"$T/vol\"}"
	run box true
	like "no directory over $place" "$OUT" "^berth runtime run: mounts\[6\] $place: .*is in /proc"
	MOUNTS=",{\"destination\":\"$place\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"}"
	run box true
	like "nor a tmpfs" "$OUT" "^berth runtime run: mounts\[6\] $place: .*is in /proc"
done
echo "cpus of lxcfs" > "$T/vol/cpuinfo"
MOUNTS=",{\"destination\":\"/proc/cpuinfo\",\"source\":\"$T/vol/cpuinfo\"}"
run box cat /proc/cpuinfo
same "but a file over /proc/cpuinfo" "$OUT" "cpus of lxcfs"
MOUNTS=',{"destination":"/proc","type":"proc","source":"proc"}'
run box cat /proc/1/comm
same "and another proc over /proc" "$OUT" cat
rm "$T/vol/cpuinfo" "$ROOTS/links/sys"

MOUNTS=''
config box touch /x
sed -i 's|"readonlyPaths":\[|&"/",|' "$T/box/config.json"
like "/ among readonlyPaths" "$(rt run --bundle "$T/box" box 2>&1 < /dev/null)" 'touch: /x: Read-only file system'
finish
