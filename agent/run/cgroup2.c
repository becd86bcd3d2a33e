/* cgroup v2: kernel Documentation/admin-guide/cgroup-v2.rst. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>

#include "agent/run/cgroup_parts.h"
#include "lib/fd.h"

#define FREEZE_TRIES 400 /* of 5 ms */

/* v2 has one hierarchy; the controller only chooses the mount, which is the same for all. */
#define ROOT CGROUP_MEMORY

void cgroup2_delegate(const struct cgroup *cgroup, const char *path, unsigned int asked)
{
	char file[CGROUP_FILE_MAX], word[32];

	snprintf(file, sizeof(file), "%s%s/cgroup.subtree_control", cgroup->mounts[ROOT], path);
	asked |= 1u << CGROUP_MEMORY | 1u << CGROUP_CPU | 1u << CGROUP_PIDS | 1u << CGROUP_BLKIO;
	/*
	 * One by one, so that a missing one does not take the others along; limits check it later.
	 */
	for (int c = 0; c < CGROUP_SYSTEMD; c++) {
		if (!(asked & 1u << c))
			continue;
		snprintf(word, sizeof(word), "+%s",
			 cgroup_controller_name((enum cgroup_controller)c, CGROUP_V2));
		fd_write_file(AT_FDCWD, file, word);
	}
}

int cgroup2_freeze(const struct cgroup *cgroup, bool frozen, struct err *err)
{
	int rc = cgroup_write(cgroup, ROOT, "cgroup.freeze", frozen ? "1" : "0", err);

	for (int i = 0; !rc && frozen && i < FREEZE_TRIES; i++) {
		if (cgroup_read_key(cgroup, ROOT, "cgroup.events", "frozen") == 1)
			return 0;
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
	if (rc < 0 || !frozen)
		return rc;
	cgroup_write(cgroup, ROOT, "cgroup.freeze", "0", NULL);
	return err_set(err, -ETIMEDOUT, "cgroup %s cannot be frozen", cgroup->path);
}

bool cgroup2_is_frozen(const struct cgroup *cgroup)
{
	return cgroup_read_number(cgroup, ROOT, "cgroup.freeze") == 1;
}

void cgroup2_read_usage(const struct cgroup *cgroup, struct cgroup_usage *usage)
{
	int64_t cpu_us = cgroup_read_key(cgroup, ROOT, "cpu.stat", "usage_usec");

	usage->memory_bytes = cgroup_read_number(cgroup, ROOT, "memory.current");
	usage->memory_inactive_bytes =
		cgroup_read_key(cgroup, ROOT, "memory.stat", "inactive_file");
	usage->memory_limit_bytes = cgroup_read_number(cgroup, ROOT, "memory.max");
	usage->cpu_ns = cpu_us < 0 ? -1 : cpu_us * 1000;
	usage->pids = cgroup_read_number(cgroup, ROOT, "pids.current");
}
