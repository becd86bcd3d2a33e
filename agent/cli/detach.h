/*
 * detach - the keys that leave a container's terminal without ending anything, as docker has them:
 * "ctrl-p,ctrl-q". Single characters and ctrl- with a letter or one of @ [ \ ] ^ _, separated by commas.
 *
 *	detach_parse(&detach, text, err)
 *	if (detach_filter(&detach, data, size, out, &out_size))	the keys were pressed; out: what was typed before
 *
 * Keys that begin the sequence are held back; when it doesn't go on they are given back with what follows.
 */
#ifndef AGENT_CLI_DETACH_H
#define AGENT_CLI_DETACH_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

#define DETACH_KEYS_MAX 16
#define DETACH_DEFAULT "ctrl-p,ctrl-q"

struct detach {
	char keys[DETACH_KEYS_MAX];
	size_t count; /* 0: no keys detach */
	size_t seen;  /* so many of them were typed */
};

int detach_parse(struct detach *detach, const char *text, struct err *err);

/* `out` takes size + DETACH_KEYS_MAX bytes; *out_size is what to pass on. */
bool detach_filter(struct detach *detach, const char *data, size_t size, char *out, size_t *out_size);

#endif
