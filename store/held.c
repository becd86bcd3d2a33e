#include "store/held.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/fd.h"
#include "store/subpath.h"

#define UNWRITTEN_MAX 16384 /* bytes */

/* --- records --- */

/* The NUL-terminated text before `end` of data, NULL when there is none. Moves *end to its start. */
static const char *last_text(const char *data, size_t *end)
{
	const char *before;

	if (!*end || data[*end - 1])
		return NULL;
	before = memrchr(data, '\0', *end - 1);
	*end = before ? (size_t)(before + 1 - data) : 0;
	return data + *end;
}

static int parse_number(const char *text, unsigned int *number)
{
	size_t length = strlen(text);

	if (!length || length > 3 || strspn(text, "0123456789") != length ||
	    (text[0] == '0' && length > 1))
		return -EINVAL;
	*number = (unsigned int)strtoul(text, NULL, 10);
	return *number < BASE_LAYERS_MAX ? 0 : -EINVAL;
}

int64_t held_parse_last(struct held_record *record, const char *data, size_t size)
{
	size_t end = size;
	const char *number = last_text(data, &end);

	record->from = number ? last_text(data, &end) : NULL;
	record->path = record->from ? last_text(data, &end) : NULL;
	if (!record->path || parse_number(number, &record->number) < 0 ||
	    !subpath_is_clean(record->path) || !subpath_is_clean(record->from))
		return -EINVAL;
	return (int64_t)end;
}

/* --- the list --- */

static int write_list(struct held *held, struct err *err)
{
	int rc = fd_write_full(held->list, held->unwritten.data, held->unwritten.size);

	buf_clear(&held->unwritten);
	return rc ? err_code(err, rc, "write the list of unchanged files") : 0;
}

static void append_path(struct buf *out, const char *dir, const char *name)
{
	if (*dir) {
		buf_append_text(out, dir);
		buf_append_text(out, "/");
	}
	buf_append(out, name, strlen(name) + 1);
}

static int append(struct held *held, const struct dir *parent, const char *name, const char *from,
		  unsigned int number, struct err *err)
{
	struct buf *list = &held->unwritten;
	char text[16];

	append_path(list, parent->path, name);
	if (from)
		buf_append(list, from, strlen(from) + 1);
	else
		append_path(list, parent->path, name);
	buf_append(list, text, (size_t)snprintf(text, sizeof(text), "%u", number) + 1);
	held->files++;
	return list->size < UNWRITTEN_MAX ? 0 : write_list(held, err);
}

static int search(struct held *held, const char *path, const char *data, size_t size,
		  struct held_record *record, struct err *err)
{
	for (int64_t rest = (int64_t)size; rest > 0;) {
		int64_t before = held_parse_last(record, data, (size_t)rest);

		if (before < 0)
			break;
		if (!strcmp(record->path, path))
			return 0;
		held->searched_bytes += rest - before;
		rest = before;
	}
	return err_set(err, -EIO, "%s is missing in the list of unchanged files", path);
}

/* The record of a name, copied. Rare: a hard link to a hard link, which no common tool writes. */
static int find_record(struct held *held, const char *path, char from[static PATH_MAX],
		       unsigned int *number, struct err *err)
{
	struct held_record record;
	struct stat st;
	char *data;
	int rc;

	if (held->searched_bytes > HELD_SEARCH_MAX)
		return err_set(err, -EFBIG, "too many hard links to hard links");
	rc = write_list(held, err);
	if (rc < 0)
		return rc;
	if (fstat(held->list, &st) < 0 || !st.st_size)
		return err_sys(err, "read the list of unchanged files");
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, held->list, 0);
	if (data == MAP_FAILED)
		return err_sys(err, "read the list of unchanged files");
	rc = search(held, path, data, (size_t)st.st_size, &record, err);
	if (!rc) {
		snprintf(from, PATH_MAX, "%s", record.from);
		*number = record.number;
	}
	munmap(data, (size_t)st.st_size);
	return rc;
}

/* --- placeholders --- */

void held_placeholder_name(char name[static HELD_NAME_SIZE], enum held_kind kind, size_t number)
{
	snprintf(name, HELD_NAME_SIZE, "%c%u", HELD_LETTERS[kind], (unsigned int)number % 1000);
}

static int add_placeholder(struct held *held, enum held_kind kind, struct err *err)
{
	FD_CLEANUP int fd = -1;
	size_t count = held->kinds[kind].count;
	struct stat st;
	char name[HELD_NAME_SIZE];

	if (count == HELD_PLACEHOLDERS_MAX)
		return -EMLINK;
	held_placeholder_name(name, kind, count);
	fd = openat(held->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, "make a placeholder for unchanged files");
	held->device = st.st_dev;
	held->kinds[kind].inodes[held->kinds[kind].count++] = st.st_ino;
	return 0;
}

static int begin(struct held *held, struct err *err)
{
	held->dir = fd_open_dir(held->layer_dir, HELD_DIR, 0700);
	if (held->dir < 0)
		return err_set(err, held->dir, "make a list of unchanged files: %s",
			       strerror(-held->dir));
	held->list = openat(held->dir, HELD_LIST, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return held->list < 0 ? err_sys(err, "make a list of unchanged files") : 0;
}

static int place(struct held *held, enum held_kind kind, const struct dir *parent, const char *name,
		 struct err *err)
{
	char placeholder[HELD_NAME_SIZE];
	int rc = held->dir < 0 ? begin(held, err) : 0;

	if (!rc && !held->kinds[kind].count)
		rc = add_placeholder(held, kind, err);
	while (!rc) {
		held_placeholder_name(placeholder, kind, held->kinds[kind].count - 1);
		if (linkat(held->dir, placeholder, parent->fd, name, 0) == 0)
			return 0;
		if (errno == EEXIST)
			return -EEXIST;
		rc = errno == EMLINK ? add_placeholder(held, kind, err) :
				       err_sys(err, "hold %s", name);
	}
	return rc;
}

bool held_is(const struct held *held, const struct stat *st, enum held_kind *kind)
{
	if (held->dir < 0 || st->st_dev != held->device)
		return false;
	for (*kind = HELD_FILE; *kind <= HELD_ALIAS; ++*kind)
		for (size_t i = 0; i < held->kinds[*kind].count; i++)
			if (held->kinds[*kind].inodes[i] == st->st_ino)
				return true;
	return false;
}

bool held_may_link(struct held *held, const struct stat *st)
{
	/* One that has a single name can only come again under that name: it matters when it has got links meanwhile. */
	if (st->st_nlink == 1)
		return !inode_set_has(&held->linked, st->st_ino);
	return st->st_nlink <= HELD_LINKS_MAX && inode_set_add(&held->linked, st->st_ino);
}

int held_add(struct held *held, const struct dir *parent, const char *name, unsigned int number,
	     int64_t size, struct err *err)
{
	int rc = place(held, HELD_FILE, parent, name, err);

	if (!rc)
		held->bytes[number] += size;
	return rc ? rc : append(held, parent, name, NULL, number, err);
}

/* A placeholder of a file stands for the file of its own path. */
static int locate_file(struct held *held, struct base *base, const char *target,
		       char from[static PATH_MAX], unsigned int *number, struct err *err)
{
	char dir[PATH_MAX];
	struct stat st;
	size_t size;
	const char *name = subpath_split(target, &size);
	int found;

	snprintf(from, PATH_MAX, "%s", target);
	snprintf(dir, sizeof(dir), "%.*s", (int)size, target);
	found = base_locate(base, dir, name, &st);
	if (found < 0)
		return err_set(err, -EIO, "%s has gone from the other layer", target);
	*number = (unsigned int)found;
	if (st.st_nlink == 1 && !inode_set_has(&held->linked, st.st_ino) &&
	    !inode_set_add(&held->linked, st.st_ino))
		return err_set(err, -EFBIG, "too many hard links to unchanged files");
	return 0;
}

int held_add_alias(struct held *held, struct base *base, const char *target, enum held_kind kind,
		   const struct dir *parent, const char *name, struct err *err)
{
	char from[PATH_MAX];
	unsigned int number = 0;
	int rc = kind == HELD_FILE ? locate_file(held, base, target, from, &number, err) :
				     find_record(held, target, from, &number, err);

	if (!rc)
		rc = place(held, HELD_ALIAS, parent, name, err);
	if (rc == -EMLINK)
		return err_set(err, rc, "hold %s: too many hard links", name);
	return rc ? rc : append(held, parent, name, from, number, err);
}

void held_init(struct held *held, int layer_dir)
{
	*held = (struct held){ .layer_dir = layer_dir, .dir = -1, .list = -1 };
}

int held_finish(struct held *held, struct err *err)
{
	return held->list < 0 ? 0 : write_list(held, err);
}

void held_release(struct held *held)
{
	fd_close(&held->dir);
	fd_close(&held->list);
	buf_release(&held->unwritten);
	inode_set_release(&held->linked);
}
