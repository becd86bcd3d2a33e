# shellcheck shell=bash
# lib.sh - what the shell tests, the demo and the benchmark share. Source it first; it
#   - makes $T (files) and $R (short, on tmpfs: the agent's run directory), and takes both away again at the end
#     with every process, mount and cgroup that belongs to them, also after Ctrl-C. KEEP=1 keeps the files.
#   - takes the binary to test from $BERTH (default: the one built for this machine).
#
# Counting: ok TEXT, fail TEXT, skip TEXT, check TEXT COMMAND..., same TEXT GOT WANTED, like TEXT GOT REGEX, unlike.
#   case_run FUNCTION... runs each in a subshell; one that ends early counts as failed. done_testing prints
#   "N passed, N failed" as the last line and exits with 1 when something failed.
# Waiting: wait_until TEXT SECONDS COMMAND... polls; when time is up it counts a failure with the status and the end of the
#   agent's log, and ends the case (what follows would only fail for the same reason). within SECONDS COMMAND... gives a
#   command no more than that. The seconds are a quiet machine's: all wait PATIENCE times as long (3, as many scripts run at a
#   time), longer still on slow machines.
# Registries and images: registry.sh.
# Agent: config_begin, then more lines with config (a here document), agent_start, agent_stop SIGNAL.
#   berth ... is the client of this test's agent; app_get APP JQ reads the status.
set -uo pipefail

TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SOURCE=$(dirname "$TESTS")
BERTH=${BERTH:-$SOURCE/out/$(uname -m)/berth}
CACHE=${CACHE:-$SOURCE/out/images}
T=$(mktemp -d /tmp/berth-test.XXXXXX)
R=$(mktemp -d /run/bt.XXXX)
CG=/berth-test-${T##*.}
RESULTS=$T/results
PORTS=/run/berth-test-ports
PATIENCE=${PATIENCE:-3}
: > "$RESULTS"
: > "$T/pids"
: > "$T/agent.log"
[ ! -x "$BERTH" ] || { cp "$BERTH" "$T/berth" && BERTH=$T/berth; }
export BERTH_HOST=unix://$R/berth.sock
export HOME=$T
unset DOCKER_HOST http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY
# shellcheck source=tests/images/oci.sh
. "$TESTS/images/oci.sh"
# shellcheck source=tests/registry.sh
. "$TESTS/registry.sh"

# ---- counting ----

if [ -t 1 ]; then
	RED=$'\e[31m' GREEN=$'\e[32m' DIM=$'\e[2m' PLAIN=$'\e[0m'
else
	RED='' GREEN='' DIM='' PLAIN=''
fi

ok() { echo ok >> "$RESULTS"; echo "${GREEN}ok${PLAIN}    $*"; }
fail() { echo fail >> "$RESULTS"; echo "${RED}FAIL${PLAIN}  $*"; }
skip() { echo skip >> "$RESULTS"; echo "skip  $*"; }
note() { echo "      $*"; }

check() {
	local text=$1 out
	shift
	if out=$("$@" 2>&1); then ok "$text"; else fail "$text: '$*' answered $?${out:+: $out}"; fi
}

same() {
	if [ "$2" = "$3" ]; then ok "$1"; else fail "$1: got '$2', wanted '$3'"; fi
}

like() {
	if [[ $2 =~ $3 ]]; then ok "$1"; else fail "$1: '$2' is not like '$3'"; fi
}

unlike() {
	if [[ $2 =~ $3 ]]; then fail "$1: '$2' is like '$3'"; else ok "$1"; fi
}

case_run() {
	local name before
	for name; do
		[ "$#" = 1 ] || echo "${DIM}-- $name${PLAIN}"
		before=$(grep -c fail "$RESULTS")
		( "$name" )
		# shellcheck disable=SC2181
		if [ $? != 0 ] && [ "$before" = "$(grep -c fail "$RESULTS")" ]; then
			fail "$name ended early"
		fi
		case_end
	done
}

done_testing() {
	local passed failed skipped killed
	killed=$(grep -m 1 'killed by its system-call filter' "$T/agent.log") && fail "a helper was killed: $killed"
	passed=$(grep -c ok "$RESULTS")
	failed=$(grep -c fail "$RESULTS")
	skipped=$(grep -c skip "$RESULTS")
	echo "$passed passed, $failed failed$([ "$skipped" = 0 ] || echo ", $skipped skipped")"
	[ "$failed" = 0 ] && [ "$passed" != 0 ]
	exit
}

need() {
	local tool missing=''
	for tool; do
		command -v "$tool" > /dev/null || missing+=" $tool"
	done
	[ -z "$missing" ] && return
	fail "not installed:$missing"
	done_testing
}

# ---- waiting ----

# poll SECONDS COMMAND...: 0 as soon as the command succeeds. The last try begins when time is up: this shell may have been held up.
poll() {
	local end=$((SECONDS + $1 * PATIENCE + 1)) is_late
	shift
	while :; do
		[ "$SECONDS" -lt "$end" ] && is_late='' || is_late=yes
		"$@" > /dev/null 2>&1 && return
		[ -z "$is_late" ] || return 1
		sleep 0.05
	done
}

# within SECONDS COMMAND...: ends a command that takes longer.
within() { timeout $(($1 * PATIENCE)) "${@:2}"; }

wait_until() {
	local text=$1 seconds=$2
	shift 2
	if poll "$seconds" "$@"; then
		ok "$text"
		return
	fi
	fail "$text: '$*' was not true within $seconds s"
	explain
	exit 1
}

# What a person wants to see when a wait failed.
explain() {
	echo "      status: $(berth status --json 2>&1 | jq -c '.apps // .' 2> /dev/null | head -c 2000)"
	tail -n "${TAIL:-20}" "$T/agent.log" | sed 's/^/      agent: /'
}

# stays SECONDS COMMAND...: the command keeps succeeding that long.
stays() {
	local end=$((SECONDS + $1 + 1))
	shift
	while [ "$SECONDS" -lt "$end" ]; do
		"$@" > /dev/null 2>&1 || return 1
		sleep 0.1
	done
}

# ---- processes, mounts, cgroups ----

# background NAME COMMAND...: starts it with its output in $T/NAME.log; its pid is in $! and remembered.
background() {
	local name=$1
	shift
	"$@" >> "$T/$name.log" 2>&1 < /dev/null &
	remember $!
	disown $! # bash must not report how it ends
}

# start_of PID: with the pid it names a process for good (proc(5), field 22); pids come again soon where many scripts run.
start_of() { sed 's/.*) //' "/proc/$1/stat" 2> /dev/null | cut -d ' ' -f 20; }
remember() { echo "$1 $(start_of "$1")" >> "$T/pids"; }

# A function in the background is a shell, whose command is its child.
background_processes() {
	local pid start
	while read -r pid start; do
		[ "$start" ] && [ "$(start_of "$pid")" = "$start" ] || continue
		echo "$pid"
		pgrep -P "$pid"
	done < "$T/pids"
}

alive() { kill -0 "$1" 2> /dev/null; }
gone() { ! kill -0 "$1" 2> /dev/null; }

# end SIGNAL PID: signals, and waits until it is gone.
end() {
	kill "-$1" "$2" 2> /dev/null
	poll 15 gone "$2"
}

# This test runs its own copy of the binary: whatever runs it is the agent, a shim or a helper of this test, also when
# its arguments and its root directory tell nothing, and the link's text neither (agent/run/seal.h).
own_links() {
	local exe file
	for exe in /proc/[0-9]*/exe; do
		for file in "$T"/berth*; do
			[[ $exe -ef $file ]] && echo "${exe%/exe}"
		done
	done
}

# All of this test. Others (registries) have $T in their arguments.
own_processes() {
	own_links | sed 's,/proc/,,'
	grep -lzF -f - /proc/[0-9]*/cmdline 2> /dev/null <<< "$T/" | sed 's,/proc/\(.*\)/cmdline,\1,' |
		grep -vx -e $$ -e $BASHPID
}

# helpers ROLE...: pids of this test's processes of these roles (agent, shim, fetch, unpack, probe, runtime).
helpers() {
	local link argv role
	own_links | while read -r link; do
		argv=()
		{ mapfile -d '' argv < "$link/cmdline"; } 2> /dev/null
		for role; do
			[[ ${argv[0]:-} = "$role" || ${argv[1]:-} = "$role" ]] && echo "${link#/proc/}"
		done
	done
}

cgroup_roots() {
	local root
	for root in /sys/fs/cgroup /sys/fs/cgroup/*; do
		[ -d "$root$CG" ] && echo "$root$CG"
		[ -d "$root$CG-helpers" ] && echo "$root$CG-helpers"
	done
}

# cgroup_dirs: the containers' cgroups of this test, each named once.
cgroup_dirs() {
	local root
	for root in $(cgroup_roots); do
		find "$root" -mindepth 1 -maxdepth 1 -type d -printf '%f\n'
	done | sort -u
}

own_mounts() { grep -F -e " $T" -e " $R" /proc/self/mountinfo | cut -d' ' -f5 | sort -r; }

# sweep: ends what runs in this test's containers and removes their cgroups.
sweep() {
	local pid root dir
	for pid in $(helpers agent shim fetch decode unpack relink probe runtime); do
		kill -9 "$pid" 2> /dev/null
	done
	for root in $(cgroup_roots); do
		# With cgroup v1 nothing ends that is frozen.
		find "$root" -name freezer.state -exec sh -c 'echo THAWED > "$1"' _ {} \; 2> /dev/null
		for pid in $(find "$root" -name cgroup.procs -exec cat {} + 2> /dev/null | sort -u); do
			kill -9 "$pid" 2> /dev/null
		done
	done
	for root in $(cgroup_roots); do
		find "$root" -depth -type d | while read -r dir; do
			poll 3 rmdir "$dir"
		done
	done
}

cleanup() {
	local pid mount
	trap '' INT TERM
	for pid in $(background_processes) $(own_processes); do
		kill -9 "$pid" 2> /dev/null
	done
	sweep
	for mount in $(own_mounts); do
		umount -l "$mount"
	done
	if [ -f "$T/ports" ]; then
		xargs -r rmdir < "$T/ports" 2> /dev/null
	fi
	if [ "${KEEP:-}" ]; then
		echo "kept: $T $R"
	else
		rm -rf "$T" "$R"
	fi
}
trap cleanup EXIT
trap 'echo; echo "interrupted: cleaning up"; exit 130' INT
trap 'exit 143' TERM

# free_port: a TCP port that nothing listens on and no other test has taken.
free_port() {
	local port
	mkdir -p "$PORTS"
	while :; do
		port=$((20000 + RANDOM % 10000))
		mkdir "$PORTS/$port" 2> /dev/null || continue
		if [ -z "$(ss -Hltn "sport = :$port")" ]; then
			echo "$PORTS/$port" >> "$T/ports"
			echo "$port"
			return
		fi
		rmdir "$PORTS/$port"
	done
}

port_open() { (exec 3<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }

# ---- the agent ----

berth() { "$BERTH" "$@"; }

# config_begin [AUTH_FILE]: agent.ini with the [agent] section and this test's directories, and the [registry] section
# of $REG.
config_begin() {
	local auth=${1-}
	STORE=${FLASH:-$T}/store
	cat > "$T/agent.ini" <<-INI
		[agent]
		store = $STORE
		run = $R
		socket = $R/berth.sock
		poll = ${POLL:-1s}
		jitter = 0%
		name = ${DEVICE:-bench-1}
		cgroup_parent = $CG
		${PARALLEL:+parallel = $PARALLEL}
	INI
	[ "${REG:-}" ] || return 0
	printf '\n[registry %s]\n' "$REG" >> "$T/agent.ini"
	if [ "$REG_SCHEME" = https ]; then
		echo "ca = $T/ca.pem" >> "$T/agent.ini"
	else
		echo "insecure = yes" >> "$T/agent.ini"
	fi
	[ -z "$auth" ] || echo "auth = $T/$auth" >> "$T/agent.ini"
}

# config: appends standard input to agent.ini.
config() { cat >> "$T/agent.ini"; }

# app NAME IMAGE [LINE...]: appends an app with short times, unless a LINE says otherwise; its port is in PORT afterwards.
# A good one has time to start, and to answer, on a machine that is busy.
app() {
	local name=$1 image=$2 line
	shift 2
	PORT=$(free_port)
	{
		printf '\n[app %s]\nimage = %s\nenv = PORT=%s\n' "$name" "$image" "$PORT"
		for line in 'network = host' "health = http://:$PORT/cgi-bin/healthz" 'health_interval = 1s' \
			"health_timeout = $((3 * PATIENCE))s" 'health_retries = 2' "health_start = $((2 * PATIENCE))s" 'probation = 2s'; do
			[[ " $* " = *" ${line%% *} = "* ]] || echo "$line"
		done
		[ $# = 0 ] || printf '%s\n' "$@"
	} >> "$T/agent.ini"
}

# auth_file FILE USER PASSWORD: $T/FILE in the form of docker's config.json, for $REG.
auth_file() {
	jq -n --arg host "$REG" --arg auth "$(printf '%s:%s' "$2" "$3" | base64 -w0)" \
		'{auths:{($host):{auth:$auth}}}' > "$T/$1"
}

agent_start() {
	background agent "$BERTH" agent --config "$T/agent.ini" "$@"
	AGENT=$!
	echo "$AGENT" > "$T/agent.pid"
	if ! poll 10 "$BERTH" status --json; then
		fail "the agent does not answer"
		explain
		exit 1
	fi
}

# agent_start_by WORD...: the same by a command that executes it.
agent_start_by() {
	local real=$BERTH
	[ -e "$T/berth-plain" ] || cp "$BERTH" "$T/berth-plain"
	printf '#!/bin/sh\nexec %s "$@"\n' "$* $T/berth-plain" > "$T/berth-without"
	chmod +x "$T/berth-without"
	BERTH=$T/berth-without
	agent_start
	BERTH=$real
}

agent_stop() { end "${1:-TERM}" "$AGENT"; }
agent_reload() { kill -HUP "$AGENT"; }

# record_text FILE: of the copies in an app's record (store/record.c), both of which are whole, the one that counts.
record_text() { awk 'NF == 2 && !/^{/ { number = $1 } /^{/ { print number " " $0 }' "$1" | sort -n | tail -1 | cut -d' ' -f2-; }

# app_ask APP JQ: what jq finds in the status of the app, in $ANSWER. Waiting asks many times a second, and jq takes 30 ms to
# start: a field, ".state" or ".update.error // \"\"", and fields in a text are found without it.
app_ask() {
	local status app text=$2 found or value path='\.(update\.)?([a-z_]+)'
	ANSWER=''
	status=$("$BERTH" status --json) || return
	app=${status#*"{\"name\":\"$1\","}
	[ "$app" != "$status" ] || return 0
	app=${app%%,\{\"name\":\"*}
	if [[ $text =~ ^$path( // \"\")?$ ]]; then
		or=${BASH_REMATCH[3]}
		if app_field "${BASH_REMATCH[2]}"; then
			[ "$value$or" = 'null // ""' ] || ANSWER=$value
			return 0
		fi
	elif [[ $text = \"*\" ]]; then
		text=${text:1:-1}
		while [[ $text =~ \\\($path\) ]]; do
			found=${BASH_REMATCH[0]}
			app_field "${BASH_REMATCH[2]}" || break
			text=${text/"$found"/"$value"}
		done
		if [[ $text != *\\* ]]; then
			ANSWER=$text
			return 0
		fi
	fi
	ANSWER=$(jq -r ".apps[] | select(.name == \"$1\") | $2" <<< "$status")
}

# app_field KEY: $value is what it has in $app, unless that is more than a number or a simple text.
app_field() {
	[[ $app =~ \"$1\":(null|[0-9]+|\"[^\"\\]*\")[,}] ]] || return
	value=${BASH_REMATCH[1]#\"} value=${value%\"}
}

apps_are() { [ "$("$BERTH" status --json | jq '.apps | length')" = "$1" ]; }
app_get() { app_ask "$1" "$2" && echo "$ANSWER"; }
app_is() { app_ask "$1" "$2" && [ "$ANSWER" = "$3" ]; }
app_like() { app_ask "$1" "$2" && [[ $ANSWER =~ $3 ]]; }
app_phase() { app_is "$1" .update.phase "$2"; }

# app_runs APP DIGEST: this digest runs and nothing is under way (but polls, which come all the time).
app_runs() { app_like "$1" '"\(.state) \(.digest) \(.update.phase)"' "^running $2 (idle|resolving)$"; }

# app_pid APP: pid of the container's first process, as the host sees it.
app_pid() {
	local id
	id=$(app_get "$1" .container)
	jq -r .pid "$R/containers/$id/started"
}

# serves PORT TEXT: what the app answers.
serves() { [ "$(curl -sf -m 10 "http://127.0.0.1:$1/")" = "$2" ]; }

is_empty() { [ -d "$1" ] && [ -z "$(ls -A "$1")" ]; }

no_pull_runs() { [ -z "$(helpers fetch decode unpack relink)" ]; }

shims() { helpers shim; }
container_dirs() { find "$R/containers" -mindepth 1 -maxdepth 1; }
mounts_left() { own_mounts | grep -v '^/run/bt\.[^/]*$'; }

# lines_are COUNT COMMAND...: so many lines it prints.
lines_are() { [ "$("${@:2}" | wc -l)" = "$1" ]; }
# in_the_end TEXT COUNT COMMAND...: the same, once all that is on its way out has gone.
in_the_end() {
	poll 5 lines_are "${@:2}"
	same "$1" "$("${@:3}" | wc -l)" "$2"
}

# no_leftovers APPS: nothing but what that many running apps need is left in store, cgroups, mounts, processes.
no_leftovers() {
	check "nothing is left in staging" poll 10 is_empty "$STORE/staging" # which is swept at leisure
	same "the sweep has nothing to complain of" "$(grep -a 'sweep:' "$T/agent.log")" ""
	in_the_end "one cgroup for each app" "$1" cgroup_dirs
	in_the_end "one shim for each app" "$1" shims
	check "no helper of a pull runs" poll 5 no_pull_runs # a question for the tag may be under way, for a moment
	in_the_end "one container directory for each app" "$1" container_dirs
	in_the_end "no mount is left on the host" 0 mounts_left
}

# case_end: between two cases, the agent and its containers go, the registry stays.
case_end() {
	[ -e "$T/agent.pid" ] || return 0
	sweep
	rm -rf "$T/store" "${R:?}"/* "$T/agent.pid"
	: > "$T/agent.log"
}
