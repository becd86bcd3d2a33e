#!/bin/bash
# Links and registries that fail in the middle of a pull: it goes on where it was cut, says what it waits for, never takes
# other bytes, and never touches the app that runs.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo openssl jq curl python3
images

CONFIG='{"config":{"Env":["PATH=/opt/app/bin:/bin"],"Cmd":["/opt/app/run","serve"],"WorkingDir":"/opt/app"}}'

# noise_layer NAME BYTES: one file, which does not compress.
noise_layer() {
	mkdir -p "$T/tree-$1/opt/app"
	noise "$1" "$2" > "$T/tree-$1/opt/app/$1"
	tree_pack "$T/tree-$1" "$T/$1.tar"
	oci_layer "$T/$1.tar" tar
}

# big NAME BYTES [LAYER]: pushes app:NAME, v2 with one more layer of that size (and LAYER), and sets BIG to its digest and
# LAYERS to the size of its layers that v1 has not.
big() {
	oci_open "$T/layout"
	BIG=$(oci_image "app:$1" "$CONFIG" "$(oci_layer "$CACHE/test/base-busybox.tar")" "$(oci_layer "$CACHE/test/tools.tar")" \
		"$(oci_layer "$CACHE/test/v2.tar")" "$(noise_layer "$1" "$2")" "${@:3}")
	LAYERS=$(jq '[.layers[2:][].size] | add' "$T/layout/blobs/sha256/${BIG#sha256:}")
	registry_push "$T/layout" "app:$1" "app:$1"
}

# The device reaches the registry by way of tcp-proxy ($FRONT), and that by way of http-faults.
link() { echo "$*" > "$T/link.new" && mv "$T/link.new" "$T/link"; }
registry_is() { echo "$*" > "$T/health.new" && mv "$T/health.new" "$T/health"; }

way_start() {
	FRONT=$(free_port) MIDDLE=$(free_port)
	link pass
	registry_is pass
	background middle "$TESTS/integration/http-faults" "$MIDDLE" "$1" "$T/health" "$T/requests"
	poll 5 port_open "$MIDDLE"
	background front "$TESTS/integration/tcp-proxy" "$FRONT" "$MIDDLE" "$T/link" "$T/traffic"
	poll 5 port_open "$FRONT"
}

# update_to NAME BYTES [LAYER]: the tag moves to a new big image. What the device runs until then is in OLD, how long the log
# is in SAID.
update_to() {
	big "$@"
	wait_until "$1: the app is at rest" 10 app_phase web idle
	OLD=$(app_pid web) SAID=$(wc -l < "$T/agent.log")
	: > "$T/traffic"
	registry_tag app "$1" stable
}

# told REGEX: by the agent's log since the tag has moved. In the status an error may be for a moment only.
told() { tail -n "+$((SAID + 1))" "$T/agent.log" | grep -qE "$1"; }
error_like() { app_like web .update.error "$1"; }
pulling_with() { app_like web '"\(.update.phase) \(.update.error)"' "^pulling $1"; }
old_runs() { same "the app runs on" "$(app_pid web)" "$OLD"; }

# updated [SECONDS]: what was big runs, no trouble is left over.
updated() {
	wait_until "the update runs in the end" "${1:-20}" app_runs web "$BIG"
	wait_until "no error is left" 5 app_is web '.update.error // ""' ''
	link pass
	registry_is pass
}

# received: bytes that went to the device. The proxy tells of a connection when both sides have closed it.
received() { jq -s 'map(.down) | add // 0' "$T/traffic"; }
received_more() { [ "$(received)" -gt "$1" ]; }
# connections_are COUNT: those that brought much
connections_are() { [ "$(jq -s 'map(select(.down > 200000)) | length' "$T/traffic")" = "$1" ]; }

cuts() {
	link cut 300000 10
	update_to cuts 4000000
	updated
	check "eleven connections brought it" poll 10 connections_are 11
	check "ten cuts cost at most 2 %: $(received) bytes for layers of $LAYERS" \
		test "$(received)" -le $((LAYERS * 102 / 100))
}

resets() {
	link reset 40000 6
	update_to resets 300000
	wait_until "a reset is told" 10 pulling_with "pull localhost:$FRONT/app:stable: .* at byte [0-9]+ of [0-9]+, trying again in [12] s"
	old_runs
	updated
	like "the log has it" "$(cat "$T/agent.log")" 'warn.*app web: pull localhost.*closed.*trying again in'
}

restart() {
	link rate 300000
	update_to restart 9000000
	wait_until "its large layer is pulled" 20 grep -q "GET .*$(jq -r '.layers[-1].digest' "$T/layout/blobs/sha256/${BIG#sha256:}") .* 200" "$T/requests"
	registry_stop
	wait_until "a registry that goes down is told" 10 pulling_with 'pull .* at byte [0-9]+ of 9[0-9]+, trying again in'
	old_runs
	link pass
	registry_start port="$REG_PORT" > /dev/null
	updated 30
}

without_ranges() {
	registry_is whole 600000 1
	update_to whole 1000000
	updated
	poll 10 received_more 1600000
	check "all of the layer came again, once: $(received)" test "$(received)" -gt 1600000 -a "$(received)" -lt 1900000
	registry_is wrong 600000 1
	update_to wrong 1000000
	updated
	like "a registry with wrong ranges is asked without" "$(grep -A1 'bytes=6.* 206' "$T/requests" | tail -1)" ' - 200$'
}

other_bytes() {
	registry_is other 600000 1000
	update_to other 1000000
	wait_until "other bytes after a cut are noticed" 10 told 'digest'
	check "and not taken" test ! -e "$STORE/layers/$(sha256sum < "$T/other.tar" | cut -c1-64)"
	old_runs
	registry_is pass
	updated
	link corrupt 600000
	update_to corrupt 1000000
	wait_until "a byte that the link changed is noticed" 10 told 'digest'
	old_runs
	link pass
	updated
}

# Polls are tried again by the agent.
unwell_polls() {
	registry_is status 503 1000 - '^HEAD'
	update_to polls 1000
	wait_until "a registry that is unwell is told" 10 grep -q 'asks to come back later (503 Service Unavailable)' "$T/agent.log"
	old_runs
	registry_is pass
	updated
	registry_is status 429 1 12 '^HEAD'
	wait_until "one that names a time is told" 10 error_like '429 Too Many Requests'
	check "and left alone until then" stays 2 error_like '429 Too Many Requests'
	wait_until "then it is asked again" 20 app_is web '.update.error // ""' ''
}

# A job gives up so that other registries have their turn, an update never.
gives_up_a_job() {
	registry_is status 502 1000 - 'GET.*/blobs/'
	update_to again 1000
	wait_until "four failures without a byte end a job" 20 told '502 Bad Gateway .*\(4 failures in a row\)'
	old_runs
	registry_is pass
	updated
}

# One of two layers that are fetched side by side has to wait, the other goes on.
one_of_two() {
	local other
	sed -i '2i parallel = 2' "$T/agent.ini"
	agent_reload
	oci_open "$T/layout"
	other=$(noise_layer other-lane 1000)
	link rate 50000
	registry_is status 503 1 9 "GET.*$(jq -r '.descriptor.digest[7:]' <<< "$other")"
	update_to lanes 600000 "$other"
	wait_until "one layer has to wait" 10 error_like '503 Service Unavailable.*trying again'
	check "the progress of another does not hide it" stays 2 error_like '503 Service Unavailable.*trying again'
	link pass
	updated
}

# A machine that is busy may be slower, a few times.
bandwidth() {
	local name rate most=0
	sed -i '2i bandwidth = 500K' "$T/agent.ini"
	agent_reload
	for name in bandwidth slower slow slowest crawling; do
		update_to "$name" 1500000
		updated
		poll 10 received_more 1500000
		rate=$(jq -s 'max_by(.down) | .down / .seconds | floor' "$T/traffic")
		[ "$rate" -le "$most" ] || most=$rate
		[ "$rate" -lt $((512000 * 9 / 10)) ] || break
	done
	check "the cap of 512000 bytes a second is kept within 10 %: $most" \
		test "$most" -ge $((512000 * 9 / 10)) -a "$most" -le $((512000 * 11 / 10))
}

device() {
	registry_start
	registry_push "$IMAGES" app:v1 app:v1
	registry_push "$IMAGES" app:v1 app:stable
	way_start "$REG_PORT"
	REG='' config_begin
	app web "localhost:$FRONT/app:stable" 'probation = 1s'
	agent_start
	wait_until "v1 runs" 20 app_runs web "$(digest_of app:v1)"
	cuts
	resets
	restart
	without_ranges
	other_bytes
	unwell_polls
	gives_up_a_job
	one_of_two
	bandwidth
	no_leftovers 1
}

# fetch SETTINGS: the helper alone pulls $BIG; its report goes to $T/report.
fetch() { "$BERTH" fetch pull "localhost:$FRONT/app:big" "$BIG" <<< "$1" 3> "$T/report" > "$T/frames"; }
waited() { jq -r 'select(.waiting).waiting' "$T/report"; }

# bytes_of_frames: of the layers in them.
bytes_of_frames() {
	python3 -c '
import struct, sys
data, at, size = sys.stdin.buffer.read(), 0, 0
while at < len(data):
    kind, length = struct.unpack_from("<B3xI", data, at)
    size, at = size + (length if kind == 5 else 0), at + 8 + length
print(size)' < "$T/frames"
}

helper() {
	local all
	registry_start name=alone
	big big 500000
	way_start "$REG_PORT"
	all=$(jq '[.layers[].size] | add' "$T/layout/blobs/sha256/${BIG#sha256:}")

	link hang 600000 2
	check "a link that falls silent is left" fetch '{"link":{"stall_ms":1000}}'
	same "each byte came once" "$(bytes_of_frames)" "$all"
	check "two connections were given up" poll 10 eval 'connections_are 3 || connections_are 4'
	link pass

	registry_is status 429 2 1 'GET.*/manifests/'
	check "a registry that asks for patience gets it" fetch '{}'
	like "which is told" "$(waited)" 'come back later \(429 Too Many Requests\), trying again in [12] s'
	registry_is status 502 2 @2 'GET.*/blobs/'
	check "also one that names a time, whatever the clock says" fetch '{}'
	like "which is told" "$(waited)" 'answers 502 Bad Gateway .* at byte 0 of [0-9]+, trying again in [23] s'
	same "each byte came once" "$(bytes_of_frames)" "$all"
	registry_is status 503 2 3600 'GET.*/blobs/'
	fetch '{}'
	same "nobody waits an hour within a pull" "$?" 1
	same "the agent is told to" "$(jq 'select(.error).retry_after_s' "$T/report")" 3600

	registry_is status 503 2 10 'GET.*/manifests/'
	SECONDS=0
	like "it waits" "$("$BERTH" fetch pull "localhost:$FRONT/app:big" "$BIG" 3>&1 < /dev/null > "$T/frames" | head -n 1)" 'trying again in 1[01] s'
	check "but not once nobody listens" test "$SECONDS" -lt 8

	registry_start name=secure tls
	registry_push "$T/layout" app:big app:big
	background tls-front "$TESTS/integration/tcp-proxy" "$((FRONT = $(free_port)))" "$REG_PORT" "$T/link" "$T/traffic"
	poll 5 port_open "$FRONT"
	link corrupt 600000 3
	check "TLS that breaks in a layer is a link that broke" \
		fetch "$(jq -n --rawfile ca "$T/ca.pem" '{registry:{ca_pem:$ca}}')"
	same "each byte came once" "$(bytes_of_frames)" "$all"
}

case_run device helper
done_testing
