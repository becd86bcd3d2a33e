#!/bin/bash
# Devices that come and go while an app runs: device add, rm and ls; links that point elsewhere; optional ones; the next agent.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl
fleet

# Nodes in a directory of ours stand for /dev, a link there for what udev makes: 1:5 (zero) and 1:7 (full) give zeros, 10:200
# (tun) is one that no container has. A change event of the kernel's own makes the agent look, as any does.
D=$T/dev
uevent() { echo change > /sys/class/mem/null/uevent; }
inside() { berth exec box "$@" 2>&1; }
number() { inside sh -c "stat -c %t:%T $1"; }
is_number() { [ "$(number "$1")" = "$2" ]; }
is_owned() { [ "$(inside stat -c '%a %u %g' "$1")" = "$2" ]; }
is_gone() { [[ $(number "$1") = *'No such file'* ]]; }
opens() { inside sh -c "exec 3< $1"; }
has_node() { berth device ls box | grep -q "$1"; }

nodes() {
	rm -rf "$D"
	mkdir -p "$D/by-id"
	mknod "$D/tty0" c 10 200
	mknod "$D/tty1" c 1 7
	mknod "$D/tty2" c 1 9
	chmod 666 "$D"/tty*
	ln -s ../tty0 "$D/by-id/sensor"
}

start() {
	nodes
	config_begin
	app box "$REG/app:v1" 'health = none' 'command = /opt/app/run lines 1' "$@"
	agent_start
	wait_until "box runs" 20 app_runs box "$(digest_of app:v1)"
}

by_hand() {
	start
	inside sh -c 'mknod /tmp/own c 10 200'
	like "a node of its own is shut" "$(opens /tmp/own)" 'not permitted'
	check "device add" berth device add box "$D/tty0:/dev/sensor:rw"
	same "the node is there" "$(number /dev/sensor)" a:c8
	[[ $(opens /dev/sensor) = *'not permitted'* ]] && fail "it cannot be opened" || ok "it can be opened"
	like "ls" "$(berth device ls box)" "$D/tty0 +/dev/sensor +rw +c 10:200 +yes"
	like "the path is taken" "$(berth device add box "$D/tty1:/dev/sensor" 2>&1)" 'has a device at /dev/sensor already'
	like "one that isn't there" "$(berth device add box "$D/none" 2>&1)" "$D/none.*is it plugged in"
	like "a file is none" "$(berth device add box /etc/passwd:/dev/x 2>&1)" 'not a device node'
	like "nonsense" "$(berth device add box dev 2>&1)" 'absolute'
	like "a file in the container is not replaced" "$(berth device add box "$D/tty0:/etc/passwd" 2>&1)" 'something else is there'
	same "and is on no list" "$(berth device ls box | grep -c passwd)" 0
	like "no such app" "$(berth device add nosuch "$D/tty0" 2>&1)" nosuch
	like "no such USB device" "$(berth device add box usb:ffff:0001:/dev/x 2>&1)" 'usb:ffff:0001: not plugged in'
	like "no such word" "$(berth device foo box 2>&1)" 'use add CONTAINER'
	agent_stop KILL
	agent_start
	wait_until "the next agent finds it running" 10 app_is box .state running # as soon as its shim answers
	like "and knows the device" "$(berth device ls box)" "/dev/sensor +rw +c 10:200 +yes"
	check "device rm" berth device rm box /dev/sensor
	check "the node is gone" is_gone /dev/sensor
	like "the device is shut" "$(opens /tmp/own)" 'not permitted'
	like "rm of what isn't there" "$(berth device rm box /dev/sensor 2>&1)" 'has no device /dev/sensor'
	like "rm of what every container has" "$(berth device rm box /dev/null 2>&1)" 'has no device /dev/null'
	same "which works still" "$(inside sh -c 'echo a > /dev/null && echo b')" b
	berth device add box "$D/tty0:/dev/sensor"
	berth stop -t 1 box > /dev/null
	like "not while it is stopped" "$(berth device add box "$D/tty0:/dev/x" 2>&1)" 'box is not running'
	berth start box > /dev/null
	check "what was added has ended with the container" is_gone /dev/sensor
	no_leftovers 1
}

links() {
	start "device = $D/by-id/sensor:/dev/ttyS9:rw" "device = $D/tty2:/dev/ttyS8"
	same "as it was at the start" "$(number /dev/ttyS9) $(number /dev/ttyS8)" "a:c8 1:9"
	inside sh -c 'mknod /tmp/own c 10 200'
	ln -sfn ../tty1 "$D/by-id/sensor"
	uevent
	wait_until "the link points elsewhere: the node follows" 10 is_number /dev/ttyS9 1:7
	like "the former device is shut" "$(opens /tmp/own)" 'not permitted'
	same "the new one is open" "$(inside sh -c 'head -c 3 /dev/ttyS9 | tr "\0" 0')" 000
	chown 1000:20 "$D/tty1"
	chmod 640 "$D/tty1"
	uevent
	wait_until "its owner and mode come later: they follow, too" 10 is_owned /dev/ttyS9 "640 1000 20"
	rm "$D/by-id/sensor"
	uevent
	wait_until "unplugged: the node is gone" 10 is_gone /dev/ttyS9
	wait_until "the list says so" 10 has_node 'ttyS9  *rw  *absent  *no'
	agent_stop TERM
	ln -sfn ../tty0 "$D/by-id/sensor"
	agent_start
	wait_until "plugged in while no agent was there" 10 is_number /dev/ttyS9 a:c8
	[[ $(opens /dev/ttyS9) = *'not permitted'* ]] && fail "it cannot be opened" || ok "it can be opened"
	check "rm of agent.ini's" berth device rm box /dev/ttyS9
	like "is shut" "$(opens /tmp/own)" 'not permitted'
	uevent
	check "and stays away" stays 3 is_gone /dev/ttyS9
	check "another one in its place" berth device add box "$D/tty2:/dev/ttyS9"
	like "the former one stays shut" "$(opens /tmp/own)" 'not permitted'
	same "the other device has not changed" "$(number /dev/ttyS8)" 1:9
	same "the app was not restarted" "$(app_get box .restarts)" 0
	rm "$D/tty2"
	berth stop -t 1 box > /dev/null
	like "a device that isn't there is an error at the start" "$(berth start box 2>&1)" "tty2.*is it plugged in"
}

optional() {
	nodes
	rm "$D/by-id/sensor"
	config_begin
	app box "$REG/app:v1" 'health = none' 'command = /opt/app/run lines 1' "device = $D/by-id/sensor:/dev/ttyS9:rw:optional" \
		'device = usb:ffff:0001:/dev/ttyS8:optional'
	agent_start
	wait_until "an optional one may be absent" 20 app_runs box "$(digest_of app:v1)"
	check "it is" is_gone /dev/ttyS9
	ln -s ../tty0 "$D/by-id/sensor"
	uevent
	wait_until "it appears when it is plugged in" 10 is_number /dev/ttyS9 a:c8
	[[ $(opens /dev/ttyS9) = *'not permitted'* ]] && fail "it cannot be opened" || ok "it can be opened"
	rm "$D/by-id/sensor"
	uevent
	wait_until "and goes" 10 is_gone /dev/ttyS9
	inside sh -c 'echo > /dev/ttyS9'
	ln -s ../tty0 "$D/by-id/sensor"
	uevent
	wait_until "what is in its place is told" 10 grep -q 'ttyS9: something else is there' "$T/agent.log"
	sleep 4
	same "once" "$(grep -c 'ttyS9: something else is there' "$T/agent.log")" 1
	inside busybox rm /dev/ttyS9
	wait_until "when that is gone, the device gets there by itself" 15 is_number /dev/ttyS9 a:c8
	rm "$D/by-id/sensor"
	uevent
	wait_until "and goes again" 10 is_gone /dev/ttyS9
	inside sh -c 'echo > /dev/ttyS9'
	ln -s ../tty0 "$D/by-id/sensor"
	uevent
	wait_until "what is in its place is told again" 10 eval '[ "$(grep -c "ttyS9: something else is there" "$T/agent.log")" = 2 ]'
	rm "$D/by-id/sensor"
	uevent
	wait_until "unplugged" 10 has_node 'ttyS9 .* absent '
	inside busybox rm /dev/ttyS9
	uevent
	check "and stays gone" stays 1 is_gone /dev/ttyS9
	ln -s ../tty0 "$D/by-id/sensor"
	uevent
	wait_until "plugged in anew it is tried anew" 10 is_number /dev/ttyS9 a:c8
	note "while the app is paused"
	berth pause box > /dev/null
	ln -sfn ../tty1 "$D/by-id/sensor"
	uevent
	wait_until "it follows, too" 10 has_node 'c 1:7'
	berth unpause box > /dev/null
	same "and is there afterwards" "$(number /dev/ttyS9)" 1:7
}

own_users() {
	start 'userns = auto'
	check "an app with users of its own: device add" berth device add box "$D/tty1:/dev/sensor"
	same "the node is there" "$(number /dev/sensor)" 1:7
	same "and open" "$(inside sh -c 'head -c 3 /dev/sensor | tr "\0" 0')" 000
	check "device rm" berth device rm box /dev/sensor
	check "the node is gone" is_gone /dev/sensor
	same "and is on no list" "$(berth device ls box | grep -c sensor)" 0
	check "again" berth device add box "$D/tty1:/dev/sensor"
	same "the node is there" "$(number /dev/sensor)" 1:7
}

# A real one: the kernel makes the block device, and tells of it.
loops() {
	local loop
	start
	dd if=/dev/zero of="$T/disk" bs=1M count=1 2> /dev/null
	loop=$(losetup -f --show "$T/disk") || { skip "no loop device"; return; }
	check "a block device" berth device add box "$loop:/dev/disk"
	same "is one" "$(inside sh -c 'stat -c %F /dev/disk')" 'block special file'
	same "and can be read" "$(inside sh -c 'head -c 1000000 /dev/disk | wc -c')" 1000000
	losetup -d "$loop"
}

case_run ${1:-by_hand links optional own_users loops}
done_testing
