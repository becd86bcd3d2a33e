#include <errno.h>

#include "agent/network/pool.h"
#include "tests/unit/test.h"

static struct err err;

static struct subnet subnet(const char *text)
{
	struct subnet subnet = { 0 };

	if (subnet_parse(&subnet, text, &err) < 0)
		test_fail(__FILE__, __LINE__, "%s: %s", text, err.text);
	return subnet;
}

static void chosen(const struct subnet *taken, size_t count, const char *wanted)
{
	struct subnet found;
	char text[SUBNET_TEXT_MAX];

	CHECK_INT(pool_choose(&found, taken, count, &err), 0);
	subnet_format(&found, text);
	CHECK_TEXT(text, wanted);
}

static void chooses_what_is_free(void)
{
	const struct subnet taken[] = { subnet("172.29.0.0/24"), subnet("172.29.1.128/25"), subnet("172.29.2.5/32"),
					subnet("0.0.0.0/1"),     subnet("172.29.4.0/22"),   subnet("172.28.0.0/14") };

	chosen(NULL, 0, "172.29.0.0/24");
	chosen(taken, 1, "172.29.1.0/24");
	chosen(taken, 2, "172.29.2.0/24");
	chosen(taken, 4, "172.29.3.0/24");
	chosen(taken, 6, "10.128.0.0/24");
}

static void says_that_nothing_is_free(void)
{
	const struct subnet taken[] = { subnet("172.16.0.0/12"), subnet("10.0.0.0/8") };
	struct subnet found;

	CHECK_INT(pool_choose(&found, taken, 2, &err), -EADDRNOTAVAIL);
	CHECK_HAS(err.text, "subnet =");
}

static void ipv6_stays_the_same(void)
{
	struct subnet a, b, other;

	CHECK_INT(pool_choose6(&a, "device-1", "bridge", NULL, 0, &err), 0);
	CHECK_INT(pool_choose6(&b, "device-1", "bridge", NULL, 0, &err), 0);
	CHECK(ip_equal(&a.ip, &b.ip) && a.bits == 64 && a.ip.bytes[0] == 0xfd);
	CHECK_INT(pool_choose6(&other, "device-1", "lan", NULL, 0, &err), 0);
	CHECK(!memcmp(a.ip.bytes, other.ip.bytes, 6) && memcmp(a.ip.bytes, other.ip.bytes, 8));
	CHECK_INT(pool_choose6(&other, "device-2", "bridge", NULL, 0, &err), 0);
	CHECK(memcmp(a.ip.bytes, other.ip.bytes, 6));
	/* Unless it is taken. */
	CHECK_INT(pool_choose6(&b, "device-1", "bridge", &a, 1, &err), 0);
	CHECK(!ip_equal(&a.ip, &b.ip));
}

int main(void)
{
	RUN(chooses_what_is_free);
	RUN(says_that_nothing_is_free);
	RUN(ipv6_stays_the_same);
	return test_end();
}
