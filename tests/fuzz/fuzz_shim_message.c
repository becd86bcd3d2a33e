/* What the agent and a container's shim say to each other: what is understood is understood the same when it is said again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/helper/shim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_event(const char *text, size_t size)
{
	char words[SHIM_MESSAGE_MAX];
	struct shim_event event, again;

	if (shim_event_parse(&event, text, size) < 0)
		return;
	if (event.input != -1 || strlen(event.text) >= sizeof(event.text))
		abort();
	if (shim_event_parse(&again, words, shim_event_format(words, &event)) < 0 || again.type != event.type ||
	    again.pid != event.pid || again.start_ticks != event.start_ticks || again.code != event.code ||
	    again.signal != event.signal || again.oom != event.oom || strcmp(again.text, event.text) != 0)
		abort();
}

static void check_request(const char *text, size_t size)
{
	char words[SHIM_MESSAGE_MAX];
	struct shim_request request, again;

	if (shim_request_parse(&request, text, size) < 0)
		return;
	if (shim_request_parse(&again, words, shim_request_format(words, &request)) < 0 ||
	    again.type != request.type || again.signal != request.signal || again.rows != request.rows ||
	    again.columns != request.columns)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* On the heap at its exact size, so that a read behind its end is seen. */
	char *text = malloc(size ? size : 1);

	memcpy(text, data, size);
	check_event(text, size);
	check_request(text, size);
	free(text);
	return 0;
}
