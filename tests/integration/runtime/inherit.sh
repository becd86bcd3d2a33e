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

# Keys of the one who starts it: runc does the same (the user's own keyring needs seccomp).
if [ -r /proc/keys ]; then
	sessions() { grep -o '^[0-9a-f]* .*keyring  *_ses' /proc/keys | cut -d' ' -f1 | sort; }
	sessions > "$T/before"
	start box sh -c 'sleep 1000'
	check "a container has a session keyring of its own" test -n "$(sessions | sort - "$T/before" | uniq -u)"
	rt delete --force box
fi
finish
