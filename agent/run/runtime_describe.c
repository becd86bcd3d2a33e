/* The commands that only print: spec (a config.json to begin with) and features. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "agent/run/caps.h"
#include "agent/run/hooks.h"
#include "agent/run/mount_options.h"
#include "agent/run/ns.h"
#include "agent/run/runtime.h"
#include "agent/run/seccomp_profile.h"
#include "lib/capname.h"
#include "lib/fd.h"
#include "lib/json.h"

#define EXIT_FAILED 1

static const char config[] =
	"{\n"
	"  \"ociVersion\": \"1.1.0\",\n"
	"  \"process\": {\n"
	"    \"terminal\": true,\n"
	"    \"user\": { \"uid\": 0, \"gid\": 0 },\n"
	"    \"args\": [ \"sh\" ],\n"
	"    \"env\": [ \"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\",\n"
	"             \"TERM=xterm\" ],\n"
	"    \"cwd\": \"/\",\n"
	"    \"capabilities\": {\n"
	"      \"bounding\": [ \"CAP_AUDIT_WRITE\", \"CAP_KILL\", \"CAP_NET_BIND_SERVICE\" ],\n"
	"      \"effective\": [ \"CAP_AUDIT_WRITE\", \"CAP_KILL\", \"CAP_NET_BIND_SERVICE\" ],\n"
	"      \"permitted\": [ \"CAP_AUDIT_WRITE\", \"CAP_KILL\", \"CAP_NET_BIND_SERVICE\" ]\n"
	"    },\n"
	"    \"rlimits\": [ { \"type\": \"RLIMIT_NOFILE\", \"hard\": 1024, \"soft\": 1024 } ],\n"
	"    \"noNewPrivileges\": true\n"
	"  },\n"
	"  \"root\": { \"path\": \"rootfs\", \"readonly\": true },\n"
	"  \"hostname\": \"berth\",\n"
	"  \"mounts\": [\n"
	"    { \"destination\": \"/proc\", \"type\": \"proc\", \"source\": \"proc\" },\n"
	"    { \"destination\": \"/dev\", \"type\": \"tmpfs\", \"source\": \"tmpfs\",\n"
	"      \"options\": [ \"nosuid\", \"strictatime\", \"mode=755\", \"size=65536k\" ] },\n"
	"    { \"destination\": \"/dev/pts\", \"type\": \"devpts\", \"source\": \"devpts\",\n"
	"      \"options\": [ \"nosuid\", \"noexec\", \"newinstance\", \"ptmxmode=0666\",\n"
	"                   \"mode=0620\", \"gid=5\" ] },\n"
	"    { \"destination\": \"/dev/shm\", \"type\": \"tmpfs\", \"source\": \"shm\",\n"
	"      \"options\": [ \"nosuid\", \"noexec\", \"nodev\", \"mode=1777\",\n"
	"                   \"size=65536k\" ] },\n"
	"    { \"destination\": \"/dev/mqueue\", \"type\": \"mqueue\", \"source\": \"mqueue\",\n"
	"      \"options\": [ \"nosuid\", \"noexec\", \"nodev\" ] },\n"
	"    { \"destination\": \"/sys\", \"type\": \"sysfs\", \"source\": \"sysfs\",\n"
	"      \"options\": [ \"nosuid\", \"noexec\", \"nodev\", \"ro\" ] },\n"
	"    { \"destination\": \"/sys/fs/cgroup\", \"type\": \"cgroup\", \"source\": \"cgroup\",\n"
	"      \"options\": [ \"nosuid\", \"noexec\", \"nodev\", \"relatime\", \"ro\" ] }\n"
	"  ],\n"
	"  \"linux\": {\n"
	"    \"resources\": { \"devices\": [ { \"allow\": false, \"access\": \"rwm\" } ] },\n"
	"    \"namespaces\": [ { \"type\": \"pid\" }, { \"type\": \"network\" },\n"
	"                    { \"type\": \"ipc\" }, { \"type\": \"uts\" },\n"
	"                    { \"type\": \"mount\" }, { \"type\": \"cgroup\" } ],\n"
	"    \"maskedPaths\": [ \"/proc/acpi\", \"/proc/asound\", \"/proc/kcore\",\n"
	"                     \"/proc/keys\", \"/proc/latency_stats\", \"/proc/timer_list\",\n"
	"                     \"/proc/timer_stats\", \"/proc/sched_debug\",\n"
	"                     \"/sys/firmware\", \"/proc/scsi\" ],\n"
	"    \"readonlyPaths\": [ \"/proc/bus\", \"/proc/fs\", \"/proc/irq\", \"/proc/sys\",\n"
	"                       \"/proc/sysrq-trigger\" ]\n"
	"  }\n"
	"}\n";

int runtime_spec(struct runtime *runtime, int argc, char **argv)
{
	static const struct option options[] = { { "bundle", required_argument, NULL, 'b' },
						 { 0 } };
	struct err *err = &runtime->failure.err;
	FD_CLEANUP int dir = -1;
	FD_CLEANUP int fd = -1;
	const char *bundle = ".";
	int option, rc;

	while ((option = runtime_option(runtime, argc, argv, "b:", options)) != -1) {
		if (option != 'b')
			return runtime->failure.exit_code;
		bundle = optarg;
	}
	dir = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0)
		fd = openat(dir, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0) {
		err_sys(err, "make %s/config.json", bundle);
		return EXIT_FAILED;
	}
	rc = fd_write_full(fd, config, sizeof(config) - 1);
	if (rc < 0)
		err_code(err, rc, "write %s/config.json", bundle);
	return rc < 0 ? EXIT_FAILED : 0;
}

/* A list of what `name` knows, from 0 until it answers NULL. */
static json_t *list_names(const char *(*name)(int number))
{
	json_t *list = json_array();
	const char *text;

	for (int i = 0; (text = name(i)); i++)
		json_array_append_new(list, json_string(text));
	return list;
}

static json_t *describe_seccomp(void)
{
	return json_pack("{s:b, s:o, s:o, s:o, s:o, s:o}", "enabled", 1, "actions",
			 list_names(seccomp_action_name), "operators",
			 list_names(seccomp_operator_name), "archs", list_names(seccomp_arch_name),
			 "knownFlags", list_names(seccomp_flag_name), "supportedFlags",
			 list_names(seccomp_flag_name));
}

/* Runtime-spec features.md. */
static json_t *describe(void)
{
	json_t *linux_features = json_pack(
		"{s:o, s:o, s:{s:b, s:b, s:b, s:b, s:b}, s:o, s:{s:b}, s:{s:b}}",
		"namespaces", list_names(ns_name), "capabilities", list_names(cap_name), "cgroup",
		"v1", 1, "v2", 1, "systemd", 0, "systemdUser", 0, "rdma", 1, "seccomp",
		describe_seccomp(), "apparmor", "enabled", 1, "selinux", "enabled", 1);

	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:{s:s}}", "ociVersionMin", "1.0.0",
			 "ociVersionMax", "1.1.0", "hooks", list_names(hook_point_name),
			 "mountOptions", list_names(mount_option_name), "linux", linux_features, "annotations", "org.berth.user",
			 "process.user.username: a User of an image config, looked up in the "
			 "container's /etc/passwd");
}

int runtime_features(struct runtime *runtime, int argc, char **argv)
{
	static const struct option none[] = { { 0 } };
	JSON_CLEANUP json_t *features = NULL;
	char *text;

	if (runtime_option(runtime, argc, argv, "", none) != -1)
		return runtime->failure.exit_code;
	if (optind < argc)
		return runtime_usage(runtime, "features takes no argument");
	features = describe();
	text = json_dumps(features, JSON_INDENT(2));
	if (!text)
		die_no_memory();
	puts(text);
	free(text);
	return 0;
}
