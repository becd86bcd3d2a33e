#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "agent/network/forward.h"

#define SPEC_MAX 160
#define SPEC_WORDS 5

/* Returns what is behind the digits; NULL when they are no port. */
static const char *parse_port(const char *text, uint16_t *port)
{
	unsigned int value = 0;
	const char *at = text;

	for (; *at >= '0' && *at <= '9' && value <= UINT16_MAX; at++)
		value = 10 * value + (unsigned int)(*at - '0');
	if (at == text || !value || value > UINT16_MAX)
		return NULL;
	*port = (uint16_t)value;
	return at;
}

static int parse_range(const char *text, uint16_t *first, uint16_t *count)
{
	uint16_t last;

	text = parse_port(text, first);
	if (!text)
		return -EINVAL;
	last = *first;
	if (*text == '-')
		text = parse_port(text + 1, &last);
	if (!text || *text || last < *first)
		return -EINVAL;
	*count = (uint16_t)(last - *first + 1);
	return 0;
}

static int parse_words(struct forward *forward, char *const *words)
{
	const char *end;

	if (!strcmp(words[0], "tcp"))
		forward->protocol = IPPROTO_TCP;
	else if (!strcmp(words[0], "udp"))
		forward->protocol = IPPROTO_UDP;
	else
		return -EINVAL;
	if (ip_parse(&forward->bind, words[1]) < 0 || ip_parse(&forward->target, words[3]) < 0 ||
	    parse_range(words[2], &forward->host_first, &forward->count) < 0)
		return -EINVAL;
	end = parse_port(words[4], &forward->target_first);
	if (!end || *end || forward->target_first + forward->count - 1 > UINT16_MAX)
		return -EINVAL;
	return 0;
}

int forward_parse(struct forward *forward, const char *spec, struct err *err)
{
	char text[SPEC_MAX] = "", *words[SPEC_WORDS], *rest = text;
	size_t count = 0;

	*forward = (struct forward){ 0 };
	if (strlen(spec) < sizeof(text))
		memcpy(text, spec, strlen(spec) + 1);
	while (rest && count < SPEC_WORDS)
		words[count++] = strsep(&rest, ",");
	if (count < SPEC_WORDS || rest || parse_words(forward, words) < 0)
		return err_set(err, -EINVAL, "%.*s: not a forward; one is tcp,0.0.0.0,8080,172.29.0.2,80", SPEC_MAX,
			       spec);
	return 0;
}

void forward_format(const struct forward *forward, struct buf *spec)
{
	char bind[IP_TEXT_MAX], target[IP_TEXT_MAX];

	ip_format(&forward->bind, bind);
	ip_format(&forward->target, target);
	buf_append_format(spec, "%s,%s,%d", forward->protocol == IPPROTO_UDP ? "udp" : "tcp", bind,
			  forward->host_first);
	if (forward->count > 1)
		buf_append_format(spec, "-%d", forward->host_first + forward->count - 1);
	buf_append_format(spec, ",%s,%d", target, forward->target_first);
}
