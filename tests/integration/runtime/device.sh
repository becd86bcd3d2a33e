#!/bin/bash
# Devices that come and go while a container runs: nodes and rules. The device is 10:200 (tun): whether the kernel has it or
# not, without a rule it is "not permitted", and with one it is not.
. "$(dirname "$0")/harness"

inside() { rt exec box "$@" 2>&1; }
opens() { inside sh -c "exec 3< $1" 2>&1; }

RESOURCES='"devices": [ { "allow": false, "access": "rwm" } ]'
config box sh -c 'trap "exit 0" TERM; while :; do sleep 0.05; done'
cd "$T/box" || exit
rt create box < /dev/null > "$T/out" 2>&1 || cat "$T/out"
rt start box
like "no such device before" "$(inside ls -l /dev/sensor)" 'No such file'
inside mknod /tmp/own c 10 200
like "a node of its own cannot be opened" "$(opens /tmp/own)" 'not permitted'

check "add" rt device --node c:10:200:640:1000:20 --rules +c:10:200:r box /dev/sensor
same "the node" "$(inside stat -c '%t:%T %a %u %g' /dev/sensor)" 'a:c8 640 1000 20'
unlike "can be opened" "$(opens /dev/sensor)" 'not permitted'
like "for reading only" "$(inside sh -c 'exec 3> /dev/sensor')" 'not permitted'
check "the same again" rt device --node c:10:200:640:1000:20 --rules +c:10:200:r box /dev/sensor
check "in a directory that isn't there" rt device --node c:10:200:666:0:0 --rules +c:10:200:rw box /dev/bus/usb/1
same "is made" "$(inside stat -c '%t:%T' /dev/bus/usb/1)" 'a:c8'
check "under another number" rt device --node c:1:5:666:0:0 --rules -c:10:200:rw,+c:1:5:rwm box /dev/sensor
same "the node is replaced" "$(inside stat -c '%t:%T %a' /dev/sensor)" '1:5 666'
like "the former number is closed" "$(opens /dev/bus/usb/1)" 'not permitted'
same "the new one is open" "$(inside head -c 3 /dev/sensor | tr '\0' 0)" 000
check "remove" rt device --rules -c:1:5:rw box /dev/sensor
like "it is gone" "$(inside ls /dev/sensor)" 'No such file'
check "removing it twice is fine" rt device --rules -c:1:5:rw box /dev/sensor
same "what every container has stays open" "$(inside head -c 3 /dev/zero | tr '\0' 0)" 000

like "a file is not replaced" "$(rt device --node c:10:200:666:0:0 box /etc/passwd 2>&1)" 'device /etc/passwd: something else is there'
like "nor removed" "$(rt device box /etc/passwd 2>&1)" 'something else is there'
inside busybox ln -s /data /dev/link
like "a link is not followed" "$(rt device --node c:10:200:666:0:0 box /dev/link/x 2>&1)" 'symbolic link'
same "nothing came to lie there" "$(ls "$ROOTS/data")" ''
inside busybox ln -s /etc/passwd /dev/over
like "a link is no device" "$(rt device --node c:10:200:666:0:0 box /dev/over 2>&1)" 'something else is there'
inside mkdir /dev/.berth-device
like "a hostile name beside it is an error" "$(rt device --node c:10:200:666:0:0 box /dev/hostile 2>&1)" 'make the device node'
like "a relative path" "$(rt device --node c:10:200:666:0:0 box dev/x 2>&1)" 'not the absolute path'
for rules in c:1:1:r +c:1:1 +c:1:1:x +c:1:1:r, ,+c:1:1:r +d:1:1:r; do
	[ "$rules" = +c:1:1:r, ] || like "rules $rules" "$(rt device --rules "$rules" box /dev/x 2>&1)" 'is no rule'
done
rt kill box TERM
wait_for 20 eval '[ "$(rt state box | sed -n "s/.*\"status\": \"\(.*\)\".*/\1/p")" = stopped ]'
like "one that has ended" "$(rt device --node c:10:200:666:0:0 box /dev/x 2>&1)" 'box is stopped'
rt delete box

# ---- in a user namespace ----

mknod "$T/host" c 10 200
chmod 666 "$T/host"
mknod "$T/other" c 1 5
chmod 666 "$T/other"
NAMESPACES="$NAMESPACES"',{"type":"user"}'
LINUX=',"uidMappings":[{"containerID":0,"hostID":100000,"size":1000}],"gidMappings":[{"containerID":0,"hostID":100000,"size":1000}]'
config box sh -c 'trap "exit 0" TERM; while :; do sleep 0.05; done'
chmod 755 "$T"
if rt create box < /dev/null > "$T/out" 2>&1 && rt start box; then
	like "the host's node is needed" "$(rt device --node c:10:200:666:0:0 box /dev/sensor 2>&1)" 'needs the host.s node'
	like "and has to be that device" "$(rt device --node c:10:200:666:0:0 --source "$T/other" box /dev/sensor 2>&1)" 'another device by now'
	check "add" rt device --node c:10:200:666:0:0 --source "$T/host" --rules +c:10:200:rw box /dev/sensor
	same "the node" "$(inside stat -c '%t:%T' /dev/sensor)" 'a:c8'
	unlike "can be opened" "$(opens /dev/sensor)" '[Pp]erm'
	check "under another number" rt device --node c:1:5:666:0:0 --source "$T/other" --rules -c:10:200:rw box /dev/sensor
	same "is what it reads" "$(inside head -c 3 /dev/sensor | tr '\0' 0)" 000
	check "remove" rt device box /dev/sensor
	like "it is gone" "$(inside ls /dev/sensor)" 'No such file'
	rt kill box TERM
	wait_for 20 eval '[ "$(rt state box | sed -n "s/.*\"status\": \"\(.*\)\".*/\1/p")" = stopped ]'
	rt delete box
else
	fail "a container with a user namespace: $(cat "$T/out")"
fi
finish
