#include "agent/run/sched.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/run/bundle_read.h"
#include "lib/fd.h"

#define IO_WHO_PROCESS 1
#define IO_CLASS_SHIFT 13
#define CPUS_MAX (8 * sizeof(cpu_set_t)) /* CPU_SETSIZE is too small in musl 1.2.3 */

struct name {
	const char *name;
	uint32_t value;
};

static const struct name policies[] = {
	{ "SCHED_OTHER", 0 }, { "SCHED_FIFO", 1 }, { "SCHED_RR", 2 },	    { "SCHED_BATCH", 3 },
	{ "SCHED_ISO", 4 },   { "SCHED_IDLE", 5 }, { "SCHED_DEADLINE", 6 }, { 0 },
};

static const struct name policy_flags[] = {
	{ "SCHED_FLAG_RESET_ON_FORK", 0x01 },  { "SCHED_FLAG_RECLAIM", 0x02 },
	{ "SCHED_FLAG_DL_OVERRUN", 0x04 },     { "SCHED_FLAG_KEEP_POLICY", 0x08 },
	{ "SCHED_FLAG_KEEP_PARAMS", 0x10 },    { "SCHED_FLAG_UTIL_CLAMP_MIN", 0x20 },
	{ "SCHED_FLAG_UTIL_CLAMP_MAX", 0x40 }, { 0 },
};

static const struct name io_classes[] = {
	{ "IOPRIO_CLASS_RT", 1 }, { "IOPRIO_CLASS_BE", 2 }, { "IOPRIO_CLASS_IDLE", 3 }, { 0 },
};

static const struct name domains[] = {
	{ "LINUX", PER_LINUX }, { "LINUX32", PER_LINUX32 }, { 0 },
};

static int find(const struct name *names, const char *what, const char *text, uint32_t *value,
		struct err *err)
{
	for (; names->name; names++) {
		if (strcmp(names->name, text))
			continue;
		*value = names->value;
		return 0;
	}
	return err_set(err, -EINVAL, "\"%s\" is not known as a %s", text, what);
}

static int read_flags(struct scheduling *sched, const json_t *object, struct err *err)
{
	char **flags = NULL;
	uint32_t value = 0;
	int rc = json_get_strings(object, "flags", &flags, err);

	for (char **flag = flags; flag && *flag && rc >= 0; flag++) {
		rc = find(policy_flags, "flag of a scheduler", *flag, &value, err);
		sched->flags |= value;
	}
	free_strings(flags);
	return rc < 0 ? rc : 0;
}

static int read_policy(struct scheduling *sched, const json_t *process, struct err *err)
{
	int64_t nice = 0, priority = 0, runtime = 0, deadline = 0, period = 0;
	const char *policy = "";
	json_t *object;
	int rc = json_get_object(process, "scheduler", &object, err);

	if (rc <= 0)
		return rc;
	if (json_get_string(object, "policy", &policy, err) < 0 ||
	    find(policies, "policy", policy, &sched->policy, err) < 0 ||
	    read_range(object, "nice", -20, 19, &nice, err) < 0 ||
	    read_range(object, "priority", 0, 99, &priority, err) < 0 ||
	    read_range(object, "runtime", 0, INT64_MAX, &runtime, err) < 0 ||
	    read_range(object, "deadline", 0, INT64_MAX, &deadline, err) < 0 ||
	    read_range(object, "period", 0, INT64_MAX, &period, err) < 0 ||
	    read_flags(sched, object, err) < 0)
		return err_context(err, "scheduler");
	sched->has_policy = true;
	sched->nice = (int32_t)nice;
	sched->priority = (uint32_t)priority;
	sched->runtime_ns = (uint64_t)runtime;
	sched->deadline_ns = (uint64_t)deadline;
	sched->period_ns = (uint64_t)period;
	return 0;
}

static int read_io_priority(struct scheduling *sched, const json_t *process, struct err *err)
{
	const char *class = "";
	int64_t priority = 0;
	uint32_t number;
	json_t *object;
	int rc = json_get_object(process, "ioPriority", &object, err);

	if (rc <= 0)
		return rc;
	if (json_get_string(object, "class", &class, err) < 0 ||
	    find(io_classes, "class", class, &number, err) < 0 ||
	    read_range(object, "priority", 0, 7, &priority, err) < 0)
		return err_context(err, "ioPriority");
	sched->io_priority = (int)(number << IO_CLASS_SHIFT) | (int)priority;
	return 0;
}

static int parse_cpus(const char *list, cpu_set_t *set)
{
	char *end = NULL;

	CPU_ZERO(set);
	for (; *list; list = *end ? end + 1 : end) {
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (end > list && *end == '-') {
			list = end + 1;
			last = strtoul(list, &end, 10);
		}
		if (end == list || (*end && *end != ',') || first > last || last >= CPUS_MAX)
			return -EINVAL;
		for (; first <= last; first++)
			CPU_SET(first, set);
	}
	return CPU_COUNT(set) ? 0 : -EINVAL;
}

static int read_cpus(char **cpus, const json_t *object, const char *name, struct err *err)
{
	int rc = read_copy(object, name, cpus, err);
	cpu_set_t set;

	if (rc > 0 && parse_cpus(*cpus, &set) < 0)
		return err_set(err, -EINVAL, "\"%s\" is \"%s\", not a list of processors as 0-3,7",
			       name, *cpus);
	return rc < 0 ? rc : 0;
}

static int read_affinity(struct scheduling *sched, const json_t *process, struct err *err)
{
	json_t *object;
	int rc = json_get_object(process, "execCPUAffinity", &object, err);

	if (rc <= 0)
		return rc;
	if (read_cpus(&sched->first_cpus, object, "initial", err) < 0 ||
	    read_cpus(&sched->cpus, object, "final", err) < 0)
		return err_context(err, "execCPUAffinity");
	return 0;
}

int sched_read(struct scheduling *sched, const json_t *process, struct err *err)
{
	if (read_policy(sched, process, err) < 0 || read_io_priority(sched, process, err) < 0 ||
	    read_affinity(sched, process, err) < 0)
		return -EINVAL;
	return 0;
}

int sched_read_personality(struct scheduling *sched, const json_t *linux_object, struct err *err)
{
	static const char *const later[] = { "flags" }; /* the specification has none yet */
	const char *domain = "";
	uint32_t value;
	json_t *object;
	int rc = json_get_object(linux_object, "personality", &object, err);

	if (rc <= 0)
		return rc;
	if (json_get_string(object, "domain", &domain, err) < 0 ||
	    find(domains, "domain", domain, &value, err) < 0 ||
	    refuse_members(object, "", later, 1, err) < 0)
		return err_context(err, "personality");
	sched->has_personality = true;
	sched->personality = value;
	return 0;
}

void sched_release(struct scheduling *sched)
{
	free(sched->first_cpus);
	free(sched->cpus);
	*sched = (struct scheduling){ 0 };
}

/* struct sched_attr of linux/sched/types.h, its first version. */
struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static int policy_failed(const struct scheduling *sched, struct err *err)
{
	bool is_real_time = sched->policy == SCHED_FIFO || sched->policy == SCHED_RR;
	const char *why = errno != EPERM || !is_real_time ? "" :
			  " (cgroup v1 has no real time to give before linux.resources.cpu.realtimeRuntime is set)";

	return err_sys(err, "process.scheduler%s", why);
}

int sched_apply(const struct scheduling *sched, struct err *err)
{
	const struct attr attr = {
		.size = sizeof(attr), .policy = sched->policy, .flags = sched->flags,
		.nice = sched->nice, .priority = sched->priority, .runtime = sched->runtime_ns,
		.deadline = sched->deadline_ns, .period = sched->period_ns,
	};

	if (sched->has_personality && personality(sched->personality) < 0)
		return err_sys(err, "linux.personality");
	if (sched->has_policy && syscall(SYS_sched_setattr, 0, &attr, 0) < 0)
		return policy_failed(sched, err);
	if (sched->io_priority &&
	    syscall(SYS_ioprio_set, IO_WHO_PROCESS, 0, sched->io_priority) < 0)
		return err_sys(err, "process.ioPriority");
	return 0;
}

int sched_set_cpus(const char *list, struct err *err)
{
	cpu_set_t set;

	if (!list || parse_cpus(list, &set) < 0)
		return 0;
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		return err_sys(err, "process.execCPUAffinity %s", list);
	return 0;
}
