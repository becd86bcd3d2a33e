#!/bin/bash
# Pulls through an HTTP proxy: CONNECT for TLS, whole URLs for plain http, its password, what it sees of ours.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo openssl jq tinyproxy
images

# proxy_start NAME [LINE...]: a tinyproxy; its port is in PROXY, what it saw in $T/NAME.access
proxy_start() {
	local name=$1
	shift
	PROXY=$(free_port)
	{
		printf 'Port %s\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\nLogFile "%s"\nLogLevel Connect\n' \
			"$PROXY" "$T/$name.access"
		printf '%s\n' "$@"
	} > "$T/$name.conf"
	background "$name" tinyproxy -d -c "$T/$name.conf"
	poll 30 port_open "$PROXY" || { fail "tinyproxy does not answer"; exit 1; }
}

error_like() { app_like "$1" .update.error "$2"; }
saw() { grep -q "$2" "$T/$1.access"; }

# The password is nowhere to be read but in agent.ini.
no_secrets() {
	same "no log has the proxy's password" "$(cat "$T/agent.log" "$T"/*.access | grep -c geheim)" 0
	same "no status has it" "$(berth status --json | grep -c geheim)" 0
}

tls_by_connect() {
	registry_start tls basic
	registry_push "$IMAGES" app:v1 app:stable
	proxy_start right 'BasicAuth me geheim'
	auth_file auth.json device secret
	config_begin auth.json
	config <<< "proxy = http://me:geheim@localhost:$PROXY"
	app web "$REG/app:stable"
	agent_start
	wait_until "v1 is installed through the proxy" 60 app_runs web "$(digest_of app:v1)"
	check "by CONNECT" saw right "CONNECT localhost:$REG_PORT"
	same "and by nothing else" "$(grep -c 'Request.*\(GET\|HEAD\)' "$T/right.access")" 0
	no_secrets
}

its_own_password() {
	registry_start name=guarded tls
	registry_push "$IMAGES" app:v1 app:stable
	proxy_start guard 'BasicAuth me geheim'
	config_begin
	config <<< "proxy = http://me:geheimer@localhost:$PROXY"
	app web "$REG/app:stable"
	agent_start
	wait_until "a wrong password is told" 60 error_like web "proxy localhost:$PROXY refuses user 'me'.*(401|407)"
	no_secrets
}

nobody_there() {
	local port
	registry_start name=alone tls
	port=$(free_port)
	config_begin
	config <<< "proxy = http://localhost:$port"
	app web "$REG/app:stable"
	agent_start
	wait_until "a proxy that is down is told" 60 error_like web "proxy: localhost:$port: connection refused"
}

filtered() {
	registry_start name=filtered tls
	proxy_start filter 'ConnectPort 443'
	config_begin
	config <<< "proxy = http://localhost:$PROXY"
	app web "$REG/app:stable"
	agent_start
	wait_until "a proxy that forbids is told" 60 error_like web "proxy localhost:$PROXY does not connect to localhost:$REG_PORT: 403"
}

# A name that only the proxy knows; the environment's proxy then, and agent.ini's instead of it.
names_and_environment() {
	registry_start name=plain
	registry_push "$IMAGES" app:v1 app:stable
	registry_push "$IMAGES" app:v2 other:stable
	proxy_start names "Upstream http 127.0.0.1:$REG_PORT \".fleet.test\""
	config_begin
	config <<- END
		[registry one.fleet.test]
		insecure = yes
		[registry two.fleet.test]
		insecure = yes
	END
	app web one.fleet.test/app:stable
	app other two.fleet.test/other:stable
	app local "$REG/app:stable"
	export http_proxy=http://me:geheim@localhost:$PROXY no_proxy=two.fleet.test
	agent_start
	wait_until "an app behind the environment's proxy is installed" 60 app_runs web "$(digest_of app:v1)"
	wait_until "the registry on this machine is asked without it" 60 app_runs local "$(digest_of app:v1)"
	check "the proxy got whole URLs" saw names 'HEAD http://one.fleet.test/v2/app/manifests/stable'
	wait_until "no_proxy leads to no answer" 60 error_like other "two.fleet.test"
	check "not asked through it" test -z "$(grep two.fleet "$T/names.access")"
	check "nor was the local one" test -z "$(grep "localhost:$REG_PORT" "$T/names.access" | grep Request)"
	no_secrets
	agent_stop TERM
	export http_proxy=http://localhost:1
	sed -i "s,^\[agent\],&\nproxy = http://localhost:$PROXY\nno_proxy = *.x," "$T/agent.ini"
	agent_start
	wait_until "agent.ini goes before the environment" 60 app_runs other "$(digest_of app:v2)"
	unset http_proxy no_proxy
}

case_run tls_by_connect its_own_password nobody_there filtered names_and_environment
done_testing
