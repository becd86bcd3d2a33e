#!/bin/bash
# System calls: linux.seccomp of config.json, and Docker's default profile.
. "$(dirname "$0")/harness"

seccomp() { LINUX=",\"seccomp\":$1"; }
rule() { printf '{"names":[%s],"action":"SCMP_ACT_%s"%s}' "$(list $1)" "$2" "${3:-}"; }
allow_but() { seccomp "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[$(IFS=,; echo "$*")]}"; }

# ---- actions ----

allow_but "$(rule 'mkdir mkdirat' ERRNO)"
run eperm mkdir /tmp/x
like "ERRNO is EPERM" "$OUT" "Operation not permitted"
allow_but "$(rule 'mkdir mkdirat' ERRNO ',"errnoRet":28')"
run other mkdir /tmp/x
like "or what errnoRet says" "$OUT" "No space left on device"
allow_but "$(rule 'mkdir mkdirat' KILL_PROCESS)"
run kill mkdir /tmp/x
same "KILL_PROCESS is SIGSYS" "$CODE" 159
allow_but "$(rule 'mkdir mkdirat' TRAP)"
run trap mkdir /tmp/x
same "so is TRAP, with nobody to catch it" "$CODE" 159
allow_but "$(rule 'mkdir mkdirat no_such_call' LOG)"
run log sh -c 'mkdir /tmp/x && rmdir /tmp/x && echo made'
same "LOG lets through, and an unknown name is nothing" "$OUT" made
allow_but "$(rule 'mkdir mkdirat' ERRNO)"
NNP=false
run nonnp sh -c 'mkdir /tmp/x; grep -E "NoNewPrivs|Seccomp:|CapEff" /proc/self/status'
like "without no-new-privileges as well" "$OUT" $'not permitted.*CapEff:\t00000000a80425fb.*NoNewPrivs:\t0.*Seccomp:\t2'
USER='{"uid":1000,"gid":1000}'
run nonnp sh -c 'mkdir /tmp/x; grep -E "NoNewPrivs|Seccomp:|CapPrm" /proc/self/status'
like "and for a user, who keeps nothing of what loading takes" "$OUT" $'not permitted.*CapPrm:\t0000000000000000.*NoNewPrivs:\t0.*Seccomp:\t2'
fresh

# ---- arguments ----

allow_but "$(rule 'kill' ERRNO ',"args":[{"index":1,"value":10,"op":"SCMP_CMP_EQ"}]')"
run args sh -c 'trap "echo got" USR2; kill -USR2 $$; kill -USR1 $$ && echo killed'
like "one signal is refused, another not" "$OUT" $'^got\n.*Operation not permitted'
allow_but "$(rule 'kill' ERRNO ',"args":[{"index":1,"value":8,"valueTwo":8,"op":"SCMP_CMP_MASKED_EQ"}]')"
run masked sh -c 'trap "echo got" INT; kill -INT $$; kill -USR1 $$'
like "by a mask" "$OUT" $'^got\n.*Operation not permitted'

# ---- exec, and what comes after the filter ----

allow_but "$(rule 'mkdir mkdirat' ERRNO)"
start box sleep 1000
like "exec has the same filter" "$(rt exec box mkdir /tmp/x 2>&1 < /dev/null)" "Operation not permitted"
echo '{"args":["mkdir","/tmp/x"],"cwd":"/","env":["PATH=/bin"],"user":{"uid":0,"gid":0}}' > "$T/process.json"
like "also with a process of its own" "$(rt exec --process "$T/process.json" box 2>&1 < /dev/null)" "Operation not permitted"
truncate -s $(($(stat -c %s "$T/state/box/filter") - 1)) "$T/state/box/filter" # busybox's takes no -1
like "and none with half of one" "$(rt exec box true 2>&1 < /dev/null; echo $?)" $'filter is not whole\n125'
rm "$T/state/box/filter" "$T/state/box/process.json"
like "a berth before this one has left config.json alone" "$(rt exec box mkdir /tmp/x 2>&1 < /dev/null)" "Operation not permitted"
like "also for a process of its own" "$(rt exec --process "$T/process.json" box 2>&1 < /dev/null)" "Operation not permitted"
rt delete --force box
# Nothing but what a static program makes: the runtime needs no more than execve().
if [ "$(uname -m)" = x86_64 ]; then
	seccomp "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[$(rule 'execve arch_prctl brk set_tid_address exit_group write mprotect readlink prlimit64 getrandom rseq set_robust_list newfstatat getuid prctl fstat ioctl open getpid getppid uname mmap munmap rt_sigprocmask rt_sigaction' ALLOW)]}"
	run strict echo strict
	same "a strict profile is enough" "$OUT" strict
fi

# ---- what is wrong ----

while IFS='|' read -r profile error; do
	seccomp "$profile"
	run wrong true
	like "$error" "$OUT$CODE" "linux: seccomp: $error.*125"
done << 'END'
{"defaultAction":"SCMP_ACT_FLY"}|"SCMP_ACT_FLY" is not a seccomp action
{"syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"}]}|"defaultAction" is missing
{"defaultAction":"SCMP_ACT_ALLOW","flags":["X"]}|"X" is not a seccomp flag
{"defaultAction":"SCMP_ACT_ALLOW","architectures":["VAX"]}|"VAX" is not a seccomp architecture
{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_NOTIFY"}]}|SCMP_ACT_NOTIFY needs a "listenerPath"
{"defaultAction":"SCMP_ACT_NOTIFY","listenerPath":"/x"}|SCMP_ACT_NOTIFY cannot be the default action
{"profile":"podman"}|"profile" is "podman", not docker
END

# ---- somebody else decides ----

# Takes the listener, and has each call that comes fail with EXDEV.
# In the background only: the shell becomes it, so that it is what a signal ends.
decide() {
	exec python3 -c '
import array, fcntl, json, os, socket, struct, sys
sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
sock.bind(sys.argv[1] + ".new")
sock.listen(4)
os.rename(sys.argv[1] + ".new", sys.argv[1])
while True:
    peer, _ = sock.accept()
    text, control, _, _ = peer.recvmsg(65536, socket.CMSG_SPACE(64))
    state = json.loads(text)
    print(state["fds"], state["metadata"], state["state"]["id"], state["state"]["status"], state["pid"] > 1, flush=True)
    listener = array.array("i", control[0][2][:4])[0]
    request = fcntl.ioctl(listener, 0xc0502100, bytes(80))
    fcntl.ioctl(listener, 0xc0182101, struct.pack("qqii", struct.unpack_from("q", request)[0], 0, -18, 0))
' "$1"
}

if command -v python3 > /dev/null; then
	seccomp "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"$T/decider\",\"listenerMetadata\":\"meta\",
		\"syscalls\":[$(rule 'mkdir mkdirat' NOTIFY)]}"
	run alone true
	like "without a listener there is no container" "$OUT$CODE" 'linux.seccomp.listenerPath .*: connect: No such file.*125'
	decide "$T/decider" > "$T/decided" 2>&1 &
	decider=$!
	wait_for 20 test -S "$T/decider"
	run notify mkdir /tmp/x
	like "the call waits for an answer" "$OUT" 'Invalid cross-device link'
	NNP=false
	run notify2 mkdir /tmp/x
	like "without no-new-privileges as well" "$OUT" 'Invalid cross-device link'
	start box sleep 1000
	kill $decider
	wait $decider 2> /dev/null
	rm -f "$T/decider"
	decide "$T/decider" >> "$T/decided" 2>&1 &
	decider=$!
	wait_for 20 test -S "$T/decider"
	like "an exec has a listener of its own" "$(timeout 60 "$BERTH" runtime --root "$T/state" exec box mkdir /tmp/x 2>&1 < /dev/null)" 'Invalid cross-device'
	same "who decides knows of whom" "$(sort -u "$T/decided")" "['seccompFd'] meta box creating True
['seccompFd'] meta box running True
['seccompFd'] meta notify creating True
['seccompFd'] meta notify2 creating True"
	rt delete --force box
	kill $decider
	fresh
fi

# ---- Docker's profile ----

seccomp '{"profile":"docker"}'
run docker sh -c 'grep Seccomp: /proc/self/status; mount -t tmpfs x /tmp; unshare -U true; echo done'
like "Docker's profile is loaded" "$OUT" $'Seccomp:\t2'
like "nobody mounts" "$OUT" 'mount: permission denied'
like "nor makes a user namespace" "$OUT" 'unshare.*not permitted'

# ---- the project of a file ----

# Python is this machine's: busybox makes no such calls.
if command -v python3 > /dev/null; then
	MOUNTS=',{"destination":"/host","source":"/","options":["rbind","ro"]}'
	leave() {
		seccomp "$1"
		run leave sh -c "exec 3< /data; chroot /host $(command -v python3) -c '
import fcntl
for request in 0x401c5820, 0x40086602:
    try:
        print(fcntl.ioctl(3, request, bytes(28)) and 1)
    except OSError as error:
        print(error.errno)'"
	}
	leave '{"profile":"docker"}'
	unlike "is its owner's to change" "$OUT" 95
	leave '{"profile":"docker","keepProjects":true}'
	same "or is not" "$OUT" $'95\n95'
	leave '{"defaultAction":"SCMP_ACT_ALLOW","keepProjects":true}'
	same "by any profile" "$OUT" $'95\n95'
fi
fresh
finish
