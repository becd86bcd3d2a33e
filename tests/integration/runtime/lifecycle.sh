#!/bin/bash
# What becomes of a container: create, start, state, kill, delete, run, exit codes, and what is left behind.
. "$(dirname "$0")/harness"

run hello echo 'hello "world"'
same "run prints" "$OUT" 'hello "world"'
same "run's exit code" "$CODE" 0
run seven sh -c 'exit 7'
same "the exit code comes through" "$CODE" 7
run killed sh -c 'kill -9 $$; sleep 1; kill -TERM -1; exit 3'
same "pid 1 cannot kill itself" "$CODE" 3
run input cat
same "stdin is ours" "$CODE$OUT" 0

run nothing /bin/nothing
same "a missing program is 127" "$CODE" 127
like "and said so" "$OUT" 'exec /bin/nothing: no such file or directory \(check command = or the image'
run nothing nothing
same "one that PATH does not have is 127" "$CODE" 127
like "and said so" "$OUT" 'exec nothing: executable file not found in PATH'
run nothing /etc/passwd
same "one that is not executable is 126" "$CODE" 126
like "and said so" "$OUT" 'exec /etc/passwd: permission denied'
run nothing /etc
same "a directory is 126" "$CODE" 126
printf '#!/bin/none\n' > "$ROOTS/bin/orphan"
printf 'MZ\0\0\0' > "$ROOTS/bin/alien"
chmod 755 "$ROOTS/bin/orphan" "$ROOTS/bin/alien"
run nothing /bin/orphan
same "a missing interpreter is 127" "$CODE" 127
like "and said so" "$OUT" 'exec /bin/orphan: no such file or directory: its interpreter'
run nothing alien
same "a program for nobody is 126" "$CODE" 126
like "and said so" "$OUT" 'not a program for this processor'
same "failed containers leave nothing" "$(ls "$T/state")$(cgroup_dirs)" ''

# ---- the steps one by one ----

config box sh -c 'trap "exit 5" TERM; echo up; while :; do sleep 0.05; done'
cd "$T/box" || exit
rt create --pid-file "$T/box/pid" box > "$T/box/out" 2>&1 < /dev/null
same "create's exit code" $? 0
same "created" "$(status box)" created
same "the pid file" "$(cat "$T/box/pid")" "$(pid_of box)"
same "it waits" "$(cat "$T/box/out")" ''
like "the same id is refused" "$(rt create box 2>&1)" 'container box exists already'
same "and the first one still there" "$(status box)" created
check "start" rt start box
same "running" "$(status box)" running
wait_for 20 grep -q up "$T/box/out"
same "its output" "$(cat "$T/box/out")" up
like "a second start is refused" "$(rt start box 2>&1)" 'container box is running, not created'
like "delete is refused while it runs" "$(rt delete box 2>&1)" 'container box is running: kill it first'
check "kill" rt kill box TERM
check "it ends" wait_for 20 is box stopped
same "stopped has no pid" "$(pid_of box)" 0
like "a dead one is not killed" "$(rt kill box 9 2>&1)" 'container box is not running: no such process'
check "delete" rt delete box
like "gone" "$(rt state box 2>&1)" 'container box does not exist'
same "its cgroup as well" "$(cgroup_dirs)" ''
same "delete --force of nothing says nothing" "$(rt delete --force box 2>&1; echo $?)" 0
like "delete of nothing" "$(rt delete box 2>&1)" 'container box does not exist'

config box sleep 1000
rt create box < /dev/null
check "kill of a created one" rt kill box TERM
check "ends it" wait_for 20 is box stopped
rt delete box
rt create box < /dev/null
check "delete of a created one" rt delete box
rt create box < /dev/null
kill -9 "$(pid_of box)"
check "one killed before its start is stopped" wait_for 20 is box stopped
like "and not started" "$(rt start box 2>&1)" 'container box is stopped'
check "and deleted" rt delete box

start box sleep 1000
first=$(pid_of box)
check "delete --force of a running one" rt delete --force box
check "kills it" wait_for 20 dead "$first"

# A pid that was used again, as after a reboot: another start time.
start box sleep 1000
sed -i "s/\"startTicks\":[0-9]*/\"startTicks\":1/" "$T/state/box/state.json"
same "another process of that pid is not the container" "$(status box)" stopped
like "and is not signalled" "$(rt kill box KILL 2>&1)" 'not running'
kill -0 "$(sed -n 's/.*"pid":\([0-9]*\).*/\1/p' "$T/state/box/state.json")"
same "it lives" $? 0
rt delete box
same "delete takes what is in the cgroup" "$(cgroup_dirs)" ''

# ---- create is killed ----

# Before it has a cgroup: nobody writes into the fifo, so it waits there. The path may be somebody else's.
mkfifo "$T/fifo"
others=$NAMESPACES
killed_create() {
	NAMESPACES="{\"type\":\"network\",\"path\":\"$T/fifo\"},{\"type\":\"uts\"},{\"type\":\"mount\"}"
	config half true
	sed -i "s|\"cgroupsPath\":\"[^\"]*\"|\"cgroupsPath\":\"$CG/$1\"|" "$T/half/config.json"
	NAMESPACES=$others
	"$BERTH" runtime --root "$T/state" create --bundle "$T/half" half < /dev/null &
	check "create is on its way" wait_for 20 test -s "$T/state/half/state.json"
	kill -9 $!
	wait $! 2> /dev/null
	same "and killed" "$(status half)" creating
	check "really" dead $!
}
start box sleep 1000
killed_create box
like "kill --all finds none of its processes" "$(rt kill --all half KILL 2>&1)" 'half has no cgroup yet'
like "nor does ps" "$(rt ps half 2>&1)" 'half has no cgroup yet'
check "delete --force" rt delete --force half
same "leaves another one's cgroup alone" "$(status box)" running
rt delete --force box
killed_create half
for dir in /sys/fs/cgroup"$CG" /sys/fs/cgroup/*"$CG"; do
	[ -d "$dir" ] && mkdir "$dir/half"
done
check "delete --force" rt delete --force half
same "takes away what was made so far" "$(cgroup_dirs)" ''

# ---- wrong words ----

same "no command is wrong usage" "$(rt > /dev/null 2>&1; echo $?)" 2
same "an unknown command is wrong usage" "$(rt fly 2> /dev/null; echo $?)" 2
same "an unknown option is wrong usage" "$(rt state --fly box 2> /dev/null; echo $?)" 2
like "an id may not be a path" "$(rt create ../x 2>&1)" 'container id "../x": '
same "a wrong signal is wrong usage" "$(rt kill box SIGFLY 2> /dev/null; echo $?)" 2
like "a bundle must be there" "$(rt create --bundle /none x 2>&1)" 'bundle /none: No such file'
cp "$T/box/config.json" "$T/box/config.old"
sed 's/"cwd":"\/"/"cwd":7/' "$T/box/config.old" > "$T/box/config.json"
like "errors name the member" "$(rt create box 2>&1)" 'config.json: process: "cwd" is not a string'
sed 's/"linux":{/"linux":{"intelRdt":{"closID":"x"},/' "$T/box/config.old" > "$T/box/config.json"
like "what is not supported is refused" "$(rt create box 2>&1)" 'linux: intelRdt is not supported'
check "spec writes a config" rt spec --bundle "$T"
like "but not over one" "$(rt spec --bundle "$T" 2>&1)" 'File exists'
like "features" "$(rt features)" '"ociVersionMax": "1.1.0"'

# ---- pause and resume ----

ticks() { wc -c < "$ROOTS/data/ticks"; }
config ticker sh -c 'while :; do printf . >> /data/ticks; sleep 0.02; done'
cd "$T/ticker" || exit
rt create ticker < /dev/null > /dev/null 2>&1
rt start ticker
wait_for 20 test -s "$ROOTS/data/ticks"
check "pause" rt pause ticker
before=$(ticks)
sleep 0.3
same "nothing in it goes on" "$(ticks)" "$before"
check "resume" rt resume ticker
check "it goes on" wait_for 20 eval '[ "$(ticks)" -gt "$before" ]'
rt pause ticker
check "delete --force takes a frozen one away" rt delete --force ticker
like "one that is not there" "$(rt pause ticker 2>&1)" 'container ticker does not exist'

# ---- nothing is left ----

# Of this test: others run at the same time.
mounts() { grep -c "$T" /proc/self/mountinfo; }
before=$(mounts)
for i in $(seq 50); do
	run "r$i" true
	[ "$CODE" = 0 ] || fail "run $i: $CODE $OUT"
done
same "50 runs leave no mounts" "$(mounts)" "$before"
same "no states" "$(ls "$T/state")" ''
same "no cgroups" "$(cgroup_dirs)" ''
finish
