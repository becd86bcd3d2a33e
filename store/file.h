/* file - the store's small files and directories of them. For store/ only. */
#ifndef STORE_FILE_H
#define STORE_FILE_H

#include <limits.h>
#include <stddef.h>
#include <sys/stat.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "store/store.h"

/*
 * A regular file for reading; -EBADMSG when it is something else. Reading doesn't change its access time: that would be a
 * write to flash.
 */
int file_open(int dirfd, const char *name, struct stat *st);

/* Appends such a file's content to `out`; no more than `limit` bytes (-EFBIG). */
int file_read(int dirfd, const char *name, struct buf *out, size_t limit);

/* fd_replace_file(), unless the file has that content already; counts what is written. */
int file_write(struct store *store, int dirfd, const char *name, const void *data, size_t size);

/* The same for up to FD_REPLACE_MAX of them, as fd_replace_files() does it. */
int file_write_all(struct store *store, const struct fd_content *files, size_t count, int before);

/* Durably; -ENOENT when there is none. */
int file_remove(int dirfd, const char *name);

/* Names in a directory that don't begin with a '.', sorted, NULL-terminated; free_strings(), also on error. */
int file_names(int dirfd, char ***names);

/* Removes what fd_is_left_over(). */
int file_remove_temporary(int dirfd);

/* "<hex>.json" */
#define FILE_DOCUMENT_SIZE (DIGEST_HEX_SIZE + 6)
void file_document_name(char name[static FILE_DOCUMENT_SIZE], const struct digest *digest);
/* The other way round. 0 or -EINVAL. */
int file_document_digest(struct digest *digest, const char *name);

/* Joins the store's path with the others. -ENAMETOOLONG. */
int file_path(const struct store *store, char path[static PATH_MAX], struct err *err,
	      const char *format, ...) __attribute__((format(printf, 4, 5)));

#define FILE_STAGED_SIZE 16

/*
 * Throws an entry of `dirfd` away: moves it to staging/ under a new name, which sweep() removes. Not
 * synced.
 */
#define FILE_THROWN_AWAY 't' /* what such a name begins with */
int file_throw_away(struct store *store, int dirfd, const char *name);

/* A number that no other entry of staging/ has had since the store was opened, behind a letter. */
void file_staged_name(struct store *store, char name[static FILE_STAGED_SIZE], char letter);

#endif
