/*
 * chain - from the digest that was asked for to the layers: each document names the next one.
 *
 *	asked digest -> [index -> the machine's entry ->] manifest -> config, layers -> diff IDs
 *
 * A document is taken only when its bytes have the digest that the one before it gave, so what
 * chain holds at the end is what the registry's tag stood for, whoever delivered it. No I/O.
 */
#ifndef AGENT_HELPER_CHAIN_H
#define AGENT_HELPER_CHAIN_H

#include "config/digest.h"
#include "config/image_config.h"
#include "config/manifest.h"
#include "config/platform.h"
#include "lib/buf.h"
#include "lib/err.h"

struct chain {
	struct digest asked;
	struct platform platform;
	struct digest next; /* of the document that has to come next */
	struct manifest *manifest;
	struct image_config *config;
	struct digest manifest_digest;
	struct buf manifest_text, config_text; /* verbatim */
};

void chain_init(struct chain *chain, const struct digest *asked, const struct platform *platform);
void chain_release(struct chain *chain);

/*
 * In this order, the index only when there is one. -EBADMSG: not the document that was to come;
 * -EINVAL: broken; -ENOTSUP: not for this machine; -E2BIG: over a limit.
 */
int chain_index(struct chain *chain, const void *data, size_t size, struct err *err);
int chain_manifest(struct chain *chain, const void *data, size_t size, struct err *err);
int chain_config(struct chain *chain, const void *data, size_t size, struct err *err);

#endif
