#!/bin/bash
# Apps that leave agent.ini, come back, or name another image: what they no longer need goes from the store.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl
fleet

count() { find "$STORE/$1" -mindepth 1 -maxdepth 1 | wc -l; }
store_is_empty() { [ "$(count apps) $(count tags) $(count images) $(count layers)" = "0 0 0 0" ]; }
images_are() { [ "$(count images) $(count tags)" = "$1 $2" ]; }
name_image() { sed -i "s|^image = .*|image = $REG/app:$1|" "$T/agent.ini"; agent_reload; }

# Taken out and put back before it has ended.
there_and_back() {
	config_begin
	app web "$REG/app:v1" 'env = STOP_DELAY=2'
	agent_start
	wait_until "it runs" 20 app_runs web "$(digest_of app:v1)"
	cp "$T/agent.ini" "$T/whole.ini"
	sed -i '/^\[app web\]/,$d' "$T/agent.ini"
	agent_reload
	sleep 0.5
	cp "$T/whole.ini" "$T/agent.ini"
	agent_reload
	sleep 3
	wait_until "it runs again" 20 app_runs web "$(digest_of app:v1)"
	no_leftovers 1
}

# Its time of probation ends while it is being stopped.
gone_in_probation() {
	config_begin
	app web "$REG/app:v1" 'env = STOP_DELAY=8' 'probation = 6s' 'health = none'
	agent_start
	wait_until "it is on probation" 20 app_phase web probation
	sed -i '/^\[app web\]/,$d' "$T/agent.ini"
	agent_reload
	wait_until "it goes" 20 apps_are 0
	wait_until "with all it had" 5 store_is_empty
}

gone_meanwhile() {
	config_begin
	app web "$REG/app:v1"
	agent_start
	wait_until "it runs" 20 app_runs web "$(digest_of app:v1)"
	agent_stop
	sed -i '/^\[app web\]/,$d' "$T/agent.ini"
	agent_start
	wait_until "it leaves nothing in the store" 20 store_is_empty
	no_leftovers 0
}

# The way of updating where each release has a tag of its own.
from_tag_to_tag() {
	local version
	config_begin
	app web "$REG/app:v1"
	agent_start
	wait_until "v1 runs" 20 app_runs web "$(digest_of app:v1)"
	for version in v2 v5; do
		name_image $version
		wait_until "$version runs" 20 app_runs web "$(digest_of app:$version)"
	done
	wait_until "v5 has a tag, v2 waits as the previous one" 5 images_are 2 1
	check "berth rollback" berth rollback web
	wait_until "v2 runs" 20 app_runs web "$(digest_of app:v2)"
	wait_until "nothing else is kept" 5 images_are 1 1
}

# Two apps of one image: one that leaves takes nothing from the other.
shared() {
	config_begin
	app web "$REG/app:v1"
	app other "$REG/app:v1"
	agent_start
	wait_until "one runs" 20 app_runs web "$(digest_of app:v1)"
	wait_until "the other one runs" 20 app_runs other "$(digest_of app:v1)"
	sed -i '/^\[app other\]/,$d' "$T/agent.ini"
	agent_reload
	wait_until "it is gone" 20 apps_are 1
	same "the image keeps its name" "$(count images) $(count tags)" "1 1"
}

# Nothing is collected while a pull writes; that it fails at last is no reason to forget it.
while_another_is_pulled() {
	local proxy registry=$REG
	proxy=$(free_port)
	background proxy "$TESTS/integration/tcp-proxy" "$proxy" "$REG_PORT" "$T/link" "$T/proxy.json"
	echo hang 8000 > "$T/link" # past the manifest, within a layer: the pull lasts as long as it is needed
	poll 5 port_open "$proxy"
	config_begin
	app web "$REG/app:v1"
	REG=localhost:$proxy
	printf '\n[registry %s]\ninsecure = yes\n' "$REG" >> "$T/agent.ini"
	app other "$REG/app:v5"
	REG=$registry
	agent_start
	wait_until "web runs" 20 app_runs web "$(digest_of app:v1)"
	wait_until "other is being pulled" 10 app_phase other pulling
	sed -i '/^\[app web\]/,/^$/d' "$T/agent.ini"
	agent_reload
	wait_until "web is gone" 20 apps_are 1
	same "its image has to wait" "$(count images)" 1
	echo refuse > "$T/link.new" && mv "$T/link.new" "$T/link"
	# shellcheck disable=SC2046
	kill -9 $(helpers fetch)
	wait_until "the pull fails" 20 app_like other .update.error 'killed|^check '
	wait_until "the image goes" 20 images_are 0 0
}

case_run there_and_back gone_in_probation gone_meanwhile from_tag_to_tag shared while_another_is_pulled
done_testing
