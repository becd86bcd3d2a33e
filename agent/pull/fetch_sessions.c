#include "agent/pull/fetch_sessions.h"

#include <stdlib.h>
#include <string.h>

#include "lib/err.h"

static void erase(struct fetch_session *session)
{
	if (session->text)
		explicit_bzero(session->text, strlen(session->text));
	free(session->text);
	*session = (struct fetch_session){ .text = NULL };
}

static struct fetch_session *find(struct fetch_sessions *sessions, const char *key, int64_t now_ms)
{
	for (size_t i = 0; i < FETCH_SESSIONS_MAX; i++) {
		struct fetch_session *session = &sessions->all[i];

		if (session->text && now_ms - session->born_ms >= FETCH_SESSIONS_LIFE_MS)
			erase(session);
		if (session->text && !strcmp(session->key, key))
			return session;
	}
	return NULL;
}

const char *fetch_sessions_get(struct fetch_sessions *sessions, const char *key, int64_t now_ms)
{
	struct fetch_session *session = find(sessions, key, now_ms);

	if (!session)
		return NULL;
	session->used_ms = now_ms;
	return session->text;
}

/* A free entry, or the one that was not used for longest. */
static struct fetch_session *make_room(struct fetch_sessions *sessions)
{
	struct fetch_session *oldest = &sessions->all[0];

	for (size_t i = 0; i < FETCH_SESSIONS_MAX; i++) {
		struct fetch_session *session = &sessions->all[i];

		if (!session->text)
			return session;
		if (session->used_ms < oldest->used_ms)
			oldest = session;
	}
	erase(oldest);
	return oldest;
}

void fetch_sessions_put(struct fetch_sessions *sessions, const char *key, const char *text, int64_t now_ms)
{
	struct fetch_session *session = find(sessions, key, now_ms);
	int64_t born_ms = session ? session->born_ms : now_ms;

	if (session)
		erase(session);
	if (!*text || strlen(text) > FETCH_SESSIONS_TEXT_MAX)
		return;
	if (!session)
		session = make_room(sessions);
	*session = (struct fetch_session){ .text = xstrdup(text), .born_ms = born_ms, .used_ms = now_ms };
	strncpy(session->key, key, SHA256_HEX);
}

void fetch_sessions_release(struct fetch_sessions *sessions)
{
	for (size_t i = 0; i < FETCH_SESSIONS_MAX; i++)
		erase(&sessions->all[i]);
}
