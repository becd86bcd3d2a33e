#!/bin/bash
# The docker command line as a client of the agent, next to our own: the same calls, the same answers.
. "$(dirname "$0")/../../lib.sh"
need docker docker-registry skopeo jq curl script timeout python3
fleet
export DOCKER_HOST=$BERTH_HOST DOCKER_CONFIG=$T

# in_terminal COMMAND: what it shows on a terminal of 33 rows and 99 columns, and then its exit code.
in_terminal() {
	# script shows its own end of input as ^@ or ^D.
	script -qec "stty rows 33 cols 99; $1; echo \"code \$?\"" /dev/null < /dev/null | tr -d '\r\0' | sed 's/\^[@D]//; s/\x08//g'
}

running() { [ "$(docker inspect -f '{{.State.Running}}' "$1" 2> /dev/null)" = "$2" ]; }

start_apps() {
	config_begin
	app lines "$REG/app:v1" 'command = /opt/app/run lines 100' 'health = none' 'volume = data:/data' \
		'bind = /etc/hostname:/x:ro' 'memory = 64M' 'cpus = 0.5' 'pids = 50'
	app chatter "$REG/app:v1" 'command = /opt/app/run chatter' 'health = none'
	app web "$REG/app:v1"
	agent_start
	for out in lines chatter web; do
		wait_until "$out runs" 30 app_runs $out "$(digest_of app:v1)"
	done
	wait_until "lines has written all" 10 eval '"$BERTH" logs lines | grep -q "line 100$"'
}

system() {
	local out
	config_begin
	agent_start
	out=$(docker version)
	like "docker version talks 1.43" "$out" 'API version: +1.43 \(minimum version 1.24\)'
	like "docker info" "$(docker info -f '{{.Name}} {{.Driver}} {{.OSType}}')" '^bench-1 overlay2 linux$'
	same "_ping by GET" "$(curl -s --unix-socket "$R/berth.sock" http://d/_ping)" OK
	like "_ping by HEAD tells the version" "$(curl -sI --unix-socket "$R/berth.sock" http://d/_ping)" 'Api-Version: 1.43'
	same "an old client" "$(DOCKER_API_VERSION=1.24 docker version -f '{{.Server.APIVersion}}')" 1.43
	same "a path berth has not: 404" "$(curl -s -o /dev/null -w '%{http_code}' --unix-socket "$R/berth.sock" http://d/v1.41/x)" 404
	like "a call berth does not offer: 501" "$(docker run busybox 2>&1)" 'berth does not offer POST /containers/create: apps are sections of agent.ini'
	like "another one" "$(docker volume inspect data 2>&1)" 'berth df -v lists them'
	like "one that has nothing in its place" "$(docker diff web 2>&1)" 'berth does not offer GET /containers/web/changes$'
	same "a version berth does not speak: 400" \
		"$(curl -s --unix-socket "$R/berth.sock" http://d/v1.99/info | jq -r .message | cut -c1-33)" "client version 1.99 is too new. M"
	like "no such object" "$(docker inspect nosuch 2>&1)" 'No such object: nosuch'
	same "the socket is for root and its group" "$(stat -c '%a %U' "$R/berth.sock")" "660 root"
}

images() {
	local id out
	config_begin
	agent_start
	like "docker pull" "$(docker pull "$REG/app:v1" 2>&1)" "Status: Downloaded newer image for $REG/app:v1"
	like "again" "$(docker pull "$REG/app:v1" 2>&1)" "Status: Image is up to date for $REG/app:v1"
	like "by digest" "$(docker pull "$REG/app@$(digest_of app:v2)" 2>&1)" "Digest: $(digest_of app:v2)"
	like "with progress on a terminal" "$(in_terminal "docker pull $REG/app:v3")" 'Pull complete.*Digest: sha256.*code 0'
	out=$(in_terminal "$BERTH pull $REG/app:v5")
	like "berth's own is alike" "$out" 'Downloading \[=*> *\].*Pull complete.*code 0'
	unlike "a layer that is complete is not downloaded any more" "$out" 'Pull complete.*Downloading'
	docker pull "$REG/app:nosuch" > "$T/out" 2>&1
	same "a tag that isn't there fails" $? 1
	like "and says so" "$(cat "$T/out")" 'app:nosuch not found'
	docker pull --platform linux/s390x "$REG/app:v1" > "$T/out" 2>&1
	same "another platform is refused" $? 1
	id=$(docker images -q --no-trunc --filter "reference=$REG/app:v1")
	same "the image ID is the config's digest" "$id" \
		"$(jq -r .config.digest "$IMAGES/blobs/sha256/$(digest_of app:v1 | cut -d: -f2)")"
	same "inspect by tag" "$(docker image inspect -f '{{.Id}}' "$REG/app:v1")" "$id"
	same "inspect by short ID" "$(docker image inspect -f '{{.Id}}' "${id:7:10}")" "$id"
	same "inspect shows the command" "$(docker inspect -f '{{json .Config.Cmd}}' "$REG/app:v1")" '["/opt/app/run","serve"]'
	same "filter by label" "$(docker images -q --filter label=example.role=test | wc -l)" 4
	same "both list the same" "$(docker images --format '{{.Repository}} {{.Tag}} {{.ID}} {{.Size}}' | grep -v none | sort)" \
		"$("$BERTH" images | tail -n +2 | awk '$2 != "<none>" { print $1, $2, $3, $NF }' | sort)"
}

containers() {
	local out id
	start_apps
	same "ps: the same lines" "$(docker ps --format '{{.ID}} {{.Image}} {{.Names}}' | sort)" \
		"$("$BERTH" ps | tail -n +2 | awk '{ print $1, $2, $NF }' | sort)"
	like "ps: healthy" "$(docker ps --filter name=web --format '{{.Status}}')" '^Up .* \(healthy\)$'
	same "ps: filters" "$(docker ps -q --filter status=exited | wc -l) $(docker ps --filter health=healthy --format '{{.Names}}')" "0 web"
	id=$(docker ps -q --no-trunc --filter name=lines)
	same "inspect by name, prefix and ID is one" \
		"$(docker inspect -f '{{.Id}}' lines "${id:0:6}" "$id" | sort -u)" "$id"
	same "inspect: limits" "$(docker inspect -f '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}' lines)" \
		"67108864 500000000 50"
	same "inspect: mounts" "$(docker inspect -f '{{range .Mounts}}{{.Type}}:{{.Destination}}:{{.RW}} {{end}}' lines)" \
		"volume:/data:true bind:/x:false "
	same "inspect: pid" "$(docker inspect -f '{{.State.Pid}}' lines)" "$(app_pid lines)"

	like "docker stop with another signal" "$(docker stop -s SIGKILL lines 2>&1)" 'does not offer another stop signal'
	check "stops nothing" running lines true
	docker stop -s SIGTERM -t 30 lines > /dev/null
	same "docker stop answers when it has stopped" "$(docker inspect -f '{{.State.Status}}' lines)" exited
	like "ps -a tells how it ended" "$(docker ps -a --filter name=lines --format '{{.Status}}')" '^Exited \(0\) '
	check "it stays so" stays 2 running lines false
	check "stopping it again is no error" docker stop lines
	check "docker start" docker start lines
	same "answers when it runs" "$(docker inspect -f '{{.State.Status}}' lines)" running
	check "starting it again is no error" docker start lines
	out=$(app_pid lines)
	check "docker restart" docker restart -t 30 lines
	check "makes a new process" test "$(app_pid lines)" != "$out"
	check "docker kill -s HUP leaves it running" docker kill -s HUP chatter
	check "docker kill" docker kill lines
	wait_until "kills it" 5 running lines false
	same "by one signal, which nothing has to be said about" "$(grep -c 'container lines' "$T/agent.log")" 0
	like "with 137" "$(docker ps -a --filter name=lines --format '{{.Status}}')" '^Exited \(137\)'
	check "berth start takes several" "$BERTH" start lines chatter
	docker stop nosuch > "$T/out" 2>&1
	same "an unknown one fails" $? 1
	like "and is named" "$(cat "$T/out")" 'No such container: nosuch'
}

# lone_line: time stamp and text of one of chatter's lines whose time no other has; a shim that was held up reads many at once.
lone_line() {
	docker logs -t chatter | awk '{ time[NR] = $1; text[NR] = $0 } END {
		for (i = 2; i < NR; i++) if (time[i] != time[i - 1] && time[i] != time[i + 1]) { print text[i]; exit } }'
}
has_lone_line() { lone_line | grep -q .; }

logs() {
	local first chat
	start_apps
	wait_until "chatter has a line that is alone" 10 has_lone_line
	same "docker logs has all" "$(docker logs lines | sha256sum)" "$("$BERTH" logs lines | sha256sum)"
	same "docker logs -n 2" "$(docker logs -n 2 lines | tr '\n' ' ')" "app v1: line 99 app v1: line 100 "
	same "stderr is apart" "$(docker logs web 2>&1 > /dev/null)" "app v1: a line on stderr"
	like "with time stamps" "$(docker logs -t -n 1 lines)" '^20[0-9-]+T[0-9:.]+Z app v1: line 100$'
	read -r first chat < <(lone_line)
	same "since a time" "$(docker logs --since "$first" chatter | head -1)" "$chat"
	same "until a time" "$(docker logs --until "$first" chatter | tail -1)" "$chat"
	same "berth logs, too" "$("$BERTH" logs --since "$first" --until "$first" chatter)" "$chat"
	background followed docker logs -f -n 1 chatter
	wait_until "docker logs -f shows what comes" 10 eval '[ "$(wc -l < "$T/followed.log")" -gt 10 ]'
	check "and follows on" alive $!
	docker stop -t 0 chatter > /dev/null
	check "logs -f ends with the container" poll 5 gone $!
	in_the_end "nothing is left open in the agent but what watches resolv.conf" 1 find "/proc/$AGENT/fd" -lname 'anon_inode:inotify'
}

exec_pipes() {
	start_apps
	for client in docker "$BERTH"; do
		note "$(basename "$client")"
		same "output" "$("$client" exec lines echo hi)" hi
		same "stderr is apart" "$("$client" exec lines sh -c 'echo out; echo err >&2' 2>&1 > /dev/null)" err
		"$client" exec lines sh -c 'exit 42'
		same "exit code" $? 42
		"$client" exec lines /no/such > "$T/out" 2>&1
		same "not there: 127" $? 127
		"$client" exec lines /etc/passwd > "$T/out" 2>&1
		same "not executable: 126" $? 126
		same "input, until its end" "$(printf 'a\nb' | "$client" exec -i lines cat)" $'a\nb'
		same "without -i there is none" "$(echo x | "$client" exec lines cat)" ""
		same "input that the command does not read" \
			"$(head -c 4000000 /dev/zero | "$client" exec -i lines sh -c 'sleep 0.3; echo a; exit 7' 2>&1; echo $?)" $'a\n7'
		same "20 MB in" "$(head -c 20000000 /dev/zero | "$client" exec -i lines wc -c)" 20000000
		same "20 MB out" "$("$client" exec lines head -c 20000000 /dev/zero | wc -c)" 20000000
		same "user, directory, variable" "$("$client" exec -u app -w /tmp -e A=b lines sh -c 'id -u; pwd; echo $A' | tr '\n' ' ')" \
			"1000 /tmp b "
		check "detached" "$client" exec -d lines touch "/tmp/by-${client##*/}"
		check "runs all the same" poll 5 docker exec lines test -e "/tmp/by-${client##*/}"
		"$client" exec nosuch true > "$T/out" 2>&1
		same "no such container" $? 1
	done
	docker stop -t 0 lines > /dev/null
	docker exec lines true > "$T/out" 2>&1
	same "a container that does not run" $? 1
	like "is told" "$(cat "$T/out")" 'is not running'
}

# Reads slowly or goes away: the agent neither waits nor collects the output.
# A process of exec is where the container's own are.
exec_joins() {
	local client pid ns
	start_apps
	pid=$(app_pid lines)
	for client in docker "$BERTH"; do
		note "$(basename "$client")"
		ns=$("$client" exec lines sh -c 'for n in cgroup ipc mnt net pid uts; do readlink /proc/self/ns/$n; done')
		same "all namespaces" "$ns" "$(for n in cgroup ipc mnt net pid uts; do readlink "/proc/$pid/ns/$n"; done)"
		"$client" exec -d lines sleep "77$$"
		poll 5 pgrep -f "^sleep 77$$"
		same "the cgroup" "$(cat "/proc/$(pgrep -f "^sleep 77$$")/cgroup")" "$(cat "/proc/$pid/cgroup")"
		kill -9 "$(pgrep -f "^sleep 77$$")"
		same "capabilities as the container's own" "$("$client" exec lines sh -c 'grep CapEff /proc/self/status')" \
			"$(grep CapEff "/proc/$pid/status")"
		same "--privileged: all of them" "$("$client" exec --privileged lines sh -c 'grep CapEff /proc/self/status')" \
			"$(grep CapEff "/proc/$AGENT/status")"
	done
	like "inspect tells" "$(docker exec --privileged lines true; berth exec --privileged -u app lines id -u)" '^1000$'
}

# docker passes no signal on without a terminal; berth does.
exec_signals() {
	local client codes='' delay
	start_apps
	kill -STOP "$AGENT"
	timeout 1 "$BERTH" exec lines true
	same "nobody waits for ever for an agent that does not answer" $? 124
	kill -CONT "$AGENT"
	# Whenever it comes: before there is a command, while it is being started, and after.
	for delay in 0 0.001 0.002 0.003 0.004 0.006 0.008 0.01 0.015 0.02 0.03 0.05; do
		timeout -s KILL 60 "$BERTH" exec lines sleep 100 &
		client=$!
		sleep $delay
		pkill -TERM -P $client || kill -TERM $client
		wait $client
		codes="$codes $?"
	done
	same "SIGTERM arrives sooner or later" "$(printf '%s\n' $codes | sort -u)" 143
	wait_until "and no command goes on without its client" 5 sh -c "! docker exec lines ps | grep -q 'sleep 100$'"
	for signal in INT TERM; do
		rm -f "$T/out" # or what the one before said would be taken for this one
		"$BERTH" exec lines sh -c "trap 'echo trapped; exit 9' $signal; echo up; while :; do sleep 0.1; done" > "$T/out" &
		client=$!
		poll 5 grep -q up "$T/out"
		kill -$signal $client
		wait $client
		same "SIG$signal arrives" "$? $(tail -1 "$T/out")" "9 trapped"
	done
	for client in docker "$BERTH"; do
		check "${client##*/}: ctrl-c arrives, and the detach keys leave" "$TESTS/integration/on-terminal" \
			"$client exec -it lines sh" 'expect #' 'type sh -c "echo $((6*7)); exec sleep 100"\r' 'expect 42' 'type \x03' 'expect #' \
			'type \x10\x11' "code $([ "$client" = docker ] && echo 1 || echo 0)"
	done
	wait_until "who left has hung up" 5 sh -c "! docker exec lines ps | grep -q ' sh$'"
}

exec_slow() {
	local before after
	start_apps
	before=$(awk '/^Pss:/ { print $2 }' "/proc/$AGENT/smaps_rollup")
	mkfifo "$T/slow"
	docker exec lines sh -c 'cat /dev/zero' > "$T/slow" 2> /dev/null &
	exec 5< "$T/slow"
	sleep 1
	check "the agent answers while a client does not read" within 2 "$BERTH" ps
	after=$(awk '/^Pss:/ { print $2 }' "/proc/$AGENT/smaps_rollup")
	check "and holds little for it ($before KiB before, $after KiB after)" test $((after - before)) -lt 400
	exec 5<&-
	wait_until "the command ends when its client has gone" 10 sh -c "! docker exec lines ps | grep -q '[c]at /dev/zero'"
	docker exec -d lines sleep 300
	timeout 1 docker exec -i lines cat < <(sleep 5)
	wait_until "so does one that reads" 5 sh -c "! docker exec lines ps | grep -q ' cat$'"
}

exec_terminal() {
	start_apps
	for client in docker "$BERTH"; do
		note "$(basename "$client")"
		same "a terminal of the same size" "$(in_terminal "$client exec -it lines stty size" | tr '\n' ' ')" "33 99 code 0 "
		like "its exit code" "$(in_terminal "$client exec -it lines sh -c 'exit 7'")" 'code 7'
		like "a terminal of the container" "$(in_terminal "$client exec -it lines sh -c '/opt/app/bin/busybox tty'")" '/dev/pts/[0-9]+'
		same "which has a name" "$(in_terminal "$client exec -it lines sh -c 'echo \$TERM'" | tr '\n' ' ')" "xterm code 0 "
		same "its own, when it is given" "$(in_terminal "$client exec -it -e TERM=vt100 lines sh -c 'echo \$TERM'" | tr '\n' ' ')" "vt100 code 0 "
		like "not there: 127" "$(in_terminal "$client exec -it lines /no/such")" '/no/such.*code 127'
		"$client" exec -it lines true < /dev/null > "$T/out" 2>&1
		same "-it without a terminal" $? 1
		like "keys and sizes arrive" "$(python3 "$T/keys.py" "$client" exec -it lines sh | tr -d '\r')" \
			'20 70.*40 111.*code 7'
	done
	wait_until "no shell is left" 5 sh -c "! docker exec lines ps | grep -q ' sh$'"
	in_the_end "no socket of a terminal is left" 0 find "$R" -name 'exec-*'
}

# A person at a terminal: asks for the size, resizes, asks again, interrupts, leaves.
cat > "$T/keys.py" <<'PY'
import fcntl, os, pty, select, struct, sys, termios, time
pid, terminal = pty.fork()
def resize(rows, columns, fd):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
if pid == 0:
    resize(20, 70, 0)
    os.execvp(sys.argv[1], sys.argv[1:])
def until(text, seconds=20):
    seen = b""
    end = time.time() + seconds
    while text not in seen and time.time() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                data = os.read(terminal, 4096)
            except OSError:
                break
            seen += data
            sys.stdout.write(data.decode())
    return text in seen
until(b"# ")
os.write(terminal, b"stty size\n")
until(b"20 70")
resize(40, 111, terminal)
os.write(terminal, b"while stty size | grep -q 70; do sleep 0.1; done; stty size\n")
until(b"40 111")
os.write(terminal, b"sh -c 'echo $((6*7)); exec sleep 30'\n")
until(b"42")
os.write(terminal, b"\x03")
until(b"# ")
os.write(terminal, b"exit 7\n")
until(b"\0", 3)
print("code", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY

case_run ${1:-system images containers logs exec_pipes exec_joins exec_signals exec_slow exec_terminal}
done_testing
