#!/bin/bash
# The good path over TLS with a password: install, update, what moves and what is written, garbage, rollback by
# the user, data in volumes; two apps that share layers.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo htpasswd openssl jq curl
fleet tls basic

path() {
	local port before written
	auth_file auth.json device secret
	config_begin auth.json
	app web "$REG/app:stable" "volume = web-data:/data"
	port=$PORT
	release v1
	agent_start

	wait_until "v1 is installed" 40 app_runs web "$(digest_of app:v1)"
	wait_until "v1 answers" 20 serves "$port" v1
	same "its health is known" "$(app_get web .health)" healthy
	same "nothing is previous yet" "$(app_get web '.previous // ""')" ""
	same "device and image are named" "$(berth status --json | jq -r '"\(.device) \(.apps[0].image)"')" \
		"bench-1 $REG/app:stable"
	like "the container has an ID" "$(app_get web .container)" '^[0-9a-f]{64}$'
	same "memory is measured" "$(app_get web '.memory_bytes > 0')" true

	before=$(registry_bytes)
	release v2
	wait_until "v2 is taken" 40 app_runs web "$(digest_of app:v2)"
	wait_until "v2 answers" 20 serves "$port" v2
	same "v1 is kept as previous" "$(app_get web .previous)" "$(digest_of app:v1)"
	same "status tells the update" "$(app_get web .update.last)" updated
	check "only the new layer was fetched ($(($(registry_bytes) - before)) bytes)" \
		test $(($(registry_bytes) - before)) -lt 80000

	before=$(registry_bytes)
	registry_push "$IMAGES" app:v5-zstd app:stable
	wait_until "v5, compressed by zstd, is taken" 40 app_runs web "$(digest_of app:v5-zstd)"
	check "layers that differ in compression only are not fetched ($(($(registry_bytes) - before)) bytes)" \
		test $(($(registry_bytes) - before)) -lt 80000
	same "layers left: base, tools, v2, v5" "$(find "$STORE/layers" -mindepth 1 -maxdepth 1 -type d | wc -l)" 4
	same "images left: current and previous" "$(find "$STORE/images" -type f | wc -l)" 2

	written=$(berth status --json | jq .store.written_bytes)
	before=$(registry_requests | wc -l)
	poll 30 requests_over $((before + 3))
	same "polls of an unchanged tag write nothing" "$(berth status --json | jq .store.written_bytes)" "$written"
	like "a poll is a HEAD request" "$(registry_requests | tail -1)" '^HEAD /v2/app/manifests/stable$'

	check "the user rolls back" berth rollback web
	wait_until "v2 runs again" 40 app_runs web "$(digest_of app:v2)"
	like "v5 is refused now" "$(app_get web '.update.refused | join(" ")')" "$(digest_of app:v5-zstd)"
	check "it stays so over some polls" stays 3 app_runs web "$(digest_of app:v2)"
	release v1
	wait_until "a tag that moves on is followed" 40 app_runs web "$(digest_of app:v1)"
	same "the volume went along" "$(tr '\n' ' ' < "$STORE/volumes/web-data/starts")" "v1 v2 v5 v2 v1 "
	no_leftovers 1
}

requests_over() { [ "$(registry_requests | wc -l)" -ge "$1" ]; }

shared_layers() {
	local before base
	auth_file auth.json device secret
	config_begin auth.json
	app one "$REG/app:v1"
	app two "$REG/app:v2"
	before=$(registry_bytes)
	agent_start
	wait_until "the first app runs" 40 app_runs one "$(digest_of app:v1)"
	wait_until "the second app runs" 40 app_runs two "$(digest_of app:v2)"
	base=$(jq '[.layers[0:2][].size] | add' "$IMAGES/blobs/sha256/$(digest_of app:v1 | cut -c8-)")
	check "the shared layers ($base bytes) were fetched once" \
		test $(($(registry_bytes) - before)) -lt $((base + 160000))
	same "layers: base, tools, v1, v2" "$(find "$STORE/layers" -mindepth 1 -maxdepth 1 -type d | wc -l)" 4
	no_leftovers 2
}

case_run path shared_layers
done_testing
