#!/bin/bash
# All kinds of probes, each in the container's own network: what is healthy is seen as healthy, and what turns
# bad later as unhealthy.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl
fleet

kinds='http tcp exec image none host kept'
# Their answers are what is looked at, not how soon a busy machine gives them.
PATIENT='health_timeout = 10s'

healthy() { app_is "$1" .health healthy; }
restarted() { [ "$(app_get "$1" .restarts)" -ge 1 ]; }

# In a network of its own every app can have port 8080.
own_network() { sed -i "/^\[app $1\]/,\$ { s/^env = PORT=.*/env = PORT=8080/; s/^network = .*/network = none/ }" "$T/agent.ini"; }

all() {
	local kind port
	config_begin
	app http "$REG/app:v1" 'health = http://:8080/cgi-bin/healthz?x=1' "$PATIENT"
	own_network http
	app tcp "$REG/app:v1" 'health = tcp://:8080' "$PATIENT"
	own_network tcp
	app exec "$REG/app:v1" 'health = exec /opt/app/run health' "$PATIENT"
	own_network exec
	app image "$REG/app:v1" 'health = image'
	own_network image
	sed -i '/^\[app image\]/,$ { /^health_/d }' "$T/agent.ini"
	app none "$REG/app:v1" 'health = none'
	own_network none
	app host "$REG/app:v1" "$PATIENT"
	port=$PORT
	app kept "$REG/app:v1" "$PATIENT" 'restart = no'
	agent_start
	for kind in $kinds; do
		wait_until "the app '$kind' runs" 30 app_runs "$kind" "$(digest_of app:v1)"
	done
	for kind in http tcp exec image host kept; do
		wait_until "the app '$kind' is healthy" 30 healthy "$kind"
	done
	same "without a probe there is no health" "$(app_get none '.health // "none"')" none
	wait_until "the one with the host's network is reached from outside" 40 serves "$port" v1

	for kind in http exec image kept; do
		check "make '$kind' sick" berth exec "$kind" /opt/app/bin/busybox touch /tmp/unhealthy
	done
	wait_until "without restarts, it is seen as unhealthy" 30 app_is kept .health unhealthy
	for kind in http exec image; do
		wait_until "the unhealthy app '$kind' is restarted" 30 restarted "$kind"
	done
	same "the neighbours are not" "$(app_get tcp '"\(.health) \(.restarts)"') $(app_get host '"\(.health) \(.restarts)"')" \
		"healthy 0 healthy 0"
	same "nor the one that must not be" "$(app_get kept '"\(.state) \(.restarts)"')" "running 0"
	# What is sick is restarted again and again, and between two runs it has neither cgroup nor shim.
	for kind in http exec image; do
		wait_until "make '$kind' well" 30 berth exec "$kind" /opt/app/bin/busybox rm -f /tmp/unhealthy
		wait_until "the app '$kind' is healthy again" 30 healthy "$kind"
	done
	no_leftovers 7
}

# As docker's client shows it.
last_probe() { curl -s --unix-socket "$R/berth.sock" http://berth/containers/wordy/json | jq -r '.State.Health.Log[0] | "\(.ExitCode) \(.Output)"'; }
has_said() { [ "$(last_probe)" = "1 no sensor at the bus" ]; }

what_it_said() {
	config_begin
	app wordy "$REG/app:v1" 'health = exec sh -c "echo no sensor; echo at the bus; exit 3"' 'health_start = 1h' "$PATIENT"
	agent_start
	wait_until "what a probe has said is on one line, and told before it counts" 40 has_said
}

hangs() {
	config_begin
	app mute "$REG/app:v1" 'health = exec sleep 1000' 'health_timeout = 1s' 'probation = 5s'
	agent_start
	wait_until "a command that does not end gives no answer" 40 app_like mute .update.reason 'probes failed: no answer within 1000 ms$'
}

case_run all what_it_said hangs
done_testing
