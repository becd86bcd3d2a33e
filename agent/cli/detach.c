#include "agent/cli/detach.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* One key of the list, `size` bytes of text; negative when it is none. */
static int parse_key(const char *text, size_t size)
{
	if (size == 1)
		return (unsigned char)*text;
	if (size != 6 || strncmp(text, "ctrl-", 5))
		return -EINVAL;
	if (isalpha((unsigned char)text[5]) || strchr("@[\\]^_", text[5]))
		return toupper((unsigned char)text[5]) & 0x1f;
	return -EINVAL;
}

int detach_parse(struct detach *detach, const char *text, struct err *err)
{
	const char *at = text;

	*detach = (struct detach){ 0 };
	while (detach->count < DETACH_KEYS_MAX) {
		size_t size = strcspn(at, ",");
		int key = parse_key(at, size);

		if (key < 0)
			break;
		detach->keys[detach->count++] = (char)key;
		if (!at[size])
			return 0;
		at += size + 1;
	}
	detach->count = 0;
	return err_set(err, -EINVAL,
		       "--detach-keys %s: not a list such as ctrl-p,ctrl-q of at most %d keys", text,
		       DETACH_KEYS_MAX);
}

/* The longest beginning of the keys that the last ones of keys[0..seen) and `key` are. */
static size_t fall_back(const struct detach *detach, char key)
{
	for (size_t length = detach->seen; length > 0; length--)
		if (detach->keys[length - 1] == key &&
		    !memcmp(detach->keys, detach->keys + detach->seen - (length - 1), length - 1))
			return length;
	return 0;
}

bool detach_filter(struct detach *detach, const char *data, size_t size, char *out,
		   size_t *out_size)
{
	*out_size = 0;
	for (size_t i = 0; i < size; i++) {
		size_t before = detach->seen, held, given;

		if (before < detach->count && data[i] == detach->keys[before]) {
			if (++detach->seen == detach->count)
				return true;
			continue;
		}
		/* What was held and no longer begins the sequence goes first. */
		held = fall_back(detach, data[i]);
		given = held ? before + 1 - held : before;
		memcpy(out + *out_size, detach->keys, given);
		*out_size += given;
		if (!held)
			out[(*out_size)++] = data[i];
		detach->seen = held;
	}
	return false;
}
