#!/bin/bash
# What all apps may use together, and that an update does not starve them: [agent] memory, cpus, pull_memory, pull_cpus.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl

if [ -f /sys/fs/cgroup/cgroup.controllers ]; then V2=1; else V2=; fi

# cgroup_value CGROUP CONTROLLER FILE-ON-V1 FILE-ON-V2
cgroup_value() {
	if [ "$V2" ]; then
		cat "/sys/fs/cgroup$1/$4"
	else
		cat /sys/fs/cgroup/"$2$1/$3"
	fi 2> /dev/null
}
# cpu_ns CGROUP: processor time of all that is or was in it
cpu_ns() {
	if [ "$V2" ]; then
		awk '$1 == "usage_usec" { print $2 "000" }' "/sys/fs/cgroup$1/cpu.stat"
	else
		cat "/sys/fs/cgroup/cpuacct$1/cpuacct.usage"
	fi
}
quota() {
	if [ "$V2" ]; then
		cgroup_value "$1" '' '' cpu.max
	else
		echo "$(cgroup_value "$1" cpu cpu.cfs_quota_us '') $(cgroup_value "$1" cpu cpu.cfs_period_us '')"
	fi
}
memory() { cgroup_value "$1" memory memory.limit_in_bytes memory.max; }

# A layer with little to fetch and much to do: a second of processor time, beside busy apps for much longer.
big() {
	local tree=$T/tree
	fleet
	mkdir -p "$tree"
	seq 9000000 | head -c 60000000 > "$tree/numbers"
	oci_open "$T/big"
	tree_pack "$tree" "$T/layer.tar"
	oci_image big:v1 '{}' "$(oci_layer "$T/layer.tar" gzip)" > /dev/null
	registry_push "$T/big" big:v1 big:v1
	release v1
}

spinners() {
	local i
	for i in $(seq "$(nproc)"); do
		app "spin$i" "$REG/app:stable" 'command = /bin/sh -c "while :; do :; done"' 'health = none' 'probation = 1s'
	done
	agent_start
	for i in $(seq "$(nproc)"); do
		wait_until "spin$i runs" 20 app_is "spin$i" .state running
	done
}

limits() {
	config_begin
	sed -i "s/^cgroup_parent.*/&\nmemory = 96M\ncpus = 0.5\npull_memory = 64M\npull_cpus = 1.5/" "$T/agent.ini"
	app one "$REG/app:stable" 'memory = 64M' 'cpus = 0.50'
	agent_start
	wait_until "the app runs" 20 app_is one .state running
	same "memory of all apps" "$(memory "$CG")" $((96 << 20))
	same "processors of all apps" "$(quota "$CG")" '50000 100000'
	same "memory of the helpers" "$(memory "$CG-helpers")" $((64 << 20))
	same "processors of the helpers" "$(quota "$CG-helpers")" '150000 100000'
	check "a pull fits in that" berth pull "$REG/big:v1"

	sed -i "s/^memory = 96M/memory = 80M/; s/^cpus = 0.5\$/cpus = 0.75/; /^pull_/d" "$T/agent.ini"
	agent_reload
	wait_until "SIGHUP changes them" 5 eval '[ "$(memory "$CG") $(quota "$CG")" = "'$((80 << 20))' 75000 100000" ]'
	wait_until "what is gone has no limit" 5 eval '[[ "$(memory "$CG-helpers") $(quota "$CG-helpers")" =~ ^(max max 100000|[0-9]{16,}\ -1 100000)$ ]]'
	sed -i "s/^cpus = 0.75/cpus = 0.4/" "$T/agent.ini"
	agent_reload
	wait_until "an app that has more is refused" 5 grep -q 'app one. cpus: more than .agent. cpus' "$T/agent.log"
	sed -i "s/^cpus = 0.50/cpus = 0.3/" "$T/agent.ini"
	agent_reload
	wait_until "with less it is taken, at the latest when the old container is gone" 20 eval '[ "$(quota "$CG")" = "40000 100000" ]'
	sed -i "/^memory = 80M/d; /^cpus = 0.4/d" "$T/agent.ini"
	agent_reload
	wait_until "and without the keys there are none" 5 eval '[[ "$(memory "$CG") $(quota "$CG")" =~ ^(max max|[0-9]{16,}\ -1) ]]'
	wait_until "nothing is under way" 10 app_is one '"\(.update.phase) \(.update.last)"' 'idle updated'
	no_leftovers 1
}

# Two apps without limits of their own that want more than both together may have.
enforced() {
	config_begin
	sed -i "s/^cgroup_parent.*/&\nmemory = 24M\ncpus = 0.2/" "$T/agent.ini"
	app hog "$REG/app:stable" 'command = /bin/sh -c "dd if=/dev/zero of=/dev/null bs=64M count=1; echo status $?; sleep 1; exit 3"' \
		'health = none' 'probation = 1h' # a version that is found good has no last words
	app spin "$REG/app:stable" 'command = /bin/sh -c "while :; do :; done"' 'health = none'
	agent_start
	wait_until "the app that wants too much memory lost a process" 20 eval 'berth logs hog 2>&1 | grep -q "status 137"'
	wait_until "which status tells" 10 app_like hog .update.error \
		'^exited with code 3, before that out of memory: a process of it was killed; \[agent\] memory or the device has no more: .+$'
	local begin before took had
	begin=$(now_ms)
	before=$(cpu_ns "$CG")
	sleep 2
	had=$((($(cpu_ns "$CG") - before) / 1000000))
	took=$(($(now_ms) - begin))
	note "all apps had $had ms of processor in $took ms"
	check "the busy one is held to the budget" [ "$had" -le $((took * 28 / 100)) ]
	check "but has it, at last" poll 10 had_more "$before"
}
now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }
had_more() { [ $(($(cpu_ns "$CG") - $1)) -ge 100000000 ]; }

# As many busy processes as there are processors, and a pull. What counts is who got the processors.
not_starved() {
	local apps helpers pull
	config_begin
	spinners
	apps=$(cpu_ns "$CG") helpers=$(cpu_ns "$CG-helpers")
	berth pull "$REG/big:v1" > "$T/pull.log" 2>&1 &
	pull=$!
	wait_until "helpers run" 10 eval '[ "$(helpers unpack)" ]'
	pid=$(helpers unpack | head -n 1)
	like "in their cgroup" "$(cat "/proc/$pid/cgroup" 2> /dev/null)" "$CG-helpers"
	same "and are the first to go" "$(cat "/proc/$pid/oom_score_adj" 2> /dev/null)" 500
	if grep -q "$CG" "/proc/$AGENT/cgroup"; then fail "the agent is in a budget"; else ok "the agent is in none"; fi
	poll 4 gone "$pull" # the more is its share the sooner it ends
	apps=$(($(cpu_ns "$CG") - apps)) helpers=$(($(cpu_ns "$CG-helpers") - helpers))
	note "processor time: apps $((apps / 1000000)) ms, helpers $((helpers / 1000000)) ms"
	check "the helpers get something" [ "$helpers" -gt 0 ]
	check "the apps keep four fifths" [ $((apps * 100 / (apps + helpers))) -ge 80 ]
	kill "$pull" 2> /dev/null
	wait "$pull" 2> /dev/null
	true
}

# Where nothing can be limited everything but containers works as without these keys, and is told once.
no_cgroups() {
	config_begin
	sed -i "s/^cgroup_parent.*/&\nmemory = 96M/" "$T/agent.ini"
	background agent unshare -m sh -c "umount -R /sys/fs/cgroup; exec $BERTH agent --config $T/agent.ini"
	AGENT=$!
	wait_until "the agent answers" 10 berth status --json
	check "a pull works" berth pull "$REG/app:v1"
	check "so does another" berth pull "$REG/app:v2"
	same "one warning for the apps" "$(grep -c 'memory and cpus do not hold for the apps: no cgroup file system' "$T/agent.log")" 1
	same "one for the helpers" "$(grep -c 'pulls are not held back beside busy apps: no cgroup' "$T/agent.log")" 1
	agent_stop
}

# What berth itself needs in an app's cgroup, with all the confinement that apps have, is little.
least() {
	config_begin
	app tiny "$REG/app:stable" 'memory = 512K' 'command = /bin/sh -c "echo fits; exec sleep 1000"' 'health = none'
	agent_start
	wait_until "512K are enough for a small app" 20 eval 'berth logs tiny 2>&1 | grep -q fits'
	check "and to execute in it" berth exec tiny true
}

big
case_run least no_cgroups limits enforced not_starved
done_testing
