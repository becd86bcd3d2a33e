#!/bin/bash
# The agent's two cgroups (agent/budget.h) on this host's kind of cgroup: what [agent] says stands in their files, and
# changes with it. ../budget.sh shows, with a registry, that it holds.
. "$(dirname "$0")/harness"

# value CGROUP CONTROLLER FILE-ON-V1 FILE-ON-V2
value() {
	if [ $CGROUP = 2 ]; then
		cat "/sys/fs/cgroup$1/$4"
	else
		cat "/sys/fs/cgroup/$2$1/$3" 2> /dev/null || cat /sys/fs/cgroup/"$2",*"$1/$3"
	fi
}
quota() {
	if [ $CGROUP = 2 ]; then
		value "$1" '' '' cpu.max
	else
		echo "$(value "$1" cpu cpu.cfs_quota_us '' | sed 's/^-1$/max/') $(value "$1" cpu cpu.cfs_period_us '')"
	fi
}
memory() { value "$1" memory memory.limit_in_bytes memory.max | sed 's/^92233.*/max/'; }
settings() {
	printf '[agent]\nstore = %s/store\nrun = %s/run\ncgroup_parent = %s/apps\n' "$T" "$T" "$CG"
	printf '%s\n' "$@"
}
both() { echo "$(memory "$CG/apps") $(quota "$CG/apps") $(memory "$CG/apps-helpers") $(quota "$CG/apps-helpers")"; }
both_are() { [ "$(both 2> /dev/null)" = "$1" ]; }

settings 'memory = 96M' 'cpus = 1.5' 'pull_memory = 32M' 'pull_cpus = 0.5' > "$T/agent.ini"
"$BERTH" agent --config "$T/agent.ini" > "$T/log" 2>&1 &
agent=$!
check "the keys" wait_for 30 both_are '100663296 150000 100000 33554432 50000 100000'
if [ $CGROUP = 2 ]; then
	same "the helpers' share" "$(value "$CG/apps-helpers" '' '' cpu.weight)" 3
else
	same "the helpers' share" "$(value "$CG/apps-helpers" cpu cpu.shares '')" 64
fi
wait_for 30 "$BERTH" -H "unix://$T/run/berth.sock" status
settings 'cpus = 0.25' > "$T/agent.ini"
kill -HUP $agent
check "other ones" wait_for 20 both_are 'max 25000 100000 max max 100000'
kill $agent
wait $agent
settings > "$T/agent.ini"
"$BERTH" agent --config "$T/agent.ini" >> "$T/log" 2>&1 &
agent=$!
check "without them, what the agent before has set is gone" wait_for 30 both_are 'max max 100000 max max 100000'
kill $agent
wait $agent
same "nothing to warn of" "$(grep -E 'hold|held back' "$T/log")" ''
for dir in /sys/fs/cgroup"$CG"/* /sys/fs/cgroup/*"$CG"/*; do
	[ -d "$dir" ] && rmdir "$dir"
done
finish
