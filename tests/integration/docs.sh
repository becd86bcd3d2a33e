#!/bin/bash
# What the documents promise of the program: the example passes, refused keys are refused, every verb has a help text,
# and what berth(1) says about exit codes and messages is so. Needs no agent.
. "$(dirname "$0")/../lib.sh"

# refuses TEXT PATTERN: an agent.ini that must not pass, and what the error names.
refuses() {
	printf '%b' "$1" > "$T/bad.ini"
	berth check "$T/bad.ini" > "$T/out" 2>&1
	same "check refuses '${1//\\n/ | }'" $? 1
	like "and says why" "$(cat "$T/out")" "$2"
}

example() {
	local key
	same "berth check takes doc/agent.ini.example" \
		"$(berth check "$SOURCE/doc/agent.ini.example" 2>&1)" "$SOURCE/doc/agent.ini.example: good, 1 app"
	# The defaults in it, which are comments, as settings: they must be right as well.
	sed 's/^# \([a-z_]* *=\)/\1/' "$SOURCE/doc/agent.ini.example" > "$T/all.ini"
	check "and with its comments taken away" berth check "$T/all.ini"

	refuses '[agent]\nwindow = 1\n' 'bad.ini:2: \[agent\] window = 1: not supported yet'
	for key in group depends; do
		refuses "[app a]\nimage = a\n$key = 1\n" "bad.ini:3: \[app a\] $key = 1: not supported yet"
	done
	refuses '[app a]\nimage = a\nnetwork = lan\n' 'there is no \[network lan\]'
	refuses '[app a]\nimage = a\npublish = 80\n' 'use HOST:CONTAINER'
	refuses '[app a]\nimage = a\nhealth = https://:1/\n' 'https is not supported yet'
	refuses '[registry x.example]\ncert = /x\n' 'cert and key belong together'
	refuses '[app a]\nimage = oci:/media/usb\n' 'the tag is missing: add :TAG'
	refuses '[app a]\nmemory = 64Q\n' 'not a size; use a number with K, M or G'
	refuses '[app a]\nmemroy = 64M\n' 'did you mean memory'
}

commands() {
	local verb
	for verb in $(sed -nE 's/^\t\{ "([a-z]+)", ".*/\1/p' "$SOURCE/agent/cli/commands.c"); do
		check "berth $verb --help" berth "$verb" --help
	done
	berth nosuch > "$T/out" 2>&1
	same "an unknown command is wrong usage" $? 2
	BERTH_HOST='' DOCKER_HOST=unix://$T/none "$BERTH" ps > "$T/out" 2>&1
	same "no agent is a failure" $? 1
	like "that names DOCKER_HOST's socket" "$(cat "$T/out")" "unix://$T/none"
	BERTH_HOST=unix://$T/own DOCKER_HOST=unix://$T/none "$BERTH" ps > "$T/out" 2>&1
	like "BERTH_HOST goes before it" "$(cat "$T/out")" "unix://$T/own"
	for verb in fsck df; do
		[ ! -e /etc/berth/agent.ini ] || break
		"$BERTH" -H "$T/none" $verb > "$T/out" 2>&1
		like "$verb without an agent asks for the agent.ini" "$(cat "$T/out")" 'no agent answers; name its agent.ini: --config FILE'
	done
	"$BERTH" -H "$T/given" ps > "$T/out" 2>&1
	like "-H goes before both" "$(cat "$T/out")" "unix://$T/given"
}

case_run example commands
done_testing
