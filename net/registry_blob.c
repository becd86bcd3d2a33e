#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "net/failure.h"
#include "net/http_value.h"
#include "net/registry.h"
#include "net/registry_parts.h"

/* What an answer brings of a blob. */
struct part {
	int64_t at;  /* where its next byte belongs; before the blob's offset: known already */
	int64_t end; /* where it stops */
};

static int refuse_range(const struct registry *registry, const struct registry_blob *blob,
			struct err *err)
{
	return err_set(err, -ESPIPE, "registry %s does not resume blob %s at byte %" PRId64,
		       registry->reference->registry, blob->digest->text, blob->offset);
}

static int find_part(const struct registry *registry, const struct registry_blob *blob, struct part *part,
		     struct err *err)
{
	const struct http_message *message = client_message(&registry->client);
	const char *text = http_header(message, "Content-Range");
	struct http_range range;

	if (message->status == 200) {
		*part = (struct part){ .at = 0, .end = blob->size };
		return 0;
	}
	if (message->status != 206 || !text || http_range_parse(&range, text, strlen(text)) < 0 ||
	    blob->is_unranged || range.first != blob->offset || range.last >= blob->size ||
	    (range.total >= 0 && range.total != blob->size))
		return refuse_range(registry, blob, err);
	*part = (struct part){ .at = range.first, .end = range.last + 1 };
	return 0;
}

/*
 * Only a strong ETag names bytes (RFC 9110, 13.1.5), and only to the host that gave it: a registry may redirect to
 * another CDN each time. Once one was answered with everything there are no more: if all of a CDN's hosts have ETags
 * of their own, each cut would cost the whole blob. The digest notices other bytes, too.
 */
static void remember_etag(const struct registry *registry, struct registry_blob *blob)
{
	const char *etag = http_header(client_message(&registry->client), "ETag");

	blob->etag[0] = '\0';
	if (blob->is_etag_useless || !etag || *etag != '"' || strlen(etag) > REGISTRY_ETAG_MAX)
		return;
	strcpy(blob->etag, etag);
	blob->etag_origin = registry->client.url;
	blob->etag_origin.target = NULL;
}

static int wrong_size(const struct registry *registry, const struct registry_blob *blob, bool is_longer,
		      struct err *err)
{
	return err_set(err, FAILURE_DIGEST,
		       "registry %s: blob %s is %s than the %" PRId64 " bytes its descriptor says",
		       registry->reference->registry, blob->digest->text,
		       is_longer ? "longer" : "shorter", blob->size);
}

static int check_length(const struct registry *registry, const struct registry_blob *blob,
			const struct part *part, struct err *err)
{
	const struct http_message *message = client_message(&registry->client);
	uint64_t expected = (uint64_t)(part->end - part->at);

	if (message->framing != HTTP_BY_LENGTH || message->content_length == expected)
		return 0;
	if (message->status == 206)
		return refuse_range(registry, blob, err);
	return wrong_size(registry, blob, message->content_length > expected, err);
}

/*
 * The answer is over, and brought less than all. Its length was right, so it had none: a gateway whose registry went away
 * may end one as if that was all. Only if nothing more is to be had the blob is too short.
 */
static int explain_end(const struct registry *registry, const struct registry_blob *blob,
		       const struct part *part, bool has_progress, struct err *err)
{
	if (part->end < blob->size && blob->offset == part->end)
		return err_set(err, -EPIPE, "registry %s sends blob %s in pieces",
			       registry->reference->registry, blob->digest->text);
	if (has_progress || client_message(&registry->client)->framing == HTTP_UNTIL_CLOSE)
		return err_set(err, -EPIPE, "registry %s ended its answer within blob %s",
			       registry->reference->registry, blob->digest->text);
	return wrong_size(registry, blob, false, err);
}

static int hand_out(struct registry_blob *blob, struct part *part, const char *data, size_t count,
		    blob_sink *sink, void *arg)
{
	int64_t known = blob->offset - part->at;
	size_t skip = known < (int64_t)count ? (size_t)known : count;

	part->at += (int64_t)count;
	if (skip == count)
		return 0;
	int ret = sink(data + skip, count - skip, arg);

	if (ret >= 0)
		blob->offset += (int64_t)(count - skip);
	return ret;
}

static int read_part(struct registry *registry, struct registry_blob *blob, struct part *part,
		     blob_sink *sink, void *arg, struct err *err)
{
	const int64_t from = blob->offset;
	const char *data;
	size_t count;
	int ret;

	client_limit_body(&registry->client, (uint64_t)(part->end - part->at));
	while ((ret = client_read(&registry->client, &data, &count, err)) > 0) {
		ret = hand_out(blob, part, data, count, sink, arg);
		if (ret < 0)
			return ret;
	}
	if (ret == FAILURE_LIMIT)
		return wrong_size(registry, blob, true, err);
	if (ret < 0 || blob->offset == blob->size)
		return ret;
	return explain_end(registry, blob, part, blob->offset > from, err);
}

int registry_get_blob(struct registry *registry, struct registry_blob *blob, blob_sink *sink, void *arg,
		      struct err *err)
{
	const struct registry_want want = {
		.method = "GET",
		.kind = "blobs",
		.selector = blob->digest->text,
		.range_from = blob->is_unranged ? 0 : (uint64_t)blob->offset,
		.if_range = *blob->etag ? blob->etag : NULL,
		.if_range_origin = &blob->etag_origin,
	};
	struct part part = { 0 };
	int ret = registry_ask(registry, &want, err);

	if (ret == 0)
		ret = find_part(registry, blob, &part, err);
	if (ret == 0)
		ret = check_length(registry, blob, &part, err);
	if (ret < 0)
		return ret;
	if (want.if_range && part.at < blob->offset)
		blob->is_etag_useless = true;
	remember_etag(registry, blob);
	return read_part(registry, blob, &part, sink, arg, err);
}
