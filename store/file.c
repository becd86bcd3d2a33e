#include "store/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"

#define READ_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)

int file_open(int dirfd, const char *name, struct stat *st)
{
	FD_CLEANUP int fd = openat(dirfd, name, READ_FLAGS | O_NOATIME);

	if (fd < 0 && errno == EPERM) /* not the owner: only in tests */
		fd = openat(dirfd, name, READ_FLAGS);
	if (fd < 0)
		return errno == ELOOP ? -EBADMSG : -errno;
	if (fstat(fd, st) < 0)
		return -errno;
	return S_ISREG(st->st_mode) ? fd_steal(&fd) : -EBADMSG;
}

int file_read(int dirfd, const char *name, struct buf *out, size_t limit)
{
	struct stat st;
	FD_CLEANUP int fd = file_open(dirfd, name, &st);

	return fd < 0 ? fd : fd_read_all(fd, out, limit);
}

static bool is_same(int dirfd, const char *name, const void *data, size_t size)
{
	BUF_CLEANUP struct buf old = BUF_INIT;

	return file_read(dirfd, name, &old, size) == 0 && old.size == size &&
	       (!size || !memcmp(old.data, data, size));
}

int file_write_all(struct store *store, const struct fd_content *files, size_t count, int before)
{
	struct fd_content changed[FD_REPLACE_MAX];
	size_t changes = 0, bytes = 0;
	int rc;

	for (size_t i = 0; i < count && i < FD_REPLACE_MAX; i++)
		if (!is_same(files[i].dirfd, files[i].name, files[i].data, files[i].size)) {
			changed[changes++] = files[i];
			bytes += files[i].size;
		}
	rc = fd_replace_files(changed, changes, 0600, before);
	if (!rc)
		store->written_bytes += (int64_t)bytes;
	return rc;
}

int file_write(struct store *store, int dirfd, const char *name, const void *data, size_t size)
{
	return file_write_all(store, &(struct fd_content){ dirfd, name, data, size }, 1, -1);
}

int file_remove(int dirfd, const char *name)
{
	if (unlinkat(dirfd, name, 0) < 0 || fsync(dirfd) < 0)
		return -errno;
	return 0;
}

/* A DIR of its own, so that reading it doesn't move the offset of dirfd. */
static DIR *open_listing(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		fd_close(&fd);
	return dir;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int file_names(int dirfd, char ***names)
{
	DIR *dir = open_listing(dirfd);
	char **list = xcalloc(1, sizeof(*list));
	struct dirent *entry;
	size_t count = 0;
	int rc;

	*names = list;
	if (!dir)
		return -errno;
	while ((errno = 0, entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		list = xrealloc(list, (count + 2) * sizeof(*list));
		list[count++] = xstrdup(entry->d_name);
	}
	rc = -errno;
	closedir(dir);
	list[count] = NULL;
	qsort(list, count, sizeof(*list), compare);
	*names = list;
	return rc;
}

int file_remove_temporary(int dirfd)
{
	DIR *dir = open_listing(dirfd);
	struct dirent *entry;
	int rc = 0;

	if (!dir)
		return -errno;
	while (!rc && (errno = 0, entry = readdir(dir)))
		if (fd_is_left_over(entry->d_name))
			rc = fd_remove_tree(dirfd, entry->d_name);
	if (!rc)
		rc = -errno;
	closedir(dir);
	return rc;
}

void file_document_name(char name[static FILE_DOCUMENT_SIZE], const struct digest *digest)
{
	snprintf(name, FILE_DOCUMENT_SIZE, "%.64s.json", digest_hex(digest));
}

int file_document_digest(struct digest *digest, const char *name)
{
	char hex[DIGEST_HEX_SIZE + 1] = { 0 };

	if (strlen(name) != FILE_DOCUMENT_SIZE - 1 ||
	    strcmp(name + DIGEST_HEX_SIZE, ".json") != 0)
		return -EINVAL;
	memcpy(hex, name, DIGEST_HEX_SIZE);
	return digest_from_hex(digest, hex);
}

int file_path(const struct store *store, char path[static PATH_MAX], struct err *err,
	      const char *format, ...)
{
	size_t size = strlen(store->path);
	va_list args;
	int more;

	memcpy(path, store->path, size);
	va_start(args, format);
	more = vsnprintf(path + size, PATH_MAX - size, format, args);
	va_end(args);
	if (more < 0 || size + (size_t)more >= PATH_MAX)
		return err_set(err, -ENAMETOOLONG, "the store's path %.80s... is too long",
			       store->path);
	return 0;
}

void file_staged_name(struct store *store, char name[static FILE_STAGED_SIZE], char letter)
{
	struct stat st;

	/* What could not be removed when the store was opened still has its name. */
	do
		snprintf(name, FILE_STAGED_SIZE, "%c%u", letter, ++store->stages);
	while (fstatat(store->staging, name, &st, AT_SYMLINK_NOFOLLOW) == 0);
}

int file_throw_away(struct store *store, int dirfd, const char *name)
{
	char staged[FILE_STAGED_SIZE];

	file_staged_name(store, staged, FILE_THROWN_AWAY);
	return renameat(dirfd, name, store->staging, staged) < 0 ? -errno : 0;
}
