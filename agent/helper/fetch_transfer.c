#include "agent/helper/fetch_transfer.h"

#include <errno.h>

struct transfer {
	struct fetch_retry *retry;
	blob_sink *sink;
	void *arg;
	bool is_refused; /* by the sink: no matter of the link */
};

static int pass_on(const char *data, size_t size, void *arg)
{
	struct transfer *transfer = arg;

	fetch_retry_goes_on(transfer->retry);
	int ret = transfer->sink(data, size, transfer->arg);

	transfer->is_refused = ret < 0;
	return ret;
}

int fetch_transfer(struct sources *sources, struct fetch_retry *retry,
		   const struct descriptor *descriptor, blob_sink *sink, void *arg, struct err *err)
{
	struct registry_blob blob = { .digest = &descriptor->digest, .size = descriptor->size };
	struct transfer transfer = { .retry = retry, .sink = sink, .arg = arg };

	for (;;) {
		int64_t from = blob.offset;
		int ret = sources_get_blob(sources, &blob, pass_on, &transfer, err);

		if (ret == 0)
			fetch_retry_done(retry);
		if (ret == 0 || transfer.is_refused)
			return ret;
		if (ret == -ESPIPE && !blob.is_unranged) {
			blob.is_unranged = true;
			continue;
		}
		const struct fetch_attempt attempt = {
			.code = ret,
			.retry_after_s = sources->retry_after_s,
			.received = blob.offset - from,
			.offset = blob.offset,
			.size = blob.size,
		};

		if (!fetch_retry_wait(retry, &attempt, err))
			return ret;
	}
}
