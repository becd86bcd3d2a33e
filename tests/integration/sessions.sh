#!/bin/bash
# TLS sessions are taken up again: what a poll costs then, with nginx (session IDs) and with a server in Go (tickets only);
# and when they must not be.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo openssl jq nginx
images

# front_start NAME PORT [LINE...]: nginx with TLS before a registry, and a counting proxy before that: FRONT, $T/NAME.traffic
front_start() {
	local name=$1 port inner=$2
	shift 2
	port=$(free_port)
	[ -e "$T/ca.pem" ] || ca_make ca
	cert_make ca "$name" DNS:localhost,IP:127.0.0.1
	mkdir -p "$T/$name.tmp"
	cat > "$T/$name.conf" <<- END
		daemon off; master_process off; pid $T/$name.pid; error_log $T/$name.errors;
		events {}
		http {
			access_log off;
			client_body_temp_path $T/$name.tmp; proxy_temp_path $T/$name.tmp; fastcgi_temp_path $T/$name.tmp;
			uwsgi_temp_path $T/$name.tmp; scgi_temp_path $T/$name.tmp;
			server {
				listen 127.0.0.1:$port ssl;
				ssl_certificate $T/$name.pem; ssl_certificate_key $T/$name.key;
				ssl_session_cache shared:s:1m; ssl_session_timeout 1d;
				$(printf '%s\n' "$@")
				location / { proxy_pass http://127.0.0.1:$inner; proxy_set_header Host \$http_host; }
			}
		}
	END
	background "$name" nginx -c "$T/$name.conf"
	poll 30 port_open "$port" || { fail "nginx does not answer"; tail -3 "$T/$name.errors"; exit 1; }
	count_start "$name" "$port"
}

# count_start NAME PORT: a proxy that counts bytes; its port is in FRONT
count_start() {
	FRONT=$(free_port)
	echo pass > "$T/link"
	: > "$T/$1.traffic"
	background "$1-link" "$TESTS/integration/tcp-proxy" "$FRONT" "$2" "$T/link" "$T/$1.traffic"
	poll 30 port_open "$FRONT"
	poll 20 test -s "$T/$1.traffic" # the probe for the port is a connection too
}

# ask [SESSIONS]: one poll; what it cost is in UP and DOWN, what it reported in $T/report
ask() {
	: > "$T/$NAME.traffic"
	jq -nc --rawfile ca "$T/ca.pem" --arg s "${1-}" '{registry: {ca_pem: $ca}, sessions: $s}' |
		"$BERTH" fetch head "localhost:$FRONT/app:stable" 3> "$T/report"
	poll 20 test -s "$T/$NAME.traffic"
	UP=$(jq -s '.[-1].up' "$T/$NAME.traffic") DOWN=$(jq -s '.[-1].down' "$T/$NAME.traffic")
}

reported() { jq -r ".$1 // empty" "$T/report"; }

with_nginx() {
	local full_up full_down
	NAME=nginx
	registry_start name=behind
	registry_push "$IMAGES" app:v1 app:stable
	front_start nginx "$REG_PORT"
	ask
	full_up=$UP full_down=$DOWN
	same "a full handshake works" "$(reported digest)" "$(digest_of app:v1)"
	check "it reports a session" test -n "$(reported sessions)"
	ask "$(reported sessions)"
	same "one that takes it up works" "$(reported digest)" "$(digest_of app:v1)"
	note "poll with a full handshake: $full_up bytes up, $full_down down; taken up: $UP up, $DOWN down"
	check "a poll that takes it up is below 1 kB up ($UP)" test "$UP" -lt 1000
	check "and below 1 kB down ($DOWN)" test "$DOWN" -lt 1000
	check "that is less than without" test $((UP + DOWN)) -lt $((full_up + full_down - 500))
	ask "AQEBAAECAwQ="
	same "a session that is none does no harm" "$(reported digest)" "$(digest_of app:v1)"
	ask "$(printf '\001\011localhost%b\040aaaaaaaabbbbbbbbccccccccdddddddd\003\003\300\053%048d' "$(printf '\\%03o\\%03o' $((FRONT >> 8)) $((FRONT & 255)))" 0 | base64 -w0)"
	same "nor does one that the server does not know" "$(reported digest)" "$(digest_of app:v1)"
	check "it made a new one" test "$DOWN" -gt 1000
}

with_go() {
	NAME=go
	registry_start name=go tls
	registry_push "$IMAGES" app:v1 app:stable
	count_start go "$REG_PORT"
	ask
	same "a full handshake works" "$(reported digest)" "$(digest_of app:v1)"
	ask "$(reported sessions)"
	same "so does the next" "$(reported digest)" "$(digest_of app:v1)"
	note "poll of a server in Go: $UP bytes up, $DOWN down; it knows tickets only"
}

small_polls() { [ "$(jq -s 'map(select(.down > 0)) | [.[-3:][] | select(.up < 1000 and .down < 1000)] | length' "$T/$NAME.traffic")" = 3 ]; }
error_like() { app_like web .update.error "$1"; }

by_the_agent() {
	NAME=fleet
	registry_start name=agents
	registry_push "$IMAGES" app:v1 app:stable
	front_start fleet "$REG_PORT"
	REG=
	config_begin
	config <<< "
[registry localhost:$FRONT]
ca = $T/ca.pem"
	app web "localhost:$FRONT/app:stable"
	agent_start
	wait_until "v1 runs" 30 app_runs web "$(digest_of app:v1)"
	wait_until "polls are below 1 kB each way" 20 small_polls
	note "with another CA the session must not be taken up"
	ca_make other
	sed -i "s,^ca = .*,ca = $T/other.pem," "$T/agent.ini"
	agent_reload
	wait_until "it is not" 20 error_like "CA"
	sed -i "s,^ca = .*,ca = $T/ca.pem," "$T/agent.ini"
	agent_reload
	wait_until "with the right one it goes on" 20 error_like "^(null)?$"
}

case_run with_nginx with_go by_the_agent
done_testing
