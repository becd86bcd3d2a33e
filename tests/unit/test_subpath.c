#include <errno.h>

#include "store/subpath.h"
#include "tests/unit/test.h"

static char cleaned[PATH_MAX];

static const char *clean(const char *name)
{
	int rc = subpath_clean(cleaned, name);

	return rc == 0 ? cleaned : rc == -EINVAL ? "(refused)" : "(too long)";
}

static void names_become_paths_below_the_root(void)
{
	CHECK_TEXT(clean("usr/bin/x"), "usr/bin/x");
	CHECK_TEXT(clean("./usr//bin/./x/"), "usr/bin/x");
	CHECK_TEXT(clean("/etc/passwd"), "etc/passwd");
	CHECK_TEXT(clean("./"), "");
	CHECK_TEXT(clean("."), "");
	CHECK_TEXT(clean("/"), "");
	CHECK_TEXT(clean("a/../b"), "b");
	CHECK_TEXT(clean("a/b/../../c"), "c");
	CHECK_TEXT(clean("a/.."), "");
	CHECK_TEXT(clean("...x/..y"), "...x/..y");
}

static void names_that_lead_out_are_refused(void)
{
	CHECK_TEXT(clean(".."), "(refused)");
	CHECK_TEXT(clean("../x"), "(refused)");
	CHECK_TEXT(clean("./../x"), "(refused)");
	CHECK_TEXT(clean("a/../../x"), "(refused)");
	CHECK_TEXT(clean(""), "(refused)");
	CHECK_TEXT(clean("/../x"), "x");
}

static void long_names_are_refused(void)
{
	char name[2 * PATH_MAX];

	memset(name, 'a', sizeof(name));
	for (size_t i = 100; i < sizeof(name); i += 100)
		name[i] = '/';
	name[PATH_MAX - 1] = '\0';
	CHECK_INT(subpath_clean(cleaned, name), 0);
	CHECK_INT(strlen(cleaned), PATH_MAX - 1);
	name[PATH_MAX - 1] = 'a';
	name[PATH_MAX] = '\0';
	CHECK_TEXT(clean(name), "(too long)");
}

static void paths_are_split_at_the_last_slash(void)
{
	size_t size;

	CHECK_TEXT(subpath_split("a/b/c", &size), "c");
	CHECK_INT(size, 3);
	CHECK_TEXT(subpath_split("a", &size), "a");
	CHECK_INT(size, 0);
	CHECK_TEXT(subpath_split("", &size), "");
	CHECK_INT(size, 0);
}

int main(void)
{
	RUN(names_become_paths_below_the_root);
	RUN(names_that_lead_out_are_refused);
	RUN(long_names_are_refused);
	RUN(paths_are_split_at_the_last_slash);
	return test_end();
}
