#!/bin/bash
# podman with `berth runtime` as its runtime, under the name berth-runtime, and conmon in between: as another engine
# calls it. Storage of its own, and a network namespace of its own for bridges and firewall rules.
[ "${INSIDE:-}" ] || INSIDE=1 exec unshare --net --mount bash "$0"
. "$(dirname "$0")/runtime/harness"
command -v podman > /dev/null || { echo "podman is missing: scripts/install-tools"; exit 2; }

# podman's locks, and what its network plugins remember: the machine's are not touched.
for dir in /dev/shm /run /var/lib; do
	mount -t tmpfs tmpfs $dir
done
ip link set lo up
mkdir -p "$T/storage" "$T/hooks.d" "$T/vol"
ln -s "$BERTH" "$T/berth-runtime"
podman() {
	timeout 60 podman --root "$T/storage" --runroot "$T/run" --storage-driver vfs --runtime "$T/berth-runtime" \
		--cgroup-manager cgroupfs --events-backend file --network-config-dir "$T/networks" "$@" < /dev/null 2>&1
}
# What this machine's user may set: podman's own defaults need CAP_SYS_RESOURCE.
printf '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\n' > "$T/containers.conf"
export CONTAINERS_CONF=$T/containers.conf
options=(--network none)
"$BERTH" runtime features | tr -d ' \n' | grep -q '"seccomp":{"enabled":true' || options+=(--security-opt seccomp=unconfined)
box() { podman run --rm "${options[@]}" "$@"; }
clean() { podman rm --force --time 0 --all; podman system prune --all --force; }
trap 'clean > /dev/null 2>&1; umount -R "$T/storage" "$T/run" 2> /dev/null; cleanup' EXIT
tar -C "$ROOTS" -c . > "$T/root.tar"
podman import "$T/root.tar" localhost/box > "$T/out" || { cat "$T/out"; fail "import"; finish; }

# ---- run ----

same "run" "$(box localhost/box echo hello)" hello
box localhost/box sh -c 'exit 7'
same "its exit code" $? 7
out=$(box localhost/box /none)
same "a missing program is 127" $? 127
like "and said so" "$out" 'exec /none: no such file'
out=$(box localhost/box /etc/passwd)
same "one that can't be executed is 126" $? 126
same "a user, a directory, a variable" "$(box --user 1000:1001 --workdir /srv --env A=b localhost/box sh -c 'id -u; id -g; pwd; echo $A')" $'1000\n1001\n/srv\nb'
same "a volume" "$(box -v "$T/vol:/data" localhost/box sh -c 'echo x > /data/file'; cat "$T/vol/file")" x
like "a read-only one" "$(box -v "$T/vol:/data:ro" localhost/box touch /data/x)" 'Read-only file system'
like "a tmpfs with the image's files" "$(box --tmpfs /etc localhost/box sh -c 'grep -c root /etc/passwd; grep " /etc " /proc/mounts')" $'^1\ntmpfs /etc'
like "--read-only" "$(box --read-only localhost/box sh -c 'touch /x 2>&1; touch /tmp/x && echo tmp')" $'/x: Read-only file system\ntmp'
like "--privileged" "$(box --privileged localhost/box sh -c 'ls -l /dev/ptmx; grep CapBnd /proc/self/status')" "$(grep CapBnd /proc/self/status | cut -f 2)"
same "--hostname, --device" "$(box --hostname who --device /dev/kmsg localhost/box sh -c 'hostname; ls /dev/kmsg')" $'who\n/dev/kmsg'
same "--sysctl" "$(box --sysctl net.ipv4.ip_forward=1 localhost/box cat /proc/sys/net/ipv4/ip_forward)" 1
same "--network host" "$(podman run --rm "${options[@]:2}" --network host localhost/box readlink /proc/self/ns/net)" "$(readlink /proc/self/ns/net)"

# ---- limits ----

if [ $CGROUP = 1 ]; then
	same "--memory" "$(box --memory 32m localhost/box cat /sys/fs/cgroup/memory/memory.limit_in_bytes)" 33554432
	same "--pids-limit" "$(box --pids-limit 50 localhost/box cat /sys/fs/cgroup/pids/pids.max)" 50
	same "--cpus" "$(box --cpus 0.5 localhost/box cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us)" 50000
else
	same "--memory" "$(box --memory 32m localhost/box cat /sys/fs/cgroup/memory.max)" 33554432
	same "--pids-limit" "$(box --pids-limit 50 localhost/box cat /sys/fs/cgroup/pids.max)" 50
fi
podman run -d --name fat "${options[@]}" --memory 16m localhost/box sh -c 'a=x; while :; do a=$a$a; done' > /dev/null
podman wait fat > /dev/null
same "too much memory" "$(podman inspect -f '{{.State.ExitCode}}' fat)" 137

# ---- a life in the background ----

podman run -d --name life "${options[@]}" localhost/box sh -c 'trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.1; done' > /dev/null
same "exec" "$(podman exec life cat /proc/1/comm)" sh
podman exec life sh -c 'exit 9'
same "exec's exit code" $? 9
same "exec as a user, with a variable, elsewhere" "$(podman exec -u 5:6 -e A=b -w /srv life sh -c 'id -u; id -g; echo $A; pwd')" $'5\n6\nb\n/srv'
podman exec -d life sh -c 'sleep 0.2; echo later > /tmp/later' > /dev/null
check "exec in the background" wait_for 30 podman exec life test -f /tmp/later
like "top" "$(podman top life pid comm)" $'PID +COMMAND\n1 +sh'
check "pause" podman pause life
same "is said so" "$(podman inspect -f '{{.State.Status}}' life)" paused
check "unpause" podman unpause life
check "stop" podman stop -t 40 life
same "logs" "$(podman logs life)" $'up\nbye'
same "its end" "$(podman inspect -f '{{.State.Status}} {{.State.ExitCode}}' life)" 'exited 3'
podman start life > /dev/null
same "a second start" "$(podman inspect -f '{{.State.Status}}' life)" running
check "kill" podman kill life
podman wait life > /dev/null
same "is 137" "$(podman inspect -f '{{.State.ExitCode}}' life)" 137
check "rm" podman rm life
podman create --name made "${options[@]}" localhost/box echo made > /dev/null
same "create and start" "$(podman start --attach made)" made

# ---- a terminal ----

if command -v script > /dev/null; then
	# dash does not exec it, and timeout would leave the terminal's foreground: podman, which sets the terminal up, is stopped.
	out=$(script -qec "timeout --foreground 60 podman --root $T/storage --runroot $T/run --storage-driver vfs --runtime $T/berth-runtime \
		--cgroup-manager cgroupfs --events-backend file run -t --rm ${options[*]} localhost/box sh -c 'tty; test -t 0 && echo terminal'" /dev/null < /dev/null 2>&1)
	like "-t" "$out" '/dev/pts/0[^t]*terminal'
fi

# ---- networks ----

serve=(sh -c 'echo page > /tmp/index.html; exec httpd -f -p 80 -h /tmp')
fetch() { curl -s -m 20 "$1"; }
podman run -d --name web "${options[@]:2}" -p 8080:80 localhost/box "${serve[@]}" > /dev/null
address=$(podman inspect -f '{{.NetworkSettings.IPAddress}}' web)
check "on a bridge" wait_for 30 fetch "http://$address/"
same "a published port" "$(fetch http://127.0.0.1:8080/)" page
like "another one has its own address" "$(podman run --rm "${options[@]:2}" localhost/box sh -c "ip addr; nc $address 80 < /dev/null && echo reached")" \
	"inet ${address%.*}.[0-9]+.*reached"
same "--network container:" "$(podman run --rm "${options[@]:2}" --network container:web localhost/box sh -c 'ip addr' | grep -c "$address/")" 1
check "a network of its own" podman network create other
unlike "is another one" "$(podman run --rm "${options[@]:2}" --network other localhost/box ip addr)" "inet ${address%.*}\\."
check "update" podman update --memory 64m web
same "is a new limit" "$(podman exec web sh -c 'cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes memory.max 2> /dev/null')" 67108864
podman rm -f -t 0 web > /dev/null
no_ports() { [ -z "$(ip link show type veth)" ]; }
check "the bridge has no ports left" wait_for 30 no_ports

# On v2 podman 4.3 gives the pod's cgroup no device at all, so that with crun, too, nothing runs in it.
if [ $CGROUP = 1 ]; then
	pod=$(podman pod create --name pod --infra-image localhost/box --infra-command 'sleep 1000' -p 8081:80)
	check "a pod" podman run -d --pod pod --name web "${options[@]:2}" localhost/box "${serve[@]}"
	check "answers" wait_for 30 fetch http://127.0.0.1:8081/
	same "shares what it has" "$(podman run --rm --pod pod "${options[@]:2}" localhost/box sh -c 'hostname; nc 127.0.0.1 80 < /dev/null && echo reached')" \
		$'pod\nreached'
	check "is paused" podman pod pause pod
	check "goes on" podman pod unpause pod
	check "is stopped" podman pod stop -t 0 pod
	check "is removed" podman pod rm -f -t 0 pod
	rmdir "/sys/fs/cgroup/systemd/libpod_parent/$pod" 2> /dev/null # which podman forgets, with runc as well
fi

# ---- users ----

uids=(--uidmap 0:100000:65536 --gidmap 0:100000:65536)
like "--uidmap" "$(box "${uids[@]}" localhost/box sh -c 'cat /proc/self/uid_map; stat -c %u:%g /bin; id -u')" $'^ +0 +100000 +65536\n0:0\n0$'
podman run -d --name mapped "${options[@]}" "${uids[@]}" localhost/box sleep 1000 > /dev/null
same "exec in it" "$(podman exec mapped sh -c 'id -u; echo x > /tmp/x; stat -c %u /tmp/x')" $'0\n0'
like "it is nobody outside" "$(cat "/proc/$(podman inspect -f '{{.State.Pid}}' mapped)/status")" $'Uid:\t100000'
same "another joins its namespaces" "$(podman run --rm "${options[@]:2}" --network container:mapped --pid container:mapped --userns container:mapped localhost/box head -c 5 /proc/1/cmdline)" sleep
podman rm -f -t 0 mapped > /dev/null

# ---- hooks ----

cat > "$T/hooks.d/hook.json" << END
{"version":"1.0.0","hook":{"path":"$(command -v sh)","args":["sh","-c","cat > $T/state.json"]},"when":{"always":true},"stages":["createRuntime"]}
END
same "--hooks-dir" "$(podman --hooks-dir "$T/hooks.d" run --rm "${options[@]}" localhost/box echo fine)" fine
like "the hook has read the state" "$(cat "$T/state.json" 2>&1)" '"status": ?"creating"'
sed -i 's/"cat [^"]*"/"exit 1"/' "$T/hooks.d/hook.json"
like "one that fails" "$(podman --hooks-dir "$T/hooks.d" run --rm "${options[@]}" localhost/box echo fine)" 'hooks.createRuntime\[0\]: .*ended with exit code 1'

# ---- nothing is left ----

clean > /dev/null
same "no container" "$(podman ps --all --quiet)" ''
no_cgroup() { [ -z "$(find /sys/fs/cgroup -type d -path '*/libpod_parent/*libpod-*')" ]; }
check "no cgroup" wait_for 20 no_cgroup
finish
