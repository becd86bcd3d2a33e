# shellcheck shell=bash
# registry.sh - a part of lib.sh: certificates, registries on loopback, and the images in them.
#   registry_start [name=N] [tls] [basic] [token] [storage=DIR] sets REG (host:port), REG_DIR, REG_LOG.
#   registry_push LAYOUT REF REPOSITORY:TAG, registry_stop.

# ca_make NAME: $T/NAME.pem and $T/NAME.key.
ca_make() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=Test CA $1" \
		-keyout "$T/$1.key" -out "$T/$1.pem" 2> /dev/null
}

# cert_make CA NAME NAMES: $T/NAME.pem and $T/NAME.key for a server, NAMES as in DNS:localhost,IP:127.0.0.1.
cert_make() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" \
		-keyout "$T/$2.key" -out "$T/$2.csr" 2> /dev/null
	openssl x509 -req -in "$T/$2.csr" -CA "$T/$1.pem" -CAkey "$T/$1.key" -CAcreateserial -days 30 \
		-extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "$3") -out "$T/$2.pem" 2> /dev/null
}

# registry_start [name=NAME] [port=PORT] [storage=DIR] [tls] [basic] [token=REALM_URL]
# With tls: certificate for localhost and 127.0.0.1 by $T/ca.pem. With basic: user "device", password "secret".
# Started again with the same name and port it serves the same storage.
registry_start() {
	local name=registry port='' storage='' tls='' auth='' word
	for word; do
		case $word in
		name=*) name=${word#*=} ;;
		port=*) port=${word#*=} ;;
		storage=*) storage=${word#*=} ;;
		tls) tls=yes ;;
		basic | token=*) auth=$word ;;
		*) fail "registry_start: $word?"; return 1 ;;
		esac
	done
	REG_DIR=${storage:-$T/$name} REG_LOG=$T/$name.log REG_SCHEME=http
	REG_PORT=${port:-$(free_port)}
	REG=localhost:$REG_PORT
	REG_CURL=(-sS)
	REG_SKOPEO=(--dest-tls-verify=false)
	mkdir -p "$REG_DIR"
	{
		printf 'version: 0.1\nlog: {level: info, formatter: json, accesslog: {disabled: true}}\n'
		printf 'storage: {filesystem: {rootdirectory: "%s"}, delete: {enabled: true}}\n' "$REG_DIR"
		printf 'http:\n  addr: 127.0.0.1:%s\n' "$REG_PORT"
		if [ "$tls" ]; then
			[ -e "$T/ca.pem" ] || ca_make ca
			cert_make ca "$name-server" DNS:localhost,IP:127.0.0.1
			printf '  tls: {certificate: "%s", key: "%s"}\n' "$T/$name-server.pem" "$T/$name-server.key"
			REG_SCHEME=https
			REG_CURL+=(--cacert "$T/ca.pem")
		fi
		case $auth in
		basic)
			htpasswd -Bbn -C 4 device secret > "$T/$name.htpasswd" 2> /dev/null
			printf 'auth: {htpasswd: {realm: "fleet", path: "%s"}}\n' "$T/$name.htpasswd"
			REG_CURL+=(-u device:secret)
			REG_SKOPEO+=(--dest-creds device:secret)
			;;
		token=*)
			printf 'auth: {token: {realm: "%s", service: "fleet", issuer: "fleet", rootcertbundle: "%s"}}\n' \
				"${auth#token=}" "$T/token.pem"
			;;
		esac
	} > "$T/$name.yml"
	background "$name" docker-registry serve "$T/$name.yml"
	REG_PID=$!
	poll 10 port_open "$REG_PORT" && return
	fail "docker-registry does not answer on port $REG_PORT"
	tail -5 "$REG_LOG"
	exit 1
}

registry_stop() { end TERM "${1:-$REG_PID}"; }

# registry_push LAYOUT REF REPOSITORY:TAG [SKOPEO-OPTION...]
registry_push() {
	skopeo copy -q --preserve-digests "${REG_SKOPEO[@]}" "${@:4}" "oci:$1:$2" "docker://$REG/$3" ||
		{ fail "cannot push $2 to $REG/$3"; exit 1; }
}

# registry_put LAYOUT DIGEST REPOSITORY:TAG: pushes a manifest and its blobs by plain requests, for what skopeo
# refuses to copy.
registry_put() {
	local layout=$1/blobs/sha256 manifest=${2#sha256:} repository=${3%:*} tag=${3##*:} digest where type
	for digest in $(jq -r '.config.digest, .layers[].digest' "$layout/$manifest" | sort -u); do
		where=$(curl "${REG_CURL[@]}" -o /dev/null -D - -X POST "$REG_SCHEME://$REG/v2/$repository/blobs/uploads/" |
			tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
		curl "${REG_CURL[@]}" -f -o /dev/null -X PUT -H 'Content-Type: application/octet-stream' \
			--data-binary "@$layout/${digest#sha256:}" "$where&digest=$digest" || return
	done
	type=$(jq -r .mediaType "$layout/$manifest")
	curl "${REG_CURL[@]}" -f -o /dev/null -X PUT -H "Content-Type: $type" --data-binary "@$layout/$manifest" \
		"$REG_SCHEME://$REG/v2/$repository/manifests/$tag"
}

# registry_tag REPOSITORY FROM TO: lets the tag TO name the manifest that FROM names.
registry_tag() {
	local url=$REG_SCHEME://$REG/v2/$1/manifests type
	type=application/vnd.oci.image.manifest.v1+json
	curl "${REG_CURL[@]}" -f -H "Accept: $type" "$url/$2" |
		curl "${REG_CURL[@]}" -f -o /dev/null -X PUT -H "Content-Type: $type" --data-binary @- "$url/$3" ||
		{ fail "cannot tag $1:$2 as $3"; exit 1; }
}

# registry_blob DIGEST: the file that holds this blob in the registry's storage.
registry_blob() {
	local hex=${1#sha256:}
	echo "$REG_DIR/docker/registry/v2/blobs/sha256/${hex:0:2}/$hex/data"
}

# registry_bytes: what the registry has answered so far in bodies to requests of berth (or of $1's user agent).
registry_bytes() {
	jq -s --arg agent "${1:-berth}" 'map(select(.["http.response.written"] and
		(.["http.request.useragent"] // "" | startswith($agent))) | .["http.response.written"]) | add // 0' \
		< <(grep -a '"http.response.written"' "$REG_LOG")
}

registry_requests() {
	grep -a '"http.response.written"' "$REG_LOG" | jq -r '"\(.["http.request.method"]) \(.["http.request.uri"])"'
}

# images: the busybox image set in $IMAGES (an OCI layout with app:v1 to app:v5), made once.
declare -A DIGESTS=()
images() {
	IMAGES=$CACHE/test/oci
	mkdir -p "$CACHE"
	if ! BASE=busybox flock "$CACHE/lock" "$TESTS/images/make-images" "$CACHE/test" 2> "$T/images.log"; then
		fail "cannot make the images"
		cat "$T/images.log"
		done_testing
	fi
	local name digest
	while read -r name digest; do
		DIGESTS[$name]=$digest
	done < <(jq -r '.manifests[] | "\(.annotations[]) \(.digest)"' "$IMAGES/index.json")
}

# fleet [tls] [basic]: a registry with app:v1 to app:v5. release V: the tag app:stable moves there.
fleet() {
	local version
	images
	registry_start "$@"
	for version in v1 v2 v3 v4 v5; do
		registry_push "$IMAGES" app:$version app:$version
	done
}

release() { registry_tag app "$1" stable; }

# digest_of app:v1: the manifest digest.
digest_of() {
	if [ "${DIGESTS[$1]-}" ]; then
		echo "${DIGESTS[$1]}"
	else
		jq -r --arg ref "$1" '.manifests[] | select(.annotations[] == $ref).digest' "$IMAGES/index.json"
	fi
}
