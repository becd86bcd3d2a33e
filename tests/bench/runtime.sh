# shellcheck shell=bash
# runtime.sh - the runtime's figures: what a container's start, exec and stop cost beside a floor that makes nothing but
# the system calls (tests/bench/floor.c), and beside every other runtime and engine that is installed (PEERS).
#
# All get the same: a static program, one layer under an overlay, all namespaces, a cgroup. Who does not mount the
# overlay itself (the OCI runtimes) is started by `floor mounted`, as berth's shim would; that is part of the time.

RT=$T/rt
FLOOR=$SOURCE/out/$(uname -m)/tests/bench/floor
ROUNDS=$SOURCE/out/$(uname -m)/tests/bench/rounds

rt_is_peer() { [[ " ${PEERS-crun runc podman containerd docker} " = *" $1 "* ]] && command -v "$2" > /dev/null; }

# The layer, and the overlay's directories; the bundles lie on tmpfs as the agent's do.
rt_open() {
	make -s -C "$SOURCE" "ARCH=$(uname -m)" "${FLOOR#"$SOURCE/"}" "${ROUNDS#"$SOURCE/"}" || exit 1
	mkdir -p "$RT"/lower/{proc,dev,sys,etc}
	cp "$FLOOR" "$ROUNDS" "$T"
	strip -o "$RT/lower/floor" "$FLOOR"
	FLOOR=$T/floor
	# crun 1.8 runs with v1 or with v2, but refuses a machine that has v2 besides v1: it is moved out of its sight.
	if mountpoint -q /sys/fs/cgroup/unified; then
		mkdir "$T/unified"
		mount --move /sys/fs/cgroup/unified "$T/unified"
	fi
	rt_cgroups
	rt_engines_open
	local absent
	absent=$(rt_absent)
	note "absent:${absent:- none}"
}

rt_absent() {
	local peer
	for peer in crun:crun runc:runc podman:podman containerd:ctr docker:dockerd; do
		command -v "${peer#*:}" > /dev/null || printf ' %s' "${peer%:*}"
	done
}

rt_close() { rt_engines_close; }

rt_is_v1() { [ ! -e /sys/fs/cgroup/cgroup.controllers ]; }

# The parent of the floor's cgroup.
rt_cgroups() {
	if rt_is_v1; then
		mkdir -p /sys/fs/cgroup/{cpu,cpuacct,memory,pids,devices,freezer,systemd}"$CG"
	else
		mkdir -p "/sys/fs/cgroup$CG"
	fi
}

# rt_overlay NAME: the directories of an overlay, $RT/NAME. Two that are mounted may not share the upper one.
rt_overlay() {
	mkdir -p "$RT/$1"/{upper,work,root}
	ln -sfn ../lower "$RT/$1/lower"
}

# rt_bundle NAME WORD...: the same, and $R/NAME with config.json.
rt_bundle() {
	local name=$1
	shift
	mkdir -p "$R/$name"
	rt_overlay "$name"
	jq -n --arg root "$RT/$name/root" --arg cgroup "$CG/$name" '
		["CAP_CHOWN","CAP_DAC_OVERRIDE","CAP_FSETID","CAP_FOWNER","CAP_MKNOD","CAP_NET_RAW","CAP_SETGID","CAP_SETUID",
		 "CAP_SETFCAP","CAP_SETPCAP","CAP_NET_BIND_SERVICE","CAP_SYS_CHROOT","CAP_KILL","CAP_AUDIT_WRITE"] as $caps |
		{ociVersion: "1.0.2", root: {path: $root}, hostname: "bench",
		 process: {user: {uid: 0, gid: 0}, cwd: "/", args: $ARGS.positional, env: ["PATH=/"], noNewPrivileges: true,
		  capabilities: {bounding: $caps, effective: $caps, permitted: $caps}},
		 mounts: [
		  {destination: "/proc", type: "proc", source: "proc"},
		  {destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755", "size=64k"]},
		  {destination: "/dev/pts", type: "devpts", source: "devpts", options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666"]},
		  {destination: "/dev/shm", type: "tmpfs", source: "shm", options: ["nosuid", "noexec", "nodev", "mode=1777"]},
		  {destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"]},
		  {destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"]}],
		 linux: {cgroupsPath: $cgroup,
		  resources: {devices: [{allow: false, access: "rwm"}], memory: {limit: 33554432}, pids: {limit: 64}},
		  namespaces: (["pid", "network", "ipc", "uts", "mount", "cgroup"] | map({type: .})),
		  maskedPaths: ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
		  readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]}}' \
		--args "$@" > "$R/$name/config.json"
}

# The processor's time is that of the command alone: of an engine, only its client.
rt_head() { head_line "$(printf '%-40s %13s' "$1" 'cpu us')" 'median us' limit floor; }

# rt_race LIMIT: rounds of the lines on stdin, as rows; berth's ratio to the floor is marked when it is over LIMIT.
rt_race() {
	local name us ratio cpu
	"$ROUNDS" "${ROUNDS_COUNT:-50}" 2> "$T/rounds.log" > "$T/rounds" || { cat "$T/rounds.log"; exit 1; }
	while IFS=$'\t' read -r name us ratio cpu; do
		[ "$us" != failed ] || { rc=1 note "$name: $(grep -B 1 "^rounds: $name failed" "$T/rounds.log" | head -1)"; continue; }
		printf '%-40s %13s %14s %14s %8s%s\n' "$name" "$cpu" "$us" "$([ "$name" != berth ] || echo "$1")" "$ratio" \
			"$(awk -v n="$name" -v r="$ratio" -v l="$1" 'BEGIN { if (n == "berth" && r > l) print "  OVER" }')"
	done < "$T/rounds"
}

# ---- engines: a local image of the layer ----

# podman asks for more than root may have in a container.
LIMITS=(--ulimit nofile=1024:1024 --ulimit nproc=1024:1024)

rt_engines_open() {
	tar -C "$RT/lower" -c . > "$T/layer.tar"
	if rt_is_peer podman podman; then
		PODMAN=(podman --root "$RT/podman" --runroot "$R/podman" --storage-driver overlay --events-backend none
			--cgroup-manager cgroupfs)
		{ "${PODMAN[@]}" import -q "$T/layer.tar" bench &&
			"${PODMAN[@]}" create --name idle --network none "${LIMITS[@]}" bench /floor idle; } > /dev/null 2>> "$T/engines.log" || unset PODMAN
	fi
	if rt_is_peer containerd ctr; then
		FLASH=$RT/containerd containerd_open 2>> "$T/engines.log"
		rt_import containerd
	fi
	if rt_is_peer docker dockerd; then
		mkdir -p "$RT/docker"
		FLASH=$RT/docker docker_open 2>> "$T/engines.log"
		DOCKER=(docker -H "unix://$T/docker.sock")
		{ "${DOCKER[@]}" import "$T/layer.tar" bench && "${DOCKER[@]}" create --name idle --network none bench /floor idle; } \
			> /dev/null 2>> "$T/engines.log" || unset DOCKER
	fi
}

# ctr imports an image, not a layer.
rt_import() {
	local layer
	oci_open "$T/oci"
	layer=$(oci_layer "$T/layer.tar" gzip)
	oci_image bench:latest '{"config":{}}' "$layer" > /dev/null
	CTR=(ctr --address "$T/containerd.sock")
	(cd "$T/oci" && tar -c .) > "$T/oci.tar"
	"${CTR[@]}" image import --base-name bench "$T/oci.tar" > "$T/import.log" 2>&1 || { unset CTR; return; }
	CTR_IMAGE=$("${CTR[@]}" image ls -q | head -1)
}

rt_engines_close() {
	[ -z "${CONTAINERD:-}" ] || containerd_close
	[ -z "${DOCKERD:-}" ] || docker_close
}

# ---- the races ----

rt_runtimes() {
	echo "berth $BERTH runtime --root $R/berth"
	! rt_is_peer crun crun || echo "crun crun --root $R/crun --cgroup-manager=cgroupfs"
	! rt_is_peer runc runc || echo "runc runc --root $R/runc"
}

rt_run() {
	local name command
	rt_head "run of a program that ends at once"
	rt_overlay floor
	{
		echo "floor | | $FLOOR run $RT/floor ${CG#/}/floor /floor true |"
		! rt_is_v1 || echo "floor-by-tasks | | $FLOOR -t run $RT/floor ${CG#/}/floor /floor true |"
		while read -r name command; do
			rt_bundle "$name" /floor true
			echo "$name | | $FLOOR mounted $RT/$name $command run --bundle $R/$name bench-$name |"
		done < <(rt_runtimes)
		[ -z "${CTR:-}" ] || echo "containerd || ${CTR[*]} run --rm $CTR_IMAGE bench /floor true |"
		[ -z "${PODMAN:-}" ] || echo "podman || ${PODMAN[*]} run --rm --network none ${LIMITS[*]} bench /floor true |"
		[ -z "${DOCKER:-}" ] || echo "docker || ${DOCKER[*]} run --rm --network none bench /floor true |"
	} | rt_race 1.3
}

# One idle container of each runtime.
rt_idle_start() {
	local name command
	rt_overlay floor
	"$FLOOR" start "$RT/floor" "${CG#/}/floor" "$T/floor.pid" /floor idle > /dev/null 2>&1 < /dev/null
	while read -r name command; do
		rt_bundle "$name" /floor idle
		# shellcheck disable=SC2086
		"$FLOOR" mounted "$RT/$name" $command run -d --bundle "$R/$name" "bench-$name" > "$T/idle.log" 2>&1 < /dev/null ||
			{ cat "$T/idle.log"; exit 1; }
	done < <(rt_runtimes)
}

rt_idle_stop() {
	local name command
	"$FLOOR" stop "$T/floor.pid"
	poll 5 rmdir "$(cgroup_roots | head -1)/floor"
	while read -r name command; do
		$command delete --force "bench-$name" < /dev/null > /dev/null 2>&1
	done < <(rt_runtimes)
	sweep
}

rt_exec() {
	local name command
	rt_idle_start
	rt_head "exec of a program that ends at once"
	{
		echo "floor | | $FLOOR exec $(cat "$T/floor.pid") ${CG#/}/floor /floor true |"
		! rt_is_v1 || echo "floor-by-tasks | | $FLOOR -t exec $(cat "$T/floor.pid") ${CG#/}/floor /floor true |"
		while read -r name command; do
			echo "$name | | $command exec bench-$name /floor true |"
		done < <(rt_runtimes)
	} | rt_race 2
	rt_idle_stop
}
