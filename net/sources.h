/*
 * sources - a registry and its mirrors: whom to ask for what, and whom next.
 *
 *	sources_open(&sources, &settings, &reference)
 *	sources_head, sources_get_manifest, sources_get_blob	as registry_* of the one registry
 *	sources_close(&sources)
 *
 * What has a digest is asked of the mirrors first, in their order, and of the registry last: wherever the bytes come
 * from, they are checked. A tag has nothing to check it by. A mirror that lags behind, or that someone has
 * taken over, could lead a fleet back to an old version; so tags are the registry's business, and a mirror is asked for
 * one only while the registry can't be reached at all. It does not count as out of reach because of TLS
 * (someone may sit in between), and not when it answers, whatever that is.
 *
 * A mirror that fails in any way is passed over: for this one thing when it just lacks it, else until the registry
 * fails too. In the middle of a blob the next one goes on at the same byte. Each mirror has settings of its own:
 * nothing of the registry's is sent to it.
 */
#ifndef NET_SOURCES_H
#define NET_SOURCES_H

#include <stdbool.h>
#include <stddef.h>

#include "net/registry.h"

#define SOURCES_MIRRORS_MAX 4

struct mirror {
	char host[REFERENCE_REGISTRY_MAX + 1]; /* with the port, as registries are named */
	bool https;
	struct registry_settings settings; /* without insecure: the scheme was given */
};

/* All borrowed until sources_close(). */
struct sources_settings {
	struct registry_settings registry;
	const struct mirror *mirrors;
	size_t mirror_count;
	/* Hears of each mirror that failed, and why; may be NULL. */
	void (*on_failure)(const char *text, void *arg);
	void *arg;
};

struct source {
	struct registry registry;
	struct reference reference; /* the image, as this source has it */
	bool is_open, is_out;
};

struct sources {
	const struct sources_settings *settings;
	const struct reference *reference;
	int64_t retry_after_s; /* the registry's, see there */
	/* private */
	struct source all[SOURCES_MIRRORS_MAX + 1]; /* the registry is the last one */
	size_t count;
};

/* Does no I/O. Both are borrowed. */
void sources_open(struct sources *sources, const struct sources_settings *settings,
		  const struct reference *reference);
void sources_close(struct sources *sources);

/* *mirror: who answered in the registry's place; NULL: the registry itself did. */
int sources_head(struct sources *sources, struct digest *digest, int64_t *size, const char **mirror,
		 struct err *err);
int sources_get_manifest(struct sources *sources, const struct digest *digest, struct buf *out,
			 char media_type[static REGISTRY_MEDIA_TYPE_MAX + 1], struct err *err);
int sources_get_blob(struct sources *sources, struct registry_blob *blob, blob_sink *sink, void *arg,
		     struct err *err);

#endif
