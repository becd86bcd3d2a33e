# shellcheck shell=bash
# runtime_agent.sh - what containers cost under the agent: a stop, 20 of them that do nothing, a probe. The image is
# the one layer of runtime.sh, from an OCI layout: no registry. The store lies on a flash of its own ($FLASH).
IDLE_APPS=20
MINUTE_S=${MINUTE_S:-60}

ra_layout() {
	local layer
	tar -C "$RT/lower" -c . > "$T/layer.tar"
	oci_open "$T/oci"
	layer=$(oci_layer "$T/layer.tar" gzip)
	oci_image bench:latest '{"config":{"Cmd":["/floor","idle"]}}' "$layer" > /dev/null
}

# ra_app NAME LINE...
ra_app() {
	printf '\n[app %s]\nimage = oci:%s:bench:latest\nnetwork = none\nprobation = 1s\n' "$1" "$T/oci"
	shift
	printf '%s\n' "$@"
} >> "$T/agent.ini"

all_run() { [ "$(berth status --json | jq '[.apps[] | select(.state == "running" and .update.phase == "idle")] | length')" = "$1" ]; }

# ra_start COUNT: the agent in the cgroup $RACE, which counts for it and all its descendants; until COUNT apps run.
ra_start() {
	local self=$BASHPID
	echo "$self" > "$RACE/cgroup.procs"
	agent_start
	echo "$self" > "${RACE%/*}/cgroup.procs"
	poll 60 all_run "$1" || { explain; exit 1; }
	sleep 3
}

# ---- stop ----

ra_stop() {
	flash_fresh
	POLL=1h config_begin
	ra_app idle 'health = none' 'restart = no'
	ra_start 1
	rt_overlay floor
	rt_cgroups
	rt_head "stop of one that obeys SIGTERM"
	{
		echo "floor | $FLOOR start $RT/floor ${CG#/}/floor $T/floor.pid /floor idle | $FLOOR stop $T/floor.pid | $FLOOR drop ${CG#/}/floor"
		echo "berth | $BERTH start idle | $BERTH stop idle |"
		[ -z "${PODMAN:-}" ] || echo "podman | ${PODMAN[*]} start idle | ${PODMAN[*]} stop idle |"
		[ -z "${DOCKER:-}" ] || echo "docker | ${DOCKER[*]} start idle | ${DOCKER[*]} stop idle |"
	} | rt_race 2
	case_end
}

# ---- idle ----

# Of the agent and the shims: nanoseconds of processor time, and how often they gave it up by themselves.
ra_cpu_ns() { local pid; for pid in $(helpers agent shim); do cat "/proc/$pid/schedstat"; done | awk '{ sum += $1 } END { print sum }'; }
ra_wakeups() {
	local pid
	for pid in $(helpers agent shim); do cat "/proc/$pid/status"; done | awk '$1 == "voluntary_ctxt_switches:" { sum += $2 } END { print sum }'
}
ra_pss() { local pid; for pid in $(helpers agent shim); do memory "$pid" '^Pss:'; done | awk '{ sum += $1 } END { print sum }'; }

ra_idle() {
	local i cpu wakeups begin alone all
	flash_fresh
	POLL=1h config_begin
	ra_start 0
	alone=$(ra_pss)
	case_end
	flash_fresh
	POLL=1h config_begin
	for i in $(seq $IDLE_APPS); do
		ra_app "idle$i" 'health = none'
	done
	ra_start $IDLE_APPS
	sleep 10 # what comes only once after a start
	head_line "$IDLE_APPS containers that do nothing" berth limit
	all=$(ra_pss)
	row "agent and shims, PSS (bytes)" "$all"
	row "of it more than an agent alone" $((all - alone)) 2097152
	begin=$(now_ms) cpu=$(ra_cpu_ns) wakeups=$(ra_wakeups)
	sleep "$MINUTE_S"
	row "processor time (microseconds a minute)" $((($(ra_cpu_ns) - cpu) * 60 / ($(now_ms) - begin))) 2000
	row "wake-ups a minute" $((($(ra_wakeups) - wakeups) * 60000 / ($(now_ms) - begin))) 60
	row "processes beyond the apps" "$(helpers agent shim runtime probe fetch | wc -l)" $((IDLE_APPS + 1))
	case_end
}

# ---- probes ----

# ra_probe KIND LINE: what 20 probes cost, one a second; the app's own answer is in it.
ra_probe() {
	local cpu
	flash_fresh
	POLL=1h config_begin
	ra_app probed "$2" 'health_interval = 1s' 'command = /floor serve 80'
	ra_start 1
	flash_mark
	cpu=$(race_cpu_us)
	sleep 20
	cpu=$((($(race_cpu_us) - cpu) / 20))
	row "$1: processor time (microseconds)" "$cpu" 3000
	row "$1: flash written by all of them (bytes)" "$(flash_written)" 0
	same "$1: it is healthy" "$(app_get probed .health)" healthy
	case_end
}

ra_probes() {
	head_line "a health probe" berth limit
	ra_probe "http" 'health = http://:80/'
	ra_probe "exec" 'health = exec /floor true'
}
