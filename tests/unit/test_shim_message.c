#include "tests/unit/test.h"

#include <errno.h>

#include "agent/helper/shim.h"

static void events_survive_the_way(void)
{
	static const struct shim_event events[] = {
		{ .type = SHIM_STARTING },
		{ .type = SHIM_STARTED, .pid = 4711, .start_ticks = 18446744073709551615ull },
		{ .type = SHIM_EXITED, .code = 137, .signal = 9, .oom = true },
		{ .type = SHIM_EXITED, .code = 0 },
		{ .type = SHIM_FAILED, .code = 127, .text = "exec /bin/foo: No such file" },
		{ .type = SHIM_FAILED, .code = 125, .text = "" },
		{ .type = SHIM_LOST },
		{ .type = SHIM_REFUSED, .text = "it runs" },
	};
	char text[SHIM_MESSAGE_MAX];
	struct shim_event back;

	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++) {
		size_t size = shim_event_format(text, &events[i]);

		REQUIRE(shim_event_parse(&back, text, size) == 0);
		CHECK_INT(back.type, events[i].type);
		CHECK_INT(back.pid, events[i].pid);
		CHECK(back.start_ticks == events[i].start_ticks);
		CHECK_INT(back.code, events[i].code);
		CHECK_INT(back.signal, events[i].signal);
		CHECK_INT(back.oom, events[i].oom);
		CHECK_TEXT(back.text, events[i].text);
	}
}

static void requests_survive_the_way(void)
{
	static const struct shim_request requests[] = {
		{ .type = SHIM_SIGNAL, .signal = 15 },
		{ .type = SHIM_RESIZE, .rows = 24, .columns = 65535 },
		{ .type = SHIM_STDIN_CLOSE },
		{ .type = SHIM_REFRESH },
		{ .type = SHIM_BYE },
	};
	char text[SHIM_MESSAGE_MAX];
	struct shim_request back;

	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		size_t size = shim_request_format(text, &requests[i]);

		REQUIRE(shim_request_parse(&back, text, size) == 0);
		CHECK_INT(back.type, requests[i].type);
		CHECK_INT(back.signal, requests[i].signal);
		CHECK_INT(back.rows, requests[i].rows);
		CHECK_INT(back.columns, requests[i].columns);
	}
}

static void other_texts_are_refused(void)
{
	static const char *const texts[] = {
		"",	  "signal", "signal 0",	  "signal 65", "signal -9", "signal 9x", "resize 1",
		"bye ",	  "byebye", "exited 1 2", "started 5", "failed",    "refused",
	};
	static char longest[2 * SHIM_MESSAGE_MAX];
	struct shim_request request;
	struct shim_event event;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		CHECK_INT(shim_request_parse(&request, texts[i], strlen(texts[i])), -EINVAL);
		CHECK_INT(shim_event_parse(&event, texts[i], strlen(texts[i])), -EINVAL);
	}
	CHECK_INT(shim_request_parse(&request, "bye\0more", 8), -EINVAL);
	memset(longest, 'x', sizeof(longest));
	CHECK_INT(shim_event_parse(&event, longest, sizeof(longest)), -EINVAL);
}

int main(void)
{
	RUN(events_survive_the_way);
	RUN(requests_survive_the_way);
	RUN(other_texts_are_refused);
	return test_end();
}
