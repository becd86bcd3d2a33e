/*
 * tree_dump - a tree as text, a line for each name, sorted: for comparing two trees with everything they are.
 *
 *	PATH TYPE MODE UID:GID SIZE MTIME.NS [rdev] [-> TARGET] [= FIRST NAME of hard links] [NAME=VALUE of
 *	attributes] [digest] [data ranges]
 */
#ifndef TESTS_UNIT_TREE_DUMP_H
#define TESTS_UNIT_TREE_DUMP_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/sha256.h"

#define TREE_NOW 1000000000 /* later times are the test's own, and are shown as "now" */

struct tree_dump {
	const char *root;
	bool without_holes;
	struct buf out;
	struct {
		ino_t inode;
		char *name;
	} *links;
	size_t link_count;
};

static void tree_dump_xattrs(struct tree_dump *dump, const char *path)
{
	char names[4096], value[4096];
	ssize_t size = llistxattr(path, names, sizeof(names));

	for (const char *name = names; name < names + size; name += strlen(name) + 1) {
		ssize_t length = lgetxattr(path, name, value, sizeof(value));

		buf_append_format(&dump->out, " %s=", name);
		for (ssize_t i = 0; i < length; i++)
			buf_append_format(&dump->out, "%02x", (unsigned char)value[i]);
	}
}

static void tree_dump_content(struct tree_dump *dump, const char *path, int64_t size)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	static unsigned char data[65536];
	struct sha256 hash;
	char hex[SHA256_HEX + 1];
	ssize_t got;

	sha256_init(&hash);
	while ((got = read(fd, data, sizeof(data))) > 0)
		sha256_update(&hash, data, (size_t)got);
	sha256_final_hex(&hash, hex);
	buf_append_format(&dump->out, " %.12s", hex);
	for (off_t at = 0; at < size && !dump->without_holes;) {
		off_t begin = lseek(fd, at, SEEK_DATA);

		if (begin < 0)
			break;
		at = lseek(fd, begin, SEEK_HOLE);
		buf_append_format(&dump->out, " [%lld,%lld)", (long long)begin, (long long)at);
	}
	close(fd);
}

static void tree_dump_links(struct tree_dump *dump, const struct stat *st, const char *name)
{
	for (size_t i = 0; i < dump->link_count; i++)
		if (dump->links[i].inode == st->st_ino) {
			buf_append_format(&dump->out, " = %s", dump->links[i].name);
			return;
		}
	dump->links = realloc(dump->links, (dump->link_count + 1) * sizeof(*dump->links));
	dump->links[dump->link_count].inode = st->st_ino;
	dump->links[dump->link_count++].name = strdup(name);
}

static void tree_dump_one(struct tree_dump *dump, const char *path, const char *name,
			  const struct stat *st)
{
	char target[PATH_MAX] = "";

	buf_append_format(&dump->out, "%s %c %o %u:%u", name, "?pc?d?b?-?l?s???"[st->st_mode >> 12],
			  (unsigned int)st->st_mode & 07777, st->st_uid, st->st_gid);
	if (!S_ISDIR(st->st_mode))
		buf_append_format(&dump->out, " %lld", (long long)st->st_size);
	if (st->st_mtime > TREE_NOW)
		buf_append_text(&dump->out, " now");
	else
		buf_append_format(&dump->out, " %lld.%09ld", (long long)st->st_mtime,
				  st->st_mtim.tv_nsec);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		buf_append_format(&dump->out, " %u,%u", major(st->st_rdev), minor(st->st_rdev));
	if (S_ISLNK(st->st_mode) && readlink(path, target, sizeof(target) - 1) > 0)
		buf_append_format(&dump->out, " -> %s", target);
	if (!S_ISDIR(st->st_mode) && st->st_nlink > 1)
		tree_dump_links(dump, st, name);
	tree_dump_xattrs(dump, path);
	if (S_ISREG(st->st_mode))
		tree_dump_content(dump, path, st->st_size);
	buf_append_text(&dump->out, "\n");
}

static void tree_dump_dir(struct tree_dump *dump, const char *name)
{
	char *path = xasprintf("%s/%s", dump->root, name);
	struct dirent **found = NULL;
	struct stat st;
	int count;

	if (lstat(path, &st) == 0)
		tree_dump_one(dump, path, *name ? name : ".", &st);
	count = lstat(path, &st) == 0 && S_ISDIR(st.st_mode) ? scandir(path, &found, NULL, alphasort) :
							      0;
	for (int i = 0; i < count; i++) {
		const char *child = found[i]->d_name;
		char *below = xasprintf("%s%s%s", name, *name ? "/" : "", child);

		if (strcmp(child, ".") != 0 && strcmp(child, "..") != 0)
			tree_dump_dir(dump, below);
		free(below);
		free(found[i]);
	}
	free(found);
	free(path);
}

/* Appends the tree at `root` to `out`. */
static inline void tree_dump(const char *root, bool without_holes, struct buf *out)
{
	struct tree_dump dump = { .root = root, .without_holes = without_holes, .out = *out };

	tree_dump_dir(&dump, "");
	for (size_t i = 0; i < dump.link_count; i++)
		free(dump.links[i].name);
	free(dump.links);
	*out = dump.out;
}

/* Shows the lines that differ; true when none does. */
static inline bool tree_same(const struct buf *a, const struct buf *b)
{
	const char *p = buf_text(a), *q = buf_text(b);

	if (!strcmp(p, q))
		return true;
	while (*p || *q) {
		size_t m = strcspn(p, "\n"), n = strcspn(q, "\n");

		if (m != n || memcmp(p, q, m) != 0)
			fprintf(stderr, "- %.*s\n+ %.*s\n", (int)m, p, (int)n, q);
		p += m + (p[m] == '\n');
		q += n + (q[n] == '\n');
	}
	return false;
}

#endif
