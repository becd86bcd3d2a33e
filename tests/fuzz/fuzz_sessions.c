/* TLS sessions as a fetch that was taken over may have reported them. What is accepted is the same when written and read again. */
#include <stdlib.h>
#include <string.h>

#include "net/sessions.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct sessions sessions, again;
	struct buf text = BUF_INIT;

	if (sessions_parse(&sessions, (const char *)data, size) < 0)
		return 0;
	sessions_format(&sessions, &text);
	if (text.size > SESSIONS_TEXT_MAX)
		abort();
	if (text.size > 0 && (sessions_parse(&again, text.data, text.size) < 0 || memcmp(&again, &sessions, sizeof(again))))
		abort();
	sessions_find(&sessions, "a", 443);
	buf_release(&text);
	return 0;
}
