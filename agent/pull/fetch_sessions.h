/*
 * fetch_sessions - TLS sessions between one fetch and the next: opaque texts that fetch reports, kept in memory and never
 * on flash, each under the settings that it was made with. Another CA, password, proxy or certificate is another key.
 *
 * Taking a session up skips the look at certificates. So one line of sessions lives for FETCH_SESSIONS_LIFE_MS, however often
 * it is renewed: what a fetch that was taken over leaves behind ends with it.
 */
#ifndef AGENT_PULL_FETCH_SESSIONS_H
#define AGENT_PULL_FETCH_SESSIONS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/sha256.h"

#define FETCH_SESSIONS_MAX 8
#define FETCH_SESSIONS_TEXT_MAX 2048
#define FETCH_SESSIONS_LIFE_MS (12 * 3600 * INT64_C(1000))

struct fetch_session {
	char key[SHA256_HEX + 1];
	char *text; /* NULL: the entry is free */
	int64_t born_ms, used_ms; /* since boot */
};

/* Zero-initialised is empty. */
struct fetch_sessions {
	struct fetch_session all[FETCH_SESSIONS_MAX];
};

/* NULL: none, or none any more. Borrowed until the next call. `now_ms` counts as time_boot_ms(). */
const char *fetch_sessions_get(struct fetch_sessions *sessions, const char *key, int64_t now_ms);
/* Copies the text; an empty or overlong one just ends the one there was. */
void fetch_sessions_put(struct fetch_sessions *sessions, const char *key, const char *text, int64_t now_ms);
void fetch_sessions_release(struct fetch_sessions *sessions);

#endif
