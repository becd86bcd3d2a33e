#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "store/index.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

static struct scratch scratch;
static struct err err;

static const struct index_entry all_kinds[] = {
	{ .kind = INDEX_DIR, .path = "", .mode = S_IFDIR | 0755, .mtime = { 1700000000, 5 } },
	{ .kind = INDEX_DIR, .path = "usr", .mode = S_IFDIR | 01777, .gid = 50,
	  .mtime = { .tv_nsec = INDEX_NO_TIME } },
	{ .kind = INDEX_FILE, .path = "usr/empty", .mode = S_IFREG | 0644, .mtime = { 1700000000, 5 } },
	{ .kind = INDEX_FILE, .path = "usr/emptied", .mode = S_IFREG | 04755, .uid = 4000000000,
	  .mtime = { -7, 999999999 }, .size = INT64_C(1) << 39, .hash = 0x8000000000000001u,
	  .attributes = 0xffffffffu },
	{ .kind = INDEX_DIR, .path = "first", .mode = S_IFDIR | 0755, .mtime = { INT64_MIN, 1 } },
	{ .kind = INDEX_DIR, .path = "last", .mode = S_IFDIR | 0755, .mtime = { INT64_MAX, 1 } },
	{ .kind = INDEX_SYMLINK, .path = "usr/link", .mode = S_IFLNK | 0777, .hash = 17 },
	{ .kind = INDEX_NODE, .path = "dev/null", .mode = S_IFCHR | 0666, .major = 1, .minor = 3 },
	{ .kind = INDEX_LINK, .path = "usr/other", .target = "usr/emptied" },
	{ .kind = INDEX_WHITEOUT, .path = "gone" },
	{ .kind = INDEX_OPAQUE, .path = "usr" },
	{ .kind = INDEX_GONE, .path = "usr/link" },
};

#define KINDS (sizeof(all_kinds) / sizeof(all_kinds[0]))

static uint64_t written(struct buf *out, const struct index_entry *entries, size_t count)
{
	FD_CLEANUP int fd = openat(scratch.fd, "index", O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct index_writer writer;
	uint64_t checksum = 0;

	index_write_begin(&writer, fd);
	for (size_t i = 0; i < count; i++)
		index_write(&writer, &entries[i]);
	CHECK_INT(index_write_end(&writer, &checksum, &err), 0);
	CHECK_INT(fd_read_file(scratch.fd, "index", out, INDEX_SIZE_MAX), 0);
	return checksum;
}

static void check_same(const struct index_entry *a, const struct index_entry *b)
{
	CHECK_INT(a->kind, b->kind);
	CHECK_TEXT(a->path, b->path);
	CHECK_TEXT(a->target, b->target);
	CHECK_INT(a->mode, b->mode);
	CHECK_INT(a->uid, b->uid);
	CHECK_INT(a->gid, b->gid);
	CHECK_INT(a->mtime.tv_nsec, b->mtime.tv_nsec);
	CHECK_INT(a->size, b->size);
	CHECK(a->hash == b->hash);
	CHECK_INT(a->attributes, b->attributes);
	CHECK_INT(a->major, b->major);
	CHECK_INT(a->minor, b->minor);
	if (a->mtime.tv_nsec != INDEX_NO_TIME)
		CHECK_INT(a->mtime.tv_sec, b->mtime.tv_sec);
}

static void reads_what_it_wrote(void)
{
	BUF_CLEANUP struct buf data = BUF_INIT;
	uint64_t checksum = written(&data, all_kinds, KINDS);
	struct index_reader reader;
	struct index_entry entry;

	CHECK(checksum == index_checksum(data.data, data.size));
	REQUIRE(index_read_begin(&reader, data.data, data.size, &err) == 0);
	for (size_t i = 0; i < KINDS; i++) {
		REQUIRE(index_read(&reader, &entry, &err) == 1);
		check_same(&entry, &all_kinds[i]);
	}
	CHECK_INT(index_read(&reader, &entry, &err), 0);
}

/* Like those of a Debian image: 21 bytes of a path, of which the most are shared. */
static void takes_less_than_30_bytes_an_entry(void)
{
	FD_CLEANUP int fd = openat(scratch.fd, "index", O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct index_entry entry = { .kind = INDEX_FILE, .mode = S_IFREG | 0644, .path = NULL };
	static struct index_writer writer;
	uint64_t checksum;
	char path[64];

	index_write_begin(&writer, fd);
	for (unsigned int i = 0; i < 10000; i++) {
		snprintf(path, sizeof(path), "usr/share/package-%u/%08x.txt", i / 10, i * 2654435761u);
		entry.path = path;
		entry.size = (int64_t)(i * 2654435761u % 100000);
		entry.hash = xxh64_of(&i, sizeof(i));
		entry.mtime.tv_sec = 1600000000 + i / 10 * 7777;
		index_write(&writer, &entry);
	}
	CHECK_INT(index_write_end(&writer, &checksum, &err), 0);
	CHECK(lseek(fd, 0, SEEK_END) < 10000 * 30);
}

static int read_all(const struct buf *data)
{
	struct index_reader reader;
	struct index_entry entry;
	int rc = index_read_begin(&reader, data->data, data->size, &err);

	if (rc)
		return rc;
	while ((rc = index_read(&reader, &entry, &err)) > 0)
		;
	return rc;
}

static void any_other_byte_is_noticed(void)
{
	BUF_CLEANUP struct buf data = BUF_INIT;

	written(&data, all_kinds, KINDS);
	CHECK_INT(read_all(&data), 0);
	for (size_t i = 0; i < data.size; i++) {
		data.data[i] ^= 0x10;
		CHECK_INT(read_all(&data), -EBADMSG);
		data.data[i] ^= 0x10;
	}
	for (size_t size = data.size; size--;) {
		data.size = size;
		CHECK_INT(read_all(&data), -EBADMSG);
	}
	CHECK_HAS(err.text, "index is damaged");
}

/* Its checksum is right, and yet it leads elsewhere. */
static void paths_that_lead_out_are_refused(void)
{
	static const char *const wrong[] = { "..", "a/../..", "/etc", "a//b", "a/", ".", "./a" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const struct index_entry path = { .kind = INDEX_WHITEOUT, .path = wrong[i] };
		const struct index_entry target = { .kind = INDEX_LINK, .path = "a", .target = wrong[i] };
		BUF_CLEANUP struct buf one = BUF_INIT;
		BUF_CLEANUP struct buf other = BUF_INIT;

		written(&one, &path, 1);
		CHECK_INT(read_all(&one), -EBADMSG);
		written(&other, &target, 1);
		CHECK_INT(read_all(&other), -EBADMSG);
	}
}

static void a_full_disk_is_told_at_the_end(void)
{
	FD_CLEANUP int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	static struct index_writer writer;
	uint64_t checksum;

	index_write_begin(&writer, fd);
	for (int i = 0; i < 10000; i++)
		index_write(&writer, &all_kinds[i % KINDS]);
	CHECK_INT(index_write_end(&writer, &checksum, &err), -ENOSPC);
	CHECK_HAS(err.text, "No space left");
}

int main(void)
{
	scratch_open(&scratch);
	RUN(reads_what_it_wrote);
	RUN(takes_less_than_30_bytes_an_entry);
	RUN(any_other_byte_is_noticed);
	RUN(paths_that_lead_out_are_refused);
	RUN(a_full_disk_is_told_at_the_end);
	scratch_close(&scratch);
	return test_end();
}
