/* WWW-Authenticate: whatever comes in, what comes out are clean strings within their limits. */
#include <stdlib.h>
#include <string.h>

#include "net/challenge.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check_value(const char *value)
{
	if (!memchr(value, '\0', CHALLENGE_VALUE_MAX + 1))
		abort();
	for (; *value; value++)
		if ((unsigned char)*value < ' ')
			abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct challenge found[CHALLENGES_MAX];
	int count = challenge_parse(found, CHALLENGES_MAX, (const char *)data, size);

	if (count > CHALLENGES_MAX)
		abort();
	for (int i = 0; i < count; i++) {
		check_value(found[i].realm);
		check_value(found[i].service);
		check_value(found[i].scope);
	}
	return 0;
}
