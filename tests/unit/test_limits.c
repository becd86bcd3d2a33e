/* linux.resources as a struct. */
#include "tests/unit/test.h"

#include <errno.h>

#include "agent/run/limits.h"
#include "lib/json.h"

static struct err err;

static int read(struct cgroup_limits *limits, const char *text)
{
	JSON_CLEANUP json_t *json = NULL;

	*limits = (struct cgroup_limits){ 0 };
	if (!CHECK_INT(json_parse(&json, text, strlen(text), "resources", &err), 0))
		return 0;
	return limits_read(limits, json, &err);
}

static void all_members(void)
{
	struct cgroup_limits limits;

	if (!CHECK_INT(read(&limits,
		"{\"memory\":{\"limit\":1,\"reservation\":2,\"swap\":3,\"kernel\":4,\"kernelTCP\":5,"
		"\"swappiness\":0,\"disableOOMKiller\":true,\"useHierarchy\":true,"
		"\"checkBeforeUpdate\":true},"
		"\"cpu\":{\"shares\":10,\"quota\":11,\"burst\":12,\"period\":13,"
		"\"realtimeRuntime\":14,\"realtimePeriod\":15,\"cpus\":\"0-3,5\",\"mems\":\"0\","
		"\"idle\":0},\"pids\":{\"limit\":16},"
		"\"blockIO\":{\"weight\":20,\"leafWeight\":21,"
		"\"weightDevice\":[{\"major\":8,\"minor\":0,\"weight\":500,\"leafWeight\":30}],"
		"\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":1,\"rate\":600}],"
		"\"throttleWriteIOPSDevice\":[{\"major\":8,\"minor\":2,\"rate\":0}]},"
		"\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":0}],"
		"\"network\":{\"classID\":1048577,\"priorities\":[{\"name\":\"eth0\",\"priority\":7}]},"
		"\"rdma\":{\"mlx5_1\":{\"hcaHandles\":3,\"hcaObjects\":4}},"
		"\"unified\":{\"memory.high\":\"9\",\"cgroup.max.depth\":\"2\"}}"), 0))
		fprintf(stderr, "%s\n", err.text);
	CHECK_INT(limits.memory_bytes, 1);
	CHECK_INT(limits.memory_reservation_bytes, 2);
	CHECK_INT(limits.memory_swap_bytes, 3);
	CHECK(limits.has_swappiness && limits.disable_oom_killer && limits.check_before_update);
	CHECK_INT(limits.cpu_shares, 10);
	CHECK_INT(limits.cpu_quota_us, 11);
	CHECK(limits.has_cpu_burst && limits.has_cpu_idle);
	CHECK_INT(limits.cpu_burst_us, 12);
	CHECK_INT(limits.cpu_period_us, 13);
	CHECK_INT(limits.realtime_runtime_us, 14);
	CHECK_INT(limits.realtime_period_us, 15);
	CHECK_TEXT(limits.cpus, "0-3,5");
	CHECK_TEXT(limits.mems, "0");
	CHECK_INT(limits.pids, 16);
	CHECK_INT(limits.io_weight, 20);
	CHECK_INT(limits.io_leaf_weight, 21);
	REQUIRE(limits.io_rule_count == 4);
	CHECK_INT(limits.io_rules[0].kind, IO_WEIGHT);
	CHECK_INT(limits.io_rules[0].value, 500);
	CHECK_INT(limits.io_rules[1].kind, IO_LEAF_WEIGHT);
	CHECK_INT(limits.io_rules[2].kind, IO_READ_BPS);
	CHECK_INT(limits.io_rules[2].minor, 1);
	CHECK_INT(limits.io_rules[3].kind, IO_WRITE_IOPS);
	CHECK_TEXT(limits.hugepages.items[0].name, "2MB");
	CHECK_INT(limits.net_class, 1048577);
	CHECK_TEXT(limits.priorities.items[0].value, "7");
	CHECK_TEXT(limits.rdma.items[0].value, "hca_handle=3 hca_object=4");
	CHECK_INT(limits.unified.count, 2);
	limits_release(&limits);
}

static void wrong_ones(void)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "{\"cpu\":{\"cpus\":\"0 1\"}}", "cpu: \"cpus\": \"0 1\" is not a list such as" },
		{ "{\"cpu\":{\"idle\":2}}", "cpu: \"idle\" is 2, not from 0 to 1" },
		{ "{\"cpu\":{\"burst\":-1}}", "cpu: \"burst\" is -1" },
		{ "{\"blockIO\":{\"weight\":1001}}", "blockIO: \"weight\" is 1001" },
		{ "{\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":0,\"weight\":9}]}}",
		  "blockIO: weightDevice[0]: \"weight\" is 9, not from 10 to 1000" },
		{ "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0}]}}",
		  "blockIO: throttleReadBpsDevice[0]: \"rate\" is missing" },
		{ "{\"blockIO\":{\"throttleReadBpsDevice\":[7]}}", "[0]: not an object" },
		{ "{\"hugepageLimits\":[{\"pageSize\":\"../x\",\"limit\":1}]}",
		  "hugepageLimits[0]: \"../x\" is not a name" },
		{ "{\"hugepageLimits\":[{\"pageSize\":\"2MB\"}]}", "\"limit\" is missing" },
		{ "{\"network\":{\"classID\":4294967296}}", "network: \"classID\" is 4294967296" },
		{ "{\"network\":{\"priorities\":[{\"name\":\"a b\"}]}}", "\"a b\" is not a name" },
		{ "{\"rdma\":{\"d\":{}}}", "rdma: d: hcaHandles or hcaObjects is needed" },
		{ "{\"unified\":{\"memory.high\":1}}", "unified: \"memory.high\" is not a string" },
		{ "{\"unified\":{\"cgroup.procs\":\"1\"}}",
		  "unified: \"cgroup.procs\" is not a controller's file" },
		{ "{\"unified\":{\"../memory.max\":\"1\"}}", "unified: \"../memory.max\" is not a name" },
		{ "{\"unified\":{\"procs\":\"1\"}}", "unified: \"procs\" is not a controller's file" },
	};
	struct cgroup_limits limits;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		CHECK_INT(read(&limits, cases[i].text), -EINVAL);
		CHECK_HAS(err.text, cases[i].error);
		limits_release(&limits);
	}
}

int main(void)
{
	RUN(all_members);
	RUN(wrong_ones);
	return test_end();
}
