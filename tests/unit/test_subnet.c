#include <arpa/inet.h>
#include <errno.h>

#include "config/subnet.h"
#include "tests/unit/test.h"

static struct subnet subnet(const char *text)
{
	struct subnet subnet = { 0 };
	struct err err = ERR_INIT;

	if (subnet_parse(&subnet, text, &err) < 0)
		test_fail(__FILE__, __LINE__, "%s: %s", text, err.text);
	return subnet;
}

static void reads_and_writes(void)
{
	static const char *const texts[] = { "172.29.0.0/16", "10.0.0.0/8", "0.0.0.0/0", "fd00:1::/64",
					     "192.0.2.128/25", "::/0", "192.0.2.1/32" };
	char again[SUBNET_TEXT_MAX];

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct subnet found = subnet(texts[i]);

		subnet_format(&found, again);
		CHECK_TEXT(again, texts[i]);
	}
}

static void refuses(void)
{
	static const char *const texts[] = { "", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/-1",
					     "10.0.0.0/8x", "fd00::/129", "[fd00::]/64", "fe80::%lo/64",
					     "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb/64" };
	struct subnet found;
	struct err err;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		CHECK_INT(subnet_parse(&found, texts[i], &err), -EINVAL);
		CHECK_HAS(err.text, "not a subnet");
	}
	CHECK_INT(subnet_parse(&found, "10.1.2.3/20", &err), -EINVAL);
	CHECK_TEXT(err.text, "not the first address of a subnet; use 10.1.0.0/20");
}

static void overlaps(void)
{
	struct subnet a = subnet("10.0.0.0/8"), b = subnet("10.20.0.0/16"), c = subnet("11.0.0.0/8");
	struct subnet six = subnet("fd00::/8"), none = { 0 };

	CHECK(subnet_overlaps(&a, &b) && subnet_overlaps(&b, &a) && subnet_overlaps(&a, &a));
	CHECK(!subnet_overlaps(&a, &c) && !subnet_overlaps(&a, &six));
	CHECK(!subnet_overlaps(&none, &a) && !subnet_overlaps(&a, &none));
}

static void numbers_addresses(void)
{
	static const struct {
		const char *subnet;
		uint32_t index, room;
		const char *address;
	} cases[] = {
		{ "172.29.0.0/16", 1, 65534, "172.29.0.1" },   { "172.29.0.0/16", 256, 65534, "172.29.1.0" },
		{ "192.0.2.128/25", 126, 126, "192.0.2.254" }, { "10.0.0.0/30", 2, 2, "10.0.0.2" },
		{ "10.0.0.0/31", 0, 0, "10.0.0.0" },	      { "fd00::/64", 0x12345, (1U << 31) - 1, "fd00::1:2345" },
		{ "10.0.255.0/24", 255, 254, "10.0.255.255" },
	};
	char text[IP_TEXT_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct subnet found = subnet(cases[i].subnet);
		struct ip ip = subnet_address(&found, cases[i].index);

		ip_format(&ip, text);
		CHECK_TEXT(text, cases[i].address);
		CHECK_INT(subnet_room(&found), cases[i].room);
	}
}

static void knows_special_addresses(void)
{
	struct ip ip;

	CHECK(!ip_parse(&ip, "127.3.2.1") && ip_is_loopback(&ip) && !ip_is_unspecified(&ip));
	CHECK(!ip_parse(&ip, "::1") && ip_is_loopback(&ip));
	CHECK(!ip_parse(&ip, "::") && ip_is_unspecified(&ip) && !ip_is_loopback(&ip));
	CHECK(!ip_parse(&ip, "0.0.0.0") && ip_is_unspecified(&ip));
}

int main(void)
{
	RUN(reads_and_writes);
	RUN(refuses);
	RUN(overlaps);
	RUN(numbers_addresses);
	RUN(knows_special_addresses);
	return test_end();
}
