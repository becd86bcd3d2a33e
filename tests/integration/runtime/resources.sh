#!/bin/bash
# All of linux.resources, beyond what limits.sh shows to hold: which file says what afterwards, and what a host that
# lacks something says. cgroup v1 or v2, whatever this host has; controllers that it does not have are refused.
. "$(dirname "$0")/harness"

# v1: is there a hierarchy of that name? v2: a controller?
has() {
	if [ $CGROUP = 2 ]; then
		[[ " $(cat /sys/fs/cgroup/cgroup.controllers) " = *" $1 "* ]]
	else
		grep -q " - cgroup [^ ]* .*\<$1\>" /proc/self/mountinfo
	fi
}
# said ID FILE...: what the first of these control files that is there says, in whatever hierarchy
said() {
	local id=$1 name file
	shift
	for name; do
		for file in /sys/fs/cgroup{,/*}"$CG/$id/$name"; do
			[ ! -f "$file" ] || { cat "$file"; return; }
		done
	done
}
# The last processor, in what a cpuset shows.
cpu=$(($(grep -c ^processor /proc/cpuinfo) - 1))
refused() { like "$1" "$OUT" "$2"; }

# newer TEXT ID WANTED FILE...: what a file says that only kernels since 5.15 have
newer() {
	local text=$1 id=$2 wanted=$3
	shift 3
	case $(cat "$T/$id/out") in
	*"the kernel has no cpu."*) ok "$text: the kernel has none, and it is said so" ;;
	*) same "$text" "$(said "$id" "$@")" "$wanted" ;;
	esac
	rt delete --force "$id"
}
RESOURCES='"memory":{"limit":33554432,"reservation":16777216}'
start memory sleep 1000
same "reservation" "$(said memory memory.low memory.soft_limit_in_bytes)" 16777216
rt delete --force memory
RESOURCES='"cpu":{"quota":50000,"period":100000,"burst":20000}'
start burst sleep 1000
newer "burst" burst 20000 cpu.max.burst cpu.cfs_burst_us
RESOURCES='"cpu":{"idle":1,"shares":512}'
start idle sleep 1000
newer "cpu.idle" idle 1 cpu.idle

if has cpuset; then
	RESOURCES="\"cpu\":{\"cpus\":\"$cpu\",\"mems\":\"0\"}"
	start set sleep 1000
	same "cpuset" "$(cgroup_file set cpuset cpuset.cpus cpuset.cpus)" "$cpu"
	same "and the process is held to it" "$(rt exec set sh -c 'grep Cpus_allowed_list /proc/self/status')" \
		"Cpus_allowed_list:"$'\t'"$cpu"
	rt delete --force set
	RESOURCES='"cpu":{"cpus":"4000"}'
	run set true
	refused "a processor that is not there" 'cpuset.cpus = [0-9]+: the device, or the cgroup above, does not have all of them'
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
# BFQ's file on either version, or that of iocost.
RESOURCES='"blockIO":{"weight":300}'
start weight sleep 1000
case $(said weight io.bfq.weight blkio.bfq.weight io.weight) in
300 | 'default 300') ok "a weight for disks: BFQ" ;;
'default 2930') ok "a weight for disks: iocost" ;;
*) like "a weight for disks" "$(cat "$T/weight/out")" 'needs the I/O scheduler BFQ' ;;
esac
rt delete --force weight
if [ "$disk" ] && grep -q '\[bfq\]' "/sys/dev/block/$disk/queue/scheduler"; then
	RESOURCES="\"blockIO\":{\"weightDevice\":[{\"major\":${disk%:*},\"minor\":${disk#*:},\"weight\":70}]}"
	start weight sleep 1000
	like "a weight for one" "$(said weight io.bfq.weight blkio.bfq.weight_device)" "$disk 70"
	rt delete --force weight
fi
RESOURCES='"blockIO":{"leafWeight":300}'
run leaf true
if [ $CGROUP = 2 ]; then
	refused "v2 has no weight of leaves" 'cgroup v2 has no blockIO.leafWeight'
else
	refused "nor have kernels since 5.0" 'no blkio.leaf_weight: it needs the I/O scheduler CFQ'
fi

pages='"hugepageLimits":[{"pageSize":"2MB","limit":4194304}]'
RESOURCES=$pages
start huge sleep 1000
if has hugetlb; then
	same "hugepages" "$(said huge hugetlb.2MB.limit_in_bytes hugetlb.2MB.max)" 4194304
	same "and those reserved" "$(said huge hugetlb.2MB.rsvd.limit_in_bytes hugetlb.2MB.rsvd.max)" 4194304
	rt delete --force huge
	RESOURCES='"hugepageLimits":[{"pageSize":"3MB","limit":4194304}]'
	run huge true
	refused "pages of a size that is not there" 'no pages of 3MB here'
	# What a container is in only from then on.
	RESOURCES='"pids":{"limit":50}'
	start later sleep 1000
	check "hugepages of one that runs" rt update --resources - later <<< "{$pages}"
	same "are limited" "$(said later hugetlb.2MB.limit_in_bytes hugetlb.2MB.max)" 4194304
	like "and its process is counted there" "$(cat "/proc/$(pid_of later)/cgroup")" "(hugetlb|0:):[^ ]*$CG/later"
	like "exec goes there as well" "$(rt exec later cat /proc/self/cgroup)" "hugetlb:$CG/later|0::/"
	rt delete --force later
else
	like "hugepages without their controller" "$(cat "$T/huge/out")" 'no hugetlb cgroup controller'
fi

RESOURCES='"network":{"classID":1048577,"priorities":[{"name":"lo","priority":5}]}'
start net sleep 1000
if [ $CGROUP = 2 ]; then
	like "v2 has no network classes" "$(cat "$T/net/out")" 'cgroup v2 has no network.classID'
elif ! has net_cls; then
	like "network classes without their controller" "$(cat "$T/net/out")" 'no net_cls cgroup controller'
else
	same "a network class" "$(said net net_cls.classid)" 1048577
	same "a network priority" "$(said net net_prio.ifpriomap | grep '^lo ')" 'lo 5'
	rt delete --force net
	RESOURCES='"network":{"priorities":[{"name":"none0","priority":5}]}'
	run net true
	refused "of an interface that is not there" 'none0 5'
fi

rdma=$(ls /sys/class/infiniband 2> /dev/null)
RESOURCES='"rdma":{"'${rdma:-none0}'":{"hcaHandles":3,"hcaObjects":10000}}'
start rdma sleep 1000
if ! has rdma; then
	like "RDMA without its controller" "$(cat "$T/rdma/out")" 'no rdma cgroup controller'
elif [ "$rdma" ]; then
	same "RDMA" "$(said rdma rdma.max)" "$rdma hca_handle=3 hca_object=10000 "
	rt delete --force rdma
else
	like "RDMA of a device that is not there" "$(cat "$T/rdma/out")" 'none0'
fi

RESOURCES='"cpu":{"realtimeRuntime":1000,"realtimePeriod":100000}'
run realtime true
if [ $CGROUP = 2 ]; then
	refused "v2 has no time of real-time processes" 'cgroup v2 has no cpu.realtimeRuntime'
elif [ ! -e /sys/fs/cgroup/cpu*/cpu.rt_runtime_us ]; then
	refused "time of real-time processes" 'the kernel has no cpu.rt_period_us'
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
	wait_for 20 grep -q divided "$T/divided/out"
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
