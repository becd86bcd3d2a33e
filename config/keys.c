#include "config/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/path.h"
#include "config/words.h"
#include "lib/buf.h"

/* Compose's words, and what people try, where berth's are not near them. */
static const char *const other_words[][2] = {
	{ "environment", "env" },	{ "port", "publish" },		{ "ports", "publish" },
	{ "mem_limit", "memory" },	{ "mem_reservation", "memory_reservation" },
	{ "healthcheck", "health" },	{ "stop_grace_period", "stop_timeout" },
	{ "working_dir", "workdir" },	{ "security_opt", "seccomp" },	{ "mount", "bind" },
	{ "username", "auth" },		{ "password", "auth" },		{ "interval", "poll" },
};

static const struct key *find(const struct key_table *table, const char *name)
{
	for (size_t i = 0; i < table->count; i++)
		if (!strcmp(table->keys[i].name, name))
			return &table->keys[i];
	return NULL;
}

static const char *find_near(const struct key_table *table, const char *name)
{
	for (size_t i = 0; i < sizeof(other_words) / sizeof(*other_words); i++)
		if (!strcmp(name, other_words[i][0]) && find(table, other_words[i][1]))
			return other_words[i][1];
	return words_nearest(name, table->keys, table->count, sizeof(*table->keys));
}

const struct key *keys_find(const struct key_table *table, const char *name, struct err *err)
{
	const struct key *key = find(table, name);
	const char *nearest;

	if (key)
		return key;
	nearest = find_near(table, name);
	if (nearest)
		err_set(err, -EINVAL, "no such key; did you mean %s?", nearest);
	else
		err_set(err, -EINVAL, "no such key; agent.ini(5) lists those of this section");
	return NULL;
}

int key_set(const struct key *key, void *object, const char *value, struct err *err)
{
	if (!key->set)
		return err_set(err, -ENOTSUP, "not supported yet; remove the line");
	if (!*value)
		return err_set(err, -EINVAL, "has no value; give one or remove the line");
	return key->set(object, value, err);
}

void key_replace_text(char **member, const char *text)
{
	free(*member);
	*member = xstrdup(text);
}

int key_choose(const char *const *words, const char *value, struct err *err)
{
	BUF_CLEANUP struct buf list = BUF_INIT;
	int i;

	for (i = 0; words[i]; i++)
		if (!strcmp(words[i], value))
			return i;
	for (int j = 0; j < i; j++)
		buf_append_format(&list, "%s%s", j == 0 ? "" : j == i - 1 ? " or " : ", ",
				  words[j]);
	return err_set(err, -EINVAL, "unknown; use %s", buf_text(&list));
}

int key_set_path(char **member, const char *value, struct err *err)
{
	char *clean;

	if (path_clean(value, &clean, err) < 0)
		return -EINVAL;
	free(*member);
	*member = clean;
	return 0;
}
