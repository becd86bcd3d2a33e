/* TLS sessions as text, and how long the agent keeps one. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/helper/fetch_input.h"
#include "agent/job.h"
#include "agent/pull/fetch_sessions.h"
#include "net/sessions.h"
#include "tests/unit/test.h"

static struct tls_session session_of(unsigned char letter)
{
	struct tls_session session = { .id_size = 32, .version = 0x303, .suite = 0xc02b };

	memset(session.id, letter, sizeof(session.id));
	memset(session.secret, letter + 1, sizeof(session.secret));
	return session;
}

static void put(struct sessions *sessions, const char *host, uint16_t port, unsigned char letter)
{
	struct tls_session session = session_of(letter);

	sessions_put(sessions, host, port, &session);
}

static void they_travel_as_text(void)
{
	struct sessions sessions = { .next = 0 }, again;
	struct buf text BUF_CLEANUP = BUF_INIT;
	char host[URL_HOST_MAX + 1];

	sessions_format(&sessions, &text);
	CHECK_TEXT(buf_text(&text), "");
	memset(host, 'h', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	for (uint16_t port = 1; port <= SESSIONS_MAX; port++)
		put(&sessions, host, port, 'a');
	sessions_format(&sessions, &text);
	CHECK(text.size <= SESSIONS_TEXT_MAX);
	CHECK_INT(sessions_parse(&again, text.data, text.size), 0);
	CHECK(!memcmp(&sessions, &again, sizeof(again)));
	for (size_t size = 0; size < text.size; size++)
		(void)sessions_parse(&again, text.data, size);
	CHECK_INT(sessions_parse(&again, "", 0), -EINVAL);
	CHECK_INT(sessions_parse(&again, "AQ==", 4), 0);
	CHECK_INT(sessions_parse(&again, "Ag==", 4), -EINVAL);
	CHECK_INT(sessions_parse(&again, "!", 1), -EINVAL);
}

static void each_server_has_one(void)
{
	struct sessions sessions = { .next = 0 };
	struct tls_session none = { .id_size = 0 };

	put(&sessions, "a", 443, '1');
	put(&sessions, "a", 444, '2');
	put(&sessions, "a", 443, '3');
	CHECK(sessions_find(&sessions, "a", 443)->id[0] == '3');
	CHECK(sessions_find(&sessions, "a", 444)->id[0] == '2');
	CHECK(!sessions_find(&sessions, "b", 443));
	sessions_put(&sessions, "a", 443, &none);
	CHECK(!sessions_find(&sessions, "a", 443));
	for (uint16_t port = 1; port < 20; port++)
		put(&sessions, "b", port, 'x');
	CHECK(sessions_find(&sessions, "b", 19));
	CHECK(!sessions_find(&sessions, "b", 1));
}

static void the_agent_forgets(void)
{
	struct fetch_sessions kept = { 0 };
	char key[16];

	fetch_sessions_put(&kept, "k", "one", 1000);
	CHECK_TEXT(fetch_sessions_get(&kept, "k", 1000), "one");
	CHECK(!fetch_sessions_get(&kept, "l", 1000));
	/* Renewing it makes it no younger. */
	fetch_sessions_put(&kept, "k", "two", FETCH_SESSIONS_LIFE_MS);
	CHECK_TEXT(fetch_sessions_get(&kept, "k", FETCH_SESSIONS_LIFE_MS + 999), "two");
	CHECK(!fetch_sessions_get(&kept, "k", FETCH_SESSIONS_LIFE_MS + 1000));
	fetch_sessions_put(&kept, "k", "three", 0);
	fetch_sessions_put(&kept, "k", "", 0);
	CHECK(!fetch_sessions_get(&kept, "k", 0));
	for (int i = 0; i < FETCH_SESSIONS_MAX + 1; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		fetch_sessions_put(&kept, key, "text", i);
	}
	CHECK(!fetch_sessions_get(&kept, "k0", 20));
	CHECK(fetch_sessions_get(&kept, "k1", 20));
	fetch_sessions_release(&kept);
}

/* Or a mirror's CA could speak for the registry: redirect to it, and be taken up again with its password. */
static void a_mirror_has_sessions_of_its_own(void)
{
	static const char text[] = "{\"registry\":{\"insecure\":true},\"mirrors\":[{\"host\":\"a.example\",\"https\":false},"
				   "{\"host\":\"b.example\",\"https\":false}]}";
	struct fetch_input input;
	struct err err = ERR_INIT;
	int fd = memory_file(text, strlen(text));
	char *argv[] = { "fetch", "head", "r.example/app" };

	CHECK_INT(fetch_input_read(&input, 3, argv, fd, &err), 0);
	CHECK(input.sources.registry.sessions == &input.sessions);
	CHECK(input.mirrors[0].settings.sessions && input.mirrors[1].settings.sessions);
	CHECK(input.mirrors[0].settings.sessions != &input.sessions);
	CHECK(input.mirrors[0].settings.sessions != input.mirrors[1].settings.sessions);
	fetch_input_release(&input);
	close(fd);
}

int main(void)
{
	RUN(they_travel_as_text);
	RUN(each_server_has_one);
	RUN(the_agent_forgets);
	RUN(a_mirror_has_sessions_of_its_own);
	return test_end();
}
