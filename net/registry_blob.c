#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "net/failure.h"
#include "net/registry.h"
#include "net/registry_parts.h"

/* "bytes 100-199/200" has to start where we asked. */
static int check_range(const struct registry *registry, int64_t offset, struct err *err)
{
	const struct http_message *message = client_message(&registry->client);
	const char *range = http_header(message, "Content-Range");
	char expected[48];

	if (offset == 0 && message->status == 200)
		return 0;
	snprintf(expected, sizeof(expected), "bytes %" PRId64 "-", offset);
	if (message->status == 206 && range && !strncmp(range, expected, strlen(expected)))
		return 0;
	return err_set(err, -ESPIPE, "registry %s does not resume a blob at byte %" PRId64,
		       registry->reference->registry, offset);
}

int registry_get_blob(struct registry *registry, const struct digest *digest, int64_t size,
		      int64_t offset, blob_sink *sink, void *arg, struct err *err)
{
	const struct registry_want want = {
		.method = "GET",
		.kind = "blobs",
		.selector = digest->text,
		.range_from = (uint64_t)offset,
	};
	const char *data;
	size_t count;
	int64_t left = size - offset;
	int ret = registry_ask(registry, &want, err);

	if (ret == 0)
		ret = check_range(registry, offset, err);
	if (ret < 0)
		return ret;
	client_limit_body(&registry->client, (uint64_t)left);
	while ((ret = client_read(&registry->client, &data, &count, err)) > 0) {
		left -= (int64_t)count;
		ret = sink(data, count, arg);
		if (ret < 0)
			return ret;
	}
	if (ret == 0 && left > 0)
		return err_set(err, FAILURE_DIGEST,
			       "registry %s: blob %s is %" PRId64 " bytes shorter than its descriptor says",
			       registry->reference->registry, digest->text, left);
	if (ret == FAILURE_LIMIT)
		return err_set(err, FAILURE_DIGEST,
			       "registry %s: blob %s is longer than the %" PRId64
			       " bytes its descriptor says",
			       registry->reference->registry, digest->text, size);
	return ret;
}
