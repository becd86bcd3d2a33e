/*
 * keys - the keys of a section of agent.ini as a table: each one's name, how often it may stand
 * there, and the function that reads its text into the section's struct.
 */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

#define KEYS_MAX 64 /* of one table, so that those seen fit into the bits of a uint64_t */

struct key {
	const char *name; /* the first member: words_nearest() expects it there */
	/* Texts are UTF-8 and not empty. NULL: a key whose feature is not there yet. */
	int (*set)(void *object, const char *value, struct err *err);
	bool repeatable;
};

struct key_table {
	const struct key *keys;
	size_t count;
	const char *secret; /* the key whose value no error shows; NULL: none */
};

/* NULL with the reason for an unknown key (and which one it may stand for). */
const struct key *keys_find(const struct key_table *table, const char *name, struct err *err);

/* Refuses keys without a function and empty values, else calls the key's function. */
int key_set(const struct key *key, void *object, const char *value, struct err *err);

/* Puts `text` in the place of the string at *member. */
void key_replace_text(char **member, const char *text);

/* The index of `value` in a list that ends with NULL, or -EINVAL with a reason that lists them. */
int key_choose(const char *const *words, const char *value, struct err *err);

/* path_clean() into a struct's member. */
int key_set_path(char **member, const char *value, struct err *err);

#endif
