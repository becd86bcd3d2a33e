#include "lib/glob.h"

#include <stddef.h>

/* The byte at one end of a range, or -1. */
static int range_end(const char **pattern)
{
	const char *p = *pattern;

	if (*p == '-' || *p == ']')
		return -1;
	if (*p == '\\')
		p++;
	if (!*p)
		return -1;
	*pattern = p + 1;
	return (unsigned char)*p;
}

/* The pattern behind the set that began before `p`; NULL: c is not in it, or it is malformed. */
static const char *match_set(const char *p, unsigned char c)
{
	bool negated = *p == '^', found = false;

	p += negated;
	do {
		int low = range_end(&p), high = low;

		if (low >= 0 && *p == '-') {
			p++;
			high = range_end(&p);
		}
		if (low < 0 || high < 0)
			return NULL;
		found |= low <= c && c <= high;
	} while (*p != ']');
	return found != negated ? p + 1 : NULL;
}

/* The pattern behind what describes the byte c, which is not 0; NULL: it does not. */
static const char *match_byte(const char *p, char c)
{
	if (*p == '?')
		return c == '/' ? NULL : p + 1;
	if (*p == '[')
		return c == '/' ? NULL : match_set(p + 1, (unsigned char)c);
	if (*p == '\\')
		p++;
	return *p == c ? p + 1 : NULL;
}

bool glob_match(const char *pattern, const char *text)
{
	const char *star = NULL; /* behind the last * so far */
	const char *rest = NULL; /* the text behind what that one took */

	while (*text) {
		const char *next = *pattern == '*' ? NULL : match_byte(pattern, *text);

		if (*pattern == '*') {
			star = ++pattern;
			rest = text;
		} else if (next) {
			pattern = next;
			text++;
		} else if (star && *rest != '/') {
			pattern = star;
			text = ++rest;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}
