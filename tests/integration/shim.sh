#!/bin/bash
# The shim alone: the test plays the agent.
. "$(dirname "$0")/runtime/harness"
here=$(cd "$(dirname "$0")" && pwd)
command -v python3 > /dev/null || { echo "python3 is missing"; exit 2; }

# bundle ID WORD...: with an overlay over busybox's root
bundle() {
	local id=$1
	ROOTFS=rootfs config "$@"
	mkdir -p "$T/$id/rootfs" "$T/$id.up" "$T/$id.work"
	printf 'lower %s\nupper %s\nwork %s\n' "$ROOTS" "$T/$id.up" "$T/$id.work" > "$T/$id/overlay"
}

# talk ID TEXT STEP...: one check
talk() {
	local id=$1 text=$2
	shift 2
	check "$text" "$here/shim-client" "$BERTH" "$T/state" "$T/$id" "$@"
}

# lines ID: the log's data, each line with the number of its stream
lines() {
	python3 - "$T/$1" << 'END'
import os, struct, sys
for name in "log.1", "log":
    try:
        data = open(os.path.join(sys.argv[1], name), "rb").read()
    except FileNotFoundError:
        continue
    while data:
        stream, size, _ = struct.unpack("<IIQ", data[:16])
        sys.stdout.write(f"{stream}:" + data[16:16 + size].decode())
        data = data[16 + size:]
END
}

# said ID TEXT: waits for it in the log: what is started may take its time to be ready.
said() { echo "for i in \$(seq 300); do ! grep -qs $2 $T/$1/log || break; sleep 0.05; done"; }

field() { sed -n "s/.*\"$2\":\"\{0,1\}\([^\",}]*\).*/\1/p" "$T/$1"; }
# shellcheck disable=SC2016
loop='trap "echo bye; exit 3" TERM; echo up; echo oops >&2; while :; do sleep 0.05; done'

# ---- one life ----

bundle box sh -c "$loop"
talk box "from start to end" spawn 'expect starting' 'expect started [0-9]+ [0-9]+' "shell grep -q '\"pid\"' $T/box/started" \
	'send bye' 'expect refused the container has not ended' 'send fly' 'expect refused no such request' \
	'send resize 1 2' 'expect refused the container has no terminal' \
	"shell $(said box oops); mv $T/box.up/mark $T/mark 2>/dev/null; ! grep -q $T/box/rootfs /proc/mounts" \
	'send signal 15' 'expect exited 3 0 0' "shell ! ls $T/state | grep ." 'send signal 9' 'expect refused the container has ended' \
	'connect' 'expect exited 3 0 0' 'send bye' 'gone'
same "its log" "$(lines box)" $'1:up\n2:oops\n1:bye'
same "its exit file" "$(field box/exit code) $(field box/exit signal) $(field box/exit oom) $(field box/exit error)" '3 0 false '
like "the time is there" "$(field box/exit finished)" '^20[0-9-]*T.*Z$'
same "no socket" "$(ls "$T/box/shim.sock" 2> /dev/null)" ''
same "no cgroup" "$(cgroup_dirs)" ''

bundle box sh -c 'echo data > /file; kill -9 $$; exec sh -c "sleep 0.1; exit 42"'
talk box "the same bundle once more" spawn 'expect starting' 'expect started .*' 'expect exited 42 0 0' 'send bye' 'gone'
same "its log goes on" "$(lines box)" $'1:up\n2:oops\n1:bye'
same "what it wrote is in the upper directory" "$(cat "$T/box.up/file")" data
same "not in the layer" "$(ls "$ROOTS/file" 2> /dev/null)" ''

bundle quick true
talk quick "one that ends at once" spawn 'expect starting' 'expect started .*' 'expect exited 0 0 0' 'send bye' 'gone'
bundle killed sleep 1000
talk killed "killed" spawn 'expect starting' 'expect started .*' 'send signal 9' 'expect exited 137 9 0' 'send bye' 'gone'
same "in its exit file" "$(field killed/exit code) $(field killed/exit signal)" '137 9'
talk killed "a signal while it starts is not lost" spawn 'send signal 9' 'expect starting' 'expect started .*' 'expect exited 137 9 0' \
	'send bye' 'gone'

# ---- memory ----

RESOURCES='"memory":{"limit":16777216,"swap":16777216}'
bundle hog sh -c 'exec dd if=/dev/zero of=/dev/null bs=64M count=1'
talk hog "out of memory is told apart" spawn 'expect starting' 'expect started .*' 'expect exited 137 9 1' 'send bye' 'gone'
same "in its exit file" "$(field hog/exit oom)" true
bundle hog sh -c 'kill -9 $$; exit 7'
talk hog "and not kept for the next run" spawn 'expect starting' 'expect started .*' 'expect exited 7 0 0' 'send bye' 'gone'
bundle hog sh -c 'dd if=/dev/zero of=/dev/null bs=64M count=1; exit 8'
talk hog "a child alone" spawn 'expect starting' 'expect started .*' 'expect exited 8 0 1' 'send bye' 'gone'
fresh

# ---- a user namespace: the owners of layers are shifted ----

mkdir -p "$T/top/data" "$T/vol" "$T/shifted.copies"
echo text > "$T/top/data/file"
chown 7:8 "$T/top/data/file"
NAMESPACES="$NAMESPACES,{\"type\":\"user\"}"
LINUX=',"uidMappings":[{"containerID":0,"hostID":100000,"size":65536}],"gidMappings":[{"containerID":0,"hostID":100000,"size":65536}]'
MOUNTS=",{\"destination\":\"/srv\",\"source\":\"$T/vol\",\"options\":[\"bind\",\"idmap\"]},{\"destination\":\"/etc/hosts\",\"source\":\"$T/shifted/copies/hosts\",\"options\":[\"bind\"]}"
bundle shifted sh -c 'stat -c %u:%g / /bin /data/file /srv /etc/hosts; chown 9:9 /data/file; echo x > /new; echo y > /srv/new; echo z >> /etc/hosts; exit 4'
mkdir "$T/shifted/copies"
echo hosts > "$T/shifted/hosts"
printf 'lower %s\nidmap 0 100000 65536\n' "$T/top" >> "$T/shifted/overlay"
talk shifted "layers with shifted owners" spawn 'expect starting' 'expect started .*' 'expect exited 4 0 0' 'send bye' 'gone'
same "inside they are those of the image" "$(lines shifted)" $'1:0:0\n1:0:0\n1:7:8\n1:0:0\n1:0:0'
same "a new file is the container's root's outside" "$(stat -c %u:%g "$T/shifted.up/new" "$T/shifted.up/data/file")" $'100000:100000\n100009:100009'
same "the layer and a volume have the image's" "$(stat -c %u:%g "$T/top/data/file" "$T/vol/new")" $'7:8\n0:0'
same "no place of layers is left" "$(ls "$T/shifted")" "$(ls "$T/shifted" | grep -v layers)"
bundle shifted true
echo 'idmap 5 1 1' >> "$T/shifted/overlay"
talk shifted "a wrong line" spawn 'expect failed 125 .*overlay file has a wrong "idmap"' 'send bye' 'gone'
fresh

# ---- failures ----

bundle bad /bin/nothing
talk bad "a missing program" spawn 'expect starting' 'expect failed 127 exec /bin/nothing: no such file.*' \
	'connect' 'expect failed 127 .*' 'send bye' 'gone'
same "in its exit file" "$(field bad/exit code) $(field bad/exit error)" \
	'127 exec /bin/nothing: no such file or directory (check command = or the image'"'s Entrypoint)"
printf 'MZ\0\0' > "$ROOTS/bin/alien"
chmod 755 "$ROOTS/bin/alien"
bundle bad alien
talk bad "one that cannot be executed" spawn 'expect starting' 'expect failed 126 exec /bin/alien: not a program.*' 'send bye' 'gone'
USER='{"uid":0,"gid":0,"username":"none"}'
bundle bad true
talk bad "an unknown user" spawn 'expect starting' "expect failed 125 user \"none\" is not in the image's /etc/passwd" 'send bye' 'gone'
fresh
bundle bad true
echo 'lower /none' > "$T/bad/overlay"
talk bad "a missing layer" spawn "expect failed 125 mount the layer /none: .*" 'send bye' 'gone'
printf 'lower /none\nupper /none\nwork /none\n' > "$T/bad/overlay"
talk bad "a broken overlay" spawn "expect failed 125 mount the container's file system .*" 'send bye' 'gone'
echo 'nonsense' > "$T/bad/overlay"
talk bad "a broken overlay file" spawn "expect failed 125 the bundle's overlay file .*" 'send bye' 'gone'
rm "$T/bad/overlay" "$T/bad/config.json"
talk bad "no configuration" spawn 'expect starting' 'expect failed 125 read .*/config.json: No such file or directory' 'send bye' 'gone'
same "nothing is left of them" "$(ls "$T/state")$(cgroup_dirs)" ''

# ---- layers ----

mkdir -p "$T/top" "$T/odd:na,me"
echo top > "$T/top/which"
echo odd > "$T/odd:na,me/which"
bundle layers cat /which
printf 'lower %s\nlower %s\n' "$T/top" "$ROOTS" > "$T/layers/overlay"
talk layers "layers, the topmost first, read-only" spawn 'expect starting' 'expect started .*' 'expect exited 0 0 0' 'send bye' 'gone'
printf 'lower %s\nlower %s\nupper %s\nwork %s\n' "$T/odd:na,me" "$ROOTS" "$T/layers.up" "$T/layers.work" > "$T/layers/overlay"
talk layers "paths with overlayfs's own characters" spawn 'expect starting' 'expect started .*' 'expect exited 0 0 0' 'send bye' 'gone'
same "what they read" "$(lines layers)" $'1:top\n1:odd'
for i in $(seq 120); do
	long=$T/layers-with-a-long-name-so-that-a-page-is-full-soon/$i
	mkdir -p "$long"
	echo "lower $long"
done > "$T/layers/overlay"
printf 'lower %s\nlower %s\nupper %s\nwork %s\n' "$T/top" "$ROOTS" "$T/layers.up" "$T/layers.work" >> "$T/layers/overlay"
if [ "$(printf '%s\n' 6.5 "$(uname -r)" | sort -V | head -1)" = 6.5 ]; then
	talk layers "more layers than fit in a page" spawn 'expect starting' 'expect started .*' 'expect exited 0 0 0' 'send bye' 'gone'
else
	talk layers "more layers than fit in a page" spawn 'expect failed 125 mount 122 layers: .*needs Linux 6.5.*' 'send bye' 'gone'
fi

# ---- output ----

bundle chatty sh -c 'i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); done; printf end'
talk chatty "much output" 'spawn --log-size 32768' 'expect starting' 'expect started .*' 'expect exited 0 0 0' 'send bye' 'gone'
like "the end is kept" "$(lines chatty | tail -2)" $'^1:line 2999\n1:end$'
size=$(($(wc -c < "$T/chatty/log") + $(wc -c < "$T/chatty/log.1")))
check "within the limit" test $size -le 32768 -a $size -gt 16384
bundle late sh -c '(sleep 20; echo late) & echo early'
talk late "output of what init leaves behind is kept as far as it came" spawn 'expect starting' 'expect started .*' 'expect exited 0 0 0' \
	'send bye' 'gone'
same "the early part" "$(lines late)" 1:early
bundle stdin cat
talk stdin "stdin is closed when asked" 'spawn --stdin' 'expect starting' 'expect started .*' 'shell sleep 0.2' 'send stdin-close' \
	'expect exited 0 0 0' 'send bye' 'gone'
TERMINAL=true
bundle term sh -c 'tty; until stty size 2> /dev/null | grep -q 7; do sleep 0.05; done; stty size'
ln -sf busybox "$ROOTS/bin/stty"
talk term "a terminal" 'spawn --tty' 'expect starting' 'expect started .*' 'shell sleep 0.3' 'send resize 7 9' 'expect exited 0 0 0' \
	'send bye' 'gone'
same "what it showed" "$(lines term)" $'1:/dev/pts/0\r\n1:7 9\r'
fresh

# ---- when somebody dies ----

bundle orphan sh -c "$loop"
talk orphan "the agent goes away" spawn 'expect starting' 'expect started .*' "shell $(said orphan oops)"
same "the container goes on" "$(status orphan)" running
talk orphan "another agent finds it" connect 'expect started [0-9]+ [0-9]+' 'send signal 15' 'expect exited 3 0 0' 'send bye' 'gone'
bundle widow sh -c "$loop"
talk widow "the shim is killed" spawn 'expect starting' 'expect started .*' kill
same "there is no exit file" "$(ls "$T/widow/exit" 2> /dev/null)" ''
check "the runtime cleans up" rt delete --force widow
same "nothing is left" "$(ls "$T/state")$(cgroup_dirs)" ''
bundle widow sleep 0.2
talk widow "and the bundle can be used again" spawn 'expect starting' 'expect started .*' 'expect exited 0 0 0' 'send bye' 'gone'

# ---- how small it is ----

bundle small sleep 1000
talk small "its size" spawn 'expect starting' 'expect started .*' "shell for i in \$(seq 50); do sleep 0.2; cat /proc/\$SHIM/smaps_rollup > $T/size; awk '/^Private_Dirty/ { exit \$2 > 100 }' $T/size && break; done; ls /proc/\$SHIM/fd | wc -l > $T/fds" \
	'send signal 9' 'expect exited 137 9 0' 'send bye' 'gone'
dirty=$(awk '/^Private_Dirty/ { print $2 }' "$T/size")
echo "      private: $dirty kB dirty, $(awk '/^Private_Clean/ { print $2 }' "$T/size") kB clean; $(cat "$T/fds") descriptors"
check "at most 100 kB that are its own for good" test "$dirty" -le 100
for i in $(seq 30); do
	"$here/shim-client" "$BERTH" "$T/state" "$T/quick" spawn 'expect starting' 'expect started .*' 'expect exited 0 0 0' 'send bye' gone ||
		fail "run $i"
done
same "30 runs leave no mounts" "$(grep -c "$T" /proc/mounts)" 0
same "no state, no cgroup" "$(ls "$T/state")$(cgroup_dirs)" ''
finish
