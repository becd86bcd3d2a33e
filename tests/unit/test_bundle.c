#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "agent/run/bundle.h"
#include "lib/json.h"

static const char whole[] =
	"{\"ociVersion\":\"1.1.0\",\"hostname\":\"box\","
	"\"process\":{\"terminal\":true,\"consoleSize\":{\"height\":24,\"width\":80},"
	"\"user\":{\"uid\":5,\"gid\":6,\"umask\":18,\"additionalGids\":[7,4294967294],"
	"\"username\":\"app\",\"additionalGroups\":[\"video\"]},\"init\":true,"
	"\"args\":[\"sh\",\"-c\",\"\"],\"env\":[\"A=1\",\"AB=2\"],\"cwd\":\"/w\","
	"\"capabilities\":{\"bounding\":[\"CAP_CHOWN\",\"cap_bpf\"],\"ambient\":[\"CAP_KILL\"]},"
	"\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":1,\"hard\":-1}],"
	"\"noNewPrivileges\":true,\"oomScoreAdj\":-5,"
	"\"scheduler\":{\"policy\":\"SCHED_BATCH\",\"nice\":-3,"
	"\"flags\":[\"SCHED_FLAG_RESET_ON_FORK\",\"SCHED_FLAG_RECLAIM\"]},"
	"\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":6},"
	"\"execCPUAffinity\":{\"initial\":\"0\",\"final\":\"0-3,7\"}},"
	"\"root\":{\"path\":\"rootfs\",\"readonly\":true},"
	"\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},"
	"{\"destination\":\"/d\",\"source\":\"vol\",\"options\":[\"ro\"]}],"
	"\"annotations\":{\"a\":\"b\"},\"unknown\":{\"x\":1},"
	"\"linux\":{\"cgroupsPath\":\"/p/id\",\"rootfsPropagation\":\"rslave\","
	"\"personality\":{\"domain\":\"LINUX32\"},"
	"\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"uts\"},"
	"{\"type\":\"network\",\"path\":\"/n\"}],"
	"\"devices\":[{\"path\":\"/dev/x\",\"type\":\"u\",\"major\":1,\"minor\":2,"
	"\"fileMode\":33188,\"uid\":3,\"gid\":4}],"
	"\"resources\":{\"memory\":{\"limit\":1000,\"swap\":-1},\"pids\":{\"limit\":9},"
	"\"cpu\":{\"shares\":2,\"quota\":3,\"period\":4},"
	"\"devices\":[{\"allow\":false},"
	"{\"allow\":true,\"type\":\"c\",\"major\":1,\"access\":\"rw\"}]},"
	"\"sysctl\":{\"net.x\":\"1\"},\"maskedPaths\":[\"/m\"],\"readonlyPaths\":[]}}";

static void everything_is_read(void)
{
	struct bundle b;
	struct err err = ERR_INIT;

	if (!CHECK_INT(bundle_parse(&b, "/bundle", whole, sizeof(whole) - 1, &err), 0))
		fprintf(stderr, "%s\n", err.text);
	CHECK_TEXT(b.root_path, "/bundle/rootfs");
	CHECK(b.root_readonly && b.process.terminal && b.process.no_new_privileges);
	CHECK_INT(b.process.rows, 24);
	CHECK_INT(b.process.uid, 5);
	CHECK_INT(b.process.gid, 6);
	CHECK_INT(b.process.umask, 022);
	CHECK_INT(b.process.group_count, 2);
	CHECK_INT(b.process.groups[1], 4294967294);
	CHECK_TEXT(b.process.username, "app");
	CHECK_TEXT(b.process.group_names[0], "video");
	CHECK(b.process.init);
	CHECK_TEXT(b.process.args[1], "-c");
	CHECK_TEXT(process_getenv(&b.process, "A"), "1");
	CHECK_TEXT(process_getenv(&b.process, "AB"), "2");
	CHECK_TEXT(process_getenv(&b.process, "B"), NULL);
	CHECK(b.process.caps.bounding == (1ull << 39 | 1) && b.process.caps.ambient == 1 << 5);
	CHECK_INT(b.process.rlimits[0].resource, RLIMIT_NOFILE);
	CHECK(b.process.rlimits[0].hard == RLIM_INFINITY);
	CHECK_INT(b.process.oom_score_adj, -5);
	CHECK(b.process.sched.has_policy && b.process.sched.nice == -3);
	CHECK_INT(b.process.sched.policy, 3);
	CHECK_INT(b.process.sched.flags, 3);
	CHECK_INT(b.process.sched.io_priority, 2 << 13 | 6);
	CHECK_TEXT(b.process.sched.cpus, "0-3,7");
	CHECK(b.process.sched.has_personality && b.process.sched.personality == 8);
	CHECK_INT(b.mount_count, 2);
	CHECK_INT(b.mounts[1].options.flags, MS_BIND | MS_RDONLY);
	CHECK_TEXT(b.annotations, "{\"a\":\"b\"}");
	CHECK(b.namespaces.make[NS_MNT] && b.namespaces.make[NS_UTS] && !b.namespaces.make[NS_PID]);
	CHECK_TEXT(b.namespaces.join[NS_NET], "/n");
	CHECK_INT(b.devices[0].type, 'c');
	CHECK_INT(b.devices[0].mode, 0644);
	CHECK_INT(b.limits.memory_bytes, 1000);
	CHECK_INT(b.limits.memory_swap_bytes, -1);
	CHECK_INT(b.limits.device_count, 2);
	CHECK_INT(b.limits.devices[0].type, 'a');
	CHECK_INT(b.limits.devices[1].minor, -1);
	CHECK_TEXT(b.limits.devices[1].access, "rw");
	CHECK_TEXT(b.sysctls[0].value, "1");
	CHECK_TEXT(b.masked_paths[0], "/m");
	CHECK_INT(b.root_propagation, MS_SLAVE | MS_REC);
	bundle_release(&b);
}

/* The reason why a config with one member replaced is refused; "" when it isn't. */
static const char *reason(const char *from, const char *to)
{
	static struct err err;
	const char *at = strstr(whole, from);
	struct bundle b;
	char *text;

	if (!at)
		return "not found";
	text = xasprintf("%.*s%s%s", (int)(at - whole), whole, to, at + strlen(from));
	err = ERR_INIT;
	bundle_parse(&b, "/bundle", text, strlen(text), &err);
	bundle_release(&b);
	free(text);
	return err.text;
}

static void errors_name_the_member(void)
{
	static const struct {
		const char *from, *to, *error;
	} cases[] = {
		{ "\"cwd\":\"/w\"", "\"cwd\":\"w\"",
		  "config.json: process: \"cwd\" is \"w\", not an absolute path" },
		{ "\"args\":[\"sh\",\"-c\",\"\"]", "\"args\":[]",
		  "config.json: process: \"args\" is missing or empty: nothing to run" },
		{ "\"limit\":1000", "\"limit\":\"1000\"",
		  "config.json: linux: resources: memory: \"limit\" is not an integer" },
		{ "\"limit\":9", "\"limit\":1.5",
		  "config.json: linux: resources: pids: \"limit\" is not an integer" },
		{ "4294967294", "4294967295",
		  "config.json: process: user: additionalGids[1]: not a group ID" },
		{ "\"access\":\"rw\"", "\"access\":\"rx\"",
		  "config.json: linux: resources: devices[1]: \"access\" is \"rx\", not some of "
		  "rwm" },
		{ "\"destination\":\"/d\"", "\"destination\":\"d\"",
		  "config.json: mounts[1]: \"destination\" is \"d\", not an absolute path" },
		{ "\"source\":\"vol\",", "", "config.json: mounts[1]: \"source\" is missing" },
		{ "1.1.0", "2.0.0", "config.json: \"ociVersion\" is \"2.0.0\": only 1.x is known" },
		{ "{\"type\":\"uts\"}", "{\"type\":\"mount\"}",
		  "config.json: linux: namespaces[1]: the mount namespace is named twice" },
		{ "{\"type\":\"uts\"},", "",
		  "config.json: hostname needs a uts namespace in linux.namespaces" },
		{ "{\"type\":\"uts\"}", "{\"type\":\"uts\"},{\"type\":\"user\"}",
		  "config.json: linux: a new user namespace needs uidMappings and gidMappings" },
		{ "\"maskedPaths\"", "\"uidMappings\":[{\"size\":1}],\"maskedPaths\"",
		  "config.json: linux: uidMappings without a user namespace" },
		{ "\"maskedPaths\"",
		  "\"gidMappings\":[{\"hostID\":4294967000,\"size\":1000}],\"maskedPaths\"",
		  "config.json: linux: gidMappings[0]: \"size\" is missing, or more than there are "
		  "IDs" },
		{ "\"maskedPaths\"", "\"timeOffsets\":{},\"maskedPaths\"", "" },
		{ "\"maskedPaths\"", "\"timeOffsets\":{\"boottime\":{}},\"maskedPaths\"",
		  "config.json: linux: timeOffsets: a new time namespace is needed" },
		{ "{\"type\":\"network\",\"path\":\"/n\"}],",
		  "{\"type\":\"time\"}],\"timeOffsets\":{\"realtime\":{}},",
		  "config.json: linux: timeOffsets: \"realtime\" is not monotonic or boottime: no other "
		  "clock can be shifted" },
		{ "\"a\":\"b\"", "\"a\":5", "config.json: annotations: \"a\" is not a string" },
		{ "\"options\":[\"ro\"]", "\"uidMappings\":[{\"size\":1}]",
		  "config.json: mounts[1]: uidMappings and gidMappings go together" },
		{ "\"type\":\"proc\",", "\"type\":\"proc\",\"options\":[\"idmap\"],",
		  "config.json: mounts[0]: only a bind mount can shift owners (idmap)" },
		{ "\"swap\":-1", "\"swappiness\":101",
		  "config.json: linux: resources: memory: \"swappiness\" is 101, not from 0 to "
		  "100" },
		{ "\"unknown\":{\"x\":1}", "\"hooks\":{\"poststop\":[{\"path\":\"true\"}]}",
		  "config.json: hooks: poststop[0]: \"path\" is \"true\", not an absolute path" },
		{ "\"unknown\":{\"x\":1}", "\"hooks\":{\"prestart\":[{\"args\":[]}]}",
		  "config.json: hooks: prestart[0]: \"path\" is missing" },
		{ "\"unknown\":{\"x\":1}",
		  "\"hooks\":{\"poststart\":[{\"path\":\"/b\",\"timeout\":0}]}",
		  "config.json: hooks: poststart[0]: \"timeout\" is 0, not from 1 to 86400" },
		{ "SCHED_BATCH", "SCHED_FAST",
		  "config.json: process: scheduler: \"SCHED_FAST\" is not known as a policy" },
		{ "\"nice\":-3", "\"nice\":-30",
		  "config.json: process: scheduler: \"nice\" is -30, not from -20 to 19" },
		{ "0-3,7", "3-0",
		  "config.json: process: execCPUAffinity: \"final\" is \"3-0\", not a list of "
		  "processors as 0-3,7" },
		{ "\"LINUX32\"", "\"LINUX32\",\"flags\":[\"x\"]",
		  "config.json: linux: personality: flags is not supported by this version of berth" },
		{ "\"hard\":-1}", "\"hard\":-1},{\"type\":\"rlimit_nofile\",\"soft\":1,\"hard\":1}",
		  "config.json: process: rlimits[1]: one before has the same \"type\"" },
		{ "\"cap_bpf\"", "5", "config.json: process: capabilities: bounding[1]: not a string" },
		{ "\"hard\":-1", "\"hard\":0",
		  "config.json: process: rlimits[0]: \"soft\" is more than \"hard\"" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		CHECK_TEXT(reason(cases[i].from, cases[i].to), cases[i].error);
	CHECK_HAS(reason("{\"ociVersion\"", "{ociVersion"), "config.json: not valid JSON: line 1");
}

static void empty_members_ask_for_nothing(void)
{
	CHECK_TEXT(reason("\"unknown\":{\"x\":1}", "\"hooks\":{}"), "");
	CHECK_TEXT(reason("\"swap\":-1", "\"disableOOMKiller\":false"), "");
	CHECK_TEXT(reason("\"sysctl\":{\"net.x\":\"1\"}", "\"seccomp\":null"), "");
}

static void hooks_are_read(void)
{
	static const char text[] =
		"{\"ociVersion\":\"1.1.0\",\"root\":{\"path\":\"r\"},\"hooks\":{"
		"\"createRuntime\":[{\"path\":\"/a\",\"args\":[\"x\",\"y\"],\"env\":[\"A=1\"],"
		"\"timeout\":3},{\"path\":\"/b\"}],\"poststop\":[]}}";
	struct bundle b;

	CHECK_INT(bundle_parse(&b, "/bundle", text, sizeof(text) - 1, NULL), 0);
	CHECK_INT(b.hooks.count[HOOK_CREATE_RUNTIME], 2);
	CHECK_TEXT(b.hooks.at[HOOK_CREATE_RUNTIME][0].args[1], "y");
	CHECK_TEXT(b.hooks.at[HOOK_CREATE_RUNTIME][0].env[0], "A=1");
	CHECK_INT(b.hooks.at[HOOK_CREATE_RUNTIME][0].timeout_s, 3);
	CHECK_TEXT(b.hooks.at[HOOK_CREATE_RUNTIME][1].path, "/b");
	CHECK_INT(b.hooks.count[HOOK_POSTSTOP], 0);
	CHECK(hooks_before_root(&b.hooks));
	CHECK_HAS(b.hooks_text, "{\"hooks\":{\"createRuntime\":[");
	bundle_release(&b);
}

/* As Go writes uint64; each half of 64 bits counts in a condition. */
static void unsigned_numbers_are_whole(void)
{
	static const char text[] =
		"{\"ociVersion\":\"1.1.0\",\"root\":{\"path\":\"r\"},"
		"\"annotations\":{\"\\\"n\":\"18446744073709551615,[9223372036854775808]\"},"
		"\"process\":{\"args\":[\"a\"],\"cwd\":\"/\",\"rlimits\":[{\"type\":\"RLIMIT_MEMLOCK\","
		"\"soft\":9223372036854775807,\"hard\":18446744073709551615}]},"
		"\"linux\":{\"namespaces\":[{\"type\":\"mount\"}],\"seccomp\":{"
		"\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"kill\"],"
		"\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":0,\"op\":\"SCMP_CMP_MASKED_EQ\","
		"\"value\":18446744069414584321,\"valueTwo\":9223372036854775808}]}]},"
		"\"resources\":{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":18446744073709551615}],"
		"\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,"
		"\"rate\":18446744073709551615}]}}}}";
	struct err err = ERR_INIT;
	struct bundle b;

	if (CHECK_INT(bundle_parse(&b, "/bundle", text, sizeof(text) - 1, &err), 0)) {
		CHECK(b.process.rlimits[0].soft == INT64_MAX);
		CHECK(b.process.rlimits[0].hard == RLIM_INFINITY);
		CHECK(b.seccomp.conditions[0].mask == 0xffffffff00000001);
		CHECK(b.seccomp.conditions[0].value == 0x8000000000000000);
		CHECK_TEXT(b.limits.hugepages.items[0].value, "18446744073709551615");
		CHECK_INT(b.limits.io_rules[0].value, 0);
		CHECK_TEXT(b.annotations, "{\"\\\"n\":\"18446744073709551615,[9223372036854775808]\"}");
	} else {
		fprintf(stderr, "%s\n", err.text);
	}
	bundle_release(&b);
	CHECK_HAS(reason("\"limit\":9", "\"limit\":18446744073709551616"), "too big integer");
	CHECK_HAS(reason("\"limit\":9", "\"limit\":-18446744073709551615"), "too big negative integer");
	CHECK_HAS(reason("\"limit\":9", "\"limit\":018446744073709551615"), "not valid JSON");
	CHECK_HAS(reason("\"limit\":9", "\"limit\":18446744073709551615.0"), "is not an integer");
	CHECK_TEXT(reason("\"height\":24", "\"height\":18446744073709551612"),
		   "config.json: process: consoleSize: \"height\" is -4, not from 0 to 65535");
}

static void variables_are_replaced_or_added(void)
{
	struct process process = { 0 };

	process_setenv(&process, xstrdup("A=1"));
	process_setenv(&process, xstrdup("B=2"));
	process_setenv(&process, xstrdup("A=3"));
	CHECK_INT(count_strings(process.env), 2);
	CHECK_TEXT(process_getenv(&process, "A"), "3");
	CHECK_TEXT(process_getenv(&process, "B"), "2");
	process_release(&process);
}

int main(void)
{
	RUN(everything_is_read);
	RUN(errors_name_the_member);
	RUN(empty_members_ask_for_nothing);
	RUN(hooks_are_read);
	RUN(unsigned_numbers_are_whole);
	RUN(variables_are_replaced_or_added);
	return test_end();
}
