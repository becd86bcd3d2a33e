#include "config/agent_config.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "lib/buf.h"
#include "lib/fd.h"
#include "lib/utf8.h"

#define BLANKS " \t\r"
#define POLL_MS 300000
#define JITTER_PERCENT 20
#define FIRST_ID 524288 /* behind those that useradd gives to people, in /etc/subuid */
#define SHOWN_MAX 60 /* characters of a value in an error */

/*
 * inih cuts lines into keys and values. Sections are opened here, when its reader hands it their
 * line: it cuts long names short without a word, and does not tell of sections without keys.
 */
struct parser {
	struct agent_config *config;
	const char *file;
	const char *next; /* what inih has not got yet */
	const char *end;
	int line; /* number of the line that inih has got last */
	bool in_line;
	bool is_unread; /* it is neither empty, a comment nor a section's, and inih has found no key in it */

	char *title; /* "[app sensor]"; NULL before the first section */
	int title_line;
	const struct key_table *keys; /* of the section, and the struct that they set; NULL: it was refused */
	void *object;
	bool is_wrong; /* there is a mistake in it */
	int key_lines[KEYS_MAX]; /* where each key was given first, 0: not yet */
	bool has_agent;

	const struct mistakes *mistakes;
	struct err *err;
	int failure; /* the first mistake's code */
};

static bool is_over(const struct parser *parser)
{
	return parser->failure && !parser->mistakes;
}

/* The reason is set, with its place. */
static void fail(struct parser *parser)
{
	if (!parser->failure)
		parser->failure = parser->err->code;
	parser->is_wrong = true;
	if (parser->mistakes)
		parser->mistakes->tell(parser->err, parser->mistakes->data);
}

/* The reason is set: puts file, line and section in front. */
static void fail_at(struct parser *parser, int line)
{
	if (parser->title)
		err_context(parser->err, "%s:%d: %s", parser->file, line, parser->title);
	else
		err_context(parser->err, "%s:%d", parser->file, line);
	fail(parser);
}

static int check_registry(const struct registry_config *registry, struct err *err)
{
	if (!registry->cert == !registry->key)
		return 0;
	return err_set(err, -EINVAL, "cert and key belong together; add %s = (it may be the same file)",
		       registry->cert ? "key" : "cert");
}

/* Before a new section and at the end: is anything missing? */
static void close_section(struct parser *parser)
{
	int ret = 0;

	if (parser->is_wrong || !parser->object)
		return;
	if (parser->keys == app_config_keys())
		ret = app_config_check(parser->object, parser->err);
	else if (parser->keys == registry_config_keys())
		ret = check_registry(parser->object, parser->err);
	if (ret < 0)
		fail_at(parser, parser->title_line);
}

static void enter(struct parser *parser, const struct key_table *keys, void *object)
{
	parser->keys = keys;
	parser->object = object;
	memset(parser->key_lines, 0, sizeof(parser->key_lines));
}

static int refuse_second(struct parser *parser)
{
	return err_set(parser->err, -EINVAL, "there is such a section already; join the two");
}

static int open_agent(struct parser *parser)
{
	if (parser->has_agent)
		return refuse_second(parser);
	parser->has_agent = true;
	enter(parser, agent_config_keys(), parser->config);
	return 0;
}

static int open_registry(struct parser *parser, const char *name)
{
	struct agent_config *config = parser->config;
	char host[REFERENCE_REGISTRY_MAX + 1];
	struct registry_config *registry;

	if (reference_parse_registry(host, name, parser->err) < 0)
		return -EINVAL;
	if (agent_config_registry(config, host))
		return refuse_second(parser);
	if (config->registry_count == AGENT_CONFIG_REGISTRIES_MAX)
		return err_set(parser->err, -E2BIG, "more than %d registries",
			       AGENT_CONFIG_REGISTRIES_MAX);
	config->registries = xrealloc(config->registries,
				      (config->registry_count + 1) * sizeof(*registry));
	registry = &config->registries[config->registry_count++];
	*registry = (struct registry_config){ .host = xstrdup(host) };
	enter(parser, registry_config_keys(), registry);
	return 0;
}

static int open_network(struct parser *parser, const char *name)
{
	struct agent_config *config = parser->config;

	if (network_config_check_name(name, parser->err) < 0)
		return -EINVAL;
	if (agent_config_network(config, name))
		return refuse_second(parser);
	if (config->network_count == NETWORKS_MAX)
		return err_set(parser->err, -E2BIG, "more than %d networks", NETWORKS_MAX);
	config->networks = xrealloc(config->networks,
				    (config->network_count + 1) * sizeof(*config->networks));
	network_config_init(&config->networks[config->network_count], name);
	enter(parser, network_config_keys(), &config->networks[config->network_count++]);
	return 0;
}

static int open_app(struct parser *parser, const char *name)
{
	struct agent_config *config = parser->config;

	if (app_name_check(name, APP_NAME_MAX, parser->err) < 0)
		return -EINVAL;
	if (agent_config_app(config, name))
		return refuse_second(parser);
	if (config->app_count == AGENT_CONFIG_APPS_MAX)
		return err_set(parser->err, -E2BIG, "more than %d apps", AGENT_CONFIG_APPS_MAX);
	config->apps = xrealloc(config->apps, (config->app_count + 1) * sizeof(*config->apps));
	app_config_init(&config->apps[config->app_count], name);
	enter(parser, app_config_keys(), &config->apps[config->app_count++]);
	return 0;
}

/* `kind` and `name` are the two words of "[app sensor]"; the name may be empty. */
static int open_named(struct parser *parser, const char *kind, const char *name)
{
	if (!strcmp(kind, "agent") && !*name)
		return open_agent(parser);
	if (!strcmp(kind, "registry") && *name)
		return open_registry(parser, name);
	if (!strcmp(kind, "app") && *name)
		return open_app(parser, name);
	if (!strcmp(kind, "network") && *name)
		return open_network(parser, name);
	return err_set(parser->err, -EINVAL,
		       "no such section; use [agent], [registry HOST], [network NAME] or [app NAME]");
}

/* The text without blanks at both ends; changes it. */
static char *trim(char *text)
{
	size_t size;

	text += strspn(text, BLANKS);
	for (size = strlen(text); size > 0 && strchr(BLANKS, text[size - 1]); size--)
		text[size - 1] = 0;
	return text;
}

static int open_title(struct parser *parser, char *title)
{
	char *kind = trim(title);
	char *name = kind + strcspn(kind, BLANKS);

	if (*name)
		*name++ = 0;
	return open_named(parser, kind, trim(name));
}

/* The first ']' with nothing but a comment behind it: "[registry [::1]:5000]" has another one. Else the first of all. */
static size_t title_size(const char *line)
{
	for (const char *end = strchr(line, ']'); end; end = strchr(end + 1, ']')) {
		const char *behind = end + 1 + strspn(end + 1, BLANKS);

		if (!*behind || strchr(";#\n", *behind))
			return (size_t)(end - line);
	}
	return strcspn(line, "]");
}

/* `line` starts with '[' and ends with NUL. */
static void open_section(struct parser *parser, const char *line)
{
	size_t size = title_size(line);
	const char *behind = line + size + (line[size] == ']');
	FREE_CLEANUP char *title = xstrndup(line + 1, size - 1);

	close_section(parser);
	if (is_over(parser))
		return;
	enter(parser, NULL, NULL);
	parser->is_wrong = false;
	free(parser->title);
	parser->title = xasprintf("[%.*s%s]", SHOWN_MAX, title, size > SHOWN_MAX ? "..." : "");
	parser->title_line = parser->line;
	behind += strspn(behind, BLANKS);
	if (line[size] != ']' || (*behind && !strchr(";#", *behind)))
		err_set(parser->err, -EINVAL, "a section is written [NAME], alone on its line");
	else if (open_title(parser, title) == 0)
		return;
	fail_at(parser, parser->line);
}

/* `line` has `size` bytes before its end; a NUL among them is a control character. */
static int check_line(const char *line, size_t size, struct err *err)
{
	if (size > AGENT_CONFIG_LINE_MAX)
		return err_set(err, -E2BIG, "longer than %d bytes; put what is long into a file",
			       AGENT_CONFIG_LINE_MAX);
	for (size_t i = 0; i < size; i++)
		if (line[i] == 127 || ((unsigned char)line[i] < ' ' && line[i] != '\t' &&
				       (line[i] != '\r' || i + 1 < size)))
			return err_set(err, -EINVAL, "has a control character in it; remove it");
	if (!utf8_is_valid(line))
		return err_set(err, -EINVAL, "is not UTF-8 text; save the file as UTF-8");
	return 0;
}

/* Before a new line and at the end: has inih understood the last one? */
static void end_line(struct parser *parser)
{
	if (!parser->is_unread)
		return;
	parser->is_unread = false;
	err_set(parser->err, -EINVAL, "%s:%d: not a line of the form KEY = VALUE or [SECTION]", parser->file,
		parser->line);
	fail(parser);
}

/* To the next line, without the blanks in front: inih would take it for more of the last value. */
static void begin_line(struct parser *parser)
{
	const char *end = memchr(parser->next, '\n', (size_t)(parser->end - parser->next));
	size_t size = (size_t)((end ? end : parser->end) - parser->next), blanks;
	FREE_CLEANUP char *line = xcalloc(1, size + 1);

	parser->line++;
	parser->in_line = true;
	memcpy(line, parser->next, size);
	if (check_line(line, size, parser->err) < 0) {
		fail_at(parser, parser->line);
		parser->next += size;
		return;
	}
	blanks = strspn(line, BLANKS);
	if (line[blanks] == '[') {
		open_section(parser, line + blanks);
		parser->next += size;
		return;
	}
	parser->next += blanks;
	parser->is_unread = line[blanks] && !strchr(";#", line[blanks]);
}

/* inih's reader: like fgets(). */
static char *read_line(char *out, int room, void *data)
{
	struct parser *parser = data;
	int used = 0;

	if (!parser->in_line)
		end_line(parser);
	if (is_over(parser) || parser->next == parser->end)
		return NULL;
	if (!parser->in_line)
		begin_line(parser);
	if (is_over(parser))
		return NULL;
	while (used < room - 1 && parser->next < parser->end && parser->in_line) {
		out[used++] = *parser->next;
		parser->in_line = *parser->next++ != '\n';
	}
	out[used] = 0;
	/* Blanks alone at the end of the file: an empty text would mean an endless line to inih. */
	return used > 0 ? out : NULL;
}

static int set_key(struct parser *parser, const char *name, const char *value)
{
	const struct key *key;
	int *first_line;

	if (!parser->title)
		return err_set(parser->err, -EINVAL,
			       "stands before the first section; put it below [agent]");
	key = keys_find(parser->keys, name, parser->err);
	if (!key)
		return -EINVAL;
	first_line = &parser->key_lines[key - parser->keys->keys];
	if (*first_line && !key->repeatable)
		return err_set(parser->err, -EINVAL, "already given in line %d; remove one",
			       *first_line);
	*first_line = parser->line;
	return key_set(key, parser->object, value, parser->err);
}

/* There is no key for passwords, but people try. */
static bool is_secret(const struct parser *parser, const char *name)
{
	return (parser->keys && parser->keys->secret && !strcmp(parser->keys->secret, name)) ||
	       strstr(name, "pass") || strstr(name, "token") || strstr(name, "secret");
}

static int on_key(void *data, const char *section, const char *name, const char *value)
{
	struct parser *parser = data;

	(void)section;
	parser->is_unread = false;
	if ((parser->title && !parser->keys) || set_key(parser, name, value) == 0)
		return 1;
	if (is_secret(parser, name))
		value = "...";
	err_context(parser->err, "%s:%d: %s%s%.*s = %.*s%s", parser->file, parser->line,
		    parser->title ? parser->title : "", parser->title ? " " : "", SHOWN_MAX, name, SHOWN_MAX,
		    value, strlen(value) > SHOWN_MAX ? "..." : "");
	fail(parser);
	return 1;
}

static struct agent_config *new_config(void)
{
	struct agent_config *config = xcalloc(1, sizeof(*config));

	config->store = xstrdup("/var/lib/berth");
	config->run = xstrdup("/run/berth");
	config->cgroup_parent = xstrdup("/berth");
	config->poll_ms = POLL_MS;
	config->jitter_percent = JITTER_PERCENT;
	config->min_free_bytes = -1;
	config->first_id = FIRST_ID;
	config->id_count = AGENT_CONFIG_APPS_MAX * APP_IDS;
	return config;
}

/* v1 refuses a container more processors than those above it have. */
static int check_budget(const struct agent_config *config, struct err *err)
{
	if ((config->memory_bytes || config->cpus_milli) && !strcmp(config->cgroup_parent, "/"))
		return err_set(err, -EINVAL,
			       "[agent] memory and cpus: cgroup_parent is /, which has no limits");
	for (size_t i = 0; i < config->app_count && config->cpus_milli; i++)
		if (config->apps[i].cpus_milli > config->cpus_milli)
			return err_set(err, -EINVAL,
				       "[app %s] cpus: more than [agent] cpus, which is for all apps "
				       "together", config->apps[i].name);
	return 0;
}

static int choose_socket(struct agent_config *config, struct err *err)
{
	if (config->socket)
		return 0;
	config->socket = xasprintf("%s/berth.sock", strcmp(config->run, "/") ? config->run : "");
	if (strlen(config->socket) < sizeof(((struct sockaddr_un *)0)->sun_path))
		return 0;
	return err_set(err, -EINVAL,
		       "[agent] run = %.*s...: too long for the socket in it; name a shorter one with socket =",
		       SHOWN_MAX, config->run);
}

/* What can be said only when the whole file is known, and without another mistake. */
static void finish(struct parser *parser)
{
	struct agent_config *config = parser->config;

	end_line(parser);
	close_section(parser);
	if (parser->failure)
		return;
	if (network_config_check_all(config, parser->err) < 0 || check_budget(config, parser->err) < 0 ||
	    choose_socket(config, parser->err) < 0) {
		err_context(parser->err, "%s", parser->file);
		fail(parser);
	}
}

int agent_config_parse(struct agent_config **out, const char *text, size_t size, const char *file,
		       const struct mistakes *mistakes, struct err *err)
{
	struct err local = ERR_INIT;
	struct parser parser = {
		.config = new_config(),
		.file = file,
		.next = text,
		.end = text + size,
		.mistakes = mistakes,
		.err = err ? err : &local,
	};

	if (size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		parser.next += 3; /* the byte order mark of some editors */
	/* A line that it can't read, which it would return, is told when the next one is asked for. */
	if (ini_parse_stream(read_line, &parser, on_key, &parser) < 0)
		die_no_memory();
	finish(&parser);
	free(parser.title);
	if (parser.failure) {
		agent_config_free(parser.config);
		return parser.failure;
	}
	*out = parser.config;
	return 0;
}

int agent_config_load(const char *path, struct agent_config **out, const struct mistakes *mistakes, struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	int rc = fd_read_file(AT_FDCWD, path, &text, AGENT_CONFIG_SIZE_MAX);

	if (rc == -EFBIG)
		return err_set(err, rc, "%s: longer than %u bytes: not a config", path,
			       AGENT_CONFIG_SIZE_MAX);
	if (rc < 0) {
		errno = -rc;
		return err_sys(err, "read %s", path);
	}
	return agent_config_parse(out, buf_text(&text), text.size, path, mistakes, err);
}

static void release_registry(struct registry_config *registry)
{
	free(registry->host);
	free(registry->ca);
	free(registry->auth);
	free(registry->cert);
	free(registry->key);
	free(registry->proxy);
	for (size_t i = 0; i < registry->mirror_count; i++)
		free(registry->mirrors[i].host);
	free(registry->mirrors);
}

void agent_config_free(struct agent_config *config)
{
	if (!config)
		return;
	free(config->store);
	free(config->run);
	free(config->name);
	free(config->socket);
	free(config->cgroup_parent);
	free(config->proxy);
	free(config->no_proxy);
	for (size_t i = 0; i < config->registry_count; i++)
		release_registry(&config->registries[i]);
	free(config->registries);
	for (size_t i = 0; i < config->app_count; i++)
		app_config_release(&config->apps[i]);
	free(config->apps);
	for (size_t i = 0; i < config->network_count; i++)
		network_config_release(&config->networks[i]);
	free(config->networks);
	free(config);
}

const struct app_config *agent_config_app(const struct agent_config *config, const char *name)
{
	for (size_t i = 0; i < config->app_count; i++)
		if (!strcmp(config->apps[i].name, name))
			return &config->apps[i];
	return NULL;
}

const struct registry_config *agent_config_registry(const struct agent_config *config,
						    const char *host)
{
	for (size_t i = 0; i < config->registry_count; i++)
		if (!strcasecmp(config->registries[i].host, host))
			return &config->registries[i];
	return NULL;
}

const struct network_config *agent_config_network(const struct agent_config *config,
						  const char *name)
{
	for (size_t i = 0; i < config->network_count; i++)
		if (!strcmp(config->networks[i].name, name))
			return &config->networks[i];
	return NULL;
}
