#!/bin/bash
# What a container gets from whoever starts it, beside its settings.
. "$(dirname "$0")/harness"

# The null device is a file of the host: through a descriptor of it chmod() and chown() would reach the host.
mknod "$T/device" c 1 3
chmod 666 "$T/device"
config null sh -c 'chmod 600 /proc/self/fd/0; chown 5:5 /proc/self/fd/0; cat; echo "$?"'
out=$(rt run --bundle "$T/null" null < "$T/device" 2>&1)
same "the host's null device is as it was" "$(stat -c '%a %u' "$T/device")" '666 0'
same "stdin is empty all the same" "$out" 0
start box sh -c 'sleep 1000'
out=$(rt exec box sh -c 'chmod 600 /proc/self/fd/0 /proc/self/fd/2; cat' < "$T/device" 2> "$T/device")
same "nor does exec hand it in" "$(stat -c '%a %u' "$T/device") $out" '666 0 '
rt exec box sh -c 'rm /dev/null; mkdir /dev/null' < /dev/zero
like "a trap in its place ends exec" "$(rt exec box true < "$T/device" 2>&1; echo "$?")" $'/dev/null.*\n125'
rt delete --force box

# Sockets that an engine was activated by, and a descriptor behind them to preserve; the next one is nobody's.
echo one > "$T/one"
echo two > "$T/two"
echo three > "$T/three"
config sockets sh -c 'cat <&3; cat <&4; cat <&5; cat <&6; env | grep LISTEN'
out=$(LISTEN_FDS=2 LISTEN_PID=1 LISTEN_FDNAMES=a:b rt run --preserve-fds 1 --bundle "$T/sockets" sockets \
	3< "$T/one" 4< "$T/two" 5< "$T/three" 6< "$T/one" 2> "$T/err" | sort | xargs)
same "LISTEN_FDS: its sockets, and who they are for" "$out" "LISTEN_FDNAMES=a:b LISTEN_FDS=2 LISTEN_PID=1 one three two"
like "and no more" "$(cat "$T/err")" 'Bad file descriptor|bad file descriptor'
like "one that is not there" "$(LISTEN_FDS=2 LISTEN_PID=1 rt run --bundle "$T/sockets" sockets 3< "$T/one" 2>&1)" 'LISTEN_FDS=2: descriptor 4 is not open'
same "another process's stay with it" "$(LISTEN_FDS=1 LISTEN_PID=2 rt run --bundle "$T/sockets" sockets 3< "$T/one" 2> /dev/null)" ""
start box sh -c 'sleep 1000'
same "exec has none" "$(LISTEN_FDS=1 LISTEN_PID=1 rt exec box sh -c 'env | grep -c LISTEN; ls /proc/self/fd' 3< "$T/one" | xargs)" "0 0 1 2 3"
rt delete --force box

# Keys of the one who starts it: runc does the same (the user's own keyring needs seccomp).
if [ -r /proc/keys ]; then
	sessions() { grep -o '^[0-9a-f]* .*keyring  *_ses' /proc/keys | cut -d' ' -f1 | sort; }
	sessions > "$T/before"
	start box sh -c 'sleep 1000'
	check "a container has a session keyring of its own" test -n "$(sessions | sort - "$T/before" | uniq -u)"
	rt delete --force box
fi
finish
