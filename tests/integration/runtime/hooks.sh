#!/bin/bash
# Hooks: when each runs, in which namespaces, what it reads, and what comes of one that fails or hangs.
. "$(dirname "$0")/harness"

mkdir "$T/said"
sh=$(command -v sh)
# hook POINT SCRIPT [MORE-MEMBERS]: the member of "hooks"
hook() { printf '"%s":[{"path":%s,"args":["sh","-c",%s],"env":["PATH=%s"]%s}]' "$1" "$(quote "$sh")" "$(quote "$2")" "$PATH" "${3:-}"; }
# What a hook of the runtime's namespaces writes down.
tell() { hook "$1" "{ echo $1 \$(readlink /proc/self/ns/mnt) \$(readlink /proc/self/ns/net); cat; } > $T/said/$1; echo $1 >> $T/said/order"; }
# A member of the state that the hook of that point read
told() { sed -n "s/.*\"$2\": \"\{0,1\}\([^\",]*\).*/\1/p" "$T/said/$1"; }
namespaces() { head -n 1 "$T/said/$1" | cut -d ' ' -f 2-; }
with() { local IFS=,; CONFIG=",\"hooks\":{$*},\"annotations\":{\"who\":\"me\"}"; }

mine="$(readlink /proc/self/ns/mnt) $(readlink /proc/self/ns/net)"
with "$(tell prestart)" "$(tell createRuntime)" "$(tell createContainer)" "$(tell poststart)" "$(tell poststop)" \
	'"startContainer":[{"path":"/bin/sh","args":["sh","-c","cat > /tmp/state; id -u > /tmp/id; echo x > /tmp/order"]}]'
config box sleep 1000
rt create --bundle "$T/box" box < /dev/null > "$T/box/out" 2>&1
same "create with hooks" "$?$(cat "$T/box/out")" 0
pid=$(pid_of box)
same "their order" "$(tr '\n' ' ' < "$T/said/order")" 'prestart createRuntime createContainer '
for point in prestart createRuntime; do
	same "$point is in the runtime's namespaces" "$(namespaces $point)" "$mine"
done
same "createContainer is in the container's" "$(namespaces createContainer)" \
	"$(readlink "/proc/$pid/ns/mnt") $(readlink "/proc/$pid/ns/net")"
for point in prestart createRuntime createContainer; do
	same "$point reads the status" "$(told $point status)" creating
	seen=$pid
	[ $point = createContainer ] && seen=1 # it is in the container's pid namespace
	same "$point reads the pid" "$(told $point pid)" "$seen"
done
same "and the id, bundle, annotations" "$(told createRuntime id) $(told createRuntime bundle) $(told createRuntime who)" "box $T/box me"
same "startContainer has not run" "$(ls "$ROOTS/tmp")" ''
check "start" rt start box
same "startContainer has run in the container" "$(sed -n 's/.*"status": "\(.*\)".*/\1/p' "$ROOTS/tmp/state") $(cat "$ROOTS/tmp/order")" 'created x'
same "with its pid in there" "$(sed -n 's/.*"pid": \([0-9]*\).*/\1/p' "$ROOTS/tmp/state")" 1
same "poststart reads" "$(told poststart status) $(told poststart pid)" "running $pid"
same "poststart is in the runtime's namespaces" "$(namespaces poststart)" "$mine"
rt delete --force box
same "poststop reads" "$(told poststop status) $(told poststop pid)" 'stopped 0'
same "poststop is in the runtime's namespaces" "$(namespaces poststop)" "$mine"
rm -f "$ROOTS"/tmp/* "$T"/said/*

# ---- they begin in the bundle ----

where() { hook "$1" "pwd >> $T/said/where"; }
with "$(where prestart)" "$(where createRuntime)" "$(where createContainer)" "$(where poststart)" "$(where poststop)" \
	'"startContainer":[{"path":"/bin/sh","args":["sh","-c","pwd > /tmp/where"]}]'
CWD=/srv
run box true
same "all of the runtime's, and createContainer" "$(sort "$T/said/where" | uniq -c | xargs)" "5 $T/box"
same "startContainer in the process's" "$(cat "$ROOTS/tmp/where")" /srv
fresh
rm -f "$T"/said/* "$ROOTS/tmp/where"

# ---- the container is not closed yet ----

mkdir "$T/late"
echo late > "$T/late/file"
with "$(hook createContainer "mount --bind $T/late $ROOTS/data && echo inside > $ROOTS/srv/made")" \
	"$(hook createRuntime "pid=\$(sed -n 's/.*\"pid\": \([0-9]*\).*/\1/p'); hostname > $T/said/name; ls /proc/\$pid/root$ROOTS/proc/1 > $T/said/proc")"
READONLY=true
run box cat /data/file /srv/made
same "createContainer mounts and writes before the root is closed" "$OUT" $'late\ninside'
unlike "createRuntime has the runtime's hostname" "$(cat "$T/said/name")" '^box$'
check "the container's proc is mounted by then" grep -q status "$T/said/proc"
fresh
rm -f "$T"/said/* "$ROOTS/srv/made"

# ---- the runtime itself as a hook ----

with '"createRuntime":[{"path":"/proc/self/exe","args":["berth","runtime","features"]}]' \
	"$(hook createContainer true)"
run box echo fine
same "/proc/self/exe is the runtime" "$OUT" fine
with '"createRuntime":[{"path":"/proc/self/exe","args":["berth","runtime","fly"]}]'
run box true
like "and it is that which fails" "$OUT" 'hooks.createRuntime\[0\]: /proc/self/exe ended with exit code 2: berth runtime fly: no such command'

# ---- failures ----

# failing POINT: a hook there that fails; poststop leaves a note
failing() {
	rm -f "$T"/said/*
	with "$(hook "$1" 'echo out of luck; exit 3')" "$(hook poststop "touch $T/said/stopped")"
	run box touch /tmp/ran
}
for point in prestart createRuntime createContainer startContainer; do
	if [ $point = startContainer ]; then sh=/bin/sh; fi
	failing $point
	sh=$(command -v sh)
	same "$point that fails ends it" "$CODE" 125
	like "$point: why" "$OUT" "hooks.$point\[0\]: [a-z/]*sh ended with exit code 3: out of luck"
	same "$point: nothing ran, nothing is left" "$(ls "$ROOTS/tmp" "$T/state")$(cgroup_dirs)" "$ROOTS/tmp:"$'\n\n'"$T/state:"
	check "$point: poststop ran" test -f "$T/said/stopped"
done
failing poststart
same "poststart that fails is no failure" "$CODE" 0
like "but told" "$OUT" 'warning: hooks.poststart\[0\]: [a-z/]*sh ended with exit code 3: out of luck'
check "the application ran" test -f "$ROOTS/tmp/ran"
rm -f "$ROOTS/tmp/ran"
with "\"poststop\":[{\"path\":\"/none\"},$(hook poststop "touch $T/said/second" | sed 's/[^[]*\[\(.*\)\]/\1/')]"
run box true
same "poststop that fails is no failure" "$CODE" 0
like "but told" "$OUT" 'warning: hooks.poststop\[0\]: /none ended with exit code 127: execute it: No such file'
check "the next one runs" test -f "$T/said/second"

with "$(hook createRuntime 'sleep 100' ',"timeout":1')"
before=$SECONDS
run box true
like "a hook that hangs" "$OUT" 'did not end within its timeout of 1 s'
check "is not waited for" test $((SECONDS - before)) -lt 60
with "$(hook createRuntime 'sleep 100 & exit 0')"
before=$SECONDS
run box echo fine
same "one that leaves a process is not waited for" "$OUT$((SECONDS - before < 50))" fine1
with "$(hook createRuntime 'head -c 1000000 /dev/zero | tr "\0" x; exit 1')"
run box true
like "much output does not block it" "$OUT" 'exit code 1: xxx'
with "$(hook createContainer 'kill -9 $$')"
run box true
like "a killed hook" "$OUT" 'hooks.createContainer\[0\]: .* was killed by signal 9'
fresh

# ---- a joined pid namespace is the container's, not the hooks' ----

start other sleep 1000
NAMESPACES="{\"type\":\"pid\",\"path\":\"/proc/$(pid_of other)/ns/pid\"},{\"type\":\"mount\"},{\"type\":\"uts\"}"
with "$(hook createRuntime "readlink /proc/self/ns/pid > $T/said/pid")"
run box head -c 5 /proc/1/cmdline
same "the container is in the one it joins" "$OUT" sleep
same "hooks are not in it" "$(cat "$T/said/pid")" "$(readlink /proc/self/ns/pid)"
finish
