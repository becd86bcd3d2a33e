/* What `berth forward` is told. Carrying is tests/integration/network-forward.sh. */
#include "agent/network/forward.h"

#include <errno.h>
#include <netinet/in.h>

#include "tests/unit/test.h"

static void round_trip(const char *spec)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	struct forward forward;

	CHECK_INT(forward_parse(&forward, spec, NULL), 0);
	forward_format(&forward, &text);
	CHECK_TEXT(buf_text(&text), spec);
}

static void specs_are_read_and_written(void)
{
	struct forward forward;

	round_trip("tcp,0.0.0.0,8080,172.29.0.2,80");
	round_trip("tcp,::1,8080,fd12::2,80");
	round_trip("udp,::,5000-5009,172.29.0.2,6000");
	round_trip("tcp,127.0.0.1,1-65535,172.29.0.2,1");
	CHECK_INT(forward_parse(&forward, "udp,::,5000-5009,172.29.0.2,6000", NULL), 0);
	CHECK_INT(forward.protocol, IPPROTO_UDP);
	CHECK_INT(forward.host_first, 5000);
	CHECK_INT(forward.count, 10);
	CHECK_INT(forward.target_first, 6000);
	CHECK_INT(forward_parse(&forward, "tcp,::1,70-70,::1,80", NULL), 0);
	CHECK_INT(forward.count, 1);
}

static void others_are_refused(void)
{
	static const char *const specs[] = {
		"", "tcp", "tcp,::1,80,::1", "sctp,::1,80,::1,80", "tcp,::1,0,::1,80", "tcp,::1,80-79,::1,80",
		"tcp,::1,80-,::1,80", "tcp,::1,65536,::1,80", "tcp,::1,99999999999999999999,::1,80", "tcp,::1,1-10,::1,65530",
		"tcp,,80,::1,80", "tcp,::1,80,,80", "tcp,::1,80,::1,", "tcp,::1,80,::1,80,", "tcp,::1,80,::1,80x",
		"tcp,::1, 80,::1,80", "tcp,::1,-80,::1,80",
	};
	struct forward forward;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++)
		if (forward_parse(&forward, specs[i], &err) != -EINVAL)
			test_fail(__FILE__, __LINE__, "\"%s\" was taken", specs[i]);
	CHECK_HAS(err.text, "not a forward");
}

int main(void)
{
	RUN(specs_are_read_and_written);
	RUN(others_are_refused);
	return test_end();
}
