#!/bin/bash
# All of linux.resources, beyond what limits.sh shows to hold: which file says what afterwards, and what a host that
# lacks something says. cgroup v1 or v2, whatever this host has; controllers that it does not have are refused.
. "$(dirname "$0")/harness"

# v1: is there a hierarchy of that name? v2: a controller?
has() {
	if [ $CGROUP = 2 ]; then
		[[ " $(cat /sys/fs/cgroup/cgroup.controllers) " = *" $2 "* ]]
	else
		grep -q " - cgroup [^ ]* .*\<$1\>" /proc/self/mountinfo
	fi
}
# The last processor, in what a cpuset shows.
cpu=$(($(grep -c ^processor /proc/cpuinfo) - 1))
refused() { like "$1" "$OUT" "$2"; }

RESOURCES='"cpu":{"quota":50000,"period":100000,"burst":20000},"memory":{"limit":33554432,"reservation":16777216}'
start burst sleep 1000
if [ $CGROUP = 2 ]; then
	same "burst" "$(cgroup_file burst '' '' cpu.max.burst)" 20000
	same "reservation" "$(cgroup_file burst '' '' memory.low)" 16777216
else
	same "burst" "$(cgroup_file burst cpu cpu.cfs_burst_us '')" 20000
	same "reservation" "$(cgroup_file burst memory memory.soft_limit_in_bytes '')" 16777216
fi
rt delete --force burst

RESOURCES='"cpu":{"idle":1,"shares":512}'
start idle sleep 1000
same "cpu.idle" "$(cgroup_file idle cpu cpu.idle cpu.idle)" 1
rt delete --force idle

if has cpuset cpuset; then
	RESOURCES="\"cpu\":{\"cpus\":\"$cpu\",\"mems\":\"0\"}"
	start set sleep 1000
	same "cpuset" "$(cgroup_file set cpuset cpuset.cpus cpuset.cpus)" "$cpu"
	same "and the process is held to it" "$(rt exec set sh -c 'grep Cpus_allowed_list /proc/self/status')" \
		"Cpus_allowed_list:"$'\t'"$cpu"
	rt delete --force set
	RESOURCES='"cpu":{"cpus":"4000"}'
	run set true
	refused "a processor that is not there" 'cpuset.cpus: '
else
	fail "this host has no cpuset"
fi

# A disk of this host, if it has one.
disk=
for dev in /sys/block/*/dev; do
	case $dev in */loop* | */ram* | */zram*) continue ;; esac
	[ -e "$dev" ] && { read -r disk < "$dev"; break; }
done
if [ "$disk" ]; then
	rate='"major":'${disk%:*}',"minor":'${disk#*:}',"rate":'
	RESOURCES="\"blockIO\":{\"throttleReadBpsDevice\":[{${rate}1048576}],\"throttleWriteIOPSDevice\":[{${rate}50}]}"
	start io sleep 1000
	if [ $CGROUP = 2 ]; then
		like "io.max" "$(cgroup_file io '' '' io.max)" "$disk rbps=1048576 wbps=max riops=max wiops=50"
	else
		same "read_bps" "$(cgroup_file io blkio blkio.throttle.read_bps_device '')" "$disk 1048576"
		same "write_iops" "$(cgroup_file io blkio blkio.throttle.write_iops_device '')" "$disk 50"
	fi
	rt delete --force io
fi
RESOURCES='"blockIO":{"weight":300}'
run weight sh -c 'echo runs'
case $OUT in
runs) ok "a weight for disks" ;;
*) refused "a weight for disks" 'needs the I/O scheduler BFQ' ;;
esac

RESOURCES='"hugepageLimits":[{"pageSize":"2MB","limit":4194304}]'
run huge sh -c 'echo runs'
if has hugetlb hugetlb; then
	same "hugepages" "$OUT" runs
	RESOURCES='"hugepageLimits":[{"pageSize":"3MB","limit":4194304}]'
	run huge true
	refused "pages of a size that is not there" 'no pages of 3MB here'
else
	refused "hugepages without their controller" 'no hugetlb cgroup controller'
fi

RESOURCES='"network":{"classID":1048577}'
run net true
if [ $CGROUP = 2 ]; then
	refused "v2 has no network classes" 'cgroup v2 has no network.classID'
elif ! has net_cls; then
	refused "network classes without their controller" 'no net_cls cgroup controller'
else
	same "network classes" "$CODE" 0
fi

if [ $CGROUP = 2 ]; then
	RESOURCES='"unified":{"memory.high":"20000000","cgroup.max.depth":"3","memory.oom.group":"1"}'
	start unified sleep 1000
	same "unified" "$(cgroup_file unified '' '' memory.high)" 19996672
	same "of the core" "$(cgroup_file unified '' '' cgroup.max.depth)" 3
	rt delete --force unified
	RESOURCES='"unified":{"memory.nothing":"1"}'
	run unified true
	refused "a file that is not there" 'unified: there is no memory.nothing'
	RESOURCES='"memory":{"limit":33554432,"swappiness":5}'
	run old true
	refused "what v1 alone has" 'cgroup v2 has no memory.swappiness'
else
	RESOURCES='"unified":{"memory.high":"20000000"}'
	run unified true
	refused "unified is v2's" 'memory.high belongs to cgroup v2'
	RESOURCES='"memory":{"limit":33554432,"swappiness":5,"disableOOMKiller":true}'
	start old sleep 1000
	same "swappiness" "$(cgroup_file old memory memory.swappiness '')" 5
	like "the OOM killer is off" "$(cgroup_file old memory memory.oom_control '')" 'oom_kill_disable 1'
	rt delete --force old
fi
if [ $CGROUP = 2 ]; then
	# A container that divides its cgroup, as systemd does.
	RESOURCES='"pids":{"limit":50}'
	DEFAULT_MOUNTS=${DEFAULT_MOUNTS/'"cgroup","options":["nosuid","noexec","nodev","ro"]'/'"cgroup"'}
	start divided sh -c 'cd /sys/fs/cgroup; mkdir init; echo 1 > init/cgroup.procs; echo +pids > cgroup.subtree_control
		echo divided; exec sleep 1000'
	wait_for 5 grep -q divided "$T/divided/out"
	same "exec goes where init is" "$(rt exec divided cat /proc/self/cgroup 2>&1 < /dev/null)" 0::/init
	like "ps finds all" "$(rt ps divided)" 'sleep 1000'
	check "delete takes all" rt delete --force divided
	fresh
fi
RESOURCES='"unified":{"cgroup.procs":"1"}'
run unified true
refused "no process moves by unified" '"cgroup.procs" is not a controller'
RESOURCES='"memory":{"limit":33554432,"kernel":1000}'
run kernel sh -c 'echo runs'
same "memory.kernel is ignored, as the spec allows" "$OUT" runs
same "nothing is left" "$(cgroup_dirs)" ''
finish
