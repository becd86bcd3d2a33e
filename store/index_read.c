#include <endian.h>
#include <errno.h>
#include <string.h>

#include "store/index.h"
#include "store/index_parts.h"
#include "store/subpath.h"

static int damaged(struct err *err, const char *what)
{
	return err_set(err, -EBADMSG, "the index is damaged: %s", what);
}

/* --- bytes; false: there are too few, or they make no number --- */

static bool take(struct index_reader *reader, void *out, size_t size)
{
	if ((size_t)(reader->end - reader->at) < size)
		return false;
	memcpy(out, reader->at, size);
	reader->at += size;
	return true;
}

static bool take_number(struct index_reader *reader, uint64_t max, uint64_t *out)
{
	uint64_t number = 0;
	unsigned char byte;

	for (int shift = 0; shift < 64; shift += 7) {
		if (!take(reader, &byte, 1) || (shift == 63 && byte > 1))
			return false;
		number |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*out = number;
			return number <= max;
		}
	}
	return false;
}

static bool take_number32(struct index_reader *reader, uint32_t *out)
{
	uint64_t number;

	if (!take_number(reader, UINT32_MAX, &number))
		return false;
	*out = (uint32_t)number;
	return true;
}

static bool take_hash(struct index_reader *reader, uint64_t *out)
{
	if (!take(reader, out, sizeof(*out)))
		return false;
	*out = le64toh(*out);
	return true;
}

/* `size` bytes are there already. What would lead elsewhere is no path of ours. */
static bool take_path(struct index_reader *reader, char *path, size_t size, uint64_t more)
{
	char clean[PATH_MAX];

	if (more >= PATH_MAX - size || !take(reader, path + size, (size_t)more))
		return false;
	path[size + more] = '\0';
	if (!(size + more))
		return true;
	return !memchr(path, '\0', size + more) && subpath_clean(clean, path) == 0 &&
	       !strcmp(clean, path);
}

/* --- one entry --- */

static bool read_path(struct index_reader *reader)
{
	struct index_state *state = &reader->state;
	uint64_t shared, more;

	if (!take_number(reader, state->path_size, &shared) ||
	    !take_number(reader, PATH_MAX, &more) ||
	    !take_path(reader, state->path, (size_t)shared, more))
		return false;
	state->path_size = (size_t)(shared + more);
	return true;
}

static bool is_type_of(enum index_kind kind, uint32_t mode)
{
	switch (kind) {
	case INDEX_FILE:
		return S_ISREG(mode);
	case INDEX_DIR:
		return S_ISDIR(mode);
	case INDEX_SYMLINK:
		return S_ISLNK(mode);
	default:
		return S_ISCHR(mode) || S_ISBLK(mode) || S_ISFIFO(mode);
	}
}

static bool read_owner(struct index_reader *reader, struct index_entry *entry, unsigned char tag)
{
	struct index_state *state = &reader->state;
	enum index_kind kind = entry->kind;

	if (!(tag & INDEX_SAME_OWNER) && (!take_number32(reader, &state->mode[kind]) ||
					  !take_number32(reader, &state->uid[kind]) ||
					  !take_number32(reader, &state->gid[kind])))
		return false;
	entry->mode = state->mode[kind];
	entry->uid = state->uid[kind];
	entry->gid = state->gid[kind];
	return !(entry->mode & ~(uint32_t)(S_IFMT | 07777)) && is_type_of(kind, entry->mode);
}

static bool read_time(struct index_reader *reader, struct index_entry *entry, unsigned char tag)
{
	struct timespec *mtime = &reader->state.mtime;
	uint64_t later, ns;

	if (tag & INDEX_NO_TIME_FLAG) {
		entry->mtime.tv_nsec = INDEX_NO_TIME;
		return !(tag & INDEX_SAME_TIME);
	}
	if (!(tag & INDEX_SAME_TIME)) {
		if (!take_number(reader, UINT64_MAX, &later) || !take_number(reader, 999999999, &ns))
			return false;
		mtime->tv_sec = (time_t)((uint64_t)mtime->tv_sec + (later >> 1 ^ -(later & 1)));
		mtime->tv_nsec = (long)ns;
	}
	entry->mtime = *mtime;
	return true;
}

static bool read_attributes(struct index_reader *reader, struct index_entry *entry)
{
	if ((entry->kind != INDEX_FILE && entry->kind != INDEX_DIR) ||
	    !take(reader, &entry->attributes, sizeof(entry->attributes)))
		return false;
	entry->attributes = le32toh(entry->attributes);
	return entry->attributes;
}

static bool read_rest(struct index_reader *reader, struct index_entry *entry)
{
	uint64_t number;

	switch (entry->kind) {
	case INDEX_FILE:
		if (!take_number(reader, INT64_MAX, &number))
			return false;
		entry->size = (int64_t)number;
		return !entry->size || take_hash(reader, &entry->hash);
	case INDEX_SYMLINK:
		return take_hash(reader, &entry->hash);
	case INDEX_NODE:
		return take_number32(reader, &entry->major) && take_number32(reader, &entry->minor);
	case INDEX_LINK:
		entry->target = reader->target;
		return take_number(reader, PATH_MAX, &number) && number &&
		       take_path(reader, reader->target, 0, number);
	default:
		return true;
	}
}

static bool read_entry(struct index_reader *reader, struct index_entry *entry, unsigned char tag)
{
	*entry = (struct index_entry){ .kind = tag & INDEX_KIND_MASK, .path = reader->state.path };
	if (!index_has_owner(entry->kind) && tag != entry->kind)
		return false;
	if (!read_path(reader))
		return false;
	if (index_has_owner(entry->kind) &&
	    (!read_owner(reader, entry, tag) || !read_time(reader, entry, tag)))
		return false;
	return read_rest(reader, entry) &&
	       (!(tag & INDEX_ATTRIBUTES) || read_attributes(reader, entry));
}

static int read_end(struct index_reader *reader, struct err *err)
{
	uint64_t count;

	if (!take_number(reader, UINT64_MAX, &count) || count != reader->state.count ||
	    reader->at != reader->end)
		return damaged(err, "it has not as many entries as it says");
	return 0;
}

int index_read(struct index_reader *reader, struct index_entry *entry, struct err *err)
{
	unsigned char tag;

	if (!take(reader, &tag, 1))
		return damaged(err, "it ends too early");
	if (tag == INDEX_END)
		return read_end(reader, err);
	if (tag & 0x80 || !read_entry(reader, entry, tag))
		return damaged(err, "an entry makes no sense");
	reader->state.count++;
	return 1;
}

/* --- the file --- */

uint64_t index_checksum(const void *data, size_t size)
{
	uint64_t sum;

	if (size < sizeof(sum))
		return 0;
	memcpy(&sum, (const char *)data + size - sizeof(sum), sizeof(sum));
	return le64toh(sum);
}

int index_read_begin(struct index_reader *reader, const void *data, size_t size, struct err *err)
{
	const size_t magic = strlen(INDEX_MAGIC);

	*reader = (struct index_reader){ 0 };
	if (size < magic + INDEX_CHECKSUM_SIZE || memcmp(data, INDEX_MAGIC, magic) != 0)
		return damaged(err, "it does not begin as one, or is one of a newer berth");
	size -= INDEX_CHECKSUM_SIZE;
	if (xxh64_of(data, size) != index_checksum(data, size + INDEX_CHECKSUM_SIZE))
		return damaged(err, "its checksum is wrong");
	reader->at = (const unsigned char *)data + magic;
	reader->end = (const unsigned char *)data + size;
	return 0;
}
