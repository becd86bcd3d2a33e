#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "lib/fd.h"
#include "store/index.h"
#include "store/index_parts.h"

#define ATTRIBUTE_NAMES_MAX 4096
#define ATTRIBUTE_VALUE_MAX 4096

/* --- entries --- */

static enum index_kind kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return INDEX_FILE;
	case S_IFDIR:
		return INDEX_DIR;
	case S_IFLNK:
		return INDEX_SYMLINK;
	default:
		return INDEX_NODE;
	}
}

void index_entry_of(struct index_entry *entry, const char *path, const struct stat *st)
{
	*entry = (struct index_entry){
		.kind = kind_of(st->st_mode),
		.path = path,
		.mode = st->st_mode,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.mtime = st->st_mtim,
	};
	if (entry->kind == INDEX_FILE)
		entry->size = st->st_size;
	if (entry->kind == INDEX_NODE) {
		entry->major = major(st->st_rdev);
		entry->minor = minor(st->st_rdev);
	}
}

static bool matters(const char *name)
{
	return !strncmp(name, "user.", 5) || !strcmp(name, "security.capability");
}

/* The order in which a file system lists them is its own: so their hashes are added. */
static uint32_t hash_attribute(int fd, const char *name)
{
	char value[ATTRIBUTE_VALUE_MAX];
	ssize_t size = fgetxattr(fd, name, value, sizeof(value));
	struct xxh64 hash;

	xxh64_init(&hash);
	xxh64_update(&hash, name, strlen(name) + 1);
	xxh64_update(&hash, value, size > 0 ? (size_t)size : 0);
	return (uint32_t)xxh64_value(&hash);
}

uint32_t index_attributes(int fd)
{
	char names[ATTRIBUTE_NAMES_MAX];
	ssize_t size = flistxattr(fd, names, sizeof(names));
	uint32_t sum = 0;

	for (ssize_t at = 0; at < size; at += (ssize_t)strlen(names + at) + 1)
		if (matters(names + at))
			sum += hash_attribute(fd, names + at);
	return sum;
}

/* --- bytes --- */

static void flush(struct index_writer *writer)
{
	if (!writer->rc)
		writer->rc = fd_write_full(writer->fd, writer->data, writer->used);
	writer->used = 0;
}

static void put(struct index_writer *writer, const void *data, size_t size)
{
	xxh64_update(&writer->hash, data, size);
	if (writer->used + size > sizeof(writer->data))
		flush(writer);
	memcpy(writer->data + writer->used, data, size);
	writer->used += size;
}

static void put_number(struct index_writer *writer, uint64_t number)
{
	unsigned char bytes[10];
	size_t size = 0;

	for (; number > 0x7f; number >>= 7)
		bytes[size++] = (unsigned char)(number | 0x80);
	bytes[size++] = (unsigned char)number;
	put(writer, bytes, size);
}

static void put_hash(struct index_writer *writer, uint64_t hash)
{
	hash = htole64(hash);
	put(writer, &hash, sizeof(hash));
}

/* --- one entry --- */

static void put_path(struct index_writer *writer, const char *path)
{
	struct index_state *state = &writer->state;
	size_t size = strlen(path), shared = 0;

	while (shared < size && shared < state->path_size && path[shared] == state->path[shared])
		shared++;
	put_number(writer, shared);
	put_number(writer, size - shared);
	put(writer, path + shared, size - shared);
	memcpy(state->path, path, size);
	state->path_size = size;
}

static bool same_owner(const struct index_state *state, const struct index_entry *entry)
{
	return state->mode[entry->kind] == entry->mode && state->uid[entry->kind] == entry->uid &&
	       state->gid[entry->kind] == entry->gid;
}

static unsigned char tag_of(const struct index_state *state, const struct index_entry *entry)
{
	unsigned char tag = (unsigned char)entry->kind;

	if (!index_has_owner(entry->kind))
		return tag;
	if (same_owner(state, entry))
		tag |= INDEX_SAME_OWNER;
	if (entry->mtime.tv_nsec == INDEX_NO_TIME)
		tag |= INDEX_NO_TIME_FLAG;
	else if (entry->mtime.tv_sec == state->mtime.tv_sec &&
		 entry->mtime.tv_nsec == state->mtime.tv_nsec)
		tag |= INDEX_SAME_TIME;
	if (entry->attributes)
		tag |= INDEX_ATTRIBUTES;
	return tag;
}

static void put_owner(struct index_writer *writer, const struct index_entry *entry)
{
	struct index_state *state = &writer->state;

	put_number(writer, state->mode[entry->kind] = entry->mode);
	put_number(writer, state->uid[entry->kind] = entry->uid);
	put_number(writer, state->gid[entry->kind] = entry->gid);
}

static void put_time(struct index_writer *writer, const struct timespec *mtime)
{
	int64_t later = (int64_t)((uint64_t)mtime->tv_sec - (uint64_t)writer->state.mtime.tv_sec);

	put_number(writer, (uint64_t)later << 1 ^ (uint64_t)(later >> 63));
	put_number(writer, (uint64_t)mtime->tv_nsec);
	writer->state.mtime = *mtime;
}

static void put_rest(struct index_writer *writer, const struct index_entry *entry)
{
	uint32_t attributes = htole32(entry->attributes);

	if (entry->kind == INDEX_FILE) {
		put_number(writer, (uint64_t)entry->size);
		if (entry->size)
			put_hash(writer, entry->hash);
	}
	if (entry->attributes)
		put(writer, &attributes, sizeof(attributes));
	if (entry->kind == INDEX_SYMLINK)
		put_hash(writer, entry->hash);
	if (entry->kind == INDEX_NODE) {
		put_number(writer, entry->major);
		put_number(writer, entry->minor);
	}
	if (entry->kind == INDEX_LINK) {
		put_number(writer, strlen(entry->target));
		put(writer, entry->target, strlen(entry->target));
	}
}

void index_write(struct index_writer *writer, const struct index_entry *entry)
{
	unsigned char tag = tag_of(&writer->state, entry);

	put(writer, &tag, 1);
	put_path(writer, entry->path);
	if (index_has_owner(entry->kind)) {
		if (!(tag & INDEX_SAME_OWNER))
			put_owner(writer, entry);
		if (!(tag & (INDEX_SAME_TIME | INDEX_NO_TIME_FLAG)))
			put_time(writer, &entry->mtime);
	}
	put_rest(writer, entry);
	writer->state.count++;
}

/* --- the file --- */

void index_write_begin(struct index_writer *writer, int fd)
{
	*writer = (struct index_writer){ .fd = fd };
	xxh64_init(&writer->hash);
	put(writer, INDEX_MAGIC, strlen(INDEX_MAGIC));
}

int index_write_end(struct index_writer *writer, uint64_t *checksum, struct err *err)
{
	put(writer, &(unsigned char){ INDEX_END }, 1);
	put_number(writer, writer->state.count);
	*checksum = xxh64_value(&writer->hash);
	put_hash(writer, *checksum);
	flush(writer);
	if (!writer->rc)
		return 0;
	return err_set(err, writer->rc, "write the layer's index: %s", strerror(-writer->rc));
}
