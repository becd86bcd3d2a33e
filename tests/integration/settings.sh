#!/bin/bash
# What an [app] section says of a container is so inside of it: users, rights, limits, file systems, how it ends.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl
fleet
release v1

BOX=/opt/app/bin/busybox

# idle NAME LINE...: an app that sleeps.
idle() {
	app "$1" "$REG/app:stable" 'network = none' 'health = none' 'entrypoint = /bin/sh -c "while :; do sleep 1; done"' "${@:2}"
}
running() {
	local app
	for app; do
		app_is "$app" .state running || return
	done
}
in_app() { berth exec "$1" $BOX "${@:2}"; }
# status APP FIELD: of the app's first process.
status() { in_app "$1" awk -v f="$2:" '$1 == f { $1 = ""; print substr($0, 2) }' /proc/1/status; }
# inspect APP JQ: of what the API says.
inspect() { curl -s --unix-socket "$R/berth.sock" "http://x/containers/$1/json" | jq -r "$2"; }
# mounted APP PATH: type and options of what is mounted there.
mounted() { in_app "$1" awk -v p="$2" '$2 == p { print $3, $4 }' /proc/mounts; }

users_and_rights() {
	config_begin
	idle plain
	idle user 'user = app:tty' 'group_add = 44' 'group_add = app' 'workdir = /tmp'
	idle caps 'cap_drop = ALL' 'cap_add = NET_ADMIN' 'no_new_privileges = no'
	idle root 'privileged = yes'
	idle shares 'pid = host' 'ipc = host' 'seccomp = unconfined'
	cat > "$T/profile.json" <<- 'END'
	{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO",
	 "errnoRet":28,"excludes":{"caps":["CAP_SYS_ADMIN"]}}]}
	END
	idle own "seccomp = $T/profile.json"
	agent_start
	wait_until "they run" 30 running plain user caps root shares own

	same "docker's seccomp profile, unless privileged or unconfined" \
		"$(status plain Seccomp) $(status root Seccomp) $(status shares Seccomp)" "2 0 0"
	like "in an exec as well" "$(in_app caps unshare -U true 2>&1)" 'Operation not permitted'
	like "a profile of one's own" "$(in_app own mkdir /tmp/x 2>&1)" 'No space left'

	same "docker's capabilities" "$(status plain CapBnd)" 00000000a80425fb
	same "no new privileges" "$(status plain NoNewPrivs)" 1
	same "user and group" "$(status user Uid) $(status user Gid)" "1000 1000 1000 1000 5 5 5 5"
	same "more groups, by number and name" "$(status user Groups)" "44 1000"
	same "an exec is the same" "$(in_app user id)" "uid=1000(app) gid=5(tty) groups=44,1000(app)"
	same "workdir" "$(in_app user readlink /proc/1/cwd)" /tmp
	same "the capabilities that were left" "$(status caps CapBnd) $(status caps CapEff)" "0000000000001000 0000000000001000"
	same "new privileges" "$(status caps NoNewPrivs)" 0
	same "privileged has what the agent has" "$(status root CapEff)" "$(awk '/^CapEff/ { print $2 }' /proc/self/status)"
	like "privileged writes to /sys" "$(mounted root /sys)" '^sysfs rw'
	same "privileged has the device's nodes" "$(in_app root stat -c %t:%T /dev/kmsg)" "$(stat -c %t:%T /dev/kmsg)"
	check "and may use them" in_app root dd if=/dev/zero of=/dev/kmsg bs=1 count=0
	same "nothing is masked" "$(mounted root /proc/kcore)" ""
	same "pid = host" "$(in_app shares readlink /proc/self/ns/pid)" "$(readlink /proc/self/ns/pid)"
	same "ipc = host" "$(in_app shares readlink /proc/self/ns/ipc)" "$(readlink /proc/self/ns/ipc)"
	check "stop of one in the device's pid namespace" berth stop shares
	wait_until "nothing of it is left" 20 app_is shares .state exited
	same "one cgroup for each that runs" "$(cgroup_dirs | wc -l)" 5
}

limits() {
	config_begin
	idle some 'ulimit = nofile=100:200' 'ulimit = core=0' 'oom_score_adj = 321' 'sysctl = net.core.somaxconn=77' \
		'sysctl = kernel.shmmni=99' 'cpuset = 0' 'cpu_shares = 512' 'memory = 64M' 'memory_reservation = 32M'
	idle wrong 'sysctl = vm.swappiness=1'
	agent_start
	wait_until "it runs" 30 running some
	like "open files" "$(in_app some grep 'open files' /proc/1/limits)" ' 100 +200 '
	like "core" "$(in_app some grep 'core file' /proc/1/limits)" ' 0 +0 '
	same "oom_score_adj" "$(in_app some cat /proc/1/oom_score_adj)" 321
	same "sysctl of the network" "$(in_app some cat /proc/sys/net/core/somaxconn)" 77
	same "sysctl of the ipc namespace" "$(in_app some cat /proc/sys/kernel/shmmni)" 99
	same "cpuset" "$(status some Cpus_allowed_list)" 0
	wait_until "a kernel setting of the device is refused" 20 app_like wrong .update.reason 'vm.swappiness belongs to no namespace'
}

file_systems() {
	config_begin
	idle tmp 'tmpfs = /scratch:size=1M,mode=750' 'tmpfs = /exec:exec' 'shm_size = 2M'
	idle ro 'read_only = yes' 'volume = data:/srv/data'
	idle none 'writable = none'
	idle ram 'writable = tmpfs:1M'
	agent_start
	wait_until "they run" 30 running tmp ro none ram

	like "a tmpfs with a size" "$(mounted tmp /scratch)" '^tmpfs rw,nosuid,nodev,noexec,.*size=1024k.*mode=750'
	[[ $(mounted tmp /exec) = *noexec* ]]
	same "exec is kept" $? 1
	like "shm_size" "$(mounted tmp /dev/shm)" 'size=2048k'

	like "read_only: the root" "$(in_app ro touch /x 2>&1)" 'Read-only file system'
	check "the volume is writable" in_app ro touch /srv/data/x
	for dir in /tmp /run /var/tmp; do
		check "$dir is writable" in_app ro touch "$dir/x"
		like "in memory" "$(mounted ro $dir)" '^tmpfs .*size=65536k'
	done
	like "writable = none: the root" "$(in_app none touch /x 2>&1)" 'Read-only file system'
	like "and /tmp" "$(in_app none touch /tmp/x 2>&1)" 'Read-only file system'
	check "writable = tmpfs: the root" in_app ram touch /x
	like "up to its size" "$(in_app ram dd if=/dev/zero of=/big bs=64k count=32 2>&1)" 'No space left'
	same "nothing of these is on flash" "$(find "$STORE/containers" -mindepth 1 -maxdepth 1 | wc -l)" 1
	check "stop" berth stop -t 0 ram
	check "and start" berth start ram
	wait_until "it runs" 20 running ram
	in_app ram stat /x > /dev/null 2>&1
	same "what was in memory is gone" $? 1
	agent_stop
	agent_start
	wait_until "the next agent finds them" 20 running tmp ro none ram
	for app in tmp ro none ram; do
		berth stop -t 0 $app > /dev/null
	done
	same "no mount is left on the host" "$(own_mounts | grep -cv '^/run/bt\.[^/]*$')" 0
}

# are_ready APP...: they have said so.
are_ready() {
	local app
	for app; do
		[ "$(berth logs "$app" 2>&1)" = ready ] || return
	done
}

ending() {
	config_begin
	app int "$REG/app:stable" 'network = none' 'health = none' 'stop_signal = SIGUSR1' \
		'entrypoint = /bin/sh -c "trap \"exit 7\" USR1; echo ready; while :; do sleep 0.1; done"' 'restart = no' 'label = site=roof'
	app deaf "$REG/app:stable" 'network = none' 'health = none' 'stop_timeout = 1s' \
		'entrypoint = /bin/sh -c "trap \"\" TERM; echo ready; while :; do sleep 0.1; done"'
	agent_start
	wait_until "they run" 30 running int deaf
	wait_until "and have set their traps" 20 are_ready int deaf
	like "ps --filter label=" "$(berth ps -f label=site=roof -f status=running | awk 'NR > 1 { print $NF }')" '^int$'
	same "of another value" "$(berth ps -q --filter label=site=cellar)" ""
	same "inspect has it" "$(inspect int .Config.Labels.site)" roof
	same "the app's own label stays" "$(inspect int '.Config.Labels["io.berth.app"]')" int
	same "and what was set for its end" "$(inspect deaf .Config.StopTimeout) $(inspect int .Config.StopSignal)" "1 SIGUSR1"
	check "stop" berth stop int
	same "it got its own signal" "$(inspect int .State.ExitCode)" 7
	start=$SECONDS
	check "stop of one that doesn't listen" berth stop deaf
	check "it takes its stop_timeout, not the usual one" test $((SECONDS - start)) -lt 10
	same "then it is killed" "$(inspect deaf .State.ExitCode)" 137
}

# A child that its parent forgets is init's to reap; the app traps the signal that init gets.
has_zombies() { [ "$(in_app "$1" ps -o stat | grep -c Z)" = "$2" ]; }

init() {
	config_begin
	app with "$REG/app:stable" 'network = none' 'health = none' 'init = yes' 'user = app' 'restart = no' \
		'entrypoint = /bin/sh -c "trap \"exit 9\" TERM; echo ready; while :; do ( sleep 0.1 & ); sleep 0.2; done"'
	app without "$REG/app:stable" 'network = none' 'health = none' 'restart = no' \
		'entrypoint = /bin/sh -c "sleep 0.1 & exec sleep 1000"'
	app killed "$REG/app:stable" 'network = none' 'health = none' 'init = yes' 'restart = no' \
		'entrypoint = /bin/sh -c "sleep 1; kill -9 \$\$"'
	app missing "$REG/app:stable" 'network = none' 'health = none' 'init = yes' 'entrypoint = /nosuch'
	agent_start
	wait_until "they run" 30 running with without
	wait_until "and one has set its trap" 20 are_ready with
	same "init is the first process" "$(in_app with cat /proc/1/comm)" berth-init
	same "with the app's user" "$(status with Uid)" "1000 1000 1000 1000"
	same "and its rights" "$(status with NoNewPrivs) $(status with CapEff)" "1 0000000000000000"
	wait_until "without init there is a zombie" 20 has_zombies without 1
	wait_until "with it there is none" 20 has_zombies with 0 # for longer than a moment
	like "its binary can't be written to" "$(in_app with sh -c ': >> /proc/1/exe' 2>&1)" 'Read-only|busy|Permission'
	like "not by root either" "$(berth exec -u root with $BOX sh -c ': >> /proc/1/exe' 2>&1)" 'Read-only|busy|Permission'
	private=$(awk '/^Private_Dirty/ { print $2 }' "/proc/$(app_pid with)/smaps_rollup")
	note "init has $private kB of its own"
	check "which is at most 100 kB" test "$private" -le 100
	check "stop" berth stop with
	same "the signal was passed on, and the exit code" "$(inspect with .State.ExitCode)" 9
	wait_until "one that was killed ends with 128 + 9" 20 grep -q 'app killed: exited with code 137' "$T/agent.log"
	wait_until "a program that isn't there is told as ever" 20 app_like missing .update.reason 'exec /nosuch: no such file'
}

# owner APP PATH: as the device sees it, through the app's first process.
owner() { stat -c %u:%g "/proc/$(app_pid "$1")/root$2"; }
first_id() { awk '{ print $2 }' "/proc/$(app_pid "$1")/uid_map"; }

own_users() {
	config_begin
	sed -i 's/^run = .*/&\nuserns_ids = 700000:200000/' "$T/agent.ini"
	idle one 'userns = auto' 'volume = data:/data' 'stop_timeout = 1s'
	idle two 'userns = auto' 'user = app' 'read_only = yes' 'stop_timeout = 1s'
	idle three 'userns = auto' 'device = /dev/null:/dev/x' 'writable = tmpfs' 'init = yes' 'stop_timeout = 1s'
	idle four 'userns = auto'
	agent_start
	wait_until "three have room" 30 running one two three
	wait_until "the fourth is told that there are no more" 20 app_like four .update.reason 'other apps have all of userns_ids = 700000:200000'

	same "root in it" "$(status one Uid)" "0 0 0 0"
	same "is nobody here" "$(awk '/^Uid/ { print $2 }' "/proc/$(app_pid one)/status")" "$(first_id one)"
	same "each has its own" "$(for app in one two three; do first_id $app; done | sort | tr '\n' ' ')" "700000 765536 831072 "
	same "a user" "$(in_app two id -u):$(awk '/^Uid/ { print $2 }' "/proc/$(app_pid two)/status")" "1000:$(($(first_id two) + 1000))"
	same "the image's files are root's" "$(in_app one stat -c %u:%g / /bin/busybox /etc/hosts | tr '\n' ' ')" "0:0 0:0 0:0 "
	check "it writes to them" in_app one sh -c 'echo x >> /etc/passwd && chown 5:6 /etc/passwd'
	same "whose owner is another one here" "$(owner one /etc/passwd)" "$(($(first_id one) + 5)):$(($(first_id one) + 6))"
	check "it writes to its volume" in_app one sh -c 'echo x > /data/x && chown 5:6 /data/x'
	same "whose owners are shifted" "$(stat -c %u:%g "$STORE/volumes/data/x")" 5:6
	check "a device under another name" in_app three sh -c 'echo x > /dev/x && [ ! -s /dev/x ] && [ -c /dev/x ]'
	check "exec with init" in_app three touch /x
	like "read_only holds" "$(berth exec -u root two $BOX touch /x 2>&1)" 'Read-only file system'
	check "/tmp is the user's" in_app two touch /tmp/x
	same "no capability on the device" "$(in_app one sh -c 'mount -t tmpfs none /mnt 2>/dev/null || hostname x 2>/dev/null || mknod /n b 8 0 2>/dev/null || echo none')" none

	before=$(first_id one)
	agent_stop
	agent_start
	wait_until "the next agent" 20 running one
	check "stop" berth stop one two three
	check "start" berth start one
	wait_until "it runs again" 20 running one
	same "with the same users" "$(first_id one)" "$before"
	same "and its files" "$(in_app one stat -c %u:%g /etc/passwd)" 5:6
}

case_run users_and_rights limits file_systems ending init own_users
done_testing
