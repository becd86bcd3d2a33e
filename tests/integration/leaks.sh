#!/bin/bash
# Hundreds of starts and stops leave nothing behind: no descriptor, mount, cgroup, namespace, process, file, and no memory in
# the agent. RUNS=500 through the runtime, STARTS=80 through the agent (500 in two and a half minutes).
. "$(dirname "$0")/../lib.sh"
need jq skopeo
RUNS=${RUNS:-500} STARTS=${STARTS:-80}
images

# ---- what is counted ----

mounts() { grep -c -F -e "$T" -e "$R" "/proc/${1:-self}/mountinfo"; }
cgroups() { for root in $(cgroup_roots); do find "$root" -type d; done | wc -l; }
descriptors() { find "/proc/$AGENT/fd" -mindepth 1 | wc -l; }
dirty_kb() { awk '/^Private_Dirty/ { print $2 }' "/proc/$AGENT/smaps_rollup"; }
# Only of this machine as a whole: what leaks shows as a part of the number of runs.
kernel_objects() { awk -v name="$1" '$1 == name { print $2 }' /proc/slabinfo; }
memory_cgroups() {
	if [ -e /sys/fs/cgroup/cgroup.stat ]; then
		awk '/nr_.*descendants/ { sum += $2 } END { print sum }' /sys/fs/cgroup/cgroup.stat
	else
		awk '$1 == "memory" { print $3 }' /proc/cgroups
	fi
}
interfaces() { find /sys/class/net -mindepth 1 | wc -l; }

# kernel_keeps WHAT BEFORE RUNS COMMAND...: half as many may still be on their way out, or be others' tests.
kernel_keeps() {
	local what=$1 before=$2 limit=$(($2 + $3 / 2))
	shift 3
	# What is dying is kept by the page cache, until the kernel needs the memory.
	poll 20 fewer "$limit" "$@" || echo 3 > /proc/sys/vm/drop_caches
	if poll 20 fewer "$limit" "$@"; then
		ok "$what: $before before, $("$@") after"
	else
		fail "$what: $before before, $("$@") after"
	fi
}
fewer() { [ "$("${@:2}")" -lt "$1" ]; }

kernel_before() { NETS=$(kernel_objects net_namespace) PIDS=$(kernel_objects pid_namespace) MEMORY=$(memory_cgroups); }
kernel_after() {
	kernel_keeps "network namespaces" "$NETS" "$1" kernel_objects net_namespace
	kernel_keeps "pid namespaces" "$PIDS" "$1" kernel_objects pid_namespace
	kernel_keeps "memory cgroups, dying ones too" "$MEMORY" "$1" memory_cgroups
}

# ---- the runtime ----

bundle() {
	mkdir -p "$T/bundle/rootfs/bin" "$T/bundle"/rootfs/{proc,dev,sys}
	cp "$(command -v busybox)" "$T/bundle/rootfs/bin/true"
	"$BERTH" runtime spec --bundle "$T/bundle" || fail "no spec"
	jq --arg cgroup "$CG/leak" '.process.args = ["/bin/true"] | .process.terminal = false | .linux.cgroupsPath = $cgroup |
		.linux.resources += {memory: {limit: 16777216}, pids: {limit: 10}}' "$T/bundle/config.json" > "$T/config.json"
	cp "$T/config.json" "$T/bundle"
}

run_once() { "$BERTH" runtime --root "$T/state" run --bundle "$T/bundle" leak < /dev/null >> "$T/run.log" 2>&1; }

runtime_counts() { echo "$(mounts) mounts, $(cgroups) cgroups, $(own_processes | wc -l) processes, $(find "$T/state" | wc -l) files"; }

runtime() {
	local i good=0 before
	bundle
	run_once
	before=$(runtime_counts)
	kernel_before
	for i in $(seq "$RUNS"); do
		run_once && good=$((good + 1))
	done
	same "$RUNS runs end well" "$good" "$RUNS"
	same "and leave nothing" "$(runtime_counts)" "$before"
	kernel_after "$RUNS"
}

# ---- the agent ----

is_running() { app_is "$1" .state running; }
counts() {
	echo "$(descriptors) descriptors, $(mounts) mounts, $(mounts "$AGENT") of the agent, $(cgroups) cgroups," \
		"$(own_processes | wc -l) processes, $(interfaces) interfaces, $(find "$R" | wc -l) files, $(find "$STORE" | wc -l) in the store"
}
counted() { [ "$(counts)" = "$1" ]; }
# No helper is on its way out, nor what it had in the agent.
at_rest() {
	local before
	[ -z "$(helpers probe runtime shim fetch sweep)" ] || return
	before=$(counts)
	sleep 0.5
	counted "$before"
}
cycle() { "$BERTH" stop leak > /dev/null && "$BERTH" start leak > /dev/null; }

agent() {
	local i good=0 before dirty
	config_begin
	config <<-INI
		[app leak]
		image = oci:$IMAGES:app:v1
		command = /opt/app/run lines 3
		network = ${NETWORK:-none}
		volume = data:/data
		memory = 16M
		health = exec /opt/app/bin/busybox true
		health_interval = 1s
		probation = 1s
	INI
	agent_start
	wait_until "the app runs" 30 app_is leak '"\(.state) \(.update.phase)"' 'running idle'
	# The heap of an agent that leaks nothing, byte by byte, gets 40 kB more dirty pages until all slots of musl's were in use once.
	for i in $(seq 60); do
		cycle
	done
	wait_until "it runs again" 10 is_running leak
	# Counted while it is stopped: no probe is under way.
	check "a stop" berth stop leak
	wait_until "all is at rest" 10 at_rest
	before=$(counts) dirty=$(dirty_kb)
	kernel_before
	check "a start" berth start leak
	for i in $(seq "$STARTS"); do
		cycle && good=$((good + 1))
	done
	same "$STARTS stops and starts go well" "$good" "$STARTS"
	check "the last stop" berth stop leak
	if poll 10 counted "$before"; then
		ok "and leave as much as before: $before"
	else
		same "and leave as much as before" "$(counts)" "$before"
	fi
	check "the agent has grown by $(($(dirty_kb) - dirty)) kB, 32 at most" test $(($(dirty_kb) - dirty)) -le 32
	kernel_after "$STARTS"
	same "no shim, no mount, no container's cgroup" "$(helpers shim runtime | wc -l) $(mounts "$AGENT") $(cgroup_dirs | wc -l)" "0 0 0"
}

case_run runtime agent
done_testing
