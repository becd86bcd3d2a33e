#include <stdlib.h>

#include "config/resolv.h"
#include "tests/unit/test.h"

static char *servers[] = { "192.0.2.1", "fd00::1", NULL };
static char *search[] = { "a.example", "b.example", NULL };
static char *no_search[] = { ".", NULL };
static char *options[] = { "ndots:2", NULL };

static const char *const device = "# by NetworkManager\n"
				  "nameserver 127.0.0.53\n"
				  "  nameserver\t198.51.100.1 # gw\n"
				  "nameserver fe80::1%eth0\n"
				  "; comment\n"
				  "search example.com\n\n"
				  "options edns0";

static void composed(struct app_network network, bool is_apart, const char *wanted)
{
	struct buf text = BUF_INIT;

	CHECK(resolv_compose(&text, device, &network, is_apart));
	CHECK_TEXT(buf_text(&text), wanted);
	buf_release(&text);
}

static void takes_the_device_s(void)
{
	composed((struct app_network){ 0 }, false,
		 "nameserver 127.0.0.53\nnameserver\t198.51.100.1 # gw\nnameserver fe80::1%eth0\nsearch example.com\n"
		 "options edns0\n");
	composed((struct app_network){ 0 }, true,
		 "nameserver\t198.51.100.1 # gw\nsearch example.com\noptions edns0\n");
}

static void takes_the_app_s(void)
{
	composed((struct app_network){ .dns = servers }, true,
		 "nameserver 192.0.2.1\nnameserver fd00::1\nsearch example.com\noptions edns0\n");
	composed((struct app_network){ .dns_search = search, .dns_options = options }, true,
		 "search a.example b.example\noptions ndots:2\nnameserver\t198.51.100.1 # gw\n");
	composed((struct app_network){ .dns_search = no_search }, true,
		 "nameserver\t198.51.100.1 # gw\noptions edns0\n");
}

static void knows_when_none_is_left(void)
{
	struct app_network network = { 0 };
	struct buf text = BUF_INIT;

	CHECK(!resolv_compose(&text, "nameserver 127.0.0.1\nnameserver ::1\n", &network, true));
	CHECK_TEXT(buf_text(&text), "");
	CHECK(!resolv_compose(&text, "", &network, false));
	CHECK(resolv_is_local("nameserver 127.0.0.53\n"));
	CHECK(!resolv_is_local(device));
	CHECK(!resolv_is_local("search x\n"));
	CHECK(!resolv_is_local("nameserver\n"));
	buf_release(&text);
}

int main(void)
{
	RUN(takes_the_device_s);
	RUN(takes_the_app_s);
	RUN(knows_when_none_is_left);
	return test_end();
}
