#!/bin/bash
# berth probe: from inside a container's network.
. "$(dirname "$0")/harness"

mkdir -p "$ROOTS/srv/cgi-bin"
echo fine > "$ROOTS/srv/index.html"
printf '#!/bin/sh\nprintf "Status: %%s\\r\\n\\r\\n" "$QUERY_STRING"\n' > "$ROOTS/srv/cgi-bin/status"
printf '#!/bin/sh\nid -u > /tmp/who; cat > /dev/null; printf "Status: 200 OK\\r\\n\\r\\n"\n' > "$ROOTS/srv/cgi-bin/fine"
chmod 755 "$ROOTS"/srv/cgi-bin/*
start web sh -c 'httpd -p 8431 -h /srv; httpd -p "[::1]:8081" -h /srv
	while :; do echo garbage | nc -l -p 9000; done & sleep 1000 | nc -l -p 9001 > /dev/null & sleep 1000 | nc -l -p 9003 > /dev/null &
	while :; do nc -l -p 9002 < /dev/null; done &
	echo ready > /tmp/ready; wait'
pid=$(pid_of web)
wait_for 20 test -e "$ROOTS/tmp/ready"

# p WORD...: prints what it says and its exit code
p() {
	local out
	out=$("$BERTH" probe --pid "$pid" --timeout "${LIMIT:-15000}" "$@" 2>&1)
	echo "$?${out:+ $out}"
}

# listens PORT...: 0A is LISTEN.
listens() {
	local port
	for port; do
		rt exec web cat /proc/net/tcp /proc/net/tcp6 < /dev/null | grep -q ":$(printf %04X "$port") [0:]* 0A " || return
	done
}
check "it listens" wait_for 20 listens 8431 8081 9000 9001 9002 9003
same "http" "$(p http '' 8431 /)" 0
same "http by address" "$(p http 127.0.0.1 8431 /index.html)" 0
same "http by name" "$(p http localhost 8431 /)" 0
same "http with IPv6" "$(p http ::1 8081 /)" 0
same "its own loopback may be IPv6" "$(p http '' 8081 /) $(p tcp localhost 8081)" '0 0'
same "http with a query" "$(p http '' 8431 '/cgi-bin/status?204')" 0
same "a redirect is healthy" "$(p http '' 8431 '/cgi-bin/status?302')" 0
same "404 is not" "$(p http '' 8431 /none)" '1 GET /none: status 404'
same "500 is not" "$(p http '' 8431 '/cgi-bin/status?500')" '1 GET /cgi-bin/status?500: status 500'
same "nobody listens" "$(p http '' 8088 /)" '1 connect to 127.0.0.1 port 8088: Connection refused'
same "garbage" "$(p http '' 9000 /)" '1 GET /: the answer is not HTTP'
same "silence" "$(LIMIT=1000 p http '' 9001 /)" '1 no answer within 1000 ms'
like "a closed connection" "$(p http '' 9002 /)" '^1 GET /: (closed without an answer|Connection reset by peer)$'
same "tcp" "$(p tcp '' 8431)" 0
same "tcp refused" "$(p tcp '' 8088)" '1 connect to 127.0.0.1 port 8088: Connection refused'
like "an unknown host" "$(LIMIT=1000 p tcp no.such.host.invalid 80)" '^1 (resolve no.such.host.invalid: |no answer within)'
same "out of reach" "$(p tcp 203.0.113.1 80)" '1 connect to 203.0.113.1 port 80: Network unreachable'
ticks=$(sed -n 's/.*"startTicks":\([0-9]*\).*/\1/p' "$T/state/web/state.json")
same "the right process" "$(p --start "$ticks" tcp '' 8431)" 0
same "another one with its pid" "$(p --start 1 tcp '' 8431)" '1 the container has ended'
like "wrong usage" "$(p http '' 8431)" '^2 usage: berth probe'
like "no line breaks in a path" "$(p http '' 8431 $'/ HTTP/1.1\r\nX: y')" '^2 usage: berth probe'
same "it is the container's network, not the host's" "$("$BERTH" probe --pid $$ --timeout 1000 tcp '' 8431 > /dev/null; echo $?)" 1

# While it waits: nobody, without a right.
"$BERTH" probe --pid "$pid" --timeout 60000 http '' 9003 / > /dev/null &
prober=$!
is_confined() { grep -q $'^NoNewPrivs:\t1' "/proc/$prober/status"; }
wait_for 20 is_confined
like "it runs as nobody without capabilities" "$(cat /proc/$prober/status)" \
	$'Uid:\t65534\t65534\t65534\t65534\nGid:\t65534.*CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000.*NoNewPrivs:\t1'
kill $prober
rt delete --force web
like "of a container that has ended" "$(p tcp '' 8431)" '^1 open /proc/'
finish
