#!/bin/bash
# Known ways out of a container, each one closed.
. "$(dirname "$0")/harness"

# CVE-2024-21626: descriptors that the caller leaked, and a working directory that leads through one.
mkdir "$T/secret"
echo secret > "$T/secret/file"
exec 7< "$T/secret" 9< "$T/secret/file"
run leak ls /proc/self/fd
same "no descriptor gets in" "$(tr '\n' ' ' <<< "$OUT")" '0 1 2 3 '
for fd in 3 4 5 6 7 8 9 10 11 12; do
	CWD=/proc/self/fd/$fd
	run leak sh -c 'pwd; ls -a .; cat file ../file'
	[[ $OUT = *secret* || $OUT = *"$T"* || $CODE = 0 ]] && fail "cwd /proc/self/fd/$fd: $OUT"
done
same "no working directory leads out" "$OUT$CODE" "${OUT}125"
fresh
start box sh -c 'trap "exit 0" TERM; while :; do sleep 0.1; done'
for fd in 3 4 5 6 7 8 9 10; do
	out=$(rt exec --cwd /proc/self/fd/$fd box sh -c 'ls -a .; cat file' 2>&1 < /dev/null) && fail "exec --cwd /proc/self/fd/$fd: $out"
done
ok "nor one of exec"
exec 7<&- 9<&-

# The same by what is looked up in the container: the program, by its path, a link or PATH, and the user. The runtime's
# own directory is $T/state/ID.
cp "$ROOTS/bin/busybox" "$T/secret/busybox"
echo 'ghost:x:77:77::/:/bin/sh' > "$T/secret/passwd"
cp "$ROOTS/etc/passwd" "$T/passwd"
seen=''
for fd in {3..24}; do
	out=/proc/self/fd/$fd/../../secret
	ln -sf "$out/busybox" "$ROOTS/bin/busybox-trap"
	run leak "$out/busybox" echo stolen
	seen+="run $fd: $OUT "
	run leak /bin/busybox-trap echo stolen
	seen+="run link $fd: $OUT "
	seen+="exec $fd: $(rt exec box "$out/busybox" echo stolen 2>&1 < /dev/null) "
	seen+="exec link $fd: $(rt exec box /bin/busybox-trap echo stolen 2>&1 < /dev/null) "
	seen+="exec PATH $fd: $(rt exec --env "PATH=$out" box busybox echo stolen 2>&1 < /dev/null) "
	CONFIG=",\"hooks\":{\"startContainer\":[{\"path\":\"$out/busybox\",\"args\":[\"sh\",\"-c\",\"echo stolen; exit 1\"]}]}"
	run leak true
	seen+="hook $fd: $OUT "
	CONFIG=''
	ln -sf "$out/passwd" "$ROOTS/etc/passwd"
	USER='{"uid":0,"gid":0,"username":"ghost"}'
	run leak echo stolen
	seen+="run user $fd: $OUT "
	USER='{"uid":0,"gid":0}'
	seen+="exec user $fd: $(rt exec --user ghost box echo stolen 2>&1 < /dev/null) "
	rm "$ROOTS/etc/passwd"
	cp "$T/passwd" "$ROOTS/etc/passwd"
done
unlike "nothing that is looked up in the container is found outside" "$(grep stolen <<< "$seen")" stolen
like "but looked up it was" "$seen" "run 3: .*fd/3/.*secret/busybox.*exec link 24: .*trap"
rm -f "$ROOTS/bin/busybox-trap"

# CVE-2019-5736: the runtime's own binary by way of /proc/PID/exe. The binary that stays in the container, as
# /proc/self/exe was told to, can't be written: not while it runs, when it would be busy, but at all. Before 5.12 it is a copy in memory, sealed.
before=$(md5sum < "$BERTH")
like "the binary can be read" "$before" '^[0-9a-f]{32}'
rt exec --cwd /tmp box /proc/self/exe shim --root /tmp/none evil /tmp > "$T/evil.out" 2>&1 < /dev/null &
in_box() { rt exec box sh -c "$1" 2>&1 < /dev/null; }
# [l]: the shell that looks has the pattern among its own words.
# shellcheck disable=SC2016
check "the runtime's image runs in the container" wait_for 20 in_box 'for p in /proc/[0-9]*; do
	case $(cat $p/cmdline | tr "\0" " ") in *evi[l]*) exit 0 ;; esac; done; exit 1'
# shellcheck disable=SC2016
out=$(in_box 'for p in /proc/[0-9]*; do
	case $(tr "\0" " " < $p/cmdline) in *shim*evi[l]*) readlink $p/exe; echo x > $p/exe ;; esac; done')
like "and cannot be written to" "$out" 'Read-only file system|Permission denied|Operation not permitted|^/memfd:berth.*Text file busy'
same "the host's binary is the same" "$(md5sum < "$BERTH")" "$before"
like "nobody gets in by only saying that it is sealed" "$(BERTH_SEALED=1 rt exec box true 2>&1 < /dev/null; echo $?)" $'cannot be sealed\n125'
rt delete --force box
wait

# The entrypoint itself as a link to it.
ln -s /proc/self/exe "$ROOTS/bin/evil"
run evil /bin/evil runtime --help
like "an entrypoint may be the runtime's image" "$OUT" 'usage: berth runtime'
same "which does not change it" "$(md5sum < "$BERTH")" "$before"

# The process that enters a container cannot be looked into: CAP_SYS_PTRACE is all there is.
CAPS="{\"bounding\":[$DOCKER_CAPS],\"effective\":[$DOCKER_CAPS],\"permitted\":[$DOCKER_CAPS]}"
start watcher sh -c 'while :; do for p in /proc/[0-9]*; do
	readlink $p/exe; readlink $p/cwd; ls -l $p/fd | sed -n "s/.*->//p"; done; done 2>/dev/null >> /tmp/seen'
wait_for 20 test -s "$ROOTS/tmp/seen"
for i in $(seq 20); do rt exec watcher true < /dev/null; done
like "what is watched" "$(sort -u "$ROOTS/tmp/seen")" /bin/busybox
unlike "exec shows nothing of the host while it enters" "$(sort -u "$ROOTS/tmp/seen")" 'berth|socket:|mnt:|net:|/state'
rt delete --force watcher
rm -f "$ROOTS/tmp/seen"

# Who may trace everything sees a process in the pid namespace from its birth on: it is no more than the watcher by then, and
# in its namespaces. Without no-new-privileges a filter takes CAP_SYS_ADMIN to load.
WATCH='cd /proc; while :; do grep -h CapPrm [0-9]*/status; ls -l [0-9]*/ns [0-9]*/fd [0-9]*/cwd | sed -n "s/.*->//p"; done \
	2> /dev/null >> /tmp/seen'
# see_exec TEXT CONTAINER CAPABILITIES: what a watcher in it sees of others' execs: none that may more than these.
see_exec() {
	local own seen
	: > "$ROOTS/tmp/seen" # but not of how it was made
	wait_for 20 test -s "$ROOTS/tmp/seen" # it watches
	for i in $(seq 20); do rt exec "$2" true < /dev/null; done
	wait_for 20 grep -q CapPrm "$ROOTS/tmp/seen"
	own=$(for one in $(pid_of "$2"; pid_of watcher 2> /dev/null); do for ns in /proc/"$one"/ns/*; do readlink "$ns"; done; done)
	seen=$(sed 's/^ //' "$ROOTS/tmp/seen" | grep -v '^pipe:' | sort -u)
	like "$1: the watcher sees" "$seen" $'CapPrm:\t0000000000080020'
	same "no process that may more" "$(grep CapPrm <<< "$seen" | grep -vcE "0{8}($3)\$")" 0
	same "nor one in other namespaces" "$(grep -E '^[a-z_]*:\[' <<< "$seen" | grep -E '^(cgroup|ipc|mnt|net|pid|uts):' | grep -vcxF "$own")" 0
	unlike "nor one with the container's state" "$seen" /state
	rm -f "$ROOTS/tmp/seen"
}
for NNP in true false; do
	allowed=$(list CAP_SYS_PTRACE CAP_KILL)
	CAPS="{\"bounding\":[$allowed],\"effective\":[$allowed],\"permitted\":[$allowed]}"
	LINUX=',"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["acct"],"action":"SCMP_ACT_ERRNO"}]}'
	start watcher sh -c "$WATCH"
	see_exec "NNP $NNP" watcher 00080020
	rt delete --force watcher
done
# One that was let in with more than the container has.
CAPS='{"bounding":["CAP_KILL"],"effective":["CAP_KILL"],"permitted":["CAP_KILL"]}'
start calm sleep 1000
rt exec --detach --cap CAP_SYS_PTRACE calm sh -c "$WATCH" < /dev/null
see_exec "an exec before" calm '00080020|00000020'
# And one of another container, in whose pid namespace this one is.
rt delete --force calm
all=$NAMESPACES filter=$LINUX
for more in '' ',"personality":{"domain":"LINUX"}'; do
	LINUX=$filter$more
	CAPS=$(sed 's/"CAP_KILL"/"CAP_KILL","CAP_SYS_PTRACE"/g' <<< "$CAPS")
	start watcher sh -c "$WATCH"
	CAPS=$(sed 's/,"CAP_SYS_PTRACE"//g' <<< "$CAPS")
	NAMESPACES=$(sed "s|{\"type\":\"pid\"}|{\"type\":\"pid\",\"path\":\"/proc/$(pid_of watcher)/ns/pid\"}|" <<< "$all")
	start calm sleep 1000
	see_exec "a pod${more:+ with a personality}" calm '00080020|00000020'
	NAMESPACES=$all
	rt delete --force calm
	rt delete --force watcher
done
fresh

# A hostile root: what exec needs is replaced by traps.
start trap sh -c 'rm -f /etc/passwd; mknod /etc/passwd p; rm -f /etc/group; ln -s /proc/kcore /etc/group; echo set > /tmp/set; sleep 1000'
wait_for 20 test -e "$ROOTS/tmp/set"
like "a fifo for passwd ends exec" "$(timeout 30 "$BERTH" runtime --root "$T/state" exec --user app trap true 2>&1 < /dev/null; echo $?)" \
	$'is not a plain file\n125'
rt delete --force trap
fresh

# With CAP_SYSLOG, which it has until it is the application, it would empty the device's kernel log: none of /proc is read.
start trap sh -c 'rm -f /etc/passwd; ln -s /proc/kmsg /etc/passwd; echo set > /tmp/set; sleep 1000'
wait_for 20 test -e "$ROOTS/tmp/set"
like "nor is the kernel's log read for it" "$(timeout 30 "$BERTH" runtime --root "$T/state" exec --user app trap true 2>&1 < /dev/null; echo $?)" \
	$'is not a plain file\n125'
rt delete --force trap
fresh

# CVE-2022-0492: a user namespace of one's own, in it the cgroup file system, in it release_agent.
LINUX=',"seccomp":{"profile":"docker"}'
run agent sh -c 'unshare -Ur sh -c "mkdir -p /tmp/cg; mount -t cgroup -o memory x /tmp/cg && echo mounted"
	for f in /sys/fs/cgroup/release_agent /sys/fs/cgroup/*/release_agent /sys/fs/cgroup/*/cgroup.procs; do
		[ -e $f ] && echo /x > $f && echo "$f is written"; done; echo end'
like "no user namespace for release_agent" "$OUT" 'unshare.*Operation not permitted'
unlike "and no other way to it" "$OUT" 'mounted|is written'
fresh

# CVE-2019-19921, CVE-2023-27561: who has the same volume changes what a mount point is while it is looked for.
mkdir -p "$T/vol" "$T/outside" "$T/given"
MOUNTS=",{\"destination\":\"/vol\",\"source\":\"$T/vol\",\"options\":[\"bind\"]}"
# shellcheck disable=SC2016
start racer sh -c "cd /vol; while :; do mkdir -p x/sub; rm -rf x; ln -s ../../../../../../../../../..$T/outside x; rm -f x
	ln -s /proc x; rm -f x; ln -s /proc/self/fd x; rm -f x; done 2> /dev/null"
MOUNTS="$MOUNTS,{\"destination\":\"/vol/x/sub\",\"source\":\"$T/given\",\"options\":[\"bind\",\"ro\"]}
	,{\"destination\":\"/vol/x/made\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"}"
won=0 made=0 outside='' rounds=0 end=$((SECONDS + 15))
while { [ $rounds -lt 60 ] && [ $SECONDS -lt $end ]; } || { [ $made = 0 ] && [ $SECONDS -lt $((end + 45)) ]; }; do
	rounds=$((rounds + 1))
	run race sh -c 'cat /proc/sys/kernel/ostype; echo x > /proc/sys/kernel/hostname; echo x > /proc/sys/kernel/domainname'
	if [[ $OUT = Linux* ]]; then made=$((made + 1)); fi
	[ "$(grep -c 'Read-only file system' <<< "$OUT")" = 2 ] || [ "$CODE" = 125 ] || won=$((won + 1))
	outside+=$(ls -A "$T/outside")$(ls -A "$T/given")
done
rt delete --force racer
same "races over a link win nothing outside" "$outside" ''
same "and nothing inside: /proc is as protected as ever" "$won" 0
check "some of these containers are made ($made of $rounds)" test "$made" -gt 0
fresh

# The same, with /proc itself below the volume that is changed.
ROOTFS=$T/rootfs3
mkdir -p "$ROOTFS"
cp -a "$ROOTS/." "$ROOTFS"
(while [ -d "$ROOTFS/bin" ]; do rmdir "$ROOTFS/proc"; ln -s /tmp "$ROOTFS/proc"; rm -f "$ROOTFS/proc"; mkdir "$ROOTFS/proc"; done) 2> /dev/null &
racer=$!
won=0 rounds=0 end=$((SECONDS + 15))
while [ $rounds -lt 40 ] && [ $SECONDS -lt $end ]; do
	rounds=$((rounds + 1))
	run proc sh -c 'echo x > /proc/sys/kernel/domainname && echo written; [ -e /tmp/sys ] && echo moved'
	if [[ $OUT = *written* || $OUT = *moved* ]]; then won=$((won + 1)); fi
done
kill $racer
wait $racer 2> /dev/null
same "/proc is at its place, protected, or nowhere" "$won" 0
unset ROOTFS
fresh

# CVE-2025-31133: what masks is the device, not what the image calls /dev/null.
ROOTFS=$T/rootfs4
mkdir -p "$ROOTFS"
cp -a "$ROOTS/." "$ROOTFS"
echo pattern > "$ROOTFS/tmp/target"
ln -s /proc/sys/kernel/core_pattern "$ROOTFS/dev/null"
DEFAULT_MOUNTS='{"destination":"/proc","type":"proc","source":"proc"}'
run null cat /proc/keys
like "an image's /dev/null that is something else is refused" "$OUT" 'device /dev/null: something else is in its place'
rm "$ROOTFS/dev/null"

# CVE-2025-52565: /dev/console in the image as a link.
fresh
DEFAULT_MOUNTS='{"destination":"/proc","type":"proc","source":"proc"},
	{"destination":"/dev/pts","type":"devpts","source":"devpts","options":["newinstance","ptmxmode=0666"]}'
mkdir -p "$ROOTFS/dev/pts"
ln -s /proc/sys/kernel/core_pattern "$ROOTFS/dev/console"
TERMINAL=true
run console true
like "nor a link in place of the console" "$OUT" '/dev/console .*symbolic link'
rm "$ROOTFS/dev/console"

# CVE-2025-52881: what the runtime writes to /proc goes to the kernel's, not to the container's.
fresh
mkdir -p "$T/fake/sys/net/ipv4" "$T/fake/self/attr"
echo fake > "$T/fake/sys/net/ipv4/ip_forward"
ln -s ../../sysrq-trigger "$T/fake/self/attr/exec"
DEFAULT_MOUNTS="{\"destination\":\"/proc\",\"source\":\"$T/fake\",\"options\":[\"bind\"]}"
host=$(cat /proc/sys/net/ipv4/ip_forward)
LINUX=',"sysctl":{"net.ipv4.ip_forward":"1"}'
run sysctl cat /proc/sys/net/ipv4/ip_forward
same "a false /proc gets none of it" "$OUT" fake
same "nor does the host's own setting" "$(cat /proc/sys/net/ipv4/ip_forward)" "$host"
unset ROOTFS
fresh

# What is masked or read-only stays so for root in the container, with Docker's capabilities.
run proc sh -c 'umount /proc/kcore; mount -o remount,rw /proc/sys; mount -t proc p /tmp; echo x > /proc/sys/kernel/hostname
	echo 0 > /proc/sys/vm/swappiness; head -c 1 /proc/kcore 2> /dev/null | wc -c; cat /proc/keys; chroot /proc/1/root true; echo end'
unlike "kcore and keys are empty" "$OUT" '^1|keyring'
same "nothing of it is written" "$(grep -c 'Read-only file system' <<< "$OUT")" 2
like "until the end" "$OUT" 'end$'

# A terminal of exec: /dev/pts is looked at, not believed.
CAPS="{\"bounding\":[$DOCKER_CAPS,\"CAP_SYS_ADMIN\"],\"effective\":[$DOCKER_CAPS,\"CAP_SYS_ADMIN\"],\"permitted\":[$DOCKER_CAPS,\"CAP_SYS_ADMIN\"]}"
start pts sh -c 'mount -t tmpfs x /proc; mkdir -p /proc/self/fd; : > /tmp/plain; mount --bind /tmp/plain /dev/pts/ptmx; echo set > /tmp/set2; sleep 1000'
wait_for 20 test -e "$ROOTS/tmp/set2"
like "something over ptmx ends exec" "$(rt exec --tty pts true 2>&1 < /dev/null; echo $?)" $'/dev/pts/ptmx is not of the devpts file system\n125'
rt delete --force pts
rm -f "$ROOTS/tmp/set2" "$ROOTS/tmp/plain"
finish
