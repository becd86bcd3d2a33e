#include "tests/unit/test.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/run/caps.h"
#include "lib/capname.h"

static void names(void)
{
	CHECK_INT(cap_parse("CAP_CHOWN"), CAP_CHOWN);
	CHECK_INT(cap_parse("cap_sys_admin"), CAP_SYS_ADMIN);
	CHECK_INT(cap_parse("CAP_CHECKPOINT_RESTORE"), 40);
	CHECK_INT(cap_parse("CHOWN"), -EINVAL);
	CHECK_INT(cap_parse(""), -EINVAL);
	CHECK_INT(cap_parse("CAP_CHOWN "), -EINVAL);
	for (int i = 0; cap_name(i); i++)
		CHECK_INT(cap_parse(cap_name(i)), i);
	CHECK_TEXT(cap_name(41), NULL);
	CHECK_TEXT(cap_name(-1), NULL);
}

/* A line of /proc/self/status. */
static unsigned long long status(const char *name)
{
	unsigned long long value = ~0ull;
	char line[128];
	FILE *file = fopen("/proc/self/status", "r");

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)))
			sscanf(line + strlen(name), ": %llx", &value);
	if (file)
		fclose(file);
	return value;
}

/* Runs a function in a child, whose rights may go for good. */
static bool in_child(int (*function)(void))
{
	int result = -1;
	pid_t pid = fork();

	if (!pid)
		_exit(function());
	waitpid(pid, &result, 0);
	return result == 0;
}

static const struct caps some = {
	.bounding = 1 << CAP_CHOWN | 1 << CAP_KILL | 1 << CAP_SETUID,
	.permitted = 1 << CAP_CHOWN | 1 << CAP_KILL,
	.effective = 1 << CAP_CHOWN,
	.inheritable = 1 << CAP_KILL,
	.ambient = 1 << CAP_KILL,
};

static int become_user(void)
{
	struct err err = ERR_INIT;

	if (caps_limit(&some, &err) < 0 || caps_keep(&err) < 0 || setresuid(7, 7, 7) < 0 ||
	    caps_apply(&some, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	return status("CapBnd") != some.bounding || status("CapPrm") != some.permitted ||
	       status("CapEff") != some.effective || status("CapInh") != some.inheritable ||
	       status("CapAmb") != some.ambient;
}

static int ask_for_too_much(void)
{
	static const struct caps all = { ~0ull, ~0ull, ~0ull, ~0ull, 0 };
	unsigned long long held = status("CapPrm"), bounding = status("CapBnd");
	struct err err = ERR_INIT;

	if (caps_limit(&all, &err) < 0 || caps_apply(&all, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	return status("CapPrm") != held || status("CapBnd") != bounding;
}

static int drop_all(void)
{
	static const struct caps none;

	return caps_limit(&none, NULL) < 0 || caps_apply(&none, NULL) < 0 || status("CapBnd") ||
	       status("CapPrm") || status("CapInh") || status("CapAmb");
}

static void sets_survive_the_change_of_user(void)
{
	CHECK(in_child(become_user));
}

static void what_is_not_held_is_left_out(void)
{
	CHECK(in_child(ask_for_too_much));
}

static void all_can_be_dropped(void)
{
	CHECK(in_child(drop_all));
}

int main(void)
{
	RUN(names);
	/* Only root has something to give away. */
	if (geteuid() == 0) {
		RUN(sets_survive_the_change_of_user);
		RUN(what_is_not_held_is_left_out);
		RUN(all_can_be_dropped);
	}
	return test_end();
}
