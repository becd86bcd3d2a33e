// LDFLAGS: -Wl,--wrap=time,--wrap=__time64,--wrap=stream_start_tls
/* At which time the client has certificates checked, with a clock that is played here. */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "net/client.h"
#include "net/failure.h"
#include "tests/unit/http_server.h"
#include "tests/unit/test.h"

#define FLOOR 2000000000

time_t __wrap_time(time_t *out);
time_t __wrap___time64(time_t *out); /* what musl calls it on 32-bit machines */
int __wrap_stream_start_tls(struct stream *stream, const char *host, const struct tls_settings *settings,
			    struct err *err);

static time_t clock_s;
static struct tls_time asked;

time_t __wrap_time(time_t *out)
{
	(void)out;
	return clock_s;
}

time_t __wrap___time64(time_t *out)
{
	return __wrap_time(out);
}

int __wrap_stream_start_tls(struct stream *stream, const char *host, const struct tls_settings *settings,
			    struct err *err)
{
	(void)stream, (void)host;
	asked = settings->time;
	return err_set(err, FAILURE_TLS, "enough");
}

static void connect_at(time_t now_s)
{
	static const struct answer answer = { .hang = true };
	const struct client_settings settings = {
		.trust = { "", 0, "ca =" },
		.time_floor_s = FLOOR,
		.connect_ms = 1000,
		.stall_ms = 1000,
	};
	struct server server;
	struct client client;
	struct url url;
	struct err err = ERR_INIT;
	char text[64];

	clock_s = now_s;
	server_start(&server, &answer, 1);
	snprintf(text, sizeof(text), "https://127.0.0.1:%d/", server.port);
	client_init(&client, &settings);
	if (url_parse(&url, text, strlen(text), &err) < 0)
		abort();
	CHECK_INT(client_send(&client, &(struct client_request){ .method = "GET", .url = &url }, &err), FAILURE_TLS);
	url_release(&url);
	client_release(&client);
	free(server_stop(&server));
}

static void the_clock_has_a_floor(void)
{
	connect_at(0);
	CHECK_INT(asked.now_s, FLOOR);
	CHECK_INT(asked.clock_s, 0);
	connect_at(FLOOR + 1000);
	CHECK_INT(asked.now_s, FLOOR + 1000);
	CHECK_INT(asked.clock_s, FLOOR + 1000);
}

int main(void)
{
	RUN(the_clock_has_a_floor);
	return test_end();
}
