/*
 * fd - descriptors: whole reads and writes, small files that survive a power cut, passing.
 *
 * Everything here retries EINTR. Functions return 0 (or a count) or a negative errno value.
 */
#ifndef LIB_FD_H
#define LIB_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/buf.h"

/* Cleanup attributes. FD_CLEANUP closes what is >= 0; take it out with fd_steal(). */
#define FD_CLEANUP __attribute__((cleanup(fd_close)))
#define FREE_CLEANUP __attribute__((cleanup(free_pointer)))

void fd_close(int *fd); /* closes *fd when >= 0 and sets it to -1; errno is kept */
int fd_steal(int *fd);
void free_pointer(void *pointer_to_pointer);
#define steal_pointer(p) \
	({ \
		typeof(*(p)) stolen_ = *(p); \
		*(p) = NULL; \
		stolen_; \
	})

int fd_set_nonblocking(int fd, bool on);
int fd_set_cloexec(int fd, bool on);

/* Reads until `size` bytes or the end of the file; returns the count. */
ssize_t fd_read_full(int fd, void *data, size_t size);
/* Writes all of it. A non-blocking descriptor is waited for. */
int fd_write_full(int fd, const void *data, size_t size);

/* Appends the rest of the file to `out`; -EFBIG when there are more than `limit` bytes. */
int fd_read_all(int fd, struct buf *out, size_t limit);
/* The same for a file by name, opened relative to `dirfd` (AT_FDCWD: the working directory). */
int fd_read_file(int dirfd, const char *name, struct buf *out, size_t limit);
/* One small number file such as a cgroup's; -EINVAL when it holds no number. */
int fd_read_number(int dirfd, const char *name, int64_t *value);
/* Writes `text` in one write() to an existing file (cgroup, proc, sys). */
int fd_write_file(int dirfd, const char *name, const char *text);
/* A file that there is not yet; -EEXIST. Who may look for it meanwhile could see half of it. */
int fd_create_file(int dirfd, const char *name, const void *data, size_t size, mode_t mode);

/*
 * Replaces a small file so that after a power cut at any moment the old or the new content is
 * there, whole: temporary file in the same directory, fsync, rename, fsync of the directory.
 * `name` may hold no '/'; the temporary file is ".NAME.new". On error the old file is unchanged,
 * except after a failed fsync of the directory: then re-read what is there.
 */
int fd_replace_file(int dirfd, const char *name, const void *data, size_t size, mode_t mode);

/*
 * The same for several, which become visible in this order. What a journal costs to commit is paid
 * twice, not twice a file. Unless it is -1, the directory `before` is synced when the contents are,
 * and before the first name changes. On error some may have been replaced.
 */
#define FD_REPLACE_MAX 4
struct fd_content {
	int dirfd;
	const char *name;
	const void *data;
	size_t size;
};
int fd_replace_files(const struct fd_content *files, size_t count, mode_t mode, int before);

/* Whether an entry of a directory is what a cut short fd_replace_file() left. */
bool fd_is_left_over(const char *name);

/* Like fd_replace_file() without the fsyncs: for tmpfs, where readers must see whole files. */
int fd_replace_file_volatile(int dirfd, const char *name, const void *data, size_t size,
			     mode_t mode);

/* mkdir that accepts an existing directory; fd_open_dir() makes it where needed and opens it. */
int fd_make_dir(int dirfd, const char *name, mode_t mode);
int fd_open_dir(int dirfd, const char *name, mode_t mode);
/* mkdir -p */
int fd_make_dirs(const char *path, mode_t mode);

/*
 * Removes a file or a whole tree below dirfd, however deep it is, without following links or
 * crossing mounts. What isn't there is success.
 */
int fd_remove_tree(int dirfd, const char *name);

/* One message with descriptors over a unix socket. Received ones are close-on-exec. */
#define FD_MESSAGE_MAX 4
int fd_send(int sock, const void *data, size_t size, const int *fds, size_t count);
ssize_t fd_receive(int sock, void *data, size_t size, int *fds, size_t *count);

#endif
