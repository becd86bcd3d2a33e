#include "agent/api/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/utf8.h"

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes in place. A NUL byte would cut strings short for whoever reads them later, so it is refused. */
static int decode(char *text, bool plus_is_space, struct err *err)
{
	const char *whole = text;
	char *out = text;

	for (; *text; text++) {
		int high, low;

		if (*text == '+' && plus_is_space) {
			*out++ = ' ';
			continue;
		}
		if (*text != '%') {
			*out++ = *text;
			continue;
		}
		high = hex_value(text[1]);
		low = high < 0 ? -1 : hex_value(text[2]);
		if (low < 0 || high + low == 0)
			return err_set(err, -EINVAL, "invalid percent-encoding in the URL");
		*out++ = (char)(high << 4 | low);
		text += 2;
	}
	*out = '\0';
	/* What comes from a URL goes into JSON answers. */
	return utf8_is_valid(whole) ? 0 : err_set(err, -EINVAL, "the URL is not UTF-8");
}

/* "/v1.NN" in front of a path; returns what follows, which begins with '/' or is the same path when there is no version. */
static int parse_version(struct target *target, char **path, struct err *err)
{
	char *text = *path, *end;
	unsigned long major, minor;

	target->version = API_VERSION_MAX;
	if (text[1] != 'v' || text[2] < '0' || text[2] > '9')
		return 0;
	major = strtoul(text + 2, &end, 10);
	if (*end != '.' || end[1] < '0' || end[1] > '9')
		return 0;
	minor = strtoul(end + 1, &end, 10);
	if (*end != '/' && *end)
		return 0;
	if (major != 1 || minor > API_VERSION_MAX)
		return err_set(err, -EINVAL,
			       "client version %lu.%lu is too new. Maximum supported API version is 1.%d",
			       major, minor, API_VERSION_MAX);
	if (minor < API_VERSION_MIN)
		return err_set(err, -EINVAL,
			       "client version %lu.%lu is too old. Minimum supported API version is "
			       "1.%d, please upgrade your client to a newer version",
			       major, minor, API_VERSION_MIN);
	target->version = (int)minor;
	*path = *end ? end : strcpy(text, "/");
	return 0;
}

static int parse_parameters(struct target *target, char *query, struct err *err)
{
	char *rest = query, *pair;

	while ((pair = strsep(&rest, "&"))) {
		struct target_parameter *parameter;
		char *value = strchr(pair, '=');

		if (!*pair)
			continue;
		if (target->parameter_count == TARGET_PARAMETERS_MAX)
			return err_set(err, -EINVAL, "more than %d parameters in the URL",
				       TARGET_PARAMETERS_MAX);
		if (value)
			*value++ = '\0';
		if (decode(pair, true, err) < 0 || (value && decode(value, true, err) < 0))
			return -EINVAL;
		parameter = &target->parameters[target->parameter_count++];
		parameter->name = pair;
		parameter->value = value ? value : "";
	}
	return 0;
}

static char *skip_authority(char *text)
{
	size_t scheme = strcspn(text, ":/?#");

	if (!scheme || strncmp(text + scheme, "://", 3))
		return text;
	text += scheme + 3;
	return text + strcspn(text, "/?#");
}

static int parse(struct target *target, struct err *err)
{
	char *path = skip_authority(target->text);
	char *query;

	path[strcspn(path, "#")] = '\0';
	query = strchr(path, '?');
	if (query)
		*query++ = '\0';
	if (*path != '/')
		return err_set(err, -EINVAL, "the request's URL has no path");
	if (parse_version(target, &path, err) < 0 || decode(path, false, err) < 0)
		return -EINVAL;
	target->path = path;
	return query ? parse_parameters(target, query, err) : 0;
}

int target_parse(struct target *target, const char *text, size_t size, struct err *err)
{
	*target = (struct target){ 0 };
	if (memchr(text, '\0', size))
		return err_set(err, -EINVAL, "NUL byte in the URL");
	target->text = xstrndup(text, size);
	if (parse(target, err) < 0) {
		target_release(target);
		return -EINVAL;
	}
	return 0;
}

void target_release(struct target *target)
{
	free(target->text);
	*target = (struct target){ 0 };
}

const char *target_get(const struct target *target, const char *name)
{
	for (size_t i = 0; i < target->parameter_count; i++)
		if (!strcmp(target->parameters[i].name, name))
			return target->parameters[i].value;
	return NULL;
}

bool target_flag(const struct target *target, const char *name)
{
	static const char *const no[] = { "", "0", "no", "false", "none" };
	const char *value = target_get(target, name);

	if (!value)
		return false;
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		if (!strcasecmp(value, no[i]))
			return false;
	return true;
}

int target_int(const struct target *target, const char *name, int64_t *value, struct err *err)
{
	const char *text = target_get(target, name);
	long long number;
	char *end;

	if (!text || !*text)
		return 0;
	errno = 0;
	number = strtoll(text, &end, 10);
	if (*end || errno)
		return err_set(err, -EINVAL, "%s: \"%s\" is not a number", name, text);
	*value = number;
	return 1;
}
