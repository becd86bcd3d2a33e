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
	int ready[2];
	char byte;
	pid_t pid;

	CHECK_INT(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		if (cgroup_enter(cgroup, NULL) == 0 && write(ready[1], "", 1) == 1)
			pause();
		_exit(0);
	}
	close(ready[1]);
	CHECK_INT(read(ready[0], &byte, 1), 1);
	close(ready[0]);
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
	CHECK_INT(cgroup_create(&cgroup, &limits, &err), -EEXIST);
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

/* The same with 4 MiB of memory in use. */
static pid_t populate_with_memory(const struct cgroup *cgroup)
{
	int ready[2];
	char byte = 0;
	pid_t pid;

	CHECK_INT(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		char *memory = malloc(4 << 20);

		if (cgroup_enter(cgroup, NULL) == 0 && memory)
			memset(memory, 1, 4 << 20);
		if (write(ready[1], memory, 1) == 1)
			pause();
		_exit(0);
	}
	CHECK_INT(read(ready[0], &byte, 1), 1);
	return pid;
}

/* Of a controller that the cgroup had nothing to do with until then, too. */
static void limits_change(void)
{
	struct cgroup_limits none = { 0 }, first = { .memory_bytes = 64 << 20, .pids = 9 };
	struct cgroup_limits later = { .memory_bytes = 32 << 20, .cpus = (char[]){ "0" } };
	struct cgroup_limits tight = { .memory_bytes = 1 << 20, .memory_swap_bytes = 1 << 20 };
	struct cgroup_usage usage;
	struct cgroup cgroup;
	char path[64];
	pid_t pid;

	snprintf(path, sizeof(path), "/berth-unit-%d/two", (int)getpid());
	REQUIRE(cgroup_init(&cgroup, path, &err) == 0);
	CHECK_INT(cgroup_create(&cgroup, &first, &err), 0);
	pid = populate_with_memory(&cgroup);
	if (!CHECK_INT(cgroup_update(&cgroup, &later, &err), 0))
		fprintf(stderr, "%s\n", err.text);
	CHECK_INT(cgroup_read_usage(&cgroup, &usage), 0);
	CHECK_INT(usage.memory_limit_bytes, 32 << 20);
	CHECK_INT(cgroup_update(&cgroup, &none, &err), 0);
	CHECK_INT(cgroup_update(&cgroup, &tight, &err), -EBUSY);
	CHECK_HAS(err.text, "bytes are in use");
	CHECK_INT(cgroup_read_usage(&cgroup, &usage), 0);
	CHECK_INT(usage.memory_limit_bytes, 32 << 20);
	CHECK(!cgroup_is_frozen(&cgroup));
	CHECK_INT(cgroup_freeze(&cgroup, true, &err), 0);
	CHECK(cgroup_is_frozen(&cgroup));
	CHECK_INT(cgroup_kill(&cgroup, &err), 0);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	CHECK_INT(cgroup_remove(&cgroup, &err), 0);
	*strrchr(path, '/') = '\0';
	CHECK_INT(cgroup_init(&cgroup, path, &err), 0);
	CHECK_INT(cgroup_remove(&cgroup, &err), 0);
}

int main(void)
{
	RUN(paths);
	if (geteuid() == 0)
		RUN(from_birth_to_death);
	if (geteuid() == 0)
		RUN(limits_change);
	return test_end();
}
