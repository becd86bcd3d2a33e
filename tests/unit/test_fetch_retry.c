/* When to ask again: the decision, and a blob that takes several attempts. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "agent/helper/fetch_transfer.h"
#include "agent/helper/report.h"
#include "net/failure.h"
#include "tests/unit/http_server.h"
#include "tests/unit/test.h"

#define CUT(bytes) { .text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" bytes, .close = true }
#define PART(range, bytes) \
	{ .text = "HTTP/1.1 206 P\r\nContent-Range: bytes " range "/5\r\n\r\n" bytes, .close = true }
#define LATER { .text = "HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n", .close = true }

static struct err err;
static struct fetch_retry retry;

static int64_t delay(int code, int64_t retry_after_s, int64_t received, int64_t offset)
{
	const struct fetch_attempt attempt = { code, retry_after_s, received, offset, 1000000 };

	/* This random number gives the delay itself, without jitter, for all but Retry-After. */
	return fetch_retry_delay_ms(&retry, &attempt, 0);
}

static void waits_longer_each_time_and_gives_up(void)
{
	static const int64_t expected[] = { 750, 1500, 3000, 6000, 12000, 24000, 45000, 45000, 45000, 45000 };

	fetch_retry_init(&retry);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		CHECK_INT(delay(-ECONNRESET, 0, 0, 1), expected[i]);
	CHECK_INT(delay(-ECONNRESET, 0, 0, 1), -1);
}

static void gives_up_sooner_with_nothing_to_lose(void)
{
	fetch_retry_init(&retry);
	for (int i = 0; i < FETCH_RETRY_TRIES_FIRST; i++)
		CHECK(delay(-ECONNREFUSED, 0, 0, 0) > 0);
	CHECK_INT(delay(-ECONNREFUSED, 0, 0, 0), -1);
}

static void progress_is_a_new_beginning(void)
{
	fetch_retry_init(&retry);
	for (int i = 0; i < 1000; i++)
		CHECK_INT(delay(-ECONNRESET, 0, FETCH_RETRY_LITTLE, 1), 750);
	for (int i = 0; i < 1000; i++)
		CHECK_INT(delay(-ECONNRESET, 0, FETCH_RETRY_MUCH, 1), 0);
	/* A few bytes each time are none: whoever drips must not keep us. */
	fetch_retry_init(&retry);
	for (int i = 0; i < FETCH_RETRY_TRIES; i++)
		CHECK(delay(-ETIMEDOUT, 0, FETCH_RETRY_LITTLE - 1, 1) > 0);
	CHECK_INT(delay(-ETIMEDOUT, 0, FETCH_RETRY_LITTLE - 1, 1), -1);
}

static void jitter_spreads_the_delay(void)
{
	const struct fetch_attempt attempt = { .code = -ECONNRESET, .offset = 1 };
	int64_t least = INT64_MAX, most = 0;

	for (uint32_t random = 0; random < 2000; random++) {
		fetch_retry_init(&retry);
		int64_t delay_ms = fetch_retry_delay_ms(&retry, &attempt, random * 7919);

		least = delay_ms < least ? delay_ms : least;
		most = delay_ms > most ? delay_ms : most;
	}
	CHECK_INT(least, 750);
	CHECK_INT(most, 1250);
}

static void the_registry_may_name_the_time(void)
{
	fetch_retry_init(&retry);
	CHECK_INT(delay(FAILURE_RETRY, 17, 0, 1), 17000);
	CHECK_INT(delay(FAILURE_RETRY, 17, 1000000, 1), 17000);
	CHECK_INT(delay(FAILURE_RETRY, FETCH_RETRY_AFTER_S, 0, 1), FETCH_RETRY_AFTER_S * 1000);
	CHECK_INT(delay(FAILURE_RETRY, FETCH_RETRY_AFTER_S + 1, 0, 1), -1);
	fetch_retry_init(&retry);
	CHECK_INT(delay(FAILURE_RETRY, FETCH_RETRY_AFTER_FIRST_S, 0, 0), FETCH_RETRY_AFTER_FIRST_S * 1000);
	CHECK_INT(delay(FAILURE_RETRY, FETCH_RETRY_AFTER_FIRST_S + 1, 0, 0), -1);
	/* A wish that is shorter than the back-off shortens nothing. */
	fetch_retry_init(&retry);
	retry.failures = 5;
	CHECK_INT(delay(FAILURE_RETRY, 1, 0, 1), 24000);
}

static void some_failures_are_final(void)
{
	static const int final[] = { FAILURE_UNAUTHORIZED, FAILURE_DENIED, FAILURE_NOT_FOUND, FAILURE_DIGEST,
				     FAILURE_PLATFORM, FAILURE_LIMIT, -EINVAL, -ESPIPE };

	for (size_t i = 0; i < sizeof(final) / sizeof(final[0]); i++) {
		fetch_retry_init(&retry);
		CHECK_INT(delay(final[i], 0, 1000000, 1), -1);
	}
	fetch_retry_init(&retry);
	CHECK_INT(delay(FAILURE_TLS, 0, 0, 0), -1);
	CHECK_INT(delay(FAILURE_SERVER, 0, 0, 0), -1);
	fetch_retry_init(&retry);
	CHECK(delay(FAILURE_TLS, 0, 0, 1) > 0);
	CHECK(delay(FAILURE_SERVER, 0, 0, 1) > 0);
}

/* A transfer. */

static struct buf got;
static int sink_result;

static int keep(const char *data, size_t count, void *arg)
{
	buf_append(arg, data, count);
	return sink_result;
}

/* What was reported meanwhile goes to `reports`, to be freed. */
static int transfer(const struct answer *answers, size_t count, char **reports)
{
	const struct sources_settings settings = { .registry.trust = { "", 0, "ca =" } };
	struct descriptor descriptor = { .size = 5 };
	struct reference reference;
	struct sources sources;
	struct buf text = BUF_INIT;
	struct server server;
	int ends[2];
	char name[64];

	server_start(&server, answers, count);
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0 || dup2(ends[1], REPORT_FD) < 0)
		abort();
	snprintf(name, sizeof(name), "127.0.0.1:%d/app:v1", server.port);
	if (reference_parse(&reference, name, &err) < 0)
		abort();
	buf_clear(&got);
	digest_of(&descriptor.digest, "hello", 5);
	sources_open(&sources, &settings, &reference);
	fetch_retry_init(&retry);
	retry.first_ms = retry.most_ms = 4;
	err = ERR_INIT;
	int ret = fetch_transfer(&sources, &retry, &descriptor, keep, &got, &err);

	sources_close(&sources);
	free(server_stop(&server));
	close(ends[1]);
	dup2(STDERR_FILENO, REPORT_FD);
	fd_read_all(ends[0], &text, 1 << 20);
	close(ends[0]);
	*reports = text.data ? buf_steal(&text) : strdup("");
	return ret;
}

static int count_of(const char *text, const char *part)
{
	int n = 0;

	for (; (text = strstr(text, part)); text++)
		n++;
	return n;
}

static void a_blob_survives_cuts(void)
{
	static const struct answer answers[] = {
		LATER, CUT("he"), PART("2-4", "l"), LATER, LATER, PART("9-9", "x"), CUT("hell"), CUT("hello"),
	};
	char *reports;

	CHECK_INT(transfer(answers, sizeof(answers) / sizeof(answers[0]), &reports), 0);
	CHECK_TEXT(buf_text(&got), "hello");
	CHECK_HAS(reports, "(503 Later) at byte 0 of 5, trying again in 1 s\"}\n");
	CHECK_HAS(reports, "at byte 2 of 5, trying again in 1 s\"}\n");
	CHECK_HAS(reports, "at byte 3 of 5, ");
	CHECK_HAS(reports, "at byte 4 of 5, ");
	CHECK_INT(count_of(reports, "\"waiting\":null"), 4);
	CHECK_INT(retry.failures, 0);
	free(reports);
}

static void a_transfer_gives_up(void)
{
	struct answer answers[FETCH_RETRY_TRIES + 2] = { CUT("he") };
	char *reports;

	for (size_t i = 1; i < sizeof(answers) / sizeof(answers[0]); i++)
		answers[i] = (struct answer)LATER;
	CHECK_INT(transfer(answers, sizeof(answers) / sizeof(answers[0]), &reports), FAILURE_RETRY);
	CHECK_HAS(err.text, "(11 failures in a row)");
	CHECK_INT(count_of(reports, "trying again"), FETCH_RETRY_TRIES);
	free(reports);
}

static void two_wrong_ranges_are_final(void)
{
	static const struct answer answers[] = { CUT("he"), PART("0-4", "hello"), PART("2-4", "llo") };
	char *reports;

	CHECK_INT(transfer(answers, 3, &reports), -ESPIPE);
	CHECK_TEXT(buf_text(&got), "he");
	free(reports);
}

static void a_sink_that_refuses_is_no_fault_of_the_link(void)
{
	static const struct answer answers[] = { CUT("hello"), CUT("hello") };
	char *reports;

	sink_result = FAILURE_RETRY;
	CHECK_INT(transfer(answers, 2, &reports), FAILURE_RETRY);
	sink_result = 0;
	CHECK_TEXT(reports, "");
	CHECK_TEXT(buf_text(&got), "hello");
	free(reports);
}

int main(void)
{
	report_init(); /* its descriptor is taken, so that no pipe gets it */
	RUN(waits_longer_each_time_and_gives_up);
	RUN(gives_up_sooner_with_nothing_to_lose);
	RUN(progress_is_a_new_beginning);
	RUN(jitter_spreads_the_delay);
	RUN(the_registry_may_name_the_time);
	RUN(some_failures_are_final);
	RUN(a_blob_survives_cuts);
	RUN(a_transfer_gives_up);
	RUN(two_wrong_ranges_are_final);
	RUN(a_sink_that_refuses_is_no_fault_of_the_link);
	buf_release(&got);
	return test_end();
}
