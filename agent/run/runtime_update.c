/* update: other limits for a container that is there. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/run/bundle.h"
#include "agent/run/cgroup.h"
#include "agent/run/runtime.h"
#include "agent/run/state.h"
#include "config/units.h"
#include "lib/fd.h"
#include "lib/json.h"

#define EXIT_FAILED 1
#define RESOURCES_OPTION 'r'
#define FIRST_OPTION 1000 /* plus the place in the table */

/* A size may have a unit, "64M"; -1 is "no limit" where `min` is that. */
enum value { VALUE_SIZE, VALUE_NUMBER, VALUE_SET };

static const struct setting {
	const char *option;
	enum value value;
	size_t member;
	int64_t min, max;
	size_t flag; /* a bool that says that it is there; 0: none */
} settings[] = {
#define MEMBER(name) offsetof(struct cgroup_limits, name)
	{ "memory", VALUE_SIZE, MEMBER(memory_bytes), -1, INT64_MAX, 0 },
	{ "memory-reservation", VALUE_SIZE, MEMBER(memory_reservation_bytes), -1, INT64_MAX, 0 },
	{ "memory-swap", VALUE_SIZE, MEMBER(memory_swap_bytes), -1, INT64_MAX, 0 },
	{ "cpu-quota", VALUE_NUMBER, MEMBER(cpu_quota_us), -1, INT64_MAX / 1000, 0 },
	{ "cpu-period", VALUE_NUMBER, MEMBER(cpu_period_us), 0, 1000000, 0 },
	{ "cpu-burst", VALUE_NUMBER, MEMBER(cpu_burst_us), 0, INT64_MAX / 1000,
	  MEMBER(has_cpu_burst) },
	{ "cpu-share", VALUE_NUMBER, MEMBER(cpu_shares), 0, 262144, 0 },
	{ "cpu-idle", VALUE_NUMBER, MEMBER(cpu_idle), 0, 1, MEMBER(has_cpu_idle) },
	{ "cpu-rt-runtime", VALUE_NUMBER, MEMBER(realtime_runtime_us), -1, INT64_MAX / 1000, 0 },
	{ "cpu-rt-period", VALUE_NUMBER, MEMBER(realtime_period_us), 0, INT64_MAX / 1000, 0 },
	{ "cpuset-cpus", VALUE_SET, MEMBER(cpus), 0, 0, 0 },
	{ "cpuset-mems", VALUE_SET, MEMBER(mems), 0, 0, 0 },
	{ "pids-limit", VALUE_NUMBER, MEMBER(pids), -1, INT32_MAX, 0 },
	{ "blkio-weight", VALUE_NUMBER, MEMBER(io_weight), 0, 1000, 0 },
};

#define COUNT (sizeof(settings) / sizeof(*settings))

static int take_number(const struct setting *setting, const char *text, int64_t *number,
		       struct err *err)
{
	if (setting->min < 0 && !strcmp(text, "-1")) {
		*number = -1;
		return 0;
	}
	if (setting->value == VALUE_SIZE)
		return size_parse(text, number, err);
	return number_parse(text, setting->min, setting->max, number, err);
}

static int take(struct cgroup_limits *limits, const struct setting *setting, const char *text,
		struct err *err)
{
	char *member = (char *)limits + setting->member;
	int rc;

	_Static_assert(sizeof(limits->cpu_shares) == sizeof(int64_t), "one width for all numbers");
	if (setting->value == VALUE_SET) {
		rc = limits_check_set(text, err);
		if (!rc) {
			free(*(char **)member);
			*(char **)member = *text ? xstrdup(text) : NULL;
		}
	} else {
		rc = take_number(setting, text, (int64_t *)member, err);
	}
	if (!rc && setting->flag)
		*(bool *)((char *)limits + setting->flag) = true;
	return rc < 0 ? err_context(err, "--%s %s", setting->option, text) : 0;
}

static int take_file(struct cgroup_limits *limits, const char *path, struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	JSON_CLEANUP json_t *json = NULL;
	bool is_stdin = !strcmp(path, "-");
	int rc = is_stdin ? fd_read_all(STDIN_FILENO, &text, BUNDLE_CONFIG_MAX) :
			    fd_read_file(AT_FDCWD, path, &text, BUNDLE_CONFIG_MAX);

	if (rc < 0)
		return err_code(err, rc, "read %s", path);
	limits_release(limits);
	if (json_parse_unsigned(&json, buf_text(&text), text.size, path, err) < 0)
		return -EINVAL;
	if (limits_read(limits, json, err) < 0)
		return err_context(err, "%s", path);
	/* As runc has it: engines hand over all of the container's resources again. */
	limits->device_count = 0;
	return 0;
}

static int read_options(struct runtime *runtime, int argc, char **argv,
			struct cgroup_limits *limits)
{
	struct option options[COUNT + 2] = {
		{ "resources", required_argument, NULL, RESOURCES_OPTION },
	};
	struct err *err = &runtime->failure.err;
	int option, rc = 0;

	for (size_t i = 0; i < COUNT; i++)
		options[i + 1] = (struct option){ settings[i].option, required_argument, NULL,
						  FIRST_OPTION + (int)i };
	while (!rc && (option = runtime_option(runtime, argc, argv, "r:", options)) != -1) {
		if (option == RESOURCES_OPTION)
			rc = take_file(limits, optarg, err);
		else if (option >= FIRST_OPTION)
			rc = take(limits, &settings[option - FIRST_OPTION], optarg, err);
		else
			rc = -EINVAL;
	}
	return rc;
}

static int update(const struct state *state, const struct cgroup_limits *limits, struct err *err)
{
	enum state_status status = state_find_status(state);
	struct cgroup cgroup;
	int rc;

	if (status == STATE_STOPPED || status == STATE_CREATING)
		return err_set(err, -ESRCH, "container %s is %s: there is nothing to limit",
			       state->id, state_status_name(status));
	rc = state_cgroup(state, &cgroup, err);
	return rc ?: cgroup_update(&cgroup, limits, err);
}

int runtime_update(struct runtime *runtime, int argc, char **argv)
{
	struct cgroup_limits limits = { 0 };
	struct err *err = &runtime->failure.err;
	struct state state = { .dirfd = -1 };
	const char *id;
	int rc = read_options(runtime, argc, argv, &limits);

	id = rc < 0 ? NULL : runtime_id(runtime, argc, argv);
	if (id) {
		rc = state_open(&state, runtime->root, id, err);
		if (!rc)
			rc = update(&state, &limits, err);
		state_release(&state);
	}
	limits_release(&limits);
	if (!id)
		return runtime->failure.exit_code ?: EXIT_FAILED;
	return rc < 0 ? EXIT_FAILED : 0;
}
