#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/app_parts.h"
#include "config/path.h"
#include "config/units.h"
#include "config/words.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/signame.h"

#define USER_MAX 256
#define UNLIMITED (-1)

/* ulimit(1) and docker name them so. */
static const char *const ulimits[] = {
	"core",	 "cpu",	  "data",    "fsize", "locks",	"memlock", "msgqueue",	 "nice",
	"nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack", NULL,
};

void app_process_init(struct app_process *process)
{
	*process = (struct app_process){ .stop_timeout_ms = -1 };
}

void app_process_release(struct app_process *process)
{
	free(process->user);
	free(process->workdir);
	free_strings(process->entrypoint);
	free_strings(process->groups);
	free_strings(process->labels);
	free(process->ulimits);
}

static struct app_process *process_of(void *object)
{
	return &((struct app_config *)object)->process;
}

/* Names are looked up in the container's own files, when it starts. */
static int check_account(const char *text, const char *allowed, struct err *err)
{
	if (strlen(text) > USER_MAX || *text == ':' || text[strcspn(text, allowed)])
		return err_set(err, -EINVAL, "not a name or number of the image's /etc/passwd or "
					     "/etc/group");
	return 0;
}

int set_user(void *object, const char *value, struct err *err)
{
	const char *group = strchr(value, ':');

	if (check_account(value, " \t/,", err) < 0)
		return -EINVAL;
	if (group && (!group[1] || strchr(group + 1, ':')))
		return err_set(err, -EINVAL, "not a user; use USER or USER:GROUP");
	key_replace_text(&process_of(object)->user, value);
	return 0;
}

int set_workdir(void *object, const char *value, struct err *err)
{
	return key_set_path(&process_of(object)->workdir, value, err);
}

int set_entrypoint(void *object, const char *value, struct err *err)
{
	char **words;

	if (words_split(value, &words, err) < 0)
		return -EINVAL;
	free_strings(process_of(object)->entrypoint);
	process_of(object)->entrypoint = words;
	return 0;
}

int add_group(void *object, const char *value, struct err *err)
{
	if (check_account(value, " \t/,:", err) < 0)
		return -EINVAL;
	return app_add_text(&process_of(object)->groups, value, err);
}

int add_label(void *object, const char *value, struct err *err)
{
	struct app_process *process = process_of(object);

	size_t name = strcspn(value, "=");

	if (name == 0 || !value[name] || strcspn(value, " \t") < name)
		return err_set(err, -EINVAL, "not a label; use NAME=VALUE");
	if (app_has_name(process->labels, value))
		return err_set(err, -EINVAL, "another label has this name");
	return app_add_text(&process->labels, value, err);
}

static int parse_limit(const char *text, int64_t *limit, struct err *err)
{
	if (!strcmp(text, "-1") || !strcmp(text, "unlimited")) {
		*limit = UNLIMITED;
		return 0;
	}
	return number_parse(text, 0, INT64_MAX, limit, err);
}

/* "nofile=1024:2048"; one number is both. */
static int parse_ulimit(struct app_ulimit *limit, char *text, struct err *err)
{
	char *soft = strchr(text, '='), *hard;
	int found;

	if (!soft)
		return err_set(err, -EINVAL, "not a limit; use NAME=SOFT:HARD, such as "
					     "nofile=1024:2048");
	*soft++ = '\0';
	hard = strchr(soft, ':');
	if (hard)
		*hard++ = '\0';
	found = key_choose(ulimits, text, err);
	if (found < 0 || parse_limit(soft, &limit->soft, err) < 0 ||
	    parse_limit(hard ?: soft, &limit->hard, err) < 0)
		return -EINVAL;
	if (limit->hard != UNLIMITED && (limit->soft == UNLIMITED || limit->soft > limit->hard))
		return err_set(err, -EINVAL, "the soft limit is above the hard one");
	limit->name = ulimits[found];
	return 0;
}

int add_ulimit(void *object, const char *value, struct err *err)
{
	struct app_process *process = process_of(object);
	FREE_CLEANUP char *copy = xstrdup(value);
	struct app_ulimit limit = { 0 };

	if (parse_ulimit(&limit, copy, err) < 0)
		return -EINVAL;
	for (size_t i = 0; i < process->ulimit_count; i++)
		if (process->ulimits[i].name == limit.name)
			return err_set(err, -EINVAL, "%s is given twice", limit.name);
	process->ulimits = xrealloc(process->ulimits,
				    (process->ulimit_count + 1) * sizeof(limit));
	process->ulimits[process->ulimit_count++] = limit;
	return 0;
}

int set_init(void *object, const char *value, struct err *err)
{
	return app_set_flag(&process_of(object)->init, value, err);
}

int set_stdin(void *object, const char *value, struct err *err)
{
	return app_set_flag(&process_of(object)->open_stdin, value, err);
}

int set_tty(void *object, const char *value, struct err *err)
{
	return app_set_flag(&process_of(object)->tty, value, err);
}

int set_oom_score(void *object, const char *value, struct err *err)
{
	bool is_negative = *value == '-';
	int64_t number;

	if (number_parse(value + is_negative, 0, 1000, &number, NULL) < 0)
		return err_set(err, -EINVAL, "not a score; use a whole number from -1000 to 1000");
	process_of(object)->oom_score_adj = (int)(is_negative ? -number : number);
	process_of(object)->has_oom_score_adj = true;
	return 0;
}

int set_stop_signal(void *object, const char *value, struct err *err)
{
	int signal = signal_parse(value);

	if (signal < 0)
		return err_set(err, -EINVAL, "not a signal; use a name or number such as SIGINT");
	process_of(object)->stop_signal = signal;
	return 0;
}

int set_stop_timeout(void *object, const char *value, struct err *err)
{
	return duration_parse_ms(value, &process_of(object)->stop_timeout_ms, err);
}

static char *format_signal(int signal)
{
	const char *name = signal_name(signal);

	return name ? xstrdup(name) : xasprintf("%d", signal);
}

static void put_ulimits(json_t *object, const struct app_process *process)
{
	for (size_t i = 0; i < process->ulimit_count; i++)
		app_put_item(object, "ulimit",
			     xasprintf("%s=%lld:%lld", process->ulimits[i].name,
				       (long long)process->ulimits[i].soft,
				       (long long)process->ulimits[i].hard));
}

void app_process_put(json_t *object, const struct app_process *process)
{
	app_put_text(object, "user", process->user ? xstrdup(process->user) : NULL);
	app_put_text(object, "workdir", process->workdir ? xstrdup(process->workdir) : NULL);
	if (process->entrypoint)
		app_put_text(object, "entrypoint", words_join(process->entrypoint));
	app_put_texts(object, "group_add", process->groups);
	app_put_texts(object, "label", process->labels);
	put_ulimits(object, process);
	app_put_yes(object, "init", process->init);
	app_put_yes(object, "stdin", process->open_stdin);
	app_put_yes(object, "tty", process->tty);
	if (process->has_oom_score_adj)
		app_put_number(object, "oom_score_adj", process->oom_score_adj, "");
	if (process->stop_signal)
		app_put_text(object, "stop_signal", format_signal(process->stop_signal));
	app_put_duration(object, "stop_timeout", process->stop_timeout_ms);
}

const char *app_process_label(const struct app_process *process, const char *name)
{
	size_t size = strlen(name);

	for (char **label = process->labels; label && *label; label++)
		if (!strncmp(*label, name, size) && (*label)[size] == '=')
			return *label + size + 1;
	return NULL;
}
