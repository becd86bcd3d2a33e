#include "net/pace.h"
#include "tests/unit/test.h"

#define SECOND 1000000

static void what_is_taken_is_paid_for(void)
{
	struct pace pace;
	int64_t now = 77 * SECOND;

	pace_init(&pace, 1000);
	CHECK_INT(pace_debt_us(&pace, now), 0);
	pace_took(&pace, 600, now);
	CHECK_INT(pace_debt_us(&pace, now), 600000 - PACE_CREDIT_US);
	pace_took(&pace, 400, now);
	CHECK_INT(pace_debt_us(&pace, now), SECOND - PACE_CREDIT_US);
	CHECK_INT(pace_debt_us(&pace, now + SECOND), 0);
}

/* Reads of any size, at any time that is allowed, with sleeps that are too long: the rate holds. */
static void the_rate_holds(void)
{
	struct pace pace;
	int64_t begin = 5 * SECOND, now = begin, taken = 0;

	pace_init(&pace, 50000);
	for (int i = 0; taken < 500000; i++) {
		size_t size = 1 + (size_t)(i * 7919 % 2500);

		now += pace_debt_us(&pace, now) + i % 7 * 1000;
		pace_took(&pace, size, now);
		taken += (int64_t)size;
	}
	CHECK(now - begin > 98 * SECOND / 10 && now - begin < 102 * SECOND / 10);
}

static void a_pause_gives_no_burst(void)
{
	struct pace pace;

	pace_init(&pace, 1000);
	pace_took(&pace, 1000, SECOND);
	pace_took(&pace, 1000, 100 * SECOND);
	CHECK_INT(pace_debt_us(&pace, 100 * SECOND), SECOND - PACE_CREDIT_US);
}

static void reads_are_small(void)
{
	struct pace pace;

	pace_init(&pace, 100000);
	CHECK_INT(pace_wait(&pace, 32768), 5000);
	CHECK_INT(pace_wait(&pace, 100), 100);
	pace_init(&pace, 1024);
	CHECK_INT(pace_wait(&pace, 32768), PACE_LEAST_BYTES);
}

static void no_cap_is_no_cap(void)
{
	struct pace pace;

	pace_init(&pace, 0);
	pace_took(&pace, 1 << 30, SECOND);
	CHECK_INT(pace_debt_us(&pace, SECOND), 0);
	CHECK_INT(pace_wait(&pace, 1 << 20), 1 << 20);
}

int main(void)
{
	RUN(what_is_taken_is_paid_for);
	RUN(the_rate_holds);
	RUN(a_pause_gives_no_burst);
	RUN(reads_are_small);
	RUN(no_cap_is_no_cap);
	return test_end();
}
