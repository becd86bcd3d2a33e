/* A User, /etc/passwd and /etc/group of an image, separated by NUL bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/run/user.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *passwd, *group;
	struct user user;

	passwd = memchr(text, '\0', size);
	if (!passwd)
		return 0;
	passwd++;
	group = memchr(passwd, '\0', size - (size_t)(passwd - text));
	if (!group)
		return 0;
	group++;
	if (user_resolve(&user, text, passwd, (size_t)(group - 1 - passwd), group,
			 size - (size_t)(group - text), NULL) == 0 &&
	    (user.home[0] == '\0' || user.uid == UINT32_MAX || user.gid == UINT32_MAX))
		abort();
	free(user.groups);
	return 0;
}
