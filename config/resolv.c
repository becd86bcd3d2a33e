#include "config/resolv.h"

#include <string.h>

#include "lib/fd.h"

#define BLANKS " \t\r"

struct line {
	const char *text;
	int size;
	const char *value; /* behind the keyword and blanks */
	int value_size;
};

/* Sets the next line that isn't empty or a comment; false at the end. */
static bool next_line(const char **at, struct line *line)
{
	while (**at) {
		const char *text = *at + strspn(*at, BLANKS);
		size_t size = strcspn(text, "\n");

		*at = text + size + (text[size] == '\n');
		if (!size || *text == '#' || *text == ';')
			continue;
		line->text = text;
		line->size = (int)size;
		line->value = text + strcspn(text, BLANKS "\n");
		line->value += strspn(line->value, BLANKS);
		line->value_size = (int)(text + size - line->value);
		return true;
	}
	return false;
}

static bool is_keyword(const struct line *line, const char *word)
{
	size_t size = strlen(word);

	return !strncmp(line->text, word, size) && strchr(BLANKS, line->text[size]) && line->value_size > 0;
}

static bool is_reachable(const struct line *line)
{
	FREE_CLEANUP char *text = xstrndup(line->value, strcspn(line->value, BLANKS "#;\n"));
	struct ip ip;

	/* With a scope, fe80::1%eth0, it is no address here: link-local ones need an interface. */
	return ip_parse(&ip, text) == 0 && !ip_is_loopback(&ip) && !ip_is_unspecified(&ip);
}

bool resolv_is_local(const char *device)
{
	struct line line;
	bool has_local = false;

	while (next_line(&device, &line)) {
		if (!is_keyword(&line, "nameserver"))
			continue;
		if (is_reachable(&line))
			return false;
		has_local = true;
	}
	return has_local;
}

static bool is_replaced(const struct line *line, const struct app_network *network, bool is_apart)
{
	if (is_keyword(line, "nameserver"))
		return network->dns || (is_apart && !is_reachable(line));
	if (is_keyword(line, "search") || is_keyword(line, "domain"))
		return network->dns_search;
	return is_keyword(line, "options") && network->dns_options;
}

static void append_joined(struct buf *out, const char *keyword, char *const *words)
{
	if (!words || !strcmp(*words, ".")) /* "search ." is nothing to some resolvers, and an error to others */
		return;
	buf_append_text(out, keyword);
	for (; *words; words++)
		buf_append_format(out, " %s", *words);
	buf_append_text(out, "\n");
}

bool resolv_compose(struct buf *out, const char *device, const struct app_network *network, bool is_apart)
{
	bool has_server = network->dns;
	struct line line;

	for (char **server = network->dns; server && *server; server++)
		buf_append_format(out, "nameserver %s\n", *server);
	append_joined(out, "search", network->dns_search);
	append_joined(out, "options", network->dns_options);
	while (next_line(&device, &line)) {
		if (is_replaced(&line, network, is_apart))
			continue;
		buf_append_format(out, "%.*s\n", line.size, line.text);
		has_server |= is_keyword(&line, "nameserver");
	}
	return has_server;
}
