#!/bin/bash
# Limits: memory, processes, processor time, resource limits, sysctls.
. "$(dirname "$0")/harness"

hog='dd if=/dev/zero of=/dev/null bs=64M count=1'

run all sh -c "$hog"
same "without a limit it fits" "$CODE" 0
RESOURCES='"memory":{"limit":16777216,"swap":16777216}'
run small sh -c 'exec '"$hog"
same "a memory hog is killed" "$CODE" 137
run small sh -c "$hog; echo dd: \$?; exit 4"
same "a child alone is as well" "$CODE" 4
like "and its parent told" "$OUT" 'dd: 137'
start small sh -c "$hog; sleep 1000"
wait_for 30 grep -q . "$T/small/out"
wait_for 30 rt exec small sh -c 'test $(pidof dd | wc -w) = 0'
like "the cgroup counts it" "$(cgroup_file small memory memory.oom_control memory.events)" 'oom_kill 1'
like "the limit" "$(cgroup_file small memory memory.limit_in_bytes memory.max)" '^16777216$'
rt delete --force small
RESOURCES='"memory":{"limit":1048576}'
run tiny sh -c 'echo fits'
same "a megabyte is enough for a shell" "$OUT" fits
# What the runtime itself needs in the container's cgroup is charged there: namespaces, mounts, page tables.
RESOURCES='"memory":{"limit":524288,"swap":524288}'
run hello echo fits
same "512 kB for a static hello" "$OUT" fits
# Each processor may keep 64 pages charged ahead, half of the limit; a busy one gives them back late, and somebody is killed.
beside() {
	start hello sleep 1000
	OUT=$(rt exec hello echo fits 2>&1 < /dev/null)
	CODE=$?
	rt delete --force hello
	[ "$OUT" = fits ]
}
beside || beside || beside
same "and for one more beside it" "$OUT ($CODE)" 'fits (0)'
RESOURCES='"memory":{"limit":262144,"swap":262144}'
run hello echo fits
same "even half of that" "$OUT" fits
RESOURCES='"memory":{"limit":16384,"swap":16384}'
run hello echo fits
like "too little for anything" "$OUT" 'is its memory limit too low'
fresh

RESOURCES='"pids":{"limit":10}'
run bomb sh -c 'i=0; while [ $i -lt 50 ]; do sleep 60 & i=$((i+1)); done; wait'
like "a fork bomb is stopped" "$OUT" "can't fork"
start bomb sh -c 'i=0; while [ $i -lt 5 ]; do sleep 1000 & i=$((i+1)); done; wait'
are_counted() { [ "$(cgroup_file bomb pids pids.current pids.current)" = 6 ]; }
wait_for 20 are_counted
same "processes are counted" "$(cgroup_file bomb pids pids.current pids.current)" 6
check "and all killed" rt delete --force bomb
same "with the cgroup" "$(cgroup_dirs)" ''

RESOURCES='"cpu":{"quota":20000,"period":100000,"shares":512}'
start slow sh -c 'while :; do :; done'
if [ $CGROUP = 2 ]; then
	same "cpu limit" "$(cgroup_file slow '' '' cpu.max)" '20000 100000'
	same "cpu weight" "$(cgroup_file slow '' '' cpu.weight)" 20
	throttled=cpu.stat
else
	same "cpu limit" "$(cgroup_file slow cpu cpu.cfs_quota_us '') $(cgroup_file slow cpu cpu.cfs_period_us '')" '20000 100000'
	same "cpu weight" "$(cgroup_file slow cpu cpu.shares '')" 512
	throttled=cpu.stat
fi
is_throttled() { cgroup_file slow cpu $throttled $throttled | grep -q '^nr_throttled [1-9]'; }
check "a busy one is throttled" wait_for 30 is_throttled
rt delete --force slow
fresh

start left sh -c 'sleep 1000 & exec sleep 1000'
rt kill left KILL
wait_for 20 is left stopped
check "delete removes what is left" rt delete left
NAMESPACES='{"type":"mount"}' HOSTNAME_LINE=''
start left sh -c 'sleep 1234 & exec sleep 1000'
rt kill left KILL
wait_for 20 is left stopped
check "also in the host's pid namespace" rt delete left
same "the cgroup is gone, so are they" "$(cgroup_dirs)" ''
fresh

PROCESS=',"rlimits":[{"type":"RLIMIT_NOFILE","soft":77,"hard":88},{"type":"RLIMIT_CORE","soft":0,"hard":0}]'
run rlimit sh -c 'ulimit -n; ulimit -Hn; ulimit -c'
same "resource limits" "$(tr '\n' ' ' <<< "$OUT")" '77 88 0 '
PROCESS=',"rlimits":[{"type":"RLIMIT_FLY","soft":7,"hard":8}]'
run rlimit true
like "unknown ones are named" "$OUT" 'rlimits\[0\]: "type" is "RLIMIT_FLY"'
PROCESS=',"rlimits":[{"type":"RLIMIT_NOFILE","soft":5,"hard":2000000000}]'
run rlimit true
like "one that can't be set as well" "$OUT" 'RLIMIT_NOFILE=5:2000000000 .*: Operation not permitted'
PROCESS=',"oomScoreAdj":321'
run score cat /proc/self/oom_score_adj
same "the OOM score" "$OUT" 321
start score sleep 1000
same "that of an exec" "$(rt exec score cat /proc/self/oom_score_adj < /dev/null)" 321
rt delete --force score
fresh

LINUX=',"sysctl":{"net.ipv4.ip_unprivileged_port_start":"77","kernel.msgmax":"9000"}'
run sysctl cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax
same "sysctls" "$(tr '\n' ' ' <<< "$OUT")" '77 9000 '
unlike "of the container only" "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" '^77$'
LINUX=',"sysctl":{"kernel.panic":"1"}'
run sysctl true
like "not of the host" "$OUT" "kernel.panic belongs to no namespace"
LINUX=',"sysctl":{"kernel.hostname":"x"}'
run sysctl true
like "not what has a member of its own" "$OUT" 'kernel.hostname: use hostname'
LINUX=',"sysctl":{"net/../kernel/panic":"1"}'
run sysctl true
like "not by a detour" "$OUT" 'is not a name'
NAMESPACES='{"type":"mount"},{"type":"pid"}' HOSTNAME_LINE=''
LINUX=',"sysctl":{"net.ipv4.ip_forward":"1"}'
run sysctl true
like "not in the host's network" "$OUT" "would be the host's"
NAMESPACES="{\"type\":\"mount\"},{\"type\":\"network\",\"path\":\"/proc/$$/ns/net\"}"
before=$(cat /proc/sys/net/ipv4/ip_default_ttl)
LINUX=',"sysctl":{"net.ipv4.ip_default_ttl":"77"}'
run sysctl true
like "nor when it is joined" "$OUT" "net.ipv4.ip_default_ttl would be the host's"
same "which stays as it was" "$(cat /proc/sys/net/ipv4/ip_default_ttl)" "$before"
NAMESPACES="{\"type\":\"mount\"},{\"type\":\"uts\",\"path\":\"/proc/$$/ns/uts\"}" HOSTNAME_LINE="\"hostname\":\"$(cat /proc/sys/kernel/hostname)\"," LINUX=''
run sysctl true
like "nor the host's name" "$OUT" "hostname or domainname would be the host's"
fresh

config taken sleep 1000
rt create --bundle "$T/taken" taken < /dev/null
mkdir "$T/second"
cp "$T/taken/config.json" "$T/second"
below() { find /sys/fs/cgroup -type d -path "*$CG/taken/below"; }
for dir in /sys/fs/cgroup{,/*}"$CG"/taken; do [ -d "$dir" ] && mkdir "$dir/below"; done
before=$(below)
like "a cgroup with processes is not taken over" "$(rt create --bundle "$T/second" second 2>&1)" 'is in use'
same "nor is what is in it removed" "$(below)" "$before"
like "which there was" "$before" /below
same "the first one lives" "$(status taken)" created
rt delete --force taken
finish
