#!/bin/bash
# Restart policies, back-off, and OOM kills told apart from exits.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl
fleet

ended() { app_is "$1" .state exited; }
# It is exited for a moment before each restart, too.
ended_after() { restarted "$1" "$2" && ended "$1"; }
restarted() { [ "$(app_get "$1" .restarts)" -ge "$2" ]; }

# docker_state APP FILTER: from the Docker API's inspect.
docker_state() { curl -sf --unix-socket "$R/berth.sock" "http://d/v1.41/containers/$1/json" | jq -r ".State | $2"; }

# up_for APP SECONDS CODE POLICY: good for its probation, then ends.
up_for() {
	app "$1" "$REG/app:v1" "command = /opt/app/run exit-after $2 $3" "restart = $4" 'health = none' 'probation = 1s'
}

policies() {
	local count
	config_begin
	up_for always 5 0 always
	up_for failure 5 4 on-failure:2
	up_for success 5 0 on-failure
	up_for once 5 5 no
	agent_start
	wait_until "on-failure leaves an app that ended well alone" 40 ended success
	wait_until "no means no" 40 ended once
	wait_until "always starts it again" 40 restarted always 1
	wait_until "on-failure starts one that failed again" 40 restarted failure 1
	wait_until "at most so many times" 60 ended_after failure 2
	check "and stops there" stays 3 ended failure
	same "it was restarted twice" "$(app_get failure .restarts)" 2
	same "the others never" "$(app_get success .restarts) $(app_get once .restarts)" "0 0"
	same "exit codes are kept" "$(docker_state failure .ExitCode) $(docker_state once .ExitCode)" "4 5"
	count=$(app_get always .restarts)
	wait_until "always goes on" 40 restarted always $((count + 1))
}

# A crash loop must not take the processor or the flash.
back_off() {
	local written early late
	config_begin
	app web "$REG/app:v1" 'command = /opt/app/run exit 1' 'restart = always' 'health = none'
	agent_start
	wait_until "it is started again" 30 restarted web 2
	written=$(berth status --json | jq .store.written_bytes)
	early=$(app_get web .restarts)
	sleep 4
	late=$(app_get web .restarts)
	check "more and more slowly ($early restarts, 4 s later $late)" test $((late - early)) -le 4
	wait_until "and not given up" 40 restarted web $((late + 1))
	same "nothing was written by that" "$(berth status --json | jq .store.written_bytes)" "$written"
	like "status says why" "$(app_get web '"\(.update.reason) \(.update.error)"')" 'exit.* 1'
	check "no shim or mount adds up" test "$(helpers shim | wc -l)" -le 1
}

# A stop is answered when nothing of the container runs any more; its shim may be about to leave.
start_after_stop() {
	local i pids='' ended=0 refused=0
	config_begin
	app web "$REG/app:v1" 'health = none'
	agent_start
	wait_until "it runs" 30 app_is web .state running
	for i in {1..20}; do
		pids+="$(docker_state web .Pid) "
		berth stop web > /dev/null || refused=$((refused + 1))
		[ "$(docker_state web '"\(.Status) \(.Pid)"')" != "exited 0" ] || ended=$((ended + 1))
		berth start web > /dev/null || refused=$((refused + 1))
	done
	same "20 stops have ended it" "$ended" 20
	same "and a start at once starts it again" "$refused $(docker_state web .Status)" "0 running"
	same "each time anew" "$(tr ' ' '\n' <<< "$pids" | grep -c '[1-9]') $(tr ' ' '\n' <<< "$pids" | sort -u | grep -c '[1-9]')" "20 20"
	same "with one shim" "$(helpers shim | wc -l)" 1
}

oom() {
	local pid
	config_begin
	app hungry "$REG/app:v1" 'command = /opt/app/run hog 4' 'memory = 16M' 'restart = no' 'health = none'
	app shot "$REG/app:v1" 'memory = 32M' 'restart = no' 'health = none'
	app fine "$REG/app:v1" 'memory = 32M' 'pids = 32' 'cpus = 0.5'
	agent_start
	wait_until "the neighbours run" 30 app_runs fine "$(digest_of app:v1)"
	wait_until "shot runs" 30 app_runs shot "$(digest_of app:v1)"
	wait_until "the hungry one was ended" 30 ended hungry
	same "by the kernel for its memory" "$(docker_state hungry '"\(.OOMKilled) \(.ExitCode)"')" "true 137"
	wait_until "status says so" 40 app_like hungry '"\(.update.reason) \(.update.error)"' ' out of memory: killed at its limit \(memory = 16M\)$'
	kill -9 "$(app_pid shot)"
	wait_until "another was killed by a person" 40 ended shot
	same "which is something else" "$(docker_state shot '"\(.OOMKilled) \(.ExitCode)"')" "false 137"
	same "the neighbour runs on" "$(app_get fine .state)" running
	pid=$(app_pid fine)
	same "its limits are the kernel's" "$(limits "$pid")" "33554432 32 0.5"
}

# limits PID: memory pids cpus, from cgroup v1 or v2.
limits() {
	local line memory pids cpu quota period
	while IFS=: read -r _ controllers path; do
		case ,$controllers, in
		*,memory,*) memory=/sys/fs/cgroup/memory$path/memory.limit_in_bytes ;;
		*,pids,*) pids=/sys/fs/cgroup/pids$path/pids.max ;;
		*,cpu,*) cpu=/sys/fs/cgroup/$controllers$path ;;
		esac
	done < "/proc/$1/cgroup"
	if [ -z "${memory:-}" ]; then
		line=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$1/cgroup")
		memory=$line/memory.max pids=$line/pids.max
		read -r quota period < "$line/cpu.max"
	else
		quota=$(cat "$cpu/cpu.cfs_quota_us") period=$(cat "$cpu/cpu.cfs_period_us")
	fi
	echo "$(cat "$memory") $(cat "$pids") $(jq -n "$quota / $period")"
}

case_run policies back_off start_after_stop oom
done_testing
