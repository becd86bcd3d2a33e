/*
 * progress - the progress lines of a pull for people: on a terminal one line for each layer, kept
 * up to date in place; elsewhere a plain line whenever something has changed its state.
 *
 *	{"status":"Downloading","id":"3f2a...","progressDetail":{"current":n,"total":n}}
 *	{"status":"Pull complete","id":"3f2a..."}   {"status":"Digest: sha256:..."}   {"error":"..."}
 */
#ifndef AGENT_CLI_PROGRESS_H
#define AGENT_CLI_PROGRESS_H

#include <jansson.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>

#include "lib/buf.h"
#include "lib/err.h"

#define PROGRESS_ROWS_MAX 128 /* as many layers as an image has */
#define PROGRESS_LINE_MAX (64 * 1024)

struct progress_row {
	char id[32];
	char status[64]; /* the last one shown */
};

struct progress {
	FILE *out;
	bool is_terminal, is_quiet;
	int columns;
	struct progress_row rows[PROGRESS_ROWS_MAX];
	int count;
	struct buf line; /* the beginning of one that is not complete */
};

/* `out` is a terminal, or not; quiet shows nothing. */
void progress_init(struct progress *progress, FILE *out, bool is_quiet);
void progress_release(struct progress *progress);

/* Bytes of the stream as they come. An error that the stream tells is returned as -EREMOTEIO. */
int progress_feed(struct progress *progress, const char *data, size_t size, struct err *err);

/* "[=====>     ]  1.2MB/7.8MB" for `columns` of a terminal line. */
void progress_bar(char *text, size_t size, int64_t current, int64_t total, int columns);

#endif
