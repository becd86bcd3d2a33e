#!/bin/bash
# What a version that fails its trial has written last stands in the agent's log, and its last line in the reason.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl
fleet

# What the agent wrote of the app's last words, one a line.
words() { grep -a 'app web: sha256:[0-9a-f]* wrote: ' "$T/agent.log" | sed 's/.* wrote: //'; }
count_words() { words | grep -c "${1:-}"; }
settled() { app_is web '"\(.state) \(.update.phase) \(.update.last)"' "running idle $1"; }

good_first() {
	config_begin
	app web "$REG/app:v1"
	cp "$T/agent.ini" "$T/good.ini"
	agent_start
	wait_until "v1 is installed" 20 app_runs web "$(digest_of app:v1)"
}
# trial LINE...: the same image with these lines, instead of those that it has.
trial() {
	local line
	cp "$T/good.ini" "$T/agent.ini"
	for line; do
		sed -i "/^${line%% *} = /d" "$T/agent.ini"
		echo "$line" >> "$T/agent.ini"
	done
	agent_reload
}

by_exit() {
	local long
	long=$(printf 'x%.0s' {1..300})
	good_first
	trial "command = /bin/sh -c \"i=1;while [ \$i -le 9000 ];do echo story \$i;i=\$((i+1));done;printf '$long\\n\\n  a\\tb';exit 3\""
	wait_until "a version that exits is rolled back" 20 settled rolled-back
	same "the last five lines are told, none of them blank, short and printable" "$(words)" \
		"$(printf 'story %d\n' 8998 8999 9000)"$'\n'"${long:0:200}"$'\n'"  a?b"
	same "the reason ends with the last one" "$(app_get web .update.reason)" 'exited with code 3: a?b'
	like "the version is named" "$(cat "$T/agent.log")" "app web: $(digest_of app:v1 | cut -c 1-19) wrote: story 9000"

	trial "command = /bin/sh -c \"echo no sensor >&2;printf '$long' >&2;exit 4\""
	wait_until "so is one that complains" 20 app_like web .update.reason '^exited with code 4: x{200}$'
	wait_until "v1 runs again" 15 settled rolled-back
	same "stderr is told like stdout" "$(count_words '^no sensor$')" 1

	: > "$T/agent.log"
	trial 'command = /bin/sh -c "exit 5"'
	wait_until "so is a silent one" 20 app_is web .update.reason 'exited with code 5'
	trial 'command = /no/such/program'
	wait_until "so is one that can't be started" 20 app_like web .update.reason '/no/such/program'
	wait_until "v1 runs again" 15 settled rolled-back
	same "of both there is nothing to tell" "$(words)" ""
}

by_health() {
	good_first
	trial 'health = tcp://:1'
	wait_until "a version that can't be healthy is rolled back" 20 settled rolled-back
	same "what it wrote is told" "$(words | sort)" "app v1: a line on stderr
app v1: started on port $PORT"
	unlike "the reason is the probe's" "$(app_get web .update.reason)" 'app v1'
}

# The agent that sees the end is not the one that has started it.
by_another_agent() {
	good_first
	trial 'probation = 60s' 'health = none' 'command = /bin/sh -c "echo going down;sleep 7;exit 6"'
	wait_until "it is on trial" 20 app_phase web probation
	agent_stop KILL
	agent_start
	wait_until "it is rolled back" 20 settled rolled-back
	same "what it wrote is told" "$(words)" "going down"
	same "in the reason too" "$(app_get web .update.reason)" "exited with code 6: going down"
}

# Nothing to go back to: tried for ever, and another last line each time.
first_version() {
	local record
	config_begin
	app web "$REG/app:v1" 'health = none' 'command = /bin/sh -c "echo it is;cat /proc/uptime;exit 7"'
	agent_start
	wait_until "it is tried again" 20 app_like web .restarts '^[1-9]'
	wait_until "and fails again" 10 app_like web .update.error '^exited with code 7: [0-9]'
	record=$(record_text "$STORE/apps/web")
	wait_until "and again" 20 app_like web .restarts '^[4-9]'
	same "its last words are told once" "$(count_words)" 2
	same "the record stays as it is" "$(record_text "$STORE/apps/web")" "$record"
	same "status says once why" "$(berth status | grep -c 'exited with code 7')" 1

	: > "$T/agent.log"
	sed -i '/^health = none/d;/^command/d' "$T/agent.ini"
	echo 'health = tcp://:1' >> "$T/agent.ini"
	agent_reload
	wait_until "the next one is not healthy" 20 app_like web .update.reason '^health: '
	wait_until "and tried again" 30 app_like web .restarts '^[2-9]'
	same "why is told once" "$(grep -c 'app web: restarted: health: ' "$T/agent.log")" 1
	same "and what it wrote" "$(count_words 'started on port')" 1
}

case_run by_exit by_health by_another_agent first_version
done_testing
