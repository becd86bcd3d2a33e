/* Numbers into control files: what is the same on v1 and v2. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/run/cgroup_parts.h"
#include "lib/fd.h"

static unsigned int asked_by_file(const char *file)
{
	for (int c = CGROUP_CPUSET; c < CGROUP_SYSTEMD; c++) {
		const char *name = cgroup_controller_name((enum cgroup_controller)c, CGROUP_V2);
		size_t length = strlen(name);

		if (!strncmp(file, name, length) && file[length] == '.')
			return 1u << c;
	}
	return 0;
}

unsigned int cgroup_asked(const struct cgroup_limits *limits)
{
	unsigned int asked = 0;

	if (limits->cpus || limits->mems)
		asked |= 1u << CGROUP_CPUSET;
	if (limits->hugepages.count)
		asked |= 1u << CGROUP_HUGETLB;
	if (limits->net_class)
		asked |= 1u << CGROUP_NET_CLS;
	if (limits->priorities.count)
		asked |= 1u << CGROUP_NET_PRIO;
	if (limits->rdma.count)
		asked |= 1u << CGROUP_RDMA;
	for (size_t i = 0; i < limits->unified.count; i++)
		asked |= asked_by_file(limits->unified.items[i].name);
	return asked;
}

bool cgroup_has(const struct cgroup *cgroup, enum cgroup_controller controller)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	const char *name = cgroup_controller_name(controller, cgroup->mode);
	char path[CGROUP_FILE_MAX], *save = NULL;

	if (cgroup->mode == CGROUP_V1)
		return cgroup->mounts[controller][0];
	cgroup_file(cgroup, controller, "cgroup.controllers", path);
	if (fd_read_file(AT_FDCWD, path, &text, 4096) < 0 || !text.size)
		return false;
	for (char *word = strtok_r(text.data, " \n", &save); word;
	     word = strtok_r(NULL, " \n", &save))
		if (!strcmp(word, name))
			return true;
	return false;
}

int cgroup_lacks(const char *controller, struct err *err)
{
	return err_set(err, -ENOTSUP,
		       "the kernel has no %s cgroup controller, which the limit needs: enable it "
		       "(\"cgroup_enable=%s\" on the kernel's command line), or take the limit out",
		       controller, controller);
}

/* What is memory's own in errors: the kernel says only "busy" or "invalid". */
static int explain(const struct cgroup *cgroup, const struct cgroup_setting *setting, int rc,
		   struct err *err)
{
	struct cgroup_usage usage;

	if (rc == -ENOENT)
		return err_set(err, -ENOTSUP, "the kernel has no %s: take that limit out",
			       setting->file);
	if (rc == -EBUSY && setting->controller == CGROUP_MEMORY &&
	    cgroup_read_usage(cgroup, &usage) == 0)
		return err_set(err, rc,
			       "memory limit %" PRId64 ": %" PRId64 " bytes are in use and cannot "
			       "be given back: choose more, or end something first",
			       setting->value, usage.memory_bytes);
	if (rc == -EINVAL && setting->controller == CGROUP_MEMORY)
		return err_context(err, "memory is never more than memory and swap together");
	return rc;
}

static int apply(const struct cgroup *cgroup, const struct cgroup_setting *setting,
		 struct err *err)
{
	enum cgroup_controller c = setting->controller;
	int rc;

	if (!setting->asked)
		return 0;
	if (setting->value < 0 && !cgroup_has_file(cgroup, c, setting->file))
		return 0;
	if (!cgroup_has(cgroup, c))
		return cgroup_lacks(cgroup_controller_name(c, cgroup->mode), err);
	/* Of v1's files only this one has a word for "no limit". */
	if (setting->value < 0 && (cgroup->mode == CGROUP_V2 || c == CGROUP_PIDS))
		rc = cgroup_write(cgroup, c, setting->file, "max", err);
	else
		rc = cgroup_write_number(cgroup, c, setting->file, setting->value, err);
	return rc < 0 ? explain(cgroup, setting, rc, err) : 0;
}

int cgroup_apply_settings(const struct cgroup *cgroup, const struct cgroup_setting *settings,
			  size_t count, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < count && !rc; i++)
		rc = apply(cgroup, &settings[i], err);
	return rc;
}

int cgroup_apply_pair(const struct cgroup *cgroup, const struct cgroup_setting pair[static 2],
		      struct err *err)
{
	struct err why = ERR_INIT;
	int rc = apply(cgroup, &pair[0], &why);

	if (rc == -EINVAL && pair[1].asked)
		return apply(cgroup, &pair[1], err) ?: apply(cgroup, &pair[0], err);
	if (rc < 0)
		return err_set(err, rc, "%s", why.text);
	return apply(cgroup, &pair[1], err);
}

int cgroup_shrink_burst(const struct cgroup *cgroup, const char *file,
			const struct cgroup_limits *limits, struct err *err)
{
	const struct cgroup_setting burst = { CGROUP_CPU, file, true, limits->cpu_burst_us };

	if (!limits->has_cpu_burst ||
	    limits->cpu_burst_us >= cgroup_read_number(cgroup, CGROUP_CPU, file))
		return 0;
	return apply(cgroup, &burst, err);
}

int cgroup_apply_lines(const struct cgroup *cgroup, enum cgroup_controller controller,
		       const char *file, const struct limit_lines *lines, struct err *err)
{
	int rc = 0;

	if (lines->count && !cgroup_has(cgroup, controller))
		return cgroup_lacks(cgroup_controller_name(controller, cgroup->mode), err);
	for (size_t i = 0; i < lines->count && !rc; i++) {
		FREE_CLEANUP char *line =
			xasprintf("%s %s", lines->items[i].name, lines->items[i].value);

		rc = cgroup_write(cgroup, controller, file, line, err);
	}
	return rc;
}

int cgroup_apply_hugepages(const struct cgroup *cgroup, const char *suffix,
			   const struct limit_lines *pages, struct err *err)
{
	if (pages->count && !cgroup_has(cgroup, CGROUP_HUGETLB))
		return cgroup_lacks("hugetlb", err);
	for (size_t i = 0; i < pages->count; i++) {
		const struct limit_line *page = &pages->items[i];
		char file[128];
		int rc;

		snprintf(file, sizeof(file), "hugetlb.%.64s.%s", page->name, suffix);
		rc = cgroup_write(cgroup, CGROUP_HUGETLB, file, page->value, err);
		snprintf(file, sizeof(file), "hugetlb.%.64s.rsvd.%s", page->name, suffix);
		if (!rc && cgroup_has_file(cgroup, CGROUP_HUGETLB, file))
			rc = cgroup_write(cgroup, CGROUP_HUGETLB, file, page->value, err);
		if (rc == -ENOENT)
			return err_set(err, -ENOTSUP, "hugepageLimits: no pages of %s here",
				       page->name);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Page cache goes when the limit is set. v1 tries that itself, and refuses when it does not help. */
static int64_t what_stays(const struct cgroup *cgroup, int64_t used)
{
	static const char *const cache[] = { "inactive_file", "active_file", "slab_reclaimable" };

	for (size_t i = 0; i < sizeof(cache) / sizeof(*cache); i++) {
		int64_t bytes = cgroup_read_key(cgroup, CGROUP_MEMORY, "memory.stat", cache[i]);

		used -= bytes > 0 ? bytes : 0;
	}
	return used;
}

int cgroup_check_memory(const struct cgroup *cgroup, const struct cgroup_limits *limits,
			struct err *err)
{
	struct cgroup_usage usage;
	int64_t used;

	if (limits->memory_bytes <= 0 || cgroup_read_usage(cgroup, &usage) < 0)
		return 0;
	if (cgroup->mode == CGROUP_V1 && !limits->check_before_update)
		return 0;
	used = limits->check_before_update ? usage.memory_bytes :
					     what_stays(cgroup, usage.memory_bytes);
	if (used <= limits->memory_bytes)
		return 0;
	return err_set(err, -EBUSY,
		       "memory limit %" PRId64 ": %" PRId64 " bytes are in use: choose more, or "
		       "end something first", limits->memory_bytes, used);
}

static int write_set(const struct cgroup *cgroup, const char *file, const char *list, struct err *err)
{
	int rc = cgroup_write(cgroup, CGROUP_CPUSET, file, list, err);

	if (rc == -ERANGE || rc == -EINVAL || rc == -EACCES)
		return err_set(err, rc, "%s = %s: the device, or the cgroup above, does not have all of them",
			       file, list);
	return rc;
}

int cgroup_apply_cpuset(const struct cgroup *cgroup, const struct cgroup_limits *limits,
			struct err *err)
{
	int rc = 0;

	if ((limits->cpus || limits->mems) && !cgroup_has(cgroup, CGROUP_CPUSET))
		return cgroup_lacks("cpuset", err);
	if (limits->cpus)
		rc = write_set(cgroup, "cpuset.cpus", limits->cpus, err);
	if (!rc && limits->mems)
		rc = write_set(cgroup, "cpuset.mems", limits->mems, err);
	return rc;
}
