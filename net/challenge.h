/*
 * challenge - what a WWW-Authenticate field (RFC 9110, 11.6.1) asks for. A parser of foreign bytes.
 *
 * Only the schemes registries use come out: Basic, and Bearer as the distribution project defines
 * it (realm: the token service's URL; service and scope: what to ask it for).
 */
#ifndef NET_CHALLENGE_H
#define NET_CHALLENGE_H

#include <stddef.h>

#define CHALLENGE_VALUE_MAX 1023
#define CHALLENGES_MAX 4

enum challenge_scheme { CHALLENGE_BASIC, CHALLENGE_BEARER };

/* Values that were not given are "". */
struct challenge {
	enum challenge_scheme scheme;
	char realm[CHALLENGE_VALUE_MAX + 1];
	char service[CHALLENGE_VALUE_MAX + 1];
	char scope[CHALLENGE_VALUE_MAX + 1];
};

/*
 * The challenges of one field, in its order: how many there are (at most `max`; other schemes are
 * passed over), or -EINVAL when the grammar is broken or a value is too long.
 */
int challenge_parse(struct challenge *challenges, size_t max, const char *text, size_t size);

#endif
