#!/bin/bash
# Registries that are wrong in every way an operator meets: the error says which way, nothing bad is taken, and the
# app that runs is left alone.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo htpasswd openssl jq curl
images

error_like() { app_like "$1" .update.error "$2"; }

# app_fails APP REGEX TEXT
app_fails() { wait_until "$3" 60 error_like "$1" "$2"; }

section() { printf '\n[registry %s]\n%s\n' "$1" "$2" | config; }

# One agent, one good app, and next to it one app for each kind of trouble.
access() {
	local good pid other
	registry_start tls basic
	registry_push "$IMAGES" app:v1 app:v1
	auth_file auth.json device secret
	config_begin auth.json
	app good "$REG/app:v1"
	app missing "$REG/app:nosuchtag"
	app nowhere "$REG/nosuch/repository:v1"
	good=$REG

	registry_start name=second tls basic
	section "$REG" "ca = $T/ca.pem"
	app nopassword "$REG/app:v1"

	registry_start name=third tls basic
	auth_file wrong.json device sesame
	section "$REG" "ca = $T/ca.pem
auth = $T/wrong.json"
	app wrongpassword "$REG/app:v1"

	registry_start name=fourth tls
	ca_make other
	section "$REG" "ca = $T/other.pem"
	app wrongca "$REG/app:v1"

	other=$(free_port)
	section "localhost:$other" "insecure = yes"
	app nobody "localhost:$other/app:v1"
	section "nosuchhost.invalid" "insecure = yes"
	app noname "nosuchhost.invalid/app:v1"

	agent_start
	wait_until "the good app is installed next to them" 30 app_runs good "$(digest_of app:v1)"
	pid=$(app_pid good)
	app_fails missing 'nosuchtag.*(not found|unknown|no such)|(not found|unknown|no such).*nosuchtag' \
		"a missing tag is named"
	app_fails nowhere '(not found|unknown|no such)' "a missing repository is named"
	app_fails nopassword '[Uu]nauthorized|401|credentials|password' "a registry that wants a password says so"
	app_fails wrongpassword '[Uu]nauthorized|401|credentials|password' "a wrong password says so"
	app_fails wrongca 'certificate|trust|CA' "a certificate by another CA is refused"
	app_fails nobody "[Cc]onnection refused|refused" "a registry that is down is told"
	app_fails noname "nosuchhost.invalid" "a name that does not resolve is told"
	same "the good app was left alone" "$(app_pid good)" "$pid"
	same "its own error is empty" "$(app_get good '.update.error // ""')" ""

	note "now the missing tag appears"
	REG=$good REG_CURL=(-sS --cacert "$T/ca.pem" -u device:secret)
	registry_tag app v1 nosuchtag
	wait_until "a tag that appears is installed" 30 app_runs missing "$(digest_of app:v1)"
	no_leftovers 2
}

certificates() {
	local name
	registry_start name=ip tls
	registry_push "$IMAGES" app:v1 app:v1
	REG=127.0.0.1:$REG_PORT
	config_begin
	app byaddress "$REG/app:v1"

	registry_start name=foreign tls
	end TERM "$REG_PID"
	cert_make ca foreign-server DNS:elsewhere.example
	background foreign docker-registry serve "$T/foreign.yml"
	poll 30 port_open "$REG_PORT"
	section "$REG" "ca = $T/ca.pem"
	app othername "$REG/app:v1"
	agent_start
	wait_until "a certificate for an address works" 20 app_runs byaddress "$(digest_of app:v1)"
	app_fails othername 'certificate|name|elsewhere' "a certificate for another host is refused"
	for name in ip foreign; do
		check "no helper crashed ($name)" test -z "$(grep -aiE 'sanitizer|segfault|signal 11' "$T/agent.log")"
	done
}

# alter FILE: another byte in the middle, same length.
alter() {
	local offset=$(($(stat -c %s "$1") / 2)) byte
	byte=$(od -An -tu1 -j $offset -N1 "$1")
	# shellcheck disable=SC2059
	printf "\\x$(printf %x $((byte ^ 1)))" | dd of="$1" bs=1 seek=$offset conv=notrunc 2> /dev/null
}

# Bytes that are not what their digest says, in the registry's own storage.
altered() {
	local what manifest blob
	registry_start name=altered
	config_begin
	for what in layer config manifest; do
		# Images of their own, so that each has blobs of its own.
		mkdir -p "$T/tree-$what/etc"
		noise "$what" 40000 > "$T/tree-$what/etc/$what"
		tree_pack "$T/tree-$what" "$T/$what.tar"
		oci_open "$T/layout"
		manifest=$(oci_image "$what:v1" "{\"config\":{\"Labels\":{\"what\":\"$what\"}}}" "$(oci_layer "$T/$what.tar")")
		registry_push "$T/layout" "$what:v1" "$what:v1"
		case $what in
		layer) blob=$(jq -r '.layers[0].digest' "$T/layout/blobs/sha256/${manifest#sha256:}") ;;
		config) blob=$(jq -r .config.digest "$T/layout/blobs/sha256/${manifest#sha256:}") ;;
		manifest) blob=$manifest ;;
		esac
		if [ $what = manifest ]; then
			# Still JSON: only the digest can tell.
			sed -i 's/"schemaVersion":2/"schemaVersion": 2/' "$(registry_blob "$blob")"
		else
			alter "$(registry_blob "$blob")"
		fi
		app "$what" "$REG/$what:v1"
	done
	agent_start
	for what in layer config manifest; do
		app_fails $what 'digest|altered|sha256|size|longer' "an altered $what is refused"
	done
	sleep 1
	same "nothing of them is in the store" "$(find "$STORE/layers" "$STORE/images" -mindepth 1 -maxdepth 1 | wc -l)" 0
	same "nothing runs" "$(berth status --json | jq '[.apps[] | select(.state == "running")] | length')" 0
	no_leftovers 0
}

odd_images() {
	local tools layer manifest foreign
	registry_start name=odd
	config_begin
	oci_open "$T/odd"
	tools=$(cat "$IMAGES.layers"/*.gzip | head -1)
	cp "$IMAGES"/blobs/sha256/* "$T/odd/blobs/sha256/"
	put() { registry_put "$T/odd" "$2" "$1:v1" || fail "cannot push $1"; app "$1" "$REG/$1:v1"; }

	put foreign "$(oci_image foreign '{"architecture":"s390x"}' "$tools")"
	put windows "$(oci_image windows '{"os":"windows"}' "$tools")"
	put lies "$(oci_image lies '{"rootfs":{"diff_ids":["sha256:'"$(printf %064d 0)"'"]}}' "$tools")"
	put fewer "$(oci_image fewer '{"rootfs":{"diff_ids":[]}}' "$tools")"
	put badtypes "$(oci_image badtypes '{"config":{"Env":"PATH=/bin"}}' "$tools")"
	put nocommand "$(oci_image nocommand '{}' "$tools")"
	printf 'this is not a tar\n' > "$T/text"
	put nottar "$(oci_image nottar '{}' "$(oci_layer "$T/text" gzip)")"
	mkdir "$T/own"
	noise own 9000 > "$T/own/file"
	tree_pack "$T/own" "$T/own.tar"
	layer=$(oci_layer "$T/own.tar" gzip)
	layer=$(jq -c '.descriptor.size += 1' <<< "$layer")
	manifest=$(oci_image longer '{}' "$layer")
	put longer "$manifest"

	# zstd may ask for any amount of memory: 8 MiB are granted.
	put window "$(oci_image window '{}' "$(oci_layer "$T/own.tar" zstd-27)")"

	# An index without this machine's platform, and one with.
	foreign=$(jq -r '.manifests[] | select(.annotations[] == "foreign").digest' "$T/odd/index.json")
	oci_index foreigners linux/s390x="$foreign" linux/ppc64le="$foreign" > /dev/null
	registry_push "$T/odd" foreigners foreigners:v1 --all
	app foreigners "$REG/foreigners:v1"

	agent_start
	app_fails foreign 's390x' "an image for another architecture is refused by name"
	app_fails windows 'windows' "an image for another system is refused by name"
	app_fails foreigners "platform|architecture|$(oci_architecture)" "an index without this platform says so"
	app_fails lies 'diff|digest|sha256' "a diff ID that does not match its layer is refused"
	app_fails fewer 'layer' "a config with fewer layers than the manifest is refused"
	app_fails badtypes 'Env|config' "a config with wrong types is refused"
	app_fails nocommand 'command|Cmd|Entrypoint|run' "an image without a command is refused"
	app_fails nottar 'tar|archive|header' "a layer that is no tar is refused"
	app_fails longer 'size|length|bytes|short' "a layer of another size than announced is refused"
	app_fails window 'window' "a zstd layer that needs 128 MiB of memory is refused"
	check "and no helper died by a signal" test -z "$(grep -aiE 'sanitizer|segfault|signal 11' "$T/agent.log")"
	same "nothing runs" "$(berth status --json | jq '[.apps[] | select(.state == "running")] | length')" 0
}

platforms() {
	local one two
	registry_start name=platforms
	one=$(digest_of app:v1) two=$(digest_of app:v2)
	oci_open "$T/multi"
	cp "$IMAGES"/blobs/sha256/* "$T/multi/blobs/sha256/"
	INDEX=$(oci_index multi linux/s390x="$two" "linux/$(oci_architecture)=$one" windows/amd64="$two")
	for one in $one $two; do registry_put "$T/multi" "$one" "multi:parts"; done
	curl "${REG_CURL[@]}" -f -X PUT -H 'Content-Type: application/vnd.oci.image.index.v1+json' \
		--data-binary "@$T/multi/blobs/sha256/${INDEX#sha256:}" "http://$REG/v2/multi/manifests/v1" ||
		fail "cannot push the index"
	config_begin
	app multi "$REG/multi:v1"
	agent_start
	wait_until "from an index, this platform is taken" 20 app_runs multi "$INDEX"
	wait_until "and it is the right one" 20 serves "$PORT" v1
}

outage() {
	local port pid name
	fleet name=outage
	config_begin
	app web "$REG/app:stable"
	app late "$REG/app:v2"
	port=$REG_PORT name=outage
	release v1
	sed -i '/^\[app late\]/,$ d' "$T/agent.ini"
	agent_start
	wait_until "v1 is installed" 20 app_runs web "$(digest_of app:v1)"
	agent_stop TERM
	registry_stop
	app late "$REG/app:v2"
	agent_start
	wait_until "the registry is down: the app runs all the same" 20 app_is web .state running
	pid=$(app_pid web)
	wait_until "the error is told" 30 error_like web 'refused'
	wait_until "also for the app that was never installed" 30 error_like late 'refused'
	registry_start name=$name port="$port"
	wait_until "it is back: the late app is installed" 30 app_runs late "$(digest_of app:v2)"
	wait_until "the error is gone" 20 app_is web '.update.error // ""' ''
	same "the first app was not touched" "$(app_pid web)" "$pid"
	no_leftovers 2
}

case_run access certificates altered odd_images platforms outage
done_testing
