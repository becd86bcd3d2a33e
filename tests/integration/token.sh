#!/bin/bash
# Token auth as registries in the field have it: a 401 that names a realm, a token from there, the request again.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo openssl jq curl python3
images

# token_start NAME [OPTION...]: a token service over TLS; its realm is in REALM.
token_start() {
	local name=$1 port
	shift
	port=$(free_port)
	[ -e "$T/ca.pem" ] || ca_make ca
	[ -e "$T/token.pem" ] || openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=fleet \
		-keyout "$T/token.key" -out "$T/token.pem" 2> /dev/null
	cert_make ca "$name" DNS:localhost,IP:127.0.0.1
	background "$name" "$TESTS/integration/token-server" "$port" "$T/token.key" "$T/token.pem" \
		--tls "$T/$name.pem" "$T/$name.key" --log "$T/$name.requests" "$@"
	poll 30 port_open "$port" || { fail "the token service does not answer"; exit 1; }
	REALM=https://localhost:$port/token
}

# push_app LAYOUT_REF TAG: skopeo is given the CA in a directory, as it wants it.
push_app() {
	mkdir -p "$T/certs"
	cp "$T/ca.pem" "$T/certs/ca.crt"
	SSL_CERT_FILE=$T/ca.pem skopeo copy -q --preserve-digests --dest-cert-dir "$T/certs" --dest-creds device:secret \
		"oci:$IMAGES:$1" "docker://$REG/app:$2" || { fail "cannot push"; exit 1; }
}

requests() { grep -c "$2" "$T/$1.requests"; }
asked() { [ "$(requests "$1" "$2")" -ge "$3" ]; }

with_password() {
	local pid
	token_start service --user device:secret --ttl 60
	registry_start tls "token=$REALM"
	push_app app:v1 stable
	: > "$T/service.requests"
	auth_file auth.json device secret
	config_begin auth.json
	app web "$REG/app:stable"
	agent_start
	wait_until "v1 is installed with a token" 30 app_runs web "$(digest_of app:v1)"
	same "only the right to pull was asked for" "$(sort -u "$T/service.requests")" \
		"200 device repository:app:pull"
	pid=$(app_pid web)
	push_app app:v2 stable
	wait_until "v2 follows" 40 app_runs web "$(digest_of app:v2)"
	check "it is another process" test "$(app_pid web)" != "$pid"
}

wrong_password() {
	token_start strict --user device:secret
	registry_start name=strict-registry tls "token=$REALM"
	push_app app:v1 stable
	: > "$T/strict.requests"
	auth_file auth.json device sesame
	config_begin auth.json
	app web "$REG/app:stable"
	agent_start
	wait_until "a wrong password is told" 40 app_like web .update.error '[Uu]nauthorized|401|password|credentials'
	check "the service saw it" asked strict ^401 1
}

anonymous() {
	token_start open --ttl 60
	registry_start name=open-registry tls "token=$REALM"
	push_app app:v1 stable
	config_begin
	app web "$REG/app:stable"
	agent_start
	wait_until "without a password, an anonymous token is enough" 30 app_runs web "$(digest_of app:v1)"
}

case_run with_password wrong_password anonymous
done_testing
