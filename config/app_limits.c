/* The keys of an app's section about how much it may use: limits of its cgroup. */
#include <errno.h>
#include <string.h>

#include "config/app_parts.h"
#include "config/units.h"
#include "lib/fd.h"

/* The range of cpu.shares that Docker takes. */
#define SHARES_MIN 2
#define SHARES_MAX 262144
#define PROCESSOR_MAX 8191 /* the kernel's NR_CPUS is at most one more */

static int parse_memory(const char *value, int64_t *bytes, struct err *err)
{
	int64_t found;

	if (size_parse(value, &found, err) < 0)
		return -EINVAL;
	if (found < APP_MEMORY_MIN)
		return err_set(err, -EINVAL, "less than 512K, in which no program starts");
	*bytes = found;
	return 0;
}

int set_memory(void *object, const char *value, struct err *err)
{
	return parse_memory(value, &((struct app_config *)object)->memory_bytes, err);
}

int set_memory_swap(void *object, const char *value, struct err *err)
{
	struct app_config *app = object;

	if (!strcmp(value, "unlimited") || !strcmp(value, "-1")) {
		app->memory_swap_bytes = -1;
		return 0;
	}
	return parse_memory(value, &app->memory_swap_bytes, err);
}

int set_memory_reservation(void *object, const char *value, struct err *err)
{
	return parse_memory(value, &((struct app_config *)object)->memory_reservation_bytes, err);
}

int set_cpus(void *object, const char *value, struct err *err)
{
	return cpus_parse(value, &((struct app_config *)object)->cpus_milli, err);
}

int set_cpu_shares(void *object, const char *value, struct err *err)
{
	return number_parse(value, SHARES_MIN, SHARES_MAX,
			    &((struct app_config *)object)->cpu_shares, err);
}

/* "3" or "0-3": a step of a cpuset(7) list. */
static int check_range(char *text, struct err *err)
{
	char *last = strchr(text, '-');
	int64_t from, to;

	if (last)
		*last++ = '\0';
	if (number_parse(text, 0, PROCESSOR_MAX, &from, NULL) < 0 ||
	    number_parse(last ?: text, 0, PROCESSOR_MAX, &to, NULL) < 0 || from > to)
		return err_set(err, -EINVAL, "not a list of processors; use one such as 0-2,4");
	return 0;
}

int set_cpuset(void *object, const char *value, struct err *err)
{
	FREE_CLEANUP char *copy = xstrdup(value);

	for (char *step = copy, *next; step; step = next) {
		next = strchr(step, ',');
		if (next)
			*next++ = '\0';
		if (check_range(step, err) < 0)
			return -EINVAL;
	}
	key_replace_text(&((struct app_config *)object)->cpuset, value);
	return 0;
}

int set_blkio_weight(void *object, const char *value, struct err *err)
{
	return number_parse(value, 10, 1000, &((struct app_config *)object)->blkio_weight, err);
}

int set_pids(void *object, const char *value, struct err *err)
{
	return number_parse(value, 1, APP_PIDS_MAX, &((struct app_config *)object)->pids, err);
}

void app_limits_put(json_t *object, const struct app_config *app)
{
	if (app->memory_bytes)
		app_put_number(object, "memory", app->memory_bytes, "");
	if (app->cpus_milli)
		app_put_text(object, "cpus",
			     xasprintf("%lld.%03lld", (long long)(app->cpus_milli / 1000),
				       (long long)(app->cpus_milli % 1000)));
	if (app->pids)
		app_put_number(object, "pids", app->pids, "");
	if (app->memory_swap_bytes)
		app_put_text(object, "memory_swap",
			     app->memory_swap_bytes < 0 ?
				     xstrdup("unlimited") :
				     xasprintf("%lld", (long long)app->memory_swap_bytes));
	if (app->memory_reservation_bytes)
		app_put_number(object, "memory_reservation", app->memory_reservation_bytes, "");
	if (app->cpu_shares)
		app_put_number(object, "cpu_shares", app->cpu_shares, "");
	app_put_text(object, "cpuset", app->cpuset ? xstrdup(app->cpuset) : NULL);
	if (app->blkio_weight)
		app_put_number(object, "blkio_weight", app->blkio_weight, "");
}
