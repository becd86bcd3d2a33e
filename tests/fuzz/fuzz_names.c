/*
 * Files that others have written, in which berth has lines: a container's copy of /etc/hosts, a device's resolv.conf.
 * What isn't berth's in the one stays as it is; the other's lines never become more.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/helper/shim_parts.h"
#include "config/resolv.h"

static void replace(const struct buf *old)
{
	static const char lines[] = SHIM_BLOCK_BEGIN "10.0.0.2 a\n" SHIM_BLOCK_END;
	struct buf block = BUF_INIT, once = BUF_INIT, twice = BUF_INIT;

	buf_append_text(&block, lines);
	if (shim_replace_block(&once, old, &block)) {
		if (!strstr(once.data, lines) || !shim_replace_block(&twice, &once, &block) ||
		    once.size != twice.size || memcmp(once.data, twice.data, once.size))
			abort();
	} else if (once.size) {
		abort();
	}
	buf_release(&block);
	buf_release(&once);
	buf_release(&twice);
}

static void compose(const char *device)
{
	const struct app_network none = { 0 };
	struct buf apart = BUF_INIT, all = BUF_INIT;
	bool has_server = resolv_compose(&apart, device, &none, true);

	resolv_compose(&all, device, &none, false);
	if (apart.size > all.size || all.size > strlen(device) + 1 || (has_server && resolv_is_local(device)))
		abort();
	/* A line of the device's that looks like ours would let the container's file be cut there. */
	if (strchr(buf_text(&all), '#') == buf_text(&all) && all.size)
		abort();
	buf_release(&apart);
	buf_release(&all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf text = BUF_INIT;

	buf_append(&text, data, size);
	replace(&text);
	compose(buf_text(&text));
	buf_release(&text);
	return 0;
}
