#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/run/user.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "\n"
			     "# a comment\n"
			     "broken:x:notanumber:5::/broken:/bin/sh\n"
			     "short:x\n"
			     "app:x:1000:1001:The App:/srv/app:/bin/sh\n"
			     "2000:x:3000:3000::/named-by-number:/bin/sh\n"
			     "bare:x:1500:1500\n"
			     "huge:x:4294967295:1::/huge:/bin/sh\n"
			     "nohome:x:1600:1600:::/bin/sh\n"
			     "last:x:1700:1701::/last:/bin/sh"; /* no newline */

static const char group[] = "root:x:0:\n"
			    "app:x:1001:\n"
			    "dialout:x:20:app,other\n"
			    "video:x:44:other,app\n"
			    "audio:x:29:other,apps,ap\n"
			    "nolist:x:50\n"
			    "bad:x:-1:app\n";

/* "uid:gid:home groups..." or the error. */
static const char *resolve(const char *text)
{
	static char out[600];
	struct err err = ERR_INIT;
	struct user user;
	int used;

	if (user_resolve(&user, text, passwd, sizeof(passwd) - 1, group, sizeof(group) - 1, &err)) {
		free(user.groups);
		snprintf(out, sizeof(out), "%s", err.text);
		return out;
	}
	used = snprintf(out, sizeof(out), "%u:%u:%s", user.uid, user.gid, user.home);
	for (size_t i = 0; i < user.group_count; i++)
		used += snprintf(out + used, sizeof(out) - (size_t)used, " %u", user.groups[i]);
	free(user.groups);
	return out;
}

static void names(void)
{
	CHECK_TEXT(resolve("app"), "1000:1001:/srv/app 20 44");
	CHECK_TEXT(resolve("root"), "0:0:/root");
	CHECK_TEXT(resolve("last"), "1700:1701:/last");
	CHECK_TEXT(resolve("bare"), "1500:1500:/");
	CHECK_TEXT(resolve("nohome"), "1600:1600:/");
	CHECK_TEXT(resolve("none"), "user \"none\" is not in the image's /etc/passwd");
	CHECK_TEXT(resolve("broken"), "user \"broken\" is not in the image's /etc/passwd");
	CHECK_TEXT(resolve("huge"), "user \"huge\" is not in the image's /etc/passwd");
}

static void numbers(void)
{
	CHECK_TEXT(resolve("1000"), "1000:1001:/srv/app 20 44");
	CHECK_TEXT(resolve("4711"), "4711:0:/");
	CHECK_TEXT(resolve("2000"), "3000:3000:/named-by-number");
	CHECK_TEXT(resolve("4294967294"), "4294967294:0:/");
	CHECK_HAS(resolve("4294967295"), "is not in the image's");
	CHECK_HAS(resolve("-1"), "is not in the image's");
	CHECK_HAS(resolve("99999999999999999999"), "is not in the image's");
}

static void groups(void)
{
	CHECK_TEXT(resolve("app:video"), "1000:44:/srv/app");
	CHECK_TEXT(resolve("1000:1000"), "1000:1000:/srv/app");
	CHECK_TEXT(resolve("4711:nolist"), "4711:50:/");
	CHECK_TEXT(resolve("app:"), "1000:1001:/srv/app 20 44");
	CHECK_TEXT(resolve(":20"), "0:20:/root");
	CHECK_TEXT(resolve(""), "0:0:/root");
	CHECK_TEXT(resolve("app:none"), "group \"none\" is not in the image's /etc/group");
	CHECK_TEXT(resolve("none:none"), "user \"none\" is not in the image's /etc/passwd");
}

static void empty_files(void)
{
	struct user user;

	CHECK_INT(user_resolve(&user, "7:8", "", 0, "", 0, NULL), 0);
	CHECK_INT(user.uid, 7);
	CHECK_INT(user.gid, 8);
	CHECK_INT(user_resolve(&user, "app", "", 0, "", 0, NULL), -ENOENT);
}

int main(void)
{
	RUN(names);
	RUN(numbers);
	RUN(groups);
	RUN(empty_files);
	return test_end();
}
