# shellcheck shell=bash
# contestants.sh - who pulls an image in the benchmark. Each NAME has
#
#   NAME_there      is what it needs installed?
#   NAME_open       gets ready: daemons, directories in $FLASH/peer. Not measured.
#   NAME_pull REF   brings it; the time until this returns is what its user waits
#   NAME_close      daemons end
#
# Everything runs inside the cgroup $RACE, which counts its processor time. $REG and $FLASH are lib.sh's and run's.

CONTESTANTS=(floor berth podman containerd umoci docker)

# ---- the floor: the least that can be done with a blob's digest checked ----

floor_there() { :; }
floor_open() { mkdir -p "$FLASH/floor"; }
floor_close() { :; }
floor_pull() {
	local layer dir sum unzip=gzip repository=${1%:*}
	[[ $1 = *:v?-* ]] && unzip=zstd
	[ -p "$T/floor.pipe" ] || mkfifo "$T/floor.pipe"
	for layer in $(cat "$IMAGES/blobs/sha256/$(digest_of "$1" | cut -d: -f2)" | jq -r '.layers[].digest'); do
		dir=$FLASH/floor/${layer#sha256:}
		mkdir -p "$dir" # two versions share it
		[ -z "$(ls -A "$dir")" ] || continue
		sha256sum < "$T/floor.pipe" > "$T/floor.sum" &
		sum=$!
		curl -s "http://$REG/v2/$repository/blobs/$layer" | tee "$T/floor.pipe" |
			tar -x "--$unzip" --numeric-owner -C "$dir"
		wait $sum
		grep -q "${layer#sha256:}" "$T/floor.sum" || return
	done
}

# ---- berth ----

berth_there() { :; }
berth_open() { config_begin; agent_start; }
berth_close() { agent_stop TERM; }
berth_pull() { "$BERTH" pull "$REG/$1"; }

# ---- podman ----

podman_there() { command -v podman; }
podman_open() { mkdir -p "$FLASH/peer" "$T/podman"; }
podman_close() { podman_run unmount --all > /dev/null 2>&1; }
podman_run() { podman --root "$FLASH/peer" --runroot "$T/podman" --storage-driver overlay "$@"; }
podman_pull() { podman_run pull -q --tls-verify=false "$REG/$1"; }

# ---- containerd ----

containerd_there() { command -v containerd && command -v ctr; }
containerd_open() {
	printf 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n' > "$T/containerd.toml"
	background containerd containerd --config "$T/containerd.toml" --root "$FLASH/peer" --state "$T/containerd" \
		--address "$T/containerd.sock"
	CONTAINERD=$!
	poll 30 ctr --address "$T/containerd.sock" version
}
containerd_close() { end TERM "$CONTAINERD"; }
containerd_pull() { ctr --address "$T/containerd.sock" image pull --plain-http "$REG/$1"; }

# ---- skopeo and umoci ----

umoci_there() { command -v skopeo && command -v umoci; }
umoci_open() { mkdir -p "$FLASH/peer"; }
umoci_close() { :; }
umoci_pull() {
	rm -rf "$FLASH/peer/bundle"
	skopeo copy -q --src-tls-verify=false "docker://$REG/$1" "oci:$FLASH/peer/oci:image" &&
		umoci unpack --image "$FLASH/peer/oci:image" "$FLASH/peer/bundle"
}

# ---- docker ----

docker_there() { command -v dockerd; }
docker_open() {
	background dockerd dockerd --data-root "$FLASH/peer" --exec-root "$T/docker" --pidfile "$T/docker.pid" \
		--host "unix://$T/docker.sock" --iptables=false --bridge=none
	DOCKERD=$!
	poll 30 docker -H "unix://$T/docker.sock" version
}
docker_close() { end TERM "$DOCKERD"; }
docker_pull() { docker -H "unix://$T/docker.sock" pull -q "$REG/$1"; }

# ---- a race ----

race_cgroup() {
	local root
	root=$(findmnt -t cgroup2 -no TARGET | head -1)
	[ "$root" ] || { echo "bench: no cgroup2 is mounted, which counts processor time" >&2; exit 2; }
	RACE=$root$CG-race
	mkdir -p "$RACE"
}

race_cpu_us() { awk '$1 == "usage_usec" { print $2 }' "$RACE/cpu.stat"; }

# race_once NAME [OLD] REF: one pull (over OLD, which was pulled before) on a fresh flash. Sets MS (until it returns),
# DURABLE_MS (and all is on disk), CPU_MS, BYTES; with MEMORY=1 nothing but PEAK.
race_once() {
	local name=$1 begin cpu sampler self=$BASHPID
	flash_fresh
	echo "$self" > "$RACE/cgroup.procs"
	"${name}_open" > "$T/race.log" 2>&1
	shift
	[ $# = 1 ] || { "${name}_pull" "$1" >> "$T/race.log" 2>&1; shift; }
	flash_mark
	echo "$self" > "${RACE%/*}/cgroup.procs"
	if [ "${MEMORY:-}" ]; then
		"$TESTS/bench/peak-memory" "$RACE" > "$T/peak" &
		sampler=$!
		sleep 0.3
	fi
	begin=$(now_ms)
	cpu=$(race_cpu_us)
	(echo "$BASHPID" > "$RACE/cgroup.procs" && "${name}_pull" "$1" && now_ms > "$T/returned" && sync -f "$FLASH") \
		>> "$T/race.log" 2>&1 || { rc=1 note "$name: $(tail -1 "$T/race.log")"; FAILED+=" $name"; }
	DURABLE_MS=$(($(now_ms) - begin))
	MS=$(($(cat "$T/returned") - begin))
	CPU_MS=$((($(race_cpu_us) - cpu) / 1000))
	BYTES=$(flash_written)
	if [ "${sampler:-}" ]; then
		kill -TERM "$sampler"
		wait "$sampler"
		PEAK=$(sed 's/^all=\([0-9]*\) .*/\1/' "$T/peak")
	fi
	"${name}_close" >> "$T/race.log" 2>&1
	case_end
}

# race TITLE [OLD] REF: RUNS rounds, the contestants one after the other in each, so that what else the machine does
# falls on all alike. A line for each with the medians, and the medians of its ratios to the floor in the same round.
race() {
	local title=$1 name round line running=() FAILED=''
	shift
	for name in "${CONTESTANTS[@]}"; do
		[[ " ${PEERS-podman containerd umoci docker} floor berth " = *" $name "* ]] || continue
		if "${name}_there" > /dev/null; then running+=("$name"); else ABSENT+=" $name"; fi
	done
	: > "$T/race"
	for round in $(seq "$RUNS"); do
		for name in "${running[@]}"; do
			[[ " $FAILED " = *" $name "* ]] && continue
			race_once "$name" "$@"
			echo "$round $name $MS $DURABLE_MS $CPU_MS $BYTES" >> "$T/race"
		done
	done
	printf '\n%-40s %6s %14s %14s %16s %9s\n' "$title" returns 'durable floor' 'cpu floor' 'disk floor' 'peak PSS'
	for name in "${running[@]}"; do
		if [[ " $FAILED " = *" $name "* ]]; then
			printf '%-40s %s\n' "  $name" failed
			continue
		fi
		[ "$name" = floor ] && PEAK=0 || MEMORY=1 race_once "$name" "$@"
		cp "$T/peak" "$T/peak.$name" 2> /dev/null
		"$TESTS/bench/medians" "$name" "$PEAK" < "$T/race"
	done
	note "absent:${ABSENT:- none}; berth's peak: $(cat "$T/peak.berth")"
	ABSENT=''
}
