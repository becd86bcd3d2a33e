#!/bin/bash
# The commands about containers that run: list, update, ps, events.
. "$(dirname "$0")/harness"

# ---- list ----

same "list of nothing" "$(rt list)$(rt list --quiet)" ''
same "as JSON" "$(rt list --format json)" '[]'
start one sleep 1000
config two true
rt create --bundle "$T/two" two < /dev/null
like "list" "$(rt list)" "^ID +PID +STATUS +BUNDLE +CREATED +OWNER
one +$(pid_of one) +running +$T/one +20[^ ]+Z +root
two +$(pid_of two) +created +$T/two +20[^ ]+Z +root"
same "list --quiet" "$(rt list -q)" $'one\ntwo'
like "list --format json" "$(rt list --format json | tr -d ' \n')" \
	'^\[\{"ociVersion":"1.1.0","id":"one",.*"status":"running".*\},\{.*"id":"two",.*"status":"created".*\}\]$'
mkdir "$T/state/.odd" "$T/state/x y"
same "what is no container is not listed" "$(rt list -q)" $'one\ntwo'
rmdir "$T/state/.odd" "$T/state/x y"
like "an unknown format" "$(rt list --format xml 2>&1)" 'use table or json'
rt delete --force two

# ---- ps ----

rt exec --detach one sleep 500 < /dev/null > /dev/null 2>&1
rt exec --detach --user 1000 one sh -c 'sleep 501; echo "$@"' sh $'\e[2J' < /dev/null > /dev/null 2>&1
three_sleep() { [ "$(rt ps one | grep -c ' sleep [0-9]')" -ge 3 ]; }
wait_for 20 three_sleep
table=$(rt ps one)
like "ps" "$table" "UID +PID +PPID +C +STIME +TTY +TIME CMD
0 +$(pid_of one) +[0-9]+ +[0-9]+ +[0-9:]+ +\? +00:00:00 sleep 1000"
like "users" "$table" $'\n''1000 .* sleep 501'
unlike "no terminal sequences of theirs" "$table" $'\e'
pids=$(rt ps --format json one)
like "ps --format json" "$pids" "^\[($(pid_of one),)[0-9,]+\]$"
same "they are the same" "$(tr -d '[] ' <<< "$pids" | tr , '\n' | wc -l)" "$(($(wc -l <<< "$table") - 1))"
like "ps of nobody" "$(rt ps nobody 2>&1)" 'does not exist'

# ---- update ----

update() { rt update "$@" one 2>&1; }
same "update" "$(update --memory 32M --memory-swap 64M --memory-reservation 16M --pids-limit 40 --cpu-quota 60000 \
	--cpu-period 200000 --cpu-share 512)" ''
same "memory" "$(cgroup_file one memory memory.limit_in_bytes memory.max)" 33554432
same "pids" "$(cgroup_file one pids pids.max pids.max)" 40
if [ $CGROUP = 2 ]; then
	same "quota and period" "$(cgroup_file one '' '' cpu.max)" '60000 200000'
	same "shares" "$(cgroup_file one '' '' cpu.weight)" 20
	same "reservation" "$(cgroup_file one '' '' memory.low)" 16777216
else
	same "quota and period" "$(cgroup_file one cpu cpu.cfs_quota_us '') $(cgroup_file one cpu cpu.cfs_period_us '')" '60000 200000'
	same "shares" "$(cgroup_file one cpu cpu.shares '')" 512
	same "reservation" "$(cgroup_file one memory memory.soft_limit_in_bytes '')" 16777216
fi
same "one alone" "$(update --cpu-quota -1)" ''
if [ $CGROUP = 2 ]; then
	same "leaves the rest" "$(cgroup_file one '' '' cpu.max)" 'max 200000'
else
	same "leaves the rest" "$(cgroup_file one cpu cpu.cfs_quota_us '') $(cgroup_file one cpu cpu.cfs_period_us '')" '-1 200000'
fi
same "up, and past the sum with swap of before" "$(update --memory 128M --memory-swap 256M)" ''
same "and down again" "$(update --memory 32M --memory-swap 64M)" ''
if [ -n "$(cgroup_file one cpu cpu.idle cpu.idle 2> /dev/null)" ]; then
	same "idle" "$(update --cpu-idle 1)$(cgroup_file one cpu cpu.idle cpu.idle)" 1
	same "and back, with shares" "$(update --cpu-idle 0 --cpu-share 256)$(cgroup_file one cpu cpu.idle cpu.idle)" 0
fi
if [ -n "$(cgroup_file one cpu cpu.cfs_burst_us cpu.max.burst 2> /dev/null)" ]; then
	same "quota and burst" "$(update --cpu-quota 100000 --cpu-burst 90000)" ''
	same "down together" "$(update --cpu-quota 50000 --cpu-burst 40000)" ''
	same "up together" "$(update --cpu-quota 100000 --cpu-burst 90000)" ''
	update --cpu-quota -1 --cpu-burst 0
fi
same "a set of processors comes later" "$(update --cpuset-cpus 0)" ''
same "and holds for those that run" "$(rt exec one sh -c 'grep Cpus_allowed_list /proc/1/status' < /dev/null)" \
	$'Cpus_allowed_list:\t0'
same "from stdin" "$(update --resources - <<< '{"memory":{"limit":50331648},"pids":{"limit":-1},
	"devices":[{"allow":false,"access":"rwm"}]}')" ''
same "it says" "$(cgroup_file one memory memory.limit_in_bytes memory.max) $(cgroup_file one pids pids.max pids.max)" '50331648 max'
same "devices are as they were" "$(rt exec one sh -c 'echo x > /dev/null && echo fine' < /dev/null)" fine
like "wrong ones are named" "$(update --resources - <<< '{"memory":{"limit":"a"}}')" '-: memory: "limit" is not an integer'
like "options, too" "$(update --memory 12Q)" '--memory 12Q: not a size'
like "sets, too" "$(update --cpuset-cpus a)" '--cpuset-cpus a: "a" is not a list'

rt exec --detach one sh -c 'dd if=/dev/zero of=/dev/shm/full bs=64k count=12; sleep 1000' < /dev/null > /dev/null 2>&1
wait_for 20 rt exec one sh -c 'test -s /dev/shm/full && ! pidof dd'
like "a limit below what is in use is refused" "$(update --memory 128K --memory-swap 128K)" \
	'memory limit 131072: [0-9]+ bytes are in use'
same "and the old one stays" "$(cgroup_file one memory memory.limit_in_bytes memory.max)" 50331648
same "nobody was killed" "$(status one)" running
check "a paused one is updated" rt pause one
same "as well" "$(update --pids-limit 41)" ''
rt resume one
rt delete --force one
start over true
wait_for 20 is over stopped
like "a stopped one is not" "$(rt update --memory 32M over 2>&1)" 'is stopped: there is nothing to limit'
rt delete over

# ---- events ----

RESOURCES='"memory":{"limit":16777216,"swap":16777216},"pids":{"limit":20},"cpu":{"quota":50000,"period":100000}'
start two sh -c 'head -c 100000 /dev/urandom > /data/file; exec sleep 1000'
stats=$(rt events --stats two)
like "events --stats" "$stats" '^\{"type": ?"stats", ?"id": ?"two", ?"data": ?\{"cpu": ?\{"usage": ?\{"total": ?[0-9]+, ?"user": ?[0-9]+, ?"kernel": ?[0-9]+\}, ?"throttling": ?\{"periods": ?[0-9]+'
like "memory" "$stats" '"usage": ?\{"limit": ?16777216, ?"usage": ?[0-9]+'
like "its parts" "$stats" '"raw": ?\{.*"(total_)?inactive_file": ?[0-9]+'
like "pids" "$stats" '"pids": ?\{"current": ?[12], ?"limit": ?20\}'
like "disks" "$stats" '"blkio": ?\{"ioServiceBytesRecursive": ?\['
rt events --interval 1 two > "$T/events" 2>&1 &
events=$!
wait_for 20 test -s "$T/events"
rt exec two sh -c 'dd if=/dev/zero of=/dev/null bs=64M count=1' < /dev/null > /dev/null 2>&1
same "a hog is killed" $? 137
check "and told about" wait_for 20 grep -q '^{"type": *"oom", *"id": *"two"}$' "$T/events"
check "stats go on" wait_for 20 grep -q '"stats"' "$T/events"
rt kill two KILL
wait $events
same "events end with the container" $? 0
like "events of a stopped one" "$(rt events two 2>&1)" 'not running'
rt delete two
like "a wrong interval" "$(rt events --interval x two 2>&1)" 'use seconds'
same "nothing is left" "$(cgroup_dirs)" ''
finish
