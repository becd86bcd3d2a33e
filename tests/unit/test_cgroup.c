// QEMU: no, a cgroup of this machine is made
#include "tests/unit/test.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/run/cgroup.h"

static struct err err;

static void paths(void)
{
	static const char *const wrong[] = {
		"", "/", "//", "/..", "/a/..", "/a/../b", "/./a", "a/."
	};
	char longest[CGROUP_PATH_MAX + 10];
	struct cgroup cgroup;

	CHECK_INT(cgroup_init(&cgroup, "a/b/", NULL), 0);
	CHECK_TEXT(cgroup.path, "/a/b");
	CHECK_INT(cgroup_init(&cgroup, "//a..b/...", NULL), 0);
	CHECK_TEXT(cgroup.path, "/a..b/...");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		CHECK_INT(cgroup_init(&cgroup, wrong[i], &err), -EINVAL);
	memset(longest, 'x', sizeof(longest));
	longest[CGROUP_PATH_MAX] = '\0';
	CHECK_INT(cgroup_init(&cgroup, longest, &err), -EINVAL);
	CHECK_HAS(err.text, "1 to 254 characters");
}

/* A child that waits, in the cgroup. */
static pid_t populate(const struct cgroup *cgroup)
{
	pid_t pid = fork();

	if (!pid) {
		pause();
		_exit(0);
	}
	CHECK_INT(cgroup_attach(cgroup, pid, &err), 0);
	return pid;
}

static void from_birth_to_death(void)
{
	struct cgroup_limits limits = { .pids = 50 };
	struct cgroup_usage usage;
	struct cgroup cgroup, found;
	char path[64];
	int status = 0;
	pid_t pid, listed = 0;

	snprintf(path, sizeof(path), "/berth-unit-%d/one", (int)getpid());
	REQUIRE(cgroup_init(&cgroup, path, &err) == 0);
	CHECK_INT(cgroup_read_usage(&cgroup, &usage), -ENOENT);
	if (!CHECK_INT(cgroup_create(&cgroup, &limits, &err), 0))
		fprintf(stderr, "%s\n", err.text);
	CHECK_INT(cgroup_list_pids(&cgroup, &listed, 1), 0);
	CHECK_INT(cgroup_signal(&cgroup, SIGTERM, &err), -ESRCH);

	pid = populate(&cgroup);
	CHECK_INT(cgroup_list_pids(&cgroup, &listed, 1), 1);
	CHECK_INT(listed, pid);
	CHECK_INT(cgroup_read_usage(&cgroup, &usage), 0);
	CHECK_INT(usage.pids, 1);
	CHECK_INT(usage.oom_kills, 0);
	CHECK(usage.cpu_ns >= 0);
	CHECK_INT(cgroup_init_of(&found, pid, &err), 0);
	CHECK_TEXT(found.path, path);
	CHECK_INT(cgroup_create(&cgroup, &limits, &err), -EBUSY);
	CHECK_HAS(err.text, "is in use");

	CHECK(!cgroup_is_frozen(&cgroup));
	CHECK_INT(cgroup_freeze(&cgroup, true, &err), 0);
	CHECK(cgroup_is_frozen(&cgroup));
	CHECK_INT(cgroup_freeze(&cgroup, false, &err), 0);
	CHECK(!cgroup_is_frozen(&cgroup));
	CHECK_INT(cgroup_freeze(&cgroup, true, &err), 0);
	CHECK_INT(cgroup_kill(&cgroup, &err), 0);
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK_INT(cgroup_remove(&cgroup, &err), 0);
	CHECK_INT(cgroup_read_usage(&cgroup, &usage), -ENOENT);
	CHECK_INT(cgroup_remove(&cgroup, &err), 0);
	CHECK_INT(cgroup_init_of(&found, pid, &err), -ESRCH);

	*strrchr(path, '/') = '\0';
	CHECK_INT(cgroup_init(&cgroup, path, &err), 0);
	CHECK_INT(cgroup_remove(&cgroup, &err), 0);
}

int main(void)
{
	RUN(paths);
	if (geteuid() == 0)
		RUN(from_birth_to_death);
	return test_end();
}
