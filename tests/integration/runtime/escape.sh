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

# CVE-2019-5736: the runtime's own binary by way of /proc/PID/exe. The binary that stays in the container, as
# /proc/self/exe was told to, can't be written: not while it runs, when it would be busy, but at all.
before=$(md5sum < "$BERTH")
like "the binary can be read" "$before" '^[0-9a-f]{32}'
rt exec --cwd /tmp box /proc/self/exe shim --root /tmp/none evil /tmp > "$T/evil.out" 2>&1 < /dev/null &
in_box() { rt exec box sh -c "$1" 2>&1 < /dev/null; }
# shellcheck disable=SC2016
check "the runtime's image runs in the container" wait_for 5 in_box 'for p in /proc/[0-9]*; do
	case $(cat $p/cmdline | tr "\0" " ") in *evil*) exit 0 ;; esac; done; exit 1'
# shellcheck disable=SC2016
out=$(in_box 'for p in /proc/[0-9]*; do
	case $(tr "\0" " " < $p/cmdline) in *shim*evil*) echo x > $p/exe ;; esac; done')
like "and cannot be written to" "$out" 'Read-only file system|Permission denied|Operation not permitted'
same "the host's binary is the same" "$(md5sum < "$BERTH")" "$before"
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
for i in $(seq 20); do rt exec watcher true < /dev/null; done
like "what is watched" "$(sort -u "$ROOTS/tmp/seen")" /bin/busybox
unlike "exec shows nothing of the host while it enters" "$(sort -u "$ROOTS/tmp/seen")" 'berth|socket:|mnt:|net:|/state'
rt delete --force watcher
rm -f "$ROOTS/tmp/seen"

# A hostile root: what exec needs is replaced by traps.
start trap sh -c 'rm -f /etc/passwd; mknod /etc/passwd p; rm -f /etc/group; ln -s /proc/kcore /etc/group; echo set > /tmp/set; sleep 1000'
wait_for 5 test -e "$ROOTS/tmp/set"
like "a fifo for passwd ends exec" "$(timeout 5 "$BERTH" runtime --root "$T/state" exec --user app trap true 2>&1 < /dev/null; echo $?)" \
	$'is not a plain file\n125'
rt delete --force trap
finish
