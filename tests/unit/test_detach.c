#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>

#include "agent/cli/detach.h"

static void keys_are_read(void)
{
	static const char *const bad[] = { "", "ctrl-", "ctrl-1", "ab", "a,", ",a", "ctrl-p,", "alt-x",
					   "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q" };
	struct err err = ERR_INIT;
	struct detach detach;

	CHECK_INT(detach_parse(&detach, DETACH_DEFAULT, &err), 0);
	CHECK(detach.count == 2 && !memcmp(detach.keys, "\x10\x11", 2));
	CHECK_INT(detach_parse(&detach, "ctrl-@,ctrl-_,ctrl-Z,x", &err), 0);
	CHECK(detach.count == 4 && !memcmp(detach.keys, "\0\x1f\x1ax", 4));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CHECK_INT(detach_parse(&detach, bad[i], &err), -EINVAL);
		CHECK_HAS(err.text, "not a list such as ctrl-p,ctrl-q");
	}
}

/* Types `text` key by key, and in one piece; the same must come out. */
static void type(const char *keys, const char *text, const char *wanted, bool detaches)
{
	struct detach detach;
	struct err err = ERR_INIT;
	char out[64], all[64];
	size_t size, count = 0;
	bool left = false;

	CHECK_INT(detach_parse(&detach, keys, &err), 0);
	for (const char *at = text; *at && !left; at++) {
		left = detach_filter(&detach, at, 1, out, &size);
		memcpy(all + count, out, size);
		count += size;
	}
	all[count] = '\0';
	CHECK_TEXT(all, wanted);
	CHECK_INT(left, detaches);

	CHECK_INT(detach_parse(&detach, keys, &err), 0);
	CHECK_INT(detach_filter(&detach, text, strlen(text), out, &size), detaches);
	out[size] = '\0';
	CHECK_TEXT(out, wanted);
}

static void what_is_typed_comes_through(void)
{
	type("a,b", "xyz", "xyz", false);
	type("a,b", "xab", "x", true);
	type("a,b", "xabz", "x", true);
	type("a,b", "axb", "axb", false);
	type("a,b", "aab", "a", true);
	type("a,b", "xa", "x", false);
	type("a,a,b", "aaab", "a", true);
	type("a,a,b", "aacab", "aacab", false);
	type("a,b,a,c", "ababac", "ab", true);
	type("ctrl-p,ctrl-q", "ls\x10\x10\x11", "ls\x10", true);
}

int main(void)
{
	RUN(keys_are_read);
	RUN(what_is_typed_comes_through);
	return test_end();
}
