/*
 * logring - a container's output, bounded, in two files of a directory on tmpfs.
 *
 * The shim writes "log"; when it has grown to half of the size allowed it becomes "log.1", in
 * place of the former one. So between a half and all of the allowed bytes are kept, and writing
 * never waits. A file is a sequence of records:
 *
 *	u8 stream (1 stdout, 2 stderr), u8[3] zero, u32 length, u64 time (unix ns), both
 *	little-endian, then `length` bytes (at most LOGRING_DATA_MAX)
 *
 * A record is one line with its newline. Data without a newline at its end is the beginning of a
 * line that was too long, or was not gone on with at once, which the next record of that stream goes
 * on with; or it is the last thing that was written at all.
 *
 * Readers are other processes (the agent) and need no lock: a record that is not whole yet is not
 * there yet, and a reader holds on to a file that was renamed until it has read all of it.
 */
#ifndef AGENT_CONTAINER_LOGRING_H
#define AGENT_CONTAINER_LOGRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"

#define LOGRING_DATA_MAX 4096
#define LOGRING_HEADER 16
#define LOGRING_STDOUT 1
#define LOGRING_STDERR 2

/* The writer. One per directory. */
struct logring {
	int dirfd; /* borrowed */
	int fd;
	size_t size;	  /* of "log" */
	size_t half_bytes; /* when to rotate */
};

/* Goes on where a former writer stopped (a torn record at the end is cut off). */
int logring_open(struct logring *ring, int dirfd, size_t limit_bytes, struct err *err);
void logring_close(struct logring *ring);

/*
 * Appends `size` bytes as records, one per line (the last one may lack its newline). Returns 0 or
 * a negative code; the part that was written stays.
 */
int logring_write(struct logring *ring, int stream, int64_t time_ns, const char *data, size_t size);

struct logring_record {
	int stream;
	int64_t time_ns;
	const char *data; /* valid until the next call on the reader */
	size_t size;
};

/*
 * The reader:
 *
 *	logring_reader_open(&reader, dirfd);
 *	logring_reader_tail(&reader, 100);		only the last 100 lines (optional)
 *	while ((rc = logring_reader_next(&reader, &record)) > 0)
 *		...
 *	logring_reader_close(&reader);
 *
 * To follow, call next again after it returned 0: when the files changed (inotify), or now and
 * then. A reader that is overtaken by two rotations misses what was dropped, never gets halves.
 */
struct logring_reader {
	int dirfd; /* own duplicate */
	int fd;	   /* -1: nothing is open yet */
	off_t offset; /* of the next record */
	size_t at, end; /* what of `data` was read and not taken yet */
	char data[LOGRING_HEADER + LOGRING_DATA_MAX];
};

/* `dirfd`: the bundle directory. A log that does not exist yet is an empty one. */
int logring_reader_open(struct logring_reader *reader, int dirfd);
void logring_reader_close(struct logring_reader *reader);

/* 1: a record; 0: no more for now; -EBADMSG: the file holds something else; other errors. */
int logring_reader_next(struct logring_reader *reader, struct logring_record *record);

/* Skips all but the last `lines` lines. Call it before the first next. */
int logring_reader_tail(struct logring_reader *reader, size_t lines);

#endif
