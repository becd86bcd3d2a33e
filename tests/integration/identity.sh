#!/bin/bash
# Registries that want a client certificate: keys of every kind and form, and what is told when they don't do.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo openssl jq
images

error_like() { app_like "$1" .update.error "$2"; }

# device_key NAME OPENSSL-OPTION...: a key and its certificate from the CA of devices, as $T/NAME.key and $T/NAME.crt
device_key() {
	openssl genpkey -out "$T/$1.key" "${@:2}" 2> /dev/null
	openssl req -new -key "$T/$1.key" -subj "/CN=$1" -out "$T/$1.csr"
	openssl x509 -req -in "$T/$1.csr" -CA "$T/devices.pem" -CAkey "$T/devices.key" -days 30 -set_serial 1 \
		-extfile <(echo extendedKeyUsage=clientAuth) -out "$T/$1.crt" 2> /dev/null
	chmod 600 "$T/$1.key"
}

# ask_for_certificates: the registry that was started last, from now on
ask_for_certificates() {
	end TERM "$REG_PID"
	sed -i "s|tls: {|&clientcas: [\"$T/devices.pem\"], |" "$T/$1.yml"
	background "$1" docker-registry serve "$T/$1.yml"
	poll 10 port_open "$REG_PORT"
}

# settings CERT KEY: what the agent would write
settings() {
	jq -nc --rawfile ca "$T/ca.pem" --rawfile cert "$1" --rawfile key "$2" \
		'{registry: {ca_pem: $ca, cert_pem: $cert, key_pem: $key}}'
}

asks() {
	"$BERTH" fetch head "$REG/app:v1" <<< "$(settings "$T/$1.crt" "$T/$2.key")" 3> "$T/report"
	jq -r '.digest // .error // empty' "$T/report"
}

every_kind_and_form() {
	local kind
	ca_make devices
	registry_start name=mutual tls
	registry_push "$IMAGES" app:v1 app:v1
	ask_for_certificates mutual
	device_key rsa -algorithm RSA -pkeyopt rsa_keygen_bits:2048
	device_key rsa4096 -algorithm RSA -pkeyopt rsa_keygen_bits:4096
	device_key p256 -algorithm EC -pkeyopt ec_paramgen_curve:P-256
	device_key p384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
	device_key p521 -algorithm EC -pkeyopt ec_paramgen_curve:P-521
	for kind in rsa rsa4096 p256 p384 p521; do
		openssl pkey -in "$T/$kind.key" -traditional -out "$T/$kind-old.key"
		same "a key of kind $kind, PKCS#8" "$(asks $kind $kind)" "$(digest_of app:v1)"
		same "the same, in its older form" "$(asks $kind $kind-old)" "$(digest_of app:v1)"
	done
	# The reset of a server that closes without reading to the end may overtake its alert.
	local refused='the server ended TLS with alert.*certificate|closed the connection'
	like "without one" "$("$BERTH" fetch head "$REG/app:v1" <<< "$(jq -nc --rawfile ca "$T/ca.pem" '{registry: {ca_pem: $ca}}')" \
		3>&1 2> /dev/null)" "$refused"
	ca_make devices
	device_key stranger -algorithm EC -pkeyopt ec_paramgen_curve:P-256
	like "one from another CA" "$(asks stranger stranger)" "$refused"
}

by_agent_ini() {
	ca_make devices
	registry_start name=fleet tls
	registry_push "$IMAGES" app:v1 app:v1
	ask_for_certificates fleet
	device_key device -algorithm EC -pkeyopt ec_paramgen_curve:P-256
	device_key other -algorithm EC -pkeyopt ec_paramgen_curve:P-256
	chmod 644 "$T/device.key"
	config_begin
	config <<< "cert = $T/device.crt"
	config <<< "key = $T/device.key"
	app web "$REG/app:v1"
	agent_start
	wait_until "an app from a registry that wants a certificate" 30 app_runs web "$(digest_of app:v1)"
	like "a key that others can read is told" "$(cat "$T/agent.log")" "key = $T/device.key can be read by others"
	cp "$T/other.key" "$T/device.key"
	wait_until "a key that is not the certificate's is told" 10 error_like web "is not the key of the first certificate"
	openssl pkey -in "$T/other.key" -aes128 -passout pass:x -out "$T/device.key"
	wait_until "an encrypted key is told" 10 error_like web "the key is encrypted.*openssl pkey"
	rm "$T/device.key"
	wait_until "one that is not there is told" 10 error_like web "key = $T/device.key: No such file"
	same "v1 runs on" "$(app_get web .state)" running
}

case_run every_kind_and_form by_agent_ini
done_testing
