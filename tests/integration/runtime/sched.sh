#!/bin/bash
# How the kernel treats the process: scheduler, priority of its input and output, processors of exec, personality.
. "$(dirname "$0")/harness"
for name in uname ionice; do ln -sf busybox "$ROOTS/bin/$name"; done

CAPS="{\"bounding\":[$DOCKER_CAPS],\"effective\":[$DOCKER_CAPS],\"permitted\":[$DOCKER_CAPS]}"
PROCESS=',"scheduler":{"policy":"SCHED_BATCH","nice":-5},"ioPriority":{"class":"IOPRIO_CLASS_BE","priority":6}'
run box sh -c 'cut -d " " -f 19,41 /proc/self/stat; ionice -p $$'
same "niceness, policy and priority, without CAP_SYS_NICE" "$OUT" $'-5 3\nbest-effort: prio 6'
PROCESS=',"scheduler":{"policy":"SCHED_DEADLINE"}'
run box true
like "what the kernel refuses" "$OUT" 'process.scheduler: Invalid argument'
PROCESS=',"scheduler":{"policy":"SCHED_FIFO","priority":1}'
run box cut -d ' ' -f 41 /proc/self/stat
if compgen -G '/sys/fs/cgroup/*/cpu.rt_runtime_us' > /dev/null; then # CONFIG_RT_GROUP_SCHED
	like "real time that cgroup v1 has to give first" "$OUT" 'process.scheduler .*realtimeRuntime is set\): Operation not permitted'
else
	same "real time" "$OUT" 1
fi
PROCESS=',"execCPUAffinity":{"initial":"0","final":"0"}'
start box sleep 1000
same "exec is on its processors" "$(rt exec box grep Cpus_allowed_list /proc/self/status)" $'Cpus_allowed_list:\t0'
rt delete --force box
PROCESS=',"execCPUAffinity":{"final":"1023"}'
start box sleep 1000
like "one that isn't there" "$(rt exec box true 2>&1)" 'process.execCPUAffinity 1023: Invalid argument'
rt delete --force box
PROCESS=
if [ "$(uname -m)" = x86_64 ]; then
	LINUX=',"personality":{"domain":"LINUX32"}'
	run box uname -m
	same "a 32-bit personality" "$OUT" i686
	start box sleep 1000
	same "exec has it, too" "$(rt exec box uname -m)" i686
	rt delete --force box
fi
finish
