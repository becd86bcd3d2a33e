#include "agent/helper/fetch_retry.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/random.h>
#include <unistd.h>

#include "agent/helper/report.h"
#include "lib/time.h"
#include "net/failure.h"

void fetch_retry_init(struct fetch_retry *retry)
{
	*retry = (struct fetch_retry){
		.first_ms = FETCH_RETRY_FIRST_MS,
		.most_ms = FETCH_RETRY_MOST_MS,
	};
}

static bool is_halfway(const struct fetch_attempt *attempt)
{
	return attempt->offset > 0;
}

/* Certificates and protocols were fine for the first half of a layer: then this, too, is a bad moment. */
static bool may_help(const struct fetch_attempt *attempt)
{
	return failure_may_pass(attempt->code) ||
	       (is_halfway(attempt) &&
		(attempt->code == FAILURE_TLS || attempt->code == FAILURE_SERVER));
}

static int64_t backoff_ms(const struct fetch_retry *retry)
{
	int64_t delay_ms = retry->first_ms;

	for (int i = 1; i < retry->failures && delay_ms < retry->most_ms; i++)
		delay_ms *= 2;
	return delay_ms < retry->most_ms ? delay_ms : retry->most_ms;
}

int64_t fetch_retry_delay_ms(struct fetch_retry *retry, const struct fetch_attempt *attempt,
			     uint32_t random)
{
	int64_t most_s = is_halfway(attempt) ? FETCH_RETRY_AFTER_S : FETCH_RETRY_AFTER_FIRST_S;
	int tries = is_halfway(attempt) ? FETCH_RETRY_TRIES : FETCH_RETRY_TRIES_FIRST;

	if (attempt->received >= FETCH_RETRY_LITTLE)
		retry->failures = 0;
	retry->failures++;
	if (!may_help(attempt) || attempt->retry_after_s > most_s || retry->failures > tries)
		return -1;
	if (attempt->received >= FETCH_RETRY_MUCH && !attempt->retry_after_s)
		return 0;
	int64_t delay_ms = backoff_ms(retry), asked_ms = attempt->retry_after_s * 1000;

	/* Not earlier than it was asked for. */
	if (asked_ms >= delay_ms)
		return asked_ms + random % (asked_ms / 10 + 1);
	delay_ms = delay_ms - delay_ms / 4 + random % (delay_ms / 2 + 1);
	return delay_ms > asked_ms ? delay_ms : asked_ms;
}

static void tell(struct fetch_retry *retry, const struct fetch_attempt *attempt, int64_t delay_ms,
		 const struct err *err)
{
	const int64_t delay_s = (delay_ms + 999) / 1000;
	struct err told = ERR_INIT;

	if (attempt->size > 0)
		err_set(&told, attempt->code, "%s at byte %" PRId64 " of %" PRId64 ", trying again in %" PRId64 " s",
			err->text, attempt->offset, attempt->size, delay_s);
	else
		err_set(&told, attempt->code, "%s, trying again in %" PRId64 " s", err->text, delay_s);
	report_waiting(told.text);
	retry->is_waiting = true;
}

/* False when nobody reads any more what this process brings or tells. */
static bool wait_ms(int64_t delay_ms)
{
	struct pollfd readers[] = { { .fd = REPORT_FD }, { .fd = STDOUT_FILENO } };
	int64_t end_ms = time_monotonic_ms() + delay_ms;

	for (;;) {
		int64_t left_ms = end_ms - time_monotonic_ms();

		if (left_ms <= 0)
			return true;
		int ret = poll(readers, 2, (int)left_ms);

		if (ret > 0 || (ret < 0 && errno != EINTR))
			return false;
	}
}

bool fetch_retry_wait(struct fetch_retry *retry, const struct fetch_attempt *attempt, struct err *err)
{
	const struct err reason = *err;
	uint32_t random = 0;

	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
	int64_t delay_ms = fetch_retry_delay_ms(retry, attempt, random);

	if (delay_ms > 0) {
		tell(retry, attempt, delay_ms, &reason);
		return wait_ms(delay_ms);
	}
	if (delay_ms < 0 && retry->failures > 1 && may_help(attempt))
		err_set(err, reason.code, "%s (%d failures in a row)", reason.text, retry->failures);
	return delay_ms == 0;
}

void fetch_retry_goes_on(struct fetch_retry *retry)
{
	if (retry->is_waiting)
		report_waiting(NULL);
	retry->is_waiting = false;
}

void fetch_retry_done(struct fetch_retry *retry)
{
	fetch_retry_goes_on(retry);
	retry->failures = 0;
}
