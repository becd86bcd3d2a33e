#!/bin/bash
# The options of runc that engines use: of the command line itself, of create, run and exec.
. "$(dirname "$0")/harness"

# ---- before the command ----

like "--version" "$(rt --version)" 'berth runtime version [0-9].*spec: 1.1.0'
rt --log "$T/log" --log-format json --debug --rootless false state nobody 2> /dev/null
same "a failure's exit code" $? 1
like "--log-format json" "$(cat "$T/log")" \
	'^\{"level": ?"error", ?"msg": ?"container nobody does not exist", ?"time": ?"20[0-9-]*T[0-9:]*Z"\}$'
rt --log "$T/log.txt" state nobody 2> /dev/null
same "--log" "$(cat "$T/log.txt")" 'berth runtime state: container nobody does not exist'
like "features" "$(rt features | tr -d ' \n')" '"hooks":\["prestart",.*"cgroup":\{"v1":true,"v2":true,"systemd":false.*"rdma":true'
like "--systemd-cgroup is refused" "$(rt --systemd-cgroup state x 2>&1)" 'configure the engine for cgroupfs'
like "--rootless true as well" "$(rt --rootless true state x 2>&1)" 'berth runs as root'
for command in create start run exec list state kill delete pause resume update ps events device spec features; do
	like "$command --help" "$(rt $command --help 2>&1; echo $?)" "^usage: berth runtime $command( .*)?"$'\n0$'
done
like "a log format that there is not" "$(rt --log-format xml state x 2>&1)" 'use text or json'

# ---- create and run ----

config fds sh -c 'cat <&3; cat <&4; ls /proc/self/fd | tr "\n" " "; test -e /proc/1/fd/5 && echo leaked'
echo three > "$T/three"
echo four > "$T/four"
OUT=$(rt run --bundle "$T/fds" --preserve-fds 2 fds 2>&1 < /dev/null 3< "$T/three" 4< "$T/four" 5< "$T/four")
same "--preserve-fds" "$(echo $OUT)" 'three four 0 1 2 3 4 5'
OUT=$(rt run --bundle "$T/fds" --preserve-fds=3 fds 2>&1 < /dev/null 3< "$T/three" 4< "$T/four" 5>&-)
like "those that are not open are not taken from ours" "$OUT" 'descriptor 5 is not open'
# In the background: the shell, which is 1, has descriptors of its own for a pipe, or where it redirects itself.
config fds sh -c 'ls /proc/1/fd > /tmp/fds & wait; echo $(cat /tmp/fds) "$@"' sh --preserve-fds 9
OUT=$(rt run --bundle "$T/fds" fds 2>&1 < /dev/null 3< "$T/three" 9< "$T/four")
same "a word of the command is no option" "$OUT" '0 1 2 --preserve-fds 9'
start box sleep 1000
OUT=$(rt exec box sh -c 'ls -l /proc/$$/fd; :' sh --preserve-fds 9 2>&1 < /dev/null 3< "$T/three" 9< "$T/four")
unlike "nor of one that is executed" "$OUT" 'three|four'
OUT=$(rt exec --preserve-fds 1 box sh -c 'cat <&3' 2>&1 < /dev/null 3< "$T/three" 4< "$T/four")
same "exec --preserve-fds" "$OUT" three

config kept sh -c 'exit 3'
rt run --bundle "$T/kept" --keep kept < /dev/null
same "run --keep has the exit code" $? 3
same "and leaves the container" "$(status kept)" stopped
check "until it is deleted" rt delete kept

config turned sh -c 'ls /; echo up | cat; ls /../..; cat /proc/mounts | wc -l'
pivoted=$(rt run --bundle "$T/turned" turned 2>&1 < /dev/null)
same "--no-pivot gives the same root" "$(rt run --bundle "$T/turned" --no-pivot turned 2>&1 < /dev/null)" "$pivoted"
check "run --no-subreaper" rt run --no-subreaper --bundle "$T/turned" turned < /dev/null
config key true
check "--no-new-keyring" rt run --bundle "$T/key" --no-new-keyring key

# ---- exec ----

like "exec --additional-gids" "$(rt exec --user 1000:1000 --additional-gids 20 --additional-gids 44 box id < /dev/null)" \
	'uid=1000\(app\) gid=1000 groups=1000,20\(dialout\),44\(video\)|groups=20\(dialout\),44\(video\)'
effective() { rt exec "$@" box sh -c 'grep CapEff /proc/self/status' < /dev/null | cut -f2; }
same "exec --help behind the id is the program's" "$(rt exec box sh -c 'echo "$@"' sh --help < /dev/null)" --help
same "exec --cap adds one" $((0x$(effective --cap CAP_SYS_NICE) & ~0x$(effective))) $((1 << 23))
same "or -c" "$(effective -c CAP_SYS_NICE)" "$(effective --cap CAP_SYS_NICE)"
like "only such as there are" "$(rt exec --cap CAP_FLY box true 2>&1)" 'no such capability'
like "exec --apparmor" "$(rt exec --apparmor no-such-profile box true 2>&1 < /dev/null)" 'process.apparmorProfile no-such-profile: '
like "exec --process-label" "$(rt exec --process-label no:such:label box true 2>&1 < /dev/null)" 'process.selinuxLabel no:such:label: '
NNP=false
start free sleep 1000
new_privileges() { rt exec "$@" free sh -c 'grep NoNewPrivs /proc/self/status' < /dev/null | cut -f2; }
same "exec as the container is" "$(new_privileges)" 0
same "exec --no-new-privs" "$(new_privileges --no-new-privs)" 1
rt delete --force free
for each in /sys/fs/cgroup"$CG/box" /sys/fs/cgroup/*"$CG/box"; do
	[ -d "$each" ] && mkdir "$each/below"
done
like "exec --cgroup" "$(rt exec --cgroup below box cat /proc/self/cgroup < /dev/null)" '/below'
like "which must be there" "$(rt exec --cgroup none box true 2>&1 < /dev/null)" 'box/none/.*: No such file'
like "and below" "$(rt exec --cgroup ../.. box true 2>&1 < /dev/null)" 'no ".."'
check "pause" rt pause box
same "the status" "$(status box)" paused
like "exec waits for nobody" "$(rt exec box true 2>&1 < /dev/null)" 'container box is paused, not running'
rt exec --ignore-paused box echo late > "$T/late" < /dev/null &
sleep 0.3
same "unless it is told to" "$(cat "$T/late")" ''
check "resume" rt resume box
wait $!
same "then it runs" "$(cat "$T/late")" late
like "resume of one that runs" "$(rt resume box 2>&1)" 'is running, not paused'
rt pause box
check "a paused one is killed" rt kill box KILL
check "at once" wait_for 20 is box stopped
rt delete box
same "nothing is left" "$(cgroup_dirs)" ''
finish
