/* The keys of an app's section that tell how its container is confined: what they take and refuse. */
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>

#include "config/agent_config.h"
#include "config/app_config.h"
#include "lib/fd.h"
#include "tests/unit/test.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define BIT(number) (UINT64_C(1) << (number))

static struct agent_config *config;
static struct err err;

/* Lines of an app's section, with a ';' in place of each line's end. */
static const struct app_config *parse(const char *lines)
{
	FREE_CLEANUP char *text = xasprintf("[app a]\nimage = b\nnetwork = none\n%s\n", lines);

	for (char *p = text; *p; p++)
		if (*p == ';')
			*p = '\n';
	agent_config_free(config);
	config = NULL;
	err = ERR_INIT;
	if (agent_config_parse(&config, text, strlen(text), "agent.ini", NULL, &err) < 0)
		return NULL;
	return &config->apps[0];
}

static void process(void)
{
	const struct app_config *app =
		parse("user = 1000:dialout;workdir = /srv//x/;entrypoint = /bin/sh -c 'a b';"
		      "group_add = audio;group_add = 44;label = a=b=c;label = empty=;"
		      "ulimit = nofile=1024;ulimit = stack=unlimited;init = yes;oom_score_adj = -1;"
		      "stop_signal = int;stop_timeout = 1m");

	REQUIRE(app != NULL);
	CHECK_TEXT(app->process.user, "1000:dialout");
	CHECK_TEXT(app->process.workdir, "/srv/x");
	CHECK_TEXT(app->process.entrypoint[2], "a b");
	CHECK_TEXT(app->process.groups[1], "44");
	CHECK_TEXT(app_process_label(&app->process, "a"), "b=c");
	CHECK_TEXT(app_process_label(&app->process, "empty"), "");
	CHECK_TEXT(app_process_label(&app->process, "emp"), NULL);
	CHECK_INT(app->process.ulimits[0].soft, 1024);
	CHECK_INT(app->process.ulimits[0].hard, 1024);
	CHECK_INT(app->process.ulimits[1].hard, -1);
	CHECK(app->process.init && app->process.has_oom_score_adj);
	CHECK_INT(app->process.oom_score_adj, -1);
	CHECK_INT(app->process.stop_signal, 2);
	CHECK_INT(app->process.stop_timeout_ms, 60000);
}

static uint64_t capabilities(const char *lines)
{
	const struct app_config *app = parse(lines);

	return app ? app_confine_capabilities(&app->confine) : 0;
}

static void capability_sets(void)
{
	uint64_t usual = capabilities("");

	CHECK_INT(usual, 0xa80425fb); /* as `docker run` has it */
	CHECK_INT(capabilities("cap_add = NET_ADMIN"), usual | BIT(CAP_NET_ADMIN));
	CHECK_INT(capabilities("cap_drop = cap_chown"), usual & ~BIT(CAP_CHOWN));
	CHECK_INT(capabilities("cap_drop = ALL"), 0);
	CHECK_INT(capabilities("cap_drop = all;cap_add = CAP_KILL"), BIT(CAP_KILL));
	CHECK_INT(capabilities("cap_add = ALL;cap_drop = MKNOD"), ~BIT(CAP_MKNOD));
	CHECK_INT(capabilities("privileged = yes"), APP_ALL_CAPABILITIES);
}

static void storage(void)
{
	const struct app_config *app = parse("tmpfs = /a:size=1M,exec;tmpfs = /b/;shm_size = 8M;"
					     "writable = tmpfs:32M");

	REQUIRE(app != NULL);
	CHECK_TEXT(app->storage.tmpfs[0].options, "size=1M,exec");
	CHECK_TEXT(app->storage.tmpfs[1].path, "/b");
	CHECK(app_config_mounts(app, "/b"));
	CHECK_INT(app->storage.shm_bytes, 8 << 20);
	CHECK_INT(app->storage.ram_bytes, 32 << 20);
	CHECK(!app_storage_is_read_only(&app->storage));
	app = parse("writable = tmpfs");
	CHECK_INT(app ? app->storage.ram_bytes : 0, APP_WRITABLE_RAM);
	app = parse("writable = none");
	CHECK(app && app_storage_is_read_only(&app->storage));
	app = parse("writable = flash;writable_size = 64M");
	CHECK_INT(app ? app->storage.quota_bytes : 0, 64 << 20);
}

static void refuses_bad_values(void)
{
	static const struct {
		const char *line, *reason;
	} cases[] = {
		{ "user = a b", "not a name or number" },
		{ "user = a:", "use USER or USER:GROUP" },
		{ "user = a:b:c", "use USER or USER:GROUP" },
		{ "user = :b", "not a name or number" },
		{ "workdir = srv", "absolute" },
		{ "entrypoint = 'a", "quote" },
		{ "entrypoint = [\"/bin/a\", \"-b\"]", "as in a shell" },
		{ "group_add = a:b", "not a name or number" },
		{ "label = =x", "NAME=VALUE" },
		{ "label = x", "NAME=VALUE" },
		{ "label = a=1;label = a=2", "another label has this name" },
		{ "ulimit = nofile", "NAME=SOFT:HARD" },
		{ "ulimit = files=1", "unknown; use core, cpu" },
		{ "ulimit = nofile=2:1", "above the hard one" },
		{ "ulimit = nofile=unlimited:1", "above the hard one" },
		{ "ulimit = nofile=x", "not a number" },
		{ "ulimit = nofile=1;ulimit = nofile=2", "nofile is given twice" },
		{ "init = true", "use no or yes" },
		{ "oom_score_adj = 1001", "from -1000 to 1000" },
		{ "stop_signal = SIGNAL", "not a signal" },
		{ "stop_timeout = soon", "not a duration" },
		{ "cap_add = NET_ADMINS", "not a capability" },
		{ "cap_add = KILL;cap_add = CAP_KILL", "already given" },
		{ "sysctl = net.core.somaxconn", "NAME=VALUE" },
		{ "sysctl = net.a=1;sysctl = net.a=2", "given twice" },
		{ "sysctl = net.../../kernel.x=1", "not a kernel setting" },
		{ "userns = yes", "use host or auto" },
		{ "seccomp = none", "use default, unconfined or the absolute path" },
		{ "pid = container:x", "use private or host" },
		{ "tmpfs = a", "absolute" },
		{ "tmpfs = /", "over the container's /" },
		{ "tmpfs = /a:size=50%", "in percent" },
		{ "tmpfs = /a:size=", "not a size" },
		{ "tmpfs = /a:mode=9", "not a number" },
		{ "tmpfs = /a:uid=-1", "not a number" },
		{ "tmpfs = /a:bind", "not an option of a tmpfs" },
		{ "tmpfs = /a;tmpfs = /a/", "another volume, bind or tmpfs" },
		{ "tmpfs = /a;volume = v:/a", "another volume, bind or tmpfs" },
		{ "shm_size = 1K", "less than 64K" },
		{ "writable = ram", "use flash, tmpfs or none" },
		{ "writable = flash:16M", "only tmpfs takes a size" },
		{ "writable = tmpfs:x", "not a size" },
		{ "memory_swap = 1K", "512K" },
		{ "cpu_shares = 1", "from 2 to" },
		{ "cpuset = 0-", "not a list of processors" },
		{ "cpuset = 2-1", "not a list of processors" },
		{ "cpuset = 0,,1", "not a list of processors" },
		{ "blkio_weight = 9", "from 10 to 1000" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		if (!CHECK(!parse(cases[i].line)))
			test_fail(__FILE__, __LINE__, "that was %s", cases[i].line);
		CHECK_HAS(err.text, cases[i].reason);
	}
}

static void refuses_contradictions(void)
{
	static const struct {
		const char *lines, *reason;
	} cases[] = {
		{ "privileged = yes;userns = auto", "privileged and userns = auto" },
		{ "pid = host;userns = auto", "with userns = auto" },
		{ "ipc = host;shm_size = 1M", "remove shm_size" },
		{ "ipc = host;sysctl = kernel.sem=1", "with ipc = host" },
		{ "writable = none;writable_size = 1M", "writable_size is for" },
		{ "writable = tmpfs;writable_size = 1M", "writable_size is for" },
		{ "read_only = yes;writable = tmpfs", "contradict" },
		{ "memory_swap = 64M", "memory_swap needs" },
		{ "memory = 64M;memory_swap = 32M", "can't be less than memory" },
		{ "memory = 64M;memory_reservation = 65M", "above memory" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		if (!CHECK(!parse(cases[i].lines)))
			test_fail(__FILE__, __LINE__, "that was %s", cases[i].lines);
		CHECK_HAS(err.text, "agent.ini:1: [app a]: ");
		CHECK_HAS(err.text, cases[i].reason);
	}
}

static void kernel_settings_of_the_device_stay(void)
{
	static const char text[] = "[app a]\nimage = b\nnetwork = host\nsysctl = net.x=1\n";

	CHECK(parse("sysctl = net.x=1") != NULL);
	agent_config_free(config);
	config = NULL;
	CHECK_INT(agent_config_parse(&config, text, sizeof(text) - 1, "f", NULL, &err), -EINVAL);
	CHECK_HAS(err.text, "with network = host it would be the device's");
}

int main(void)
{
	RUN(process);
	RUN(capability_sets);
	RUN(storage);
	RUN(refuses_bad_values);
	RUN(refuses_contradictions);
	RUN(kernel_settings_of_the_device_stay);
	agent_config_free(config);
	return test_end();
}
