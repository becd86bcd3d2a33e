#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "config/agent_config.h"
#include "config/proxy.h"
#include "config/units.h"
#include "lib/fd.h"

#define AGENT_NAME_MAX 128
#define AGENT_BANDWIDTH_LEAST 1024
#define IDS_END INT64_C(4294967295) /* the last one means "no change" to the kernel */

static int set_store(void *object, const char *value, struct err *err)
{
	return key_set_path(&((struct agent_config *)object)->store, value, err);
}

static int set_run(void *object, const char *value, struct err *err)
{
	return key_set_path(&((struct agent_config *)object)->run, value, err);
}

static int set_cgroup_parent(void *object, const char *value, struct err *err)
{
	return key_set_path(&((struct agent_config *)object)->cgroup_parent, value, err);
}

static int set_poll(void *object, const char *value, struct err *err)
{
	int64_t ms;

	if (duration_parse_ms(value, &ms, err) < 0)
		return -EINVAL;
	if (ms < 1000)
		return err_set(err, -EINVAL, "too short; use at least 1s");
	((struct agent_config *)object)->poll_ms = ms;
	return 0;
}

static int set_jitter(void *object, const char *value, struct err *err)
{
	return percent_parse(value, &((struct agent_config *)object)->jitter_percent, err);
}

static int set_min_free(void *object, const char *value, struct err *err)
{
	return size_parse(value, &((struct agent_config *)object)->min_free_bytes, err);
}

static int set_bandwidth(void *object, const char *value, struct err *err)
{
	int64_t bytes;

	if (size_parse(value, &bytes, err) < 0)
		return -EINVAL;
	if (bytes < AGENT_BANDWIDTH_LEAST)
		return err_set(err, -EINVAL, "too slow for a pull; use at least 1K");
	((struct agent_config *)object)->bytes_per_s = bytes;
	return 0;
}

static int set_name(void *object, const char *value, struct err *err)
{
	if (app_name_check(value, AGENT_NAME_MAX, err) < 0)
		return -EINVAL;
	key_replace_text(&((struct agent_config *)object)->name, value);
	return 0;
}

static int set_socket(void *object, const char *value, struct err *err)
{
	struct agent_config *config = object;

	if (key_set_path(&config->socket, value, err) < 0)
		return -EINVAL;
	if (strlen(config->socket) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return err_set(err, -EINVAL, "too long for a socket; use at most 107 characters");
	return 0;
}

static int set_proxy_text(char **member, const char *value, struct err *err)
{
	struct proxy proxy;

	if (strcmp(value, "none") && proxy_parse(&proxy, value, strlen(value), err) < 0)
		return -EINVAL;
	key_replace_text(member, value);
	return 0;
}

static int set_proxy(void *object, const char *value, struct err *err)
{
	return set_proxy_text(&((struct agent_config *)object)->proxy, value, err);
}

static int set_no_proxy(void *object, const char *value, struct err *err)
{
	(void)err;
	key_replace_text(&((struct agent_config *)object)->no_proxy, value);
	return 0;
}

static int set_parallel(void *object, const char *value, struct err *err)
{
	if (strlen(value) != 1 || *value < '1' || *value > '0' + AGENT_CONFIG_PARALLEL_MAX)
		return err_set(err, -EINVAL, "use a number from 1 to %d", AGENT_CONFIG_PARALLEL_MAX);
	((struct agent_config *)object)->parallel = *value - '0';
	return 0;
}

static int set_size_at_least(int64_t *member, const char *value, int64_t least,
			     const char *why, struct err *err)
{
	int64_t bytes;

	if (size_parse(value, &bytes, err) < 0)
		return -EINVAL;
	if (bytes < least)
		return err_set(err, -EINVAL, "%s", why);
	*member = bytes;
	return 0;
}

static int set_memory(void *object, const char *value, struct err *err)
{
	return set_size_at_least(&((struct agent_config *)object)->memory_bytes, value,
				 APP_MEMORY_MIN, "less than 512K, in which no app starts", err);
}

static int set_cpus(void *object, const char *value, struct err *err)
{
	return cpus_parse(value, &((struct agent_config *)object)->cpus_milli, err);
}

static int set_pull_memory(void *object, const char *value, struct err *err)
{
	return set_size_at_least(&((struct agent_config *)object)->pull_memory_bytes, value,
				 AGENT_CONFIG_PULL_MEMORY_LEAST,
				 "too little to unpack an image in; use at least 16M", err);
}

static int set_pull_cpus(void *object, const char *value, struct err *err)
{
	return cpus_parse(value, &((struct agent_config *)object)->pull_cpus_milli, err);
}

/* As a line of /etc/subuid has it, without the name. */
static int set_userns_ids(void *object, const char *value, struct err *err)
{
	struct agent_config *config = object;
	FREE_CLEANUP char *first = xstrdup(value);
	char *count = strchr(first, ':');
	int64_t from, many;

	if (!count)
		return err_set(err, -EINVAL, "use FIRST:COUNT, such as 524288:4194304");
	*count++ = '\0';
	if (number_parse(first, APP_IDS, IDS_END - APP_IDS, &from, err) < 0 ||
	    number_parse(count, APP_IDS, IDS_END, &many, err) < 0)
		return -EINVAL;
	if (from + many > IDS_END)
		return err_set(err, -EINVAL, "there are no IDs above %lld",
			       (long long)IDS_END - 1);
	config->first_id = from;
	config->id_count = many;
	return 0;
}

const struct key_table *agent_config_keys(void)
{
	static const struct key keys[] = {
		{ "store", set_store, false },
		{ "run", set_run, false },
		{ "poll", set_poll, false },
		{ "jitter", set_jitter, false },
		{ "window", NULL, false },
		{ "bandwidth", set_bandwidth, false },
		{ "min_free", set_min_free, false },
		{ "name", set_name, false },
		{ "socket", set_socket, false },
		{ "cgroup_parent", set_cgroup_parent, false },
		{ "proxy", set_proxy, false },
		{ "no_proxy", set_no_proxy, false },
		{ "parallel", set_parallel, false },
		{ "memory", set_memory, false },
		{ "cpus", set_cpus, false },
		{ "pull_memory", set_pull_memory, false },
		{ "pull_cpus", set_pull_cpus, false },
		{ "userns_ids", set_userns_ids, false },
	};
	static const struct key_table table = { keys, sizeof(keys) / sizeof(*keys), "proxy" };

	return &table;
}

static int set_ca(void *object, const char *value, struct err *err)
{
	return key_set_path(&((struct registry_config *)object)->ca, value, err);
}

static int set_cert(void *object, const char *value, struct err *err)
{
	return key_set_path(&((struct registry_config *)object)->cert, value, err);
}

static int set_key(void *object, const char *value, struct err *err)
{
	return key_set_path(&((struct registry_config *)object)->key, value, err);
}

static int set_auth(void *object, const char *value, struct err *err)
{
	return key_set_path(&((struct registry_config *)object)->auth, value, err);
}

static bool skip_word(const char **text, const char *word)
{
	bool starts = !strncasecmp(*text, word, strlen(word));

	if (starts)
		*text += strlen(word);
	return starts;
}

static int add_mirror(void *object, const char *value, struct err *err)
{
	struct registry_config *registry = object;
	char host[REFERENCE_REGISTRY_MAX + 1], *slash;
	bool https = skip_word(&value, "https://");

	if (!https && !skip_word(&value, "http://"))
		return err_set(err, -EINVAL, "use http://HOST:PORT or https://HOST:PORT");
	if (registry->mirror_count == AGENT_CONFIG_MIRRORS_MAX)
		return err_set(err, -E2BIG, "more than %d mirrors", AGENT_CONFIG_MIRRORS_MAX);
	FREE_CLEANUP char *text = xstrdup(value);

	slash = strchr(text, '/');
	if (slash && !slash[1])
		*slash = '\0';
	if (reference_parse_registry(host, text, NULL) < 0)
		return err_set(err, -EINVAL, "use http://HOST:PORT or https://HOST:PORT, without a path or a password");
	registry->mirrors = xrealloc(registry->mirrors, (registry->mirror_count + 1) * sizeof(*registry->mirrors));
	registry->mirrors[registry->mirror_count++] = (struct mirror_config){ xstrdup(host), https };
	return 0;
}

static int set_registry_proxy(void *object, const char *value, struct err *err)
{
	return set_proxy_text(&((struct registry_config *)object)->proxy, value, err);
}

static int set_insecure(void *object, const char *value, struct err *err)
{
	static const char *const words[] = { "no", "yes", NULL };
	int found = key_choose(words, value, err);

	if (found >= 0)
		((struct registry_config *)object)->insecure = found;
	return found < 0 ? found : 0;
}

const struct key_table *registry_config_keys(void)
{
	static const struct key keys[] = {
		{ "ca", set_ca, false },     { "cert", set_cert, false },
		{ "key", set_key, false },	     { "auth", set_auth, false },
		{ "mirror", add_mirror, true },   { "insecure", set_insecure, false },
		{ "proxy", set_registry_proxy, false },
	};
	static const struct key_table table = { keys, sizeof(keys) / sizeof(*keys), "proxy" };

	return &table;
}
