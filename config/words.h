/*
 * words - a command line in one string, cut into arguments as a shell would, without expanding
 * anything: blanks separate, '...' is literal, inside "..." and outside of quotes a backslash
 * makes the next character literal ("..." keeps it before anything but " \ $ `).
 */
#ifndef CONFIG_WORDS_H
#define CONFIG_WORDS_H

#include "lib/err.h"

#define WORDS_MAX 256

/* NULL-terminated vector for free_strings(); at least one word. -EINVAL with the reason: nothing in it, a quote left open. */
int words_split(const char *text, char ***words, struct err *err);

#endif
