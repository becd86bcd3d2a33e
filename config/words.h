/*
 * words - a command line in one string, cut into arguments as a shell would, without expanding
 * anything: blanks separate, '...' is literal, inside "..." and outside of quotes a backslash
 * makes the next character literal (inside "..." only before one of " \ $ `).
 */
#ifndef CONFIG_WORDS_H
#define CONFIG_WORDS_H

#include <stddef.h>

#include "lib/err.h"

#define WORDS_MAX 256

/*
 * A NULL-terminated vector with at least one word, for free_strings(); or -EINVAL with the reason:
 * nothing in it, a quote left open, too many words.
 */
int words_split(const char *text, char ***words, struct err *err);

/* The other way, with quotes only where they are needed; free() it. */
char *words_join(char *const *words);

/*
 * The entry of `known` that `word` is probably a slip of the pen for, or NULL: "did you mean". Each
 * of the `count` entries is a struct of `stride` bytes that starts with a `const char *`.
 */
const char *words_nearest(const char *word, const void *known, size_t count, size_t stride);

#endif
