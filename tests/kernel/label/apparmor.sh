#!/bin/bash
# process.apparmorProfile with a kernel that has AppArmor, and box.profile in it. In the guest of tests/kernel/labels.
. "$(dirname "$0")/harness"

mount -t securityfs securityfs /sys/kernel/security 2> /dev/null
like "the kernel has AppArmor" "$(cat /sys/kernel/security/lsm)" apparmor
check "a profile is loaded" apparmor_parser --replace --skip-cache "$(dirname "$0")/box.profile"

echo hidden > "$ROOTS/etc/secret"
confined="box (enforce)"
PROBE='cat /proc/self/attr/current; cat /etc/secret; cd /dev/shm; mkdir -p locked; echo > locked/file; echo > file && echo wrote'
denied="$confined
cat: can't open '/etc/secret': Permission denied
sh: can't create locked/file: Permission denied
wrote"

run none sh -c 'cat /proc/self/attr/current /etc/secret'
same "without a profile nothing is denied" "$OUT" $'unconfined\nhidden'
PROCESS=',"apparmorProfile":"box"'
run box sh -c "$PROBE"
same "a profile, and what it denies" "$OUT" "$denied"
PROCESS="$PROCESS"',"init":true'
run init sh -c "$PROBE"
same "with an init" "$OUT" "$denied"
PROCESS=',"apparmorProfile":"box"' NNP=false
run box sh -c "grep NoNewPrivs /proc/self/status; $PROBE"
same "without noNewPrivileges as well" "$OUT" $'NoNewPrivs:\t0\n'"$denied"
NNP=true
CONFIG=',"hooks":{"createRuntime":[{"path":"/bin/sh","args":["sh","-c","cat /proc/self/attr/current > '$T'/runtime"]}],
	"createContainer":[{"path":"/bin/sh","args":["sh","-c","cat /proc/self/attr/current > '$T'/container"]}]}'
run hooks cat /proc/self/attr/current
same "hooks on the host are the host's" "$OUT $(cat "$T/runtime" "$T/container")" "$confined unconfined"$'\n'unconfined
CONFIG=''

# ---- exec ----

printf '{"args":["cat","/proc/self/attr/current","/etc/secret"],"cwd":"/","env":["PATH=/bin"]}' > "$T/plain.json"
printf '{"args":["cat","/proc/self/attr/current"],"cwd":"/","env":["PATH=/bin"],"apparmorProfile":"unconfined"}' > "$T/free.json"
printf '{"args":["true"],"cwd":"/","env":["PATH=/bin"],"apparmorProfile":"no-such-profile"}' > "$T/missing.json"
# exec_all TEXT: into the container "box" in every way
exec_all() {
	same "$1: exec" "$(rt exec box sh -c "$PROBE" 2>&1 < /dev/null)" "$denied"
	same "$1: exec on a terminal" "$(rt exec --tty box cat /proc/self/attr/current < /dev/null)" "$confined"$'\r'
	same "$1: exec of a process without a profile: the container's" "$(rt exec --process "$T/plain.json" box 2>&1 < /dev/null)" \
		"${denied%%$'\n'sh*}"
	same "$1: exec of a process with another" "$(rt exec --process "$T/free.json" box 2>&1 < /dev/null)" unconfined
	same "$1: exec --apparmor with another" "$(rt exec --apparmor unconfined box cat /proc/self/attr/current 2>&1 < /dev/null)" unconfined
	like "$1: exec --apparmor with one that is not there" "$(rt exec --apparmor no-such-profile box true 2>&1 < /dev/null; echo $?)" \
		$'apparmorProfile no-such-profile: the kernel has no such profile.*\n125$'
	like "$1: exec of a process with one that is not there" "$(rt exec --process "$T/missing.json" box 2>&1 < /dev/null; echo $?)" \
		$'apparmorProfile no-such-profile: the kernel has no such profile.*\n125$'
}
start box sleep 1000
same "the process of a container" "$(cat "/proc/$(pid_of box)/attr/current")" "$confined"
exec_all "one that runs"
NNP=false
rt delete --force box
start box sleep 1000
same "exec with noNewPrivileges of its own" "$(rt exec --no-new-privs box sh -c "grep NoNewPrivs /proc/self/status; $PROBE" 2>&1 < /dev/null)" \
	$'NoNewPrivs:\t1\n'"$denied"
rt delete --force box
CAPS=${CAPS//'"CAP_CHOWN"'/'"CAP_CHOWN","CAP_SYS_PTRACE"'}
start box sleep 1000
exec_all "one that may trace"
rt delete --force box
fresh
PROCESS=',"apparmorProfile":"box"'
NAMESPACES="$NAMESPACES,{\"type\":\"user\"}"
LINUX=',"uidMappings":[{"containerID":0,"hostID":100000,"size":65536}],"gidMappings":[{"containerID":0,"hostID":100000,"size":65536}]'
start box sleep 1000
exec_all "one with users of its own"
rt delete --force box

# ---- errors ----

fresh
PROCESS=',"apparmorProfile":"no-such-profile"'
run missing true
same "a profile that is not loaded" "$CODE $OUT" "125 berth runtime run: process.apparmorProfile no-such-profile: \
the kernel has no such profile: load it first, with apparmor_parser"
same "nothing is left" "$(cgroup_dirs)" ''
PROCESS='' LINUX=',"mountLabel":"u:r:files_t:s0"'
run selinux true
like "SELinux is not there" "$CODE $OUT" '^125 .*linux.mountLabel u:r:files_t:s0: this kernel has no SELinux, or it is switched off$'
finish
