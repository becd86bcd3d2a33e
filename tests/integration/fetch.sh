#!/bin/bash
# The fetch helper alone against real registries: what a poll costs, what it gives up, redirects to a CDN.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo openssl jq
images

# settings [CA-FILE [USER PASSWORD]]: what the agent would write
settings() {
	jq -nc --rawfile ca "${1:-/dev/null}" --arg user "${2:-}" --arg password "${3:-}" \
		'{registry: {ca_pem: (if $ca == "" then null else $ca end), insecure: false},
		  auth: (if $user == "" then null else {username: $user, password: $password} end)}'
}

# fetch SETTINGS ARGUMENT...: its report goes to $T/report, its frames to $T/frames
fetch() {
	local input=$1
	shift
	"$BERTH" fetch "$@" <<< "$input" 3> "$T/report" > "$T/frames"
}

reported() { jq -r "select(.$1 != null) | .$1" "$T/report"; }

relay_start() {
	RELAY=$(free_port)
	echo pass > "$T/control"
	: > "$T/relay.jsonl"
	background relay "$TESTS/integration/tcp-proxy" "$RELAY" "$1" "$T/control" "$T/relay.jsonl"
	poll 5 port_open "$RELAY"
	poll 5 test -s "$T/relay.jsonl" # the probe for the port is a connection too
	: > "$T/relay.jsonl"
}

small_poll() {
	local up down
	registry_start name=small
	registry_push "$IMAGES" app:v1 app:v1
	relay_start "$REG_PORT"
	check "a poll by tag works" fetch "$(settings)" head "localhost:$RELAY/app:v1"
	same "it finds the digest" "$(reported digest)" "$(digest_of app:v1)"
	poll 5 test -s "$T/relay.jsonl"
	up=$(jq .up "$T/relay.jsonl") down=$(jq .down "$T/relay.jsonl")
	same "a poll is one request" "$(jq .requests "$T/relay.jsonl")" 1
	check "at most 1024 bytes up ($up)" test "$up" -le 1024
	check "at most 1024 bytes down ($down)" test "$down" -le 1024
}

# While nobody takes its frames there is time to look at it.
gives_up_everything() {
	local pid
	registry_start name=sandbox
	registry_push "$IMAGES" app:v1 app:v1
	mkfifo "$T/pipe"
	sleep 300 < "$T/pipe" &
	remember $!
	"$BERTH" fetch pull "$REG/app:v1" "$(digest_of app:v1)" < /dev/null 3> "$T/report" > "$T/pipe" &
	pid=$!
	poll 10 grep -q progress "$T/report"
	same "its user is its own" "$(awk '/^Uid/ { print $2, $3, $4, $5 }' "/proc/$pid/status")" "65533 65533 65533 65533"
	same "it has no other groups" "$(awk '/^Groups/ { print $2 }' "/proc/$pid/status")" ""
	same "it has no capabilities" "$(awk '/^Cap(Prm|Eff|Inh|Amb)/ { print $2 }' "/proc/$pid/status" | sort -u)" 0000000000000000
	same "it gains no privileges" "$(awk '/^NoNewPrivs/ { print $2 }' "/proc/$pid/status")" 1
	same "it sees two files" "$(cd "/proc/$pid/root" && find . -type f | sort | tr '\n' ' ')" "./etc/hosts ./etc/resolv.conf "
	like "its root is read-only" "$(cat "/proc/$pid/mountinfo")" " / ro,"
	check "its memory is at most 3 MiB" test "$(awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup")" -le 3072
	end TERM "$pid"
}

redirects() {
	local front cdn log=$T/redirect.txt
	registry_start name=origin
	registry_push "$IMAGES" app:v1 app:v1
	front=$(free_port) cdn=$(free_port)
	background redirect "$TESTS/integration/redirect-server" "$front" "$cdn" "$REG_PORT" "$log"
	poll 5 port_open "$front"
	check "a pull by way of a CDN works" \
		fetch "$(settings /dev/null device secret)" pull "localhost:$front/app:v1" "$(digest_of app:v1)"
	same "it ends well" "$(reported done)" true
	same "the config and three layers came from the CDN" "$(grep -c '^cdn GET' "$log")" 4
	same "the registry saw the password each time" "$(grep '^front' "$log" | grep -vc 'auth$')" 0
	same "the CDN never did" "$(grep '^cdn' "$log" | grep -c 'auth$')" 0
	check "the layers are whole" test "$(stat -c %s "$T/frames")" -gt \
		"$(jq '[.layers[].size] | add' "$IMAGES/blobs/sha256/$(digest_of app:v1 | cut -d: -f2)")"
}

case_run small_poll gives_up_everything redirects
done_testing
