/* What is to be forwarded, as `berth forward` is told it: what is taken says the same when it is written and read again. */
#include <stdlib.h>
#include <string.h>

#include "agent/network/forward.h"
#include "lib/err.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	char *text = xstrndup((const char *)data, size);
	struct forward forward, again;
	struct buf spec = BUF_INIT;

	if (!forward_parse(&forward, text, NULL)) {
		if (!forward.count || forward.host_first + forward.count - 1 > UINT16_MAX ||
		    forward.target_first + forward.count - 1 > UINT16_MAX)
			abort();
		forward_format(&forward, &spec);
		if (forward_parse(&again, buf_text(&spec), NULL) < 0 || again.host_first != forward.host_first ||
		    again.count != forward.count || again.target_first != forward.target_first ||
		    !ip_equal(&again.bind, &forward.bind) || !ip_equal(&again.target, &forward.target))
			abort();
	}
	buf_release(&spec);
	free(text);
	return 0;
}
