#!/bin/bash
# Ways to a registry: over IPv6 alone, with names that have dead addresses, with resolvers that are silent or broken.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq python3 ip unshare ss
images

# apart COMMAND...: in network and mount namespaces of its own, with a loopback that has both families
apart() { unshare -n -m --propagation private bash -c 'ip link set lo up; "$@"' - "$@"; }

reported() { jq -r "select(.$1 != null) | .$1" "$T/report"; }

has_ipv6() { [ -e /proc/net/if_inet6 ] && grep -q " lo$" /proc/net/if_inet6; }

over_ipv6() {
	has_ipv6 || { note "this machine has no IPv6"; return; }
	registry_start name=six
	registry_push "$IMAGES" app:v1 app:stable
	end TERM "$REG_PID"
	sed -i 's/addr: 127.0.0.1:/addr: "[::1]:/; s/\(addr: "\[::1\]:[0-9]*\)/\1"/' "$T/six.yml"
	background six docker-registry serve "$T/six.yml"
	poll 30 bash -c "exec 3<> /dev/tcp/::1/$REG_PORT" 2> /dev/null
	"$BERTH" fetch head "[::1]:$REG_PORT/app:stable" < /dev/null 3> "$T/report"
	same "a registry on IPv6 alone, by its address" "$(reported digest)" "$(digest_of app:v1)"
	printf '127.0.0.1 fleet.test\n::1 fleet.test\n' > "$T/hosts"
	# shellcheck disable=SC2016
	unshare -m --propagation private bash -c 'mount --bind "$1/hosts" /etc/hosts
		"$2" fetch head "$3/app:stable" 3> "$1/report" <<< "{\"registry\": {\"insecure\": true}}"' - \
		"$T" "$BERTH" "fleet.test:$REG_PORT"
	same "by a name with a dead address of the other family" "$(reported digest)" "$(digest_of app:v1)"
	REG="[::1]:$REG_PORT" REG_SCHEME=http config_begin
	app web "[::1]:$REG_PORT/app:stable"
	agent_start
	wait_until "an app from it is installed" 30 app_runs web "$(digest_of app:v1)"
}

# asks MODE NAME: what a device with such a DNS server is told, and in MS how long that took
asks() {
	printf 'nameserver 127.0.0.1\noptions timeout:60 attempts:10' > "$T/resolv.conf"
	: > "$T/asked"
	# shellcheck disable=SC2016
	apart bash -c 'mount --bind "$1/resolv.conf" /etc/resolv.conf; "$2" "$3" "$1/asked" &
		for i in {1..300}; do [ -z "$(ss -Hlun "sport = :53")" ] || break; sleep 0.1; done
		begin=$(date +%s%N)
		"$4" fetch head "$5/app:stable" 3> "$1/report" <<< "{\"registry\": {\"insecure\": true}}"
		echo $((($(date +%s%N) - begin) / 1000000)) > "$1/took"; kill %1' - \
		"$T" "$TESTS/integration/dns-server" "$1" "$BERTH" "$2" 2> /dev/null
	MS=$(cat "$T/took")
}

broken_resolvers() {
	local mode
	for mode in silent servfail; do
		asks $mode fleet.example.com
		check "a DNS server that is $mode was asked" test -s "$T/asked"
		like "and is told" "$(reported error)" "no answer from the DNS about 'fleet.example.com' \(check the network and /etc/resolv.conf\)"
		same "as trouble of the network" "$(reported code)" network
		check "within 20 s, whatever resolv.conf says ($MS ms)" test "$MS" -lt 20000
	done
	asks nxdomain fleet.example.com
	like "a name that is not there is told" "$(reported error)" "host 'fleet.example.com' is not in the DNS"
}

case_run over_ipv6 broken_resolvers
done_testing
