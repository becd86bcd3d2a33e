/*
 * feed - a pull's stream of frames as decode and unpack both read it: documents, then layers.
 *
 *	feed_init(&feed, STDIN_FILENO, &digest, &platform)
 *	feed_documents(&feed, copy_to, err)	index, manifest and config, each checked (chain.h)
 *	while (feed_next_layer(&feed, &number, err) > 0) {
 *		feed_open_layer(&layer, &feed);	its bytes as a stream, which ends where the layer does
 *		... stream_next(&layer.stream, ...) up to its end ...
 *	}
 *	feed_release(&feed)
 *
 * Whoever writes the stream may be hostile. Errors: -EPIPE it stopped, -EPROTO these are no frames,
 * or not in this order; and those of chain.h.
 */
#ifndef AGENT_HELPER_FEED_H
#define AGENT_HELPER_FEED_H

#include <stdbool.h>

#include "agent/helper/chain.h"
#include "agent/helper/frame.h"
#include "store/stream.h"

struct feed {
	struct chain chain; /* complete after feed_documents() */
	bool *was_announced; /* by layer number */
	/* private */
	struct frame_reader reader;
	struct frame frame; /* the one at hand */
	bool is_pending;    /* it has not been used */
};

struct feed_layer {
	struct stream stream;
	struct feed *feed;
	bool has_ended;
};

void feed_init(struct feed *feed, int fd, const struct digest *asked,
	       const struct platform *platform);
void feed_release(struct feed *feed);

/* Each document that was found good is written on to copy_to, unless that is -1. */
int feed_documents(struct feed *feed, int copy_to, struct err *err);

/* 1: layer *number follows, one that hasn't been before; 0: that was all. */
int feed_next_layer(struct feed *feed, size_t *number, struct err *err);
void feed_open_layer(struct feed_layer *layer, struct feed *feed);

/* "incomplete", "digest", ...: the code to report an error of decode or unpack with. */
const char *feed_code_name(int code);

/* What feed_code_name() says when all there is to tell is that the helper before or behind has stopped. */
#define FEED_CODE_INCOMPLETE "incomplete"
#define FEED_CODE_UNREAD "unread"
#define FEED_UNREAD (-ECANCELED)

#endif
