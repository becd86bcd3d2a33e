#include "agent/cli/options.h"

#include <errno.h>
#include <string.h>

struct cursor {
	struct options *options;
	const struct option_spec *table;
	char **argv;
	int argc, next;
};

static const struct option_spec *find(const struct option_spec *table, char letter, const char *name,
				 size_t name_size)
{
	for (; table->name; table++) {
		if (letter && table->letter == letter)
			return table;
		if (!letter && strlen(table->name) == name_size &&
		    !strncmp(table->name, name, name_size))
			return table;
	}
	return NULL;
}

static int add_text(const char **list, size_t *count, size_t max, const char *name,
		    const char *text, struct err *err)
{
	if (*count == max)
		return err_set(err, -EINVAL, "--%s was given more than %zu times", name, max);
	list[(*count)++] = text;
	return 0;
}

static int set_text(struct options *options, const struct option_spec *option, const char *text,
		    struct err *err)
{
	if (option->offset == offsetof(struct options, env))
		return add_text(options->env, &options->env_count, OPTIONS_ENV_MAX, option->name,
				text, err);
	if (option->offset == offsetof(struct options, filters))
		return add_text(options->filters, &options->filter_count, OPTIONS_FILTERS_MAX,
				option->name, text, err);
	*(const char **)((char *)options + option->offset) = text;
	return 0;
}

static int set_switch(struct options *options, const struct option_spec *option, const char *text,
		      struct err *err)
{
	bool on = !text || !strcmp(text, "true") || !strcmp(text, "1");

	if (text && !on && strcmp(text, "false") && strcmp(text, "0"))
		return err_set(err, -EINVAL, "--%s takes true or false, not \"%s\"", option->name,
			       text);
	*(bool *)((char *)options + option->offset) = on;
	return 0;
}

static int next_value(struct cursor *cursor, const struct option_spec *option, struct err *err)
{
	if (cursor->next == cursor->argc)
		return err_set(err, -EINVAL, "--%s needs a value: %s", option->name, option->value);
	return set_text(cursor->options, option, cursor->argv[cursor->next++], err);
}

static int parse_long(struct cursor *cursor, const char *text, struct err *err)
{
	size_t size = strcspn(text, "=");
	const char *value = text[size] ? text + size + 1 : NULL;
	const struct option_spec *option = find(cursor->table, 0, text, size);

	if (!option)
		return err_set(err, -EINVAL, "unknown option --%.*s", (int)size, text);
	if (!option->value)
		return set_switch(cursor->options, option, value, err);
	return value ? set_text(cursor->options, option, value, err) :
		       next_value(cursor, option, err);
}

static int parse_letters(struct cursor *cursor, const char *text, struct err *err)
{
	for (; *text; text++) {
		const struct option_spec *option = find(cursor->table, *text, NULL, 0);

		if (!option)
			return err_set(err, -EINVAL, "unknown option -%c", *text);
		if (!option->value) {
			set_switch(cursor->options, option, NULL, err);
			continue;
		}
		if (!text[1])
			return next_value(cursor, option, err);
		return set_text(cursor->options, option, text + 1 + (text[1] == '='), err);
	}
	return 0;
}

int options_parse(struct options *options, const struct option_spec *table, bool operands_end, int argc,
		  char **argv, int *operands, struct err *err)
{
	struct cursor cursor = { .options = options, .table = table, .argv = argv, .argc = argc };
	int rc = 0, count = 0;

	while (cursor.next < argc) {
		char *word = argv[cursor.next++];

		if (word[0] != '-' || !word[1]) {
			argv[count++] = word;
			if (operands_end)
				break;
		} else if (!strcmp(word, "--")) {
			break;
		} else {
			rc = word[1] == '-' ? parse_long(&cursor, word + 2, err) :
					      parse_letters(&cursor, word + 1, err);
			if (rc < 0)
				return rc;
		}
	}
	while (cursor.next < argc)
		argv[count++] = argv[cursor.next++];
	*operands = count;
	return 0;
}

static void format_names(const struct option_spec *option, char *text, size_t size)
{
	snprintf(text, size, "%c%c%s --%s %s", option->letter ? '-' : ' ',
		 option->letter ? option->letter : ' ', option->letter ? "," : " ", option->name,
		 option->value ? option->value : "");
}

void options_print(const struct option_spec *table, FILE *out)
{
	char text[80];
	int width = 0;

	for (const struct option_spec *option = table; option->name; option++) {
		format_names(option, text, sizeof(text));
		if (option->help && (int)strlen(text) > width)
			width = (int)strlen(text);
	}
	for (const struct option_spec *option = table; option->name; option++) {
		format_names(option, text, sizeof(text));
		if (option->help)
			fprintf(out, "  %-*s  %s\n", width, text, option->help);
	}
}
