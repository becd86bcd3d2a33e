#include "agent/helper/feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void feed_init(struct feed *feed, int fd, const struct digest *asked,
	       const struct platform *platform)
{
	*feed = (struct feed){ 0 };
	chain_init(&feed->chain, asked, platform);
	frame_reader_init(&feed->reader, fd);
}

void feed_release(struct feed *feed)
{
	chain_release(&feed->chain);
	frame_reader_release(&feed->reader);
	free(feed->was_announced);
	feed->was_announced = NULL;
}

static int next_frame(struct feed *feed, struct err *err)
{
	int rc;

	if (feed->is_pending) {
		feed->is_pending = false;
		return 0;
	}
	rc = frame_read(&feed->reader, &feed->frame, err);
	if (!rc)
		return err_set(err, -EPIPE, "the image is incomplete: its stream has stopped");
	return rc < 0 ? rc : 0;
}

static int unexpected(const struct feed *feed, const char *where, struct err *err)
{
	return err_set(err, -EPROTO, "a frame of type %d %s", (int)feed->frame.type, where);
}

/* --- documents --- */

/* The document that the frame at hand begins. */
static int read_document(struct feed *feed, struct buf *text, struct err *err)
{
	enum frame_type type = feed->frame.type;
	int rc;

	do {
		if (text->size + feed->frame.size > FRAME_DOCUMENT_MAX)
			return err_set(err, -E2BIG, "a manifest or config of more than %d bytes",
				       FRAME_DOCUMENT_MAX);
		buf_append(text, feed->frame.data, feed->frame.size);
		rc = next_frame(feed, err);
	} while (!rc && feed->frame.type == type);
	feed->is_pending = true;
	return rc;
}

static int copy_document(int copy_to, enum frame_type type, const struct buf *text, struct err *err)
{
	int rc = copy_to < 0 ? 0 : frame_write(copy_to, type, text->data, text->size);

	return rc ? err_set(err, rc == -EPIPE ? FEED_UNREAD : rc, "pass the image's documents on: %s",
			    strerror(-rc)) :
		    0;
}

static int take_document(struct feed *feed, int copy_to, enum frame_type type,
			 int (*take)(struct chain *, const void *, size_t, struct err *),
			 struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	int rc = next_frame(feed, err);

	if (rc < 0)
		return rc;
	if (feed->frame.type != type)
		return unexpected(feed, "among the documents", err);
	rc = read_document(feed, &text, err);
	if (!rc)
		rc = take(&feed->chain, text.data, text.size, err);
	return rc ? rc : copy_document(copy_to, type, &text, err);
}

int feed_documents(struct feed *feed, int copy_to, struct err *err)
{
	int rc = next_frame(feed, err);

	feed->is_pending = true;
	if (!rc && feed->frame.type == FRAME_INDEX)
		rc = take_document(feed, copy_to, FRAME_INDEX, chain_index, err);
	if (!rc)
		rc = take_document(feed, copy_to, FRAME_MANIFEST, chain_manifest, err);
	if (!rc)
		rc = take_document(feed, copy_to, FRAME_CONFIG, chain_config, err);
	if (!rc)
		feed->was_announced = xcalloc(feed->chain.manifest->layer_count + 1, sizeof(bool));
	return rc;
}

/* --- layers --- */

/* Which layer the LAYER frame at hand announces. */
static int read_number(const struct feed *feed, size_t *number, struct err *err)
{
	const struct frame *frame = &feed->frame;
	bool is_number = frame->size > 0 && frame->size <= 4;

	*number = 0;
	for (size_t i = 0; is_number && i < frame->size; i++) {
		is_number = frame->data[i] >= '0' && frame->data[i] <= '9';
		*number = *number * 10 + (size_t)(frame->data[i] - '0');
	}
	if (!is_number || *number >= feed->chain.manifest->layer_count || feed->was_announced[*number])
		return err_set(err, -EPROTO, "the stream announces a layer that is not wanted");
	return 0;
}

int feed_next_layer(struct feed *feed, size_t *number, struct err *err)
{
	int rc = next_frame(feed, err);

	if (rc < 0)
		return rc;
	if (feed->frame.type == FRAME_END)
		return 0;
	if (feed->frame.type != FRAME_LAYER)
		return unexpected(feed, "between layers", err);
	rc = read_number(feed, number, err);
	if (rc < 0)
		return rc;
	feed->was_announced[*number] = true;
	return 1;
}

static ssize_t layer_next(struct stream *stream, const unsigned char **data, struct err *err)
{
	struct feed_layer *layer = (struct feed_layer *)stream;
	const struct frame *frame = &layer->feed->frame;

	while (!layer->has_ended) {
		int rc = next_frame(layer->feed, err);

		if (rc < 0)
			return rc;
		layer->has_ended = frame->type == FRAME_LAYER_END;
		if (!layer->has_ended && frame->type != FRAME_DATA)
			return unexpected(layer->feed, "within a layer", err);
		*data = frame->data;
		if (!layer->has_ended && frame->size)
			return (ssize_t)frame->size;
	}
	return 0;
}

void feed_open_layer(struct feed_layer *layer, struct feed *feed)
{
	*layer = (struct feed_layer){ .stream.next = layer_next, .feed = feed };
}

/* --- errors --- */

const char *feed_code_name(int code)
{
	switch (code) {
	case -EPIPE:
		return FEED_CODE_INCOMPLETE;
	case FEED_UNREAD:
		return FEED_CODE_UNREAD;
	case -EBADMSG:
		return "digest";
	case -EINVAL:
		return "format";
	case -ENOTSUP:
		return "platform";
	case -E2BIG:
	case -EFBIG:
	case -ENAMETOOLONG:
		return "limit";
	case -ENOSPC:
	case -EDQUOT:
		return "space";
	case -EPROTO:
		return "protocol";
	default:
		return "io";
	}
}
