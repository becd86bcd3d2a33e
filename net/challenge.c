#include "net/challenge.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "net/http.h"

struct cursor {
	const char *at;
	const char *end;
};

struct span {
	const char *data;
	size_t size;
};

static bool at_char(const struct cursor *in, char c)
{
	return in->at < in->end && *in->at == c;
}

static void skip_spaces(struct cursor *in)
{
	while (at_char(in, ' ') || at_char(in, '\t'))
		in->at++;
}

static void skip_commas(struct cursor *in)
{
	while (at_char(in, ' ') || at_char(in, '\t') || at_char(in, ','))
		in->at++;
}

static struct span take_token(struct cursor *in)
{
	struct span token = { in->at, 0 };

	while (in->at < in->end && http_is_token(in->at, 1))
		in->at++;
	token.size = (size_t)(in->at - token.data);
	return token;
}

static bool span_is(struct span span, const char *word)
{
	return span.size == strlen(word) && !strncasecmp(span.data, word, span.size);
}

/* A token or a quoted string into `value`; one that has no room is an error. */
static int take_value(struct cursor *in, char value[static CHALLENGE_VALUE_MAX + 1])
{
	bool quoted = at_char(in, '"');
	size_t used = 0;

	if (quoted)
		in->at++;
	for (;; in->at++) {
		if (in->at == in->end) {
			if (quoted)
				return -EINVAL;
			break;
		}
		if (quoted && *in->at == '"') {
			in->at++;
			break;
		}
		if (!quoted && !http_is_token(in->at, 1))
			break;
		if (quoted && *in->at == '\\' && ++in->at == in->end)
			return -EINVAL;
		if ((unsigned char)*in->at < ' ' || used == CHALLENGE_VALUE_MAX)
			return -EINVAL;
		value[used++] = *in->at;
	}
	value[used] = '\0';
	return quoted || used > 0 ? 0 : -EINVAL;
}

static int take_parameter(struct cursor *in, struct span name, struct challenge *challenge)
{
	char value[CHALLENGE_VALUE_MAX + 1];

	in->at++; /* '=' */
	skip_spaces(in);
	if (take_value(in, value) < 0)
		return -EINVAL;
	if (!challenge)
		return 0; /* of a scheme that isn't known */
	if (span_is(name, "realm"))
		strcpy(challenge->realm, value);
	else if (span_is(name, "service"))
		strcpy(challenge->service, value);
	else if (span_is(name, "scope"))
		strcpy(challenge->scope, value);
	return 0;
}

/* "Negotiate YII=": such a value is no parameter; it ends with the field or at a comma. */
static void skip_token68(struct cursor *in)
{
	struct cursor ahead = *in;

	while (ahead.at < ahead.end && (http_is_token(ahead.at, 1) || *ahead.at == '/'))
		ahead.at++;
	while (at_char(&ahead, '='))
		ahead.at++;
	skip_spaces(&ahead);
	if (ahead.at == ahead.end || at_char(&ahead, ','))
		*in = ahead;
}

int challenge_parse(struct challenge *challenges, size_t max, const char *text, size_t size)
{
	struct cursor in = { text, text + size };
	struct challenge *current = NULL;
	bool has_scheme = false;
	size_t count = 0;

	for (skip_commas(&in); in.at < in.end; skip_commas(&in)) {
		struct span word = take_token(&in);

		skip_spaces(&in);
		if (word.size == 0)
			return -EINVAL;
		if (has_scheme && at_char(&in, '=')) {
			if (take_parameter(&in, word, current) < 0)
				return -EINVAL;
			continue;
		}
		has_scheme = true;
		current = NULL;
		if ((span_is(word, "Basic") || span_is(word, "Bearer")) && count < max) {
			current = &challenges[count++];
			*current = (struct challenge){
				.scheme = span_is(word, "Basic") ? CHALLENGE_BASIC : CHALLENGE_BEARER,
			};
		}
		skip_token68(&in);
	}
	return (int)count;
}
