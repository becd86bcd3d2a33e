/*
 * Any text as agent.ini. What is accepted has to survive its JSON form, and every error has to name
 * the file; what a person reads is one line.
 */
#include <stdlib.h>
#include <string.h>

#include "config/agent_config.h"
#include "lib/buf.h"
#include "lib/json.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check_app(const struct app_config *app)
{
	struct app_config *copy = app_config_copy(app);
	struct buf before = BUF_INIT, after = BUF_INIT;
	json_t *a = app_config_to_json(app), *b = app_config_to_json(copy);
	struct digest digest_a, digest_b;

	json_append(&before, a);
	json_append(&after, b);
	app_config_digest(app, &digest_a);
	app_config_digest(copy, &digest_b);
	if (strcmp(before.data, after.data) || !digest_equal(&digest_a, &digest_b))
		abort();
	if (memcmp(&app->ref, &copy->ref, sizeof(app->ref)) || !app->image ||
	    count_strings(app->command) != count_strings(copy->command))
		abort();
	json_decref(a);
	json_decref(b);
	buf_release(&before);
	buf_release(&after);
	app_config_free(copy);
}

struct told {
	struct err first;
	size_t count;
};

static void tell(const struct err *mistake, void *data)
{
	struct told *told = data;

	if (!mistake->code || strncmp(mistake->text, "f:", 2) || strchr(mistake->text, '\n'))
		abort();
	if (!told->count++)
		told->first = *mistake;
}

/* Who wants to know of all mistakes is told first what others are told. */
static void check_mistakes(const char *text, size_t size, int code, const struct err *err)
{
	struct told told = { .count = 0 };
	const struct mistakes mistakes = { tell, &told };
	struct agent_config *config = NULL;

	if (agent_config_parse(&config, text, size, "f", &mistakes, NULL) != code || !told.count != !code)
		abort();
	if (told.count && strcmp(told.first.text, err->text))
		abort();
	agent_config_free(config);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct agent_config *config = NULL;
	struct err err = ERR_INIT;
	/* On the heap at its exact size, so that a read behind its end is seen. */
	char *text = malloc(size ? size : 1);
	int code;

	memcpy(text, data, size);
	code = agent_config_parse(&config, text, size, "f", NULL, &err);
	check_mistakes(text, size, code, &err);
	if (code < 0) {
		if (config || strncmp(err.text, "f:", 2) || strchr(err.text, '\n'))
			abort();
	} else {
		for (size_t i = 0; i < config->app_count; i++)
			check_app(&config->apps[i]);
		if (config->poll_ms < 1000 || !config->socket)
			abort();
	}
	agent_config_free(config);
	free(text);
	return 0;
}
