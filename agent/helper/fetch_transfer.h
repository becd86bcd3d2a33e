/*
 * fetch_transfer - a blob, over as many connections as it takes.
 *
 * The sink gets each byte once, in order, whatever happens in between: what it feeds (hashes, decompression,
 * the archive) just goes on.
 */
#ifndef AGENT_HELPER_FETCH_TRANSFER_H
#define AGENT_HELPER_FETCH_TRANSFER_H

#include "agent/helper/fetch_retry.h"
#include "config/manifest.h"
#include "net/sources.h"

/* 0, an error of the sink, or the last of the attempts' (net/failure.h). */
int fetch_transfer(struct sources *sources, struct fetch_retry *retry,
		   const struct descriptor *descriptor, blob_sink *sink, void *arg, struct err *err);

#endif
