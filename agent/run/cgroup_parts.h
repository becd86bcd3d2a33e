/*
 * cgroup_parts - what the cgroup*.c share. cgroup_find.c finds the mode, cgroup.c makes
 * directories, cgroup_enter.c lets processes in, cgroup_tree.c walks them, cgroup_limits.c writes
 * numbers, which is the same on v1 and v2; cgroup1*.c and cgroup2*.c know the names of control
 * files and what is written there.
 */
#ifndef AGENT_RUN_CGROUP_PARTS_H
#define AGENT_RUN_CGROUP_PARTS_H

#include "agent/run/cgroup.h"

#define CGROUP_FILE_MAX (CGROUP_MOUNT_MAX + CGROUP_PATH_MAX + 64)

#define CGROUP_TEXT_MAX (1024 * 1024) /* of mountinfo, of cgroup.procs */

/*
 * Each hierarchy that the cgroup is in, once: on v2 there is one, on v1 controllers may share one.
 * Those from CGROUP_CPUSET on count when they have a directory for it.
 */
#define cgroup_for_each(c, cgroup) \
	for (int c = cgroup_next_hierarchy(cgroup, -1); c < CGROUP_CONTROLLERS; \
	     c = cgroup_next_hierarchy(cgroup, c))
int cgroup_next_hierarchy(const struct cgroup *cgroup, int after);

/* The cgroup's directory in that hierarchy, with "/FILE" behind it unless that is NULL. */
void cgroup_file(const struct cgroup *cgroup, enum cgroup_controller controller, const char *file,
		 char path[static CGROUP_FILE_MAX]);

/* The first hierarchy there is: where the processes of the cgroup are listed. */
enum cgroup_controller cgroup_primary(const struct cgroup *cgroup);

/* Writes a value into a control file; the error names both. */
int cgroup_write(const struct cgroup *cgroup, enum cgroup_controller controller, const char *file,
		 const char *value, struct err *err);
int cgroup_write_number(const struct cgroup *cgroup, enum cgroup_controller controller,
			const char *file, int64_t value, struct err *err);

/* A control file that holds one number ("max" counts as -1); -1 when it can't be read. */
int64_t cgroup_read_number(const struct cgroup *cgroup, enum cgroup_controller controller,
			   const char *file);
/* The number behind "KEY " in a file of such lines, or -1. */
int64_t cgroup_read_key(const struct cgroup *cgroup, enum cgroup_controller controller,
			const char *file, const char *key);

/* "blkio"; what a file's name begins with. */
const char *cgroup_controller_name(enum cgroup_controller controller, enum cgroup_mode mode);
/* Can it be used in this cgroup? */
bool cgroup_has(const struct cgroup *cgroup, enum cgroup_controller controller);
bool cgroup_has_file(const struct cgroup *cgroup, enum cgroup_controller controller,
		     const char *file);
/* Those from CGROUP_CPUSET on that the limits ask for, as bits. */
unsigned int cgroup_asked(const struct cgroup_limits *limits);

/* "the kernel has no ... controller": what to do about it. */
int cgroup_lacks(const char *controller, struct err *err);

/* cgroup_limits.c: one number for one file. */
struct cgroup_setting {
	enum cgroup_controller controller;
	const char *file;
	bool asked;
	int64_t value; /* negative: no limit, which needs no controller either */
};

/* Writes those that are asked for, in this order. */
int cgroup_apply_settings(const struct cgroup *cgroup, const struct cgroup_setting *settings,
			  size_t count, struct err *err);
/*
 * Two that the kernel checks against each other, such as a limit and its sum with swap: which has
 * to be first depends on whether they go up or down.
 */
int cgroup_apply_pair(const struct cgroup *cgroup, const struct cgroup_setting pair[static 2],
		      struct err *err);
/* cpuset.cpus and cpuset.mems: the same on v1 and v2. */
int cgroup_apply_cpuset(const struct cgroup *cgroup, const struct cgroup_limits *limits,
			struct err *err);
/* A burst is never more than the quota: one that gets smaller goes ahead of it. */
int cgroup_shrink_burst(const struct cgroup *cgroup, const char *file,
			const struct cgroup_limits *limits, struct err *err);
/* Writes "NAME VALUE" for each line into the file. */
int cgroup_apply_lines(const struct cgroup *cgroup, enum cgroup_controller controller,
		       const char *file, const struct limit_lines *lines, struct err *err);
/* hugetlb.SIZE.<suffix>, and hugetlb.SIZE.rsvd.<suffix> where the kernel (5.7) has it */
int cgroup_apply_hugepages(const struct cgroup *cgroup, const char *suffix,
			   const struct limit_lines *pages, struct err *err);
/* A limit that the container's memory does not fit in is refused: nothing has to be killed. */
int cgroup_check_memory(const struct cgroup *cgroup, const struct cgroup_limits *limits,
			struct err *err);

int cgroup1_apply(const struct cgroup *cgroup, const struct cgroup_limits *limits, struct err *err);
/* What a new directory needs before it can be used: a cpuset begins empty. */
void cgroup1_prepare(const struct cgroup *cgroup, enum cgroup_controller controller);
int cgroup1_freeze(const struct cgroup *cgroup, bool frozen, struct err *err);
int cgroup1_change_devices(const struct cgroup *cgroup, const struct device_rule *rules, size_t count,
			   struct err *err);
bool cgroup1_is_frozen(const struct cgroup *cgroup);
void cgroup1_read_usage(const struct cgroup *cgroup, struct cgroup_usage *usage);

/* Lets the controllers be used in the cgroup `path` (a prefix of the whole one). */
void cgroup2_delegate(const struct cgroup *cgroup, const char *path, unsigned int asked);
int cgroup2_apply(const struct cgroup *cgroup, const struct cgroup_limits *limits, struct err *err);
int cgroup2_freeze(const struct cgroup *cgroup, bool frozen, struct err *err);
int cgroup2_change_devices(const struct cgroup *cgroup, const struct device_rule *rules, size_t count,
			   struct err *err);
bool cgroup2_is_frozen(const struct cgroup *cgroup);
void cgroup2_read_usage(const struct cgroup *cgroup, struct cgroup_usage *usage);

#endif
