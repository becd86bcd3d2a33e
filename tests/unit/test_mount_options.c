#include "tests/unit/test.h"

#include <errno.h>
#include <sys/mount.h>

#include "agent/run/mount_options.h"
#include "lib/sys.h"

static struct mount_options parsed;
static struct err err;

static int parse(char *const *options)
{
	mount_options_release(&parsed);
	return mount_options_parse(&parsed, options, &err);
}

#define PARSE(...) parse((char *[]){ __VA_ARGS__, NULL })

static void flags_and_data(void)
{
	CHECK_INT(PARSE("nosuid", "mode=755", "noexec", "size=64k"), 0);
	CHECK_INT(parsed.flags, MS_NOSUID | MS_NOEXEC);
	CHECK_TEXT(parsed.data, "mode=755,size=64k");
	CHECK_INT(parse(NULL), 0);
	CHECK_INT(parsed.flags, 0);
	CHECK_TEXT(parsed.data, NULL);
}

static void the_later_one_wins(void)
{
	CHECK_INT(PARSE("ro", "rw"), 0);
	CHECK_INT(parsed.flags, 0);
	CHECK_INT(parsed.cleared, MS_RDONLY);
	CHECK_INT(PARSE("exec", "noexec"), 0);
	CHECK_INT(parsed.flags, MS_NOEXEC);
	CHECK_INT(parsed.cleared, 0);
}

static void binds_and_propagation(void)
{
	CHECK_INT(PARSE("rbind", "ro", "rslave"), 0);
	CHECK_INT(parsed.flags, MS_BIND | MS_REC | MS_RDONLY);
	CHECK_INT(parsed.propagation, MS_SLAVE | MS_REC);
	CHECK_INT(mount_propagation("shared"), MS_SHARED);
	CHECK_INT(mount_propagation("ro"), 0);
}

static void what_would_be_ignored_is_refused(void)
{
	CHECK_INT(PARSE("bind", "mode=755"), -EINVAL);
	CHECK_HAS(err.text, "\"mode=755\" has no effect on a bind mount");
}

static void recursive_ones(void)
{
	CHECK_INT(PARSE("rbind", "rro", "rnosuid", "rnoatime"), 0);
	CHECK_INT(parsed.flags, MS_BIND | MS_REC);
	CHECK_INT(parsed.set_all, ATTR_RDONLY | ATTR_NOSUID | ATTR_NOATIME);
	CHECK_INT(parsed.clear_all, ATTR_ATIME);
	CHECK_INT(PARSE("rbind", "rro", "rrw", "rstrictatime", "rrelatime"), 0);
	CHECK_INT(parsed.set_all, 0);
	CHECK_INT(parsed.clear_all, ATTR_RDONLY | ATTR_ATIME);
	CHECK_INT(PARSE("rrw", "rro"), 0);
	CHECK_INT(parsed.set_all, ATTR_RDONLY);
	CHECK_INT(parsed.clear_all, 0);
}

static void those_that_are_no_flags(void)
{
	CHECK_INT(PARSE("tmpcopyup", "size=1m"), 0);
	CHECK(parsed.copy_up);
	CHECK_TEXT(parsed.data, "size=1m");
	CHECK_INT(PARSE("rbind", "ridmap"), 0);
	CHECK_INT(parsed.idmap, MOUNT_IDMAP_ALL);
	CHECK_INT(PARSE("bind", "idmap"), 0);
	CHECK_INT(parsed.idmap, MOUNT_IDMAP_ONE);
}

static void every_name_is_listed(void)
{
	int count = 0;
	const char *name;

	while ((name = mount_option_name(count))) {
		CHECK_INT(PARSE((char *)name), 0);
		CHECK_TEXT(parsed.data, NULL);
		count++;
	}
	CHECK(count > 30);
	CHECK_TEXT(mount_option_name(-1), NULL);
}

int main(void)
{
	RUN(flags_and_data);
	RUN(the_later_one_wins);
	RUN(binds_and_propagation);
	RUN(what_would_be_ignored_is_refused);
	RUN(recursive_ones);
	RUN(those_that_are_no_flags);
	RUN(every_name_is_listed);
	mount_options_release(&parsed);
	return test_end();
}
