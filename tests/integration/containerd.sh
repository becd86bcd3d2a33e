#!/bin/bash
# containerd with `berth runtime` as its runtime, under the name berth-runtime, and containerd-shim-runc-v2 in between. A
# daemon of its own, with everything it has below $T.
. "$(dirname "$0")/runtime/harness"
. "$(dirname "$0")/../images/oci.sh"
command -v containerd > /dev/null || { echo "containerd is missing: scripts/install-tools"; exit 2; }

mkdir -p "$T/bin"
ln -s "$BERTH" "$T/berth-runtime"
# Another way to name it. ctr 1.6 takes this one with --uidmap, whatever --runc-binary says.
printf '#!/bin/sh\nexec "%s" "$@"\n' "$T/berth-runtime" > "$T/bin/runc"
chmod +x "$T/bin/runc"
cat > "$T/config.toml" << END
version = 2
root = "$T/root"
state = "$T/task"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
address = "$T/sock"
END

daemon=''
serve() {
	PATH=$T/bin:$PATH containerd --config "$T/config.toml" --log-level warn >> "$T/daemon.log" 2>&1 &
	daemon=$!
	wait_for 10 ctr version
}
ctr() { timeout 60 ctr --address "$T/sock" --namespace "${CG#/}" "$@" < /dev/null 2>&1; }
options=(--runc-binary "$T/berth-runtime" --runc-root "$T/state" --fifo-dir "$T")
box() { ctr run --rm "${options[@]}" "$@"; }
background() { ctr run --detach "${options[@]}" "$@"; }
inside() { ctr task exec --exec-id "x$RANDOM$RANDOM" --fifo-dir "$T" "$@"; }
# told COMMAND...: what it prints. On a busy machine ctr sometimes ends before it has opened what that comes by.
told() {
	local out='' i
	for i in 1 2 3; do
		out=$("$@")
		[ -z "$out" ] || break
	done
	echo "$out"
}
task() { ctr task list | awk -v id="$1" -v column="$2" '$1 == id { print $column }'; }
is() { [ "$(task "$1" 3)" = "$2" ]; }
# What is left of a container whose task is gone, or not.
remove() {
	ctr task delete --force "$1"
	ctr container delete "$1"
}
clean() {
	[ "$daemon" ] || return
	for id in $(ctr container list --quiet); do
		remove "$id"
	done
	kill "$daemon"
	wait "$daemon"
	daemon=''
	rmdir /run/containerd/runc/"${CG#/}" # where --runc-root was not heard of
}
trap 'clean > /dev/null 2>&1; umount -R "$T/root" "$T/task" 2> /dev/null; cleanup' EXIT

serve || { cat "$T/daemon.log"; fail "containerd starts"; finish; }
oci_open "$T/oci"
tree_pack "$ROOTS" "$T/root.tar"
oci_image box:1 '{"config":{"Env":["PATH=/bin"],"Cmd":["sh"]}}' "$(oci_layer "$T/root.tar" tar)" > "$T/out"
tar -C "$T/oci" -cf "$T/oci.tar" .
ctr image import "$T/oci.tar" > "$T/out" || { cat "$T/out"; fail "import"; finish; }

# ---- run ----

same "run" "$(told box box:1 one echo hello)" hello
box box:1 one sh -c 'exit 7' > "$T/out"
same "its exit code" $? 7
like "a missing program" "$(told box box:1 one /none)" 'OCI runtime create failed: exec /none: no such file'
like "one that can't be executed" "$(told box box:1 one /etc/passwd)" 'OCI runtime create failed: exec /etc/passwd: permission denied'
same "a directory, a variable, a pid file" "$(told box --cwd /srv --env A=b --pid-file "$T/pid" box:1 one sh -c 'pwd; echo $A'; grep -c '^[0-9]*$' "$T/pid")" $'/srv\nb\n1'
like "--read-only, --mount" "$(told box --read-only --mount "type=bind,src=$T,dst=/data,options=rbind:ro" box:1 one sh -c 'exec 2>&1
	touch /x; touch /data/x; head -n 1 /data/config.toml')" $'/x: Read-only[^\n]*\n[^\n]*/data/x: Read-only[^\n]*\nversion = 2'
like "--privileged" "$(told box --privileged box:1 one sh -c 'ls /dev/ptmx; grep CapBnd /proc/self/status')" "$(grep CapBnd /proc/self/status | cut -f 2)"
same "--device" "$(told box --device /dev/kmsg box:1 one ls /dev/kmsg)" /dev/kmsg
same "--net-host" "$(told box --net-host box:1 one readlink /proc/self/ns/net)" "$(readlink /proc/self/ns/net)"
like "--no-pivot" "$(told box --no-pivot box:1 one ls /)" 'bin.*tmp'
if "$BERTH" runtime features | tr -d ' \n' | grep -q '"seccomp":{"enabled":true'; then
	like "containerd's own seccomp profile" "$(told box --seccomp box:1 one sh -c 'exec 2>&1; grep Seccomp: /proc/self/status; unshare -U true')" $'Seccomp:\t2\n.*not permitted'
fi
like "what berth does not do is refused" "$(told box --runc-systemd-cgroup --cgroup system.slice:x:y box:1 one true)" 'configure the engine for cgroupfs'

# ---- a life in the background ----

same "run in the background" "$(background --memory-limit 33554432 --cpus 0.5 box:1 life sh -c 'trap "exit 3" TERM; while :; do sleep 0.1; done')" ''
same "--memory-limit" "$(cgroup_file life memory memory.limit_in_bytes memory.max)" 33554432
like "metrics" "$(ctr task metrics life)" 'memory.*33554432'
same "exec" "$(told inside life cat /proc/1/comm)" sh
ctr task exec --exec-id b life sh -c 'exit 9' > "$T/out"
same "exec's exit code" $? 9
same "exec as a user, elsewhere" "$(told inside --user 5:6 --cwd /srv life sh -c 'id -u; id -g; pwd')" $'5\n6\n/srv'
like "exec of a missing program" "$(told inside life /none)" 'OCI runtime exec failed: exec /none: no such file'
check "exec in the background" ctr task exec --exec-id e --detach --fifo-dir "$T" life sleep 1000
like "ps" "$(ctr task ps life)" 'ExecID:e'
check "kill of an exec" ctr task kill --exec-id e --signal KILL life
gone() { [[ $(ctr task ps life) != *ExecID* ]]; }
check "it is gone" wait_for 5 gone
same "another joins its namespaces" "$(told box --with-ns "network:/proc/$(task life 2)/ns/net" --with-ns "pid:/proc/$(task life 2)/ns/pid" box:1 join sh -c '
	head -c 2 /proc/1/cmdline; sleep 1000 & echo')" sh
same "and takes along what it left there" "$(told inside life sh -c 'ps | grep -c "[s]leep 1000"')" 0
check "pause" ctr task pause life
check "is said so" is life PAUSED
check "resume" ctr task resume life
check "is said so, too" is life RUNNING
like "a checkpoint is refused" "$(ctr task checkpoint --image-path "$T/cp" life)" 'berth runtime checkpoint: no such command'
check "and it runs on" is life RUNNING

kill "$daemon"
wait "$daemon"
serve
same "a new daemon" $? 0
same "finds it" "$(told inside life cat /proc/1/comm)" sh
check "kill" ctr task kill --signal TERM life
check "it has ended" wait_for 5 is life STOPPED
like "its exit code is kept" "$(ctr task delete life)" 'non-zero exit code 3'
check "the container is deleted" ctr container delete life

# ---- too much memory ----

ctr events > "$T/events" &
events=$!
# It listens when it tells of something.
heard() { ctr namespaces label "${CG#/}" "at=$RANDOM"; grep -q namespaces/update "$T/events"; }
check "events are told" wait_for 10 heard
background --memory-limit 16777216 box:1 fat sh -c 'a=x; while :; do a=$a$a; done' > "$T/out"
check "too much memory" wait_for 10 is fat STOPPED
like "it was killed" "$(ctr task delete fat)" 'exit code 137'
check "an event tells why" wait_for 5 grep -q '/tasks/oom.*fat' "$T/events"
kill $events
ctr container delete fat > "$T/out"

# ---- a terminal ----

on_terminal() { script -qec "ctr --address $T/sock --namespace ${CG#/} $*" /dev/null < /dev/null 2>&1; }
background box:1 term sleep 1000 > "$T/out"
if command -v script > /dev/null; then
	like "run --tty" "$(told on_terminal "run --rm --tty ${options[*]} box:1 tty sh -c 'tty; test -t 0 && echo terminal'")" '/dev/pts/0[^t]*terminal'
	like "exec --tty" "$(told on_terminal "task exec --tty --exec-id t term sh -c 'tty; test -t 0 && echo terminal'")" '/dev/pts/0[^t]*terminal'
fi

# ---- users ----

uids=(--uidmap 0:100000:65536 --gidmap 0:100000:65536)
background "${uids[@]}" box:1 mapped sleep 1000 > "$T/out"
like "--uidmap: it is nobody outside" "$(cat "/proc/$(task mapped 2)/status")" $'Uid:\t100000'
same "exec in it" "$(told inside mapped sh -c 'id -u; stat -c %u:%g /bin; echo x > /tmp/x; stat -c %u /tmp/x')" $'0\n0:0\n0'
remove mapped > "$T/out"

# ---- the shim is killed ----

pid=$(task term 2)
read -r socket < "$T/task/io.containerd.runtime.v2.task/${CG#/}/term/address"
kill -9 "$(sed -n 's/^PPid:\t//p' "/proc/$pid/status")"
check "without its shim a container ends" wait_for 5 dead "$pid"
check "and containerd forgets it" wait_for 5 is term ''
no_state() { [ -z "$(ls "$T/state/${CG#/}")" ]; }
check "its state is gone" wait_for 5 no_state
rm -f "${socket#unix://}"

# ---- nothing is left ----

clean > "$T/out" 2>&1
same "no cgroup" "$(cgroup_dirs)" ''
same "no daemon" "$(pgrep -f "$T/config.toml")" ''
same "no mount" "$(grep -c " $T/" /proc/self/mountinfo)" 0
finish
