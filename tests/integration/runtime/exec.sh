#!/bin/bash
# exec: one more process in a container that runs.
. "$(dirname "$0")/harness"

bounding=a80425fb
if [ "${TRACES:-}" ]; then # exec-traced.sh
	CAPS="{\"bounding\":[$DOCKER_CAPS,\"CAP_SYS_PTRACE\"]}"
	bounding=a80c25fb
fi
ENV='"PATH=/bin","COLOR=blue","SHAPE=round"'
RESOURCES='"devices":[{"allow":false,"access":"rwm"}],"pids":{"limit":20}'
CWD=/srv
start box sh -c 'trap "exit 0" TERM; while :; do sleep 0.1; done'
x() { rt exec "$@" 2>&1 < /dev/null; }

same "output" "$(x box echo hello)" hello
x box sh -c 'exit 9'
same "the exit code" $? 9
x box sh -c 'kill -9 $$'
same "killed by a signal" $? 137
same "stdin" "$(echo in | rt exec box cat)" in
same "options of the command are its own" "$(x box sh -c 'echo $1' - -t)" -t

for ns in pid net ipc uts mnt cgroup; do
	[ -e /proc/self/ns/$ns ] || continue
	same "the $ns namespace" "$(x box readlink /proc/self/ns/$ns)" "$(readlink "/proc/$(pid_of box)/ns/$ns")"
done
same "the cgroup" "$(x box cat /proc/self/cgroup | sort)" "$(x box cat /proc/1/cgroup | sort)"
rt exec --detach --pid-file "$T/pid" box sleep 1000 > /dev/null 2>&1 < /dev/null
like "detached, it is in the cgroup" "$(cat "/proc/$(cat "$T/pid")/cgroup")" "$CG/box"
same "the environment" "$(x --env SHAPE=square --env NEW=1 box sh -c 'echo $COLOR $SHAPE $NEW $HOME')" 'blue square 1 /root'
same "the working directory" "$(x box pwd) $(x --cwd /tmp box pwd)" '/srv /tmp'
same "the user" "$(x --user app box sh -c 'id -u; id -G; echo $HOME' | tr '\n' ' ')" '1000 1001 20 44 /srv '
same "a user and group by number" "$(x -u 5:6 box id -G)" 6
like "capabilities" "$(x box cat /proc/self/status)" $'CapBnd:\t00000000'$bounding$'.*NoNewPrivs:\t1'
same "descriptors" "$(x box ls /proc/self/fd | tr '\n' ' ')" '0 1 2 3 ' # 3 is the directory that ls reads

like "a missing program" "$(x box nothing; echo $?)" $'exec nothing: executable file not found in PATH\n127'
like "one that cannot run" "$(x box /etc/passwd; echo $?)" $'permission denied.*\n126'
like "an unknown user" "$(x --user none box true; echo $?)" $'user "none".*\n125'
like "an unknown container" "$(x none true; echo $?)" $'container none does not exist\n125'
like "a wrong variable" "$(x --env FLY box true)" 'not NAME=VALUE'

same "a terminal" "$(x --tty box sh -c 'tty; tty < /dev/stdout')" $'/dev/pts/0\r\n/dev/pts/0\r'
x --tty box sh -c 'exit 6'
same "its exit code" $? 6
same "what is typed" "$(printf 'one\ntwo\n' | rt exec --tty box sh -c 'read a; read b; echo $b-$a' | tail -1)" $'two-one\r'
printf '{"args":["sh","-c","echo $X"],"env":["X=file","PATH=/bin"],"cwd":"/"}' > "$T/process.json"
same "a process file" "$(x --process "$T/process.json" box)" file

# What waits is ended with the one who waited: a probe that ran out of time.
"$BERTH" runtime --root "$T/state" exec box sleep 4321 < /dev/null &
sleeper() { x box ps | grep 'sleep 4321' | grep -qv grep; }
check "it runs" wait_for 20 sleeper
kill -9 $!
wait $! 2> /dev/null
no_sleeper() { ! sleeper; }
check "it ends with its exec" wait_for 20 no_sleeper
# Also one that is stopped before it is the program: a paused container holds it there, root in it can stop it.
processes() { cgroup_file box freezer cgroup.procs cgroup.procs; }
rt pause box
old=$(processes)
newcomer() { processes | grep -vxF "$old"; }
has_begun() { [ -e "/proc/$new/fd" ] && ! ls -l "/proc/$new/fd" | grep -q "$T/state"; }
for _ in {1..20}; do
	"$BERTH" runtime --root "$T/state" exec --ignore-paused box sleep 4322 < /dev/null &
	wait_for 20 newcomer
	new=$(newcomer)
	wait_for 1 has_begun && break
	kill -9 $! # on a busy machine it may be frozen before its first step, and have asked for nothing yet
	old=$(processes)
done
check "it enters a paused container" test "$new"
kill -STOP "$new"
rt resume box
is_stopped() { grep -q '^State:.*stopped' "/proc/$new/status"; }
check "it is stopped" wait_for 20 is_stopped
kill -9 $!
wait $! 2> /dev/null
check "it ends as well" wait_for 20 dead "$new"
kill -9 "$new" 2> /dev/null
"$BERTH" runtime --root "$T/state" exec box sh -c 'trap "exit 44" TERM; echo ready; while :; do sleep 0.05; done' > "$T/ready" < /dev/null &
wait_for 20 grep -q ready "$T/ready"
kill -TERM $!
wait $!
same "signals are passed on" $? 44

status_before=$(ls "/proc/$(pid_of box)/fd" | wc -l)
for i in $(seq 30); do x box true; done
same "30 execs leave nothing in init" "$(ls "/proc/$(pid_of box)/fd" | wc -l)" "$status_before"
rt kill box TERM
wait_for 20 is box stopped
like "not into a stopped one" "$(x box true; echo $?)" $'container box is stopped, not running\n125'
rt delete box

if [ "${TRACES:-}" ]; then
	LINUX=',"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["clone","clone3","fork"],"action":"SCMP_ACT_ERRNO"}]}'
	NNP=false
	start box sleep 1000
	like "a profile that does not let it in is named" "$(x box true)" 'a seccomp profile which allows clone\): Operation not permitted'
	rt delete --force box
	LINUX='' NNP=true
fi

TERMINAL=true
config term sh -c 'tty; tty < /dev/console; stat -c %t:%T /dev/console; exit 8'
OUT=$(rt run --bundle "$T/term" term < /dev/null)
same "a container with a terminal" "$?$OUT" $'8/dev/pts/0\r\n/dev/console\r\n88:0\r'
like "create needs somebody to give it to" "$(rt create --bundle "$T/term" term 2>&1)" '--console-socket must say who'
finish
