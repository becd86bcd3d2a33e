#!/bin/bash
# process.selinuxLabel and linux.mountLabel with a kernel that enforces policy.cil. In the guest of tests/kernel/labels.
. "$(dirname "$0")/harness"

secilc -M true -f /dev/null -o "$T/policy" "$(dirname "$0")/policy.cil"
mount -t selinuxfs selinuxfs /sys/fs/selinux
check "a policy is loaded" dd if="$T/policy" of=/sys/fs/selinux/load bs=1M
echo 1 > /sys/fs/selinux/enforce
same "and is enforced" "$(cat /sys/fs/selinux/enforce)" 1
label() { tr -d '\0' < "/proc/$1/attr/current"; }
same "the host's label" "$(label self)" u:r:host_t:s0

mkdir "$T/files" "$T/secret"
mount -t tmpfs -o 'context="u:r:files_t:s0:c1,c2"' tmpfs "$T/files"
mount -t tmpfs -o context=u:r:secret_t:s0 tmpfs "$T/secret"
echo open > "$T/files/file"
echo hidden > "$T/secret/file"
settings() {
	fresh
	MOUNTS=',{"destination":"/files","source":"'$T/files'","options":["bind"]}
		,{"destination":"/secret","source":"'$T/secret'","options":["bind"]}
		,{"destination":"/dev/mqueue","type":"mqueue","source":"mqueue","options":["nosuid","noexec","nodev"]}
		,{"destination":"/tmp","type":"tmpfs","options":["tmpcopyup","size=1m"]}'
	PROCESS=',"selinuxLabel":"u:r:box_t:s0:c1,c2"'
}
settings
box=u:r:box_t:s0:c1,c2
LABEL='tr -d "\000" < /proc/self/attr/current; echo;'
PROBE="$LABEL cat /files/file /secret/file; echo > /etc/file; echo > /files/new && echo wrote"
denied="$box
open
cat: can't open '/secret/file': Permission denied
sh: can't create /etc/file: Permission denied
wrote"

PROCESS=''
run none sh -c "$LABEL cat /files/file /secret/file"
same "without a label nothing is denied" "$OUT" $'u:r:host_t:s0\nopen\nhidden'
settings
run box sh -c "$PROBE"
same "a label, and what its policy denies" "$OUT" "$denied"
PROCESS="$PROCESS"',"init":true'
run init sh -c "$PROBE"
same "with an init" "$OUT" "$denied"
settings
NNP=false
run box sh -c "$PROBE"
same "without noNewPrivileges as well" "$OUT" "$denied"

# ---- mounts ----

WRITE='for dir in dev dev/shm dev/mqueue tmp; do true > /$dir/new && echo wrote; done'
run plain sh -c "$WRITE"
same "the container's mounts are not its own to write" "$OUT" "sh: can't create /dev/new: Permission denied
sh: can't create /dev/shm/new: Permission denied
sh: can't create /dev/mqueue/new: Permission denied
sh: can't create /tmp/new: Permission denied"
echo old > "$ROOTS/tmp/old"
LINUX=',"mountLabel":"u:r:files_t:s0:c1,c2"'
run own sh -c "$WRITE; cat /tmp/old; sed -n 's/^[^ ]* \(.[dt][^ ]*\) .*,context=\([^ ]*c2.\).*/\1 \2/p' /proc/mounts"
same "but with a label for them" "$OUT" 'wrote
wrote
wrote
wrote
old
/dev "u:r:files_t:s0:c1,c2"
/dev/pts "u:r:files_t:s0:c1,c2"
/dev/shm "u:r:files_t:s0:c1,c2"
/tmp "u:r:files_t:s0:c1,c2"'

USERS="$NAMESPACES"',{"type":"user"}'
MAPPINGS=',"uidMappings":[{"containerID":0,"hostID":100000,"size":65536}],"gidMappings":[{"containerID":0,"hostID":100000,"size":65536}]'
NAMESPACES=$USERS LINUX="$LINUX$MAPPINGS"
run users sh -c "$WRITE; $LABEL"
same "also in a user namespace" "$OUT" $'wrote\nwrote\nwrote\nwrote\n'$box
settings

# ---- keys ----

# Those that it may see: a proc of its own, for the other's list of them is masked.
MOUNTS="$MOUNTS"',{"destination":"/srv","type":"proc","source":"proc"}'
run keys grep -c _ses /srv/keys
same "its session keyring is its own" "$OUT" 1
start box sleep 1000
same "that of an exec as well, which sees both" "$(rt exec box grep -c _ses /srv/keys)" 2
rt delete --force box
settings

# ---- exec ----

printf '{"args":["cat","/proc/self/attr/current"],"cwd":"/","env":["PATH=/bin"]}' > "$T/plain.json"
printf '{"args":["cat","/proc/self/attr/current"],"cwd":"/","env":["PATH=/bin"],"selinuxLabel":"u:r:box_t:s0"}' > "$T/other.json"
printf '{"args":["true"],"cwd":"/","env":["PATH=/bin"],"selinuxLabel":"u:r:nothing_t:s0"}' > "$T/missing.json"
file() { rt exec --process "$T/$1.json" box 2>&1 < /dev/null | tr -d '\0'; }
start box sleep 1000
same "the process of a container" "$(label "$(pid_of box)")" $box
same "exec" "$(rt exec box sh -c "$PROBE" 2>&1 < /dev/null)" "$denied"
same "exec on a terminal" "$(rt exec --tty box sh -c "$LABEL tty" < /dev/null)" "$box"$'\r\n/dev/pts/0\r'
same "exec of a process without a label: the container's" "$(file plain)" $box
same "exec of a process with another" "$(file other)" u:r:box_t:s0
same "exec --process-label" "$(rt exec --process-label u:r:box_t:s0 box sh -c "$LABEL" 2>&1 < /dev/null)" u:r:box_t:s0
like "exec --process-label with one that is not of the policy" "$(rt exec --process-label u:r:nothing_t:s0 box true 2>&1 < /dev/null)" \
	'selinuxLabel u:r:nothing_t:s0: the policy that is loaded has no such label'
like "exec of a process with one that is not of the policy" "$(file missing)" 'selinuxLabel u:r:nothing_t:s0: the policy that is loaded has no such label'
rt delete --force box

# ---- errors ----

settings
PROCESS=',"selinuxLabel":"u:r:nothing_t:s0"'
run bad true
same "a label that the policy does not have" "$CODE $OUT" \
	"125 berth runtime run: process.selinuxLabel u:r:nothing_t:s0: the policy that is loaded has no such label"
settings
LINUX=',"mountLabel":"u:r:nothing_t:s0"'
run bad true
same "one for mounts" "$CODE $OUT" \
	"125 berth runtime run: linux.mountLabel u:r:nothing_t:s0: the policy that is loaded has no such label"
settings
PROCESS=',"selinuxLabel":"u:r:secret_t:s0"'
run bad true
like "one that the host may not give" "$CODE $OUT" '^126 berth runtime run: exec /bin/true: the policy behind its apparmorProfile or selinuxLabel does not allow it'
PROCESS=',"apparmorProfile":"box"'
run apparmor true
like "AppArmor is not there" "$CODE $OUT" '^125 .*process.apparmorProfile box: this kernel has no AppArmor, or it is switched off$'
same "nothing is left" "$(cgroup_dirs)" ''
finish
