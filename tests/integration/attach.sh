#!/bin/bash
# attach, by berth and by docker: what a container writes, its stdin, its terminal, its end; and wait.
. "$(dirname "$0")/../lib.sh"
need docker docker-registry skopeo jq curl python3 timeout
fleet
export DOCKER_HOST=$BERTH_HOST DOCKER_CONFIG=$T
here=$(cd "$(dirname "$0")" && pwd)
B=/opt/app/bin/busybox

# terminal TEXT COMMAND STEP...: one check
terminal() { local text=$1; shift; check "$text" "$here/on-terminal" "$@"; }

# echoer: repeats what it reads on stdout, and "err" with it on stderr; ends with 7 at "quit".
echoer() {
	config_begin
	app echoer "$REG/app:v1" 'health = none' 'restart = no' "$@" \
		"command = $B sh -c 'while read x; do [ \"\$x\" != quit ] || exit 7; echo out \$x; echo err \$x >&2; done; echo end'"
	agent_start
	wait_until "echoer runs, and is good" 20 app_is echoer '"\(.state) \(.update.last)"' 'running updated'
}

# attached FILE COMMAND...: runs a client in the background; its stdin is held open by descriptor 9
attached() {
	local file=$1
	shift
	rm -f "$T/stdin"
	mkfifo "$T/stdin"
	"$@" < "$T/stdin" > "$T/$file" 2> "$T/$file.err" &
	CLIENT=$!
	exec 9> "$T/stdin"
}

# lively FILE: it is attached, for what is sent comes back
lively() { echo ping >&9; sleep 0.1; grep -q ping "$T/$1"; }
has() { grep -qx "$2" "$T/$1"; }

pipes() {
	local client
	echoer 'stdin = yes'
	for client in "$BERTH" docker; do
		attached out "$client" attach echoer
		wait_until "${client##*/} attach: stdin and stdout" 10 lively out
		echo "hello ${client##*/}" >&9
		wait_until "stdout comes on stdout" 5 has out "out hello ${client##*/}"
		wait_until "stderr on stderr" 5 has out.err "err hello ${client##*/}"
		exec 9>&-
		sleep 0.3
		same "its end of input is not the container's" "$(app_get echoer .state)" running
		check "it is attached still" alive "$CLIENT"
		kill -9 $CLIENT
		wait $CLIENT 2> /dev/null
	done
	attached one "$BERTH" attach --no-stdin echoer
	attached two docker attach echoer
	wait_until "two at once see the same" 10 lively two
	wait_until "this one, too" 10 lively one
	same "output from before is not shown" "$(grep -c hello "$T/one" "$T/two" | tr '\n' ' ')" "$T/one:0 $T/two:0 "
	agent_stop KILL
	wait $CLIENT 2> /dev/null
	exec 9>&-
	agent_start
	attached out "$BERTH" attach echoer
	wait_until "the next agent has its stdin as well" 10 lively out
	echo quit >&9
	wait $CLIENT
	same "berth attach ends with the container's code" $? 7
	exec 9>&-
	berth start echoer > /dev/null
	attached out docker attach echoer
	wait_until "docker attach once more" 10 lively out
	echo quit >&9
	wait $CLIENT
	same "docker attach ends with the container's code" $? 7
	exec 9>&-
	like "attach of one that has ended" "$(berth attach echoer 2>&1)" 'echoer is not running'
}

without_stdin() {
	config_begin
	app quiet "$REG/app:v1" 'health = none' 'restart = no' \
		"command = $B sh -c 'trap \"echo trapped; exit 3\" INT; cat; while :; do printf .; $B usleep 100000; done'"
	agent_start
	wait_until "quiet runs" 20 app_is quiet .state running
	"$BERTH" attach quiet < <(echo lost) > "$T/line" 2>&1 &
	CLIENT=$!
	wait_until "a line that has not ended is shown" 10 grep -q '\.\.' "$T/line"
	kill -9 $CLIENT
	wait $CLIENT 2> /dev/null
	like "and nothing else" "$(cat "$T/line")" '^\.\.+$'
	"$BERTH" attach quiet > "$T/out" 2>&1 &
	CLIENT=$!
	wait_until "attached" 5 test -s "$T/out"
	"$BERTH" attach --sig-proxy=false quiet > "$T/other" 2>&1 &
	wait_until "once more" 5 test -s "$T/other"
	kill -TERM $!
	wait $! 2> /dev/null
	same "without the proxy a signal ends the client" "$(app_get quiet .state)" running
	kill -INT $CLIENT
	wait $CLIENT
	same "with it the signal is the container's" $? 3
	like "which said so" "$(cat "$T/out")" trapped
}

terminals() {
	config_begin
	app shell "$REG/app:v1" 'health = none' 'stdin = yes' 'tty = yes' "command = $B sh"
	agent_start
	wait_until "shell runs" 20 app_is shell .state running
	terminal "berth attach on a terminal" "$BERTH attach shell" 'type stty size\r' 'expect 33 99' 'type tty\r' \
		'expect /dev/pts/0' 'size 20 60' 'type while stty size | grep -q 99; do sleep 0.1; done; stty size\r' 'expect 20 60' 'type \x10\x11' 'code 0'
	same "it runs on" "$(app_get shell .state)" running
	terminal "docker attach on a terminal" "docker attach shell" 'type stty size\r' 'expect 33 99' \
		'type echo $((40+2))\r' 'expect 42' 'type \x10\x11' 'expect read escape sequence' 'code 1'
	terminal "other keys" "$BERTH attach --detach-keys=ctrl-x,q shell" 'type echo a\x10\x11b\r' 'expect a' 'type \x18q' 'code 0'
	like "keys that are none" "$(berth attach --detach-keys=ctrl shell 2>&1 < /dev/null)" "keys ctrl: not a list such as"
	like "logs are not framed" "$(berth logs shell)" $'42\r'
	wait_until "docker logs: the same, when nothing more comes" 5 eval '[ "$(docker logs shell | md5sum)" = "$(berth logs shell | md5sum)" ]'
	terminal "ctrl-c is the container's" "$BERTH attach shell" 'type sh -c "echo $((6*7)); exec sleep 100"\r' 'expect 42' 'type \x03' \
		'type echo $((1+1))\r' 'expect 2\r' 'type exit 5\r' 'code 5'
	wait_until "restart = always starts it again" 10 app_is shell .state running
	like "inspect tells" "$(docker inspect -f '{{.Config.Tty}} {{.Config.OpenStdin}}' shell)" 'true true'
}

waiting() {
	echoer 'stdin = yes'
	docker wait echoer > "$T/code" &
	local waiter=$!
	attached out "$BERTH" attach echoer
	wait_until "attached" 10 lively out
	check "docker wait waits" alive $waiter
	echo quit >&9
	exec 9>&-
	poll 10 gone $waiter
	same "and tells the code" "$(cat "$T/code")" 7
	same "of one that has ended: at once" "$(within 5 docker wait echoer)" 7
	like "a condition that is none" "$(curl -s -X POST --unix-socket "$R/berth.sock" 'http://d/containers/echoer/wait?condition=x')" \
		'invalid condition'
	sed -i '/^\[app echoer\]/,$d' "$T/agent.ini"
	curl -sv -X POST --unix-socket "$R/berth.sock" 'http://d/containers/echoer/wait?condition=removed' > "$T/removed" 2> "$T/asked" &
	CLIENT=$!
	poll 10 grep -q '^> POST' "$T/asked"
	agent_reload
	poll 10 gone $CLIENT
	like "removed" "$(cat "$T/removed")" '"StatusCode":7'
}

floods() {
	local before
	config_begin
	app flood "$REG/app:v1" 'health = none' 'restart = no' "command = $B yes"
	agent_start
	wait_until "flood runs" 20 app_is flood .state running
	"$BERTH" attach flood | sleep 3 &
	sleep 2
	before=$(awk '/VmRSS/ { print $2 }' "/proc/$AGENT/status")
	check "a client that doesn't read costs the agent no memory ($before kB)" test "$before" -lt 16000
	check "and stops nobody" within 5 "$BERTH" status
	berth stop -t 0 flood > /dev/null
	wait
}

case_run ${1:-pipes without_stdin terminals waiting floods}
done_testing
