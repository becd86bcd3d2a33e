/*
 * Records: what is kept, and what is left of it when it is torn or damaged.
 *
 * LDFLAGS: -Wl,--wrap=read
 */
#include <errno.h>
#include <sys/stat.h>

#include "lib/json.h"
#include "lib/sha256.h"
#include "store/record.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

#define BLOCK 4096

static struct scratch scratch;
static struct store store;
static struct err err;
static off_t bad_block = -1; /* which can't be read */

ssize_t __real_read(int fd, void *data, size_t size);
ssize_t __wrap_read(int fd, void *data, size_t size);
ssize_t __wrap_read(int fd, void *data, size_t size)
{
	off_t at = bad_block < 0 ? -1 : lseek(fd, 0, SEEK_CUR);

	if (at >= 0 && at < bad_block + BLOCK && at + (off_t)size > bad_block) {
		if (at < bad_block)
			return __real_read(fd, data, (size_t)(bad_block - at));
		errno = EIO;
		return -1;
	}
	return __real_read(fd, data, size);
}

static void open_store(void)
{
	char path[256];

	err = ERR_INIT;
	snprintf(path, sizeof(path), "%s/store", scratch.path);
	CHECK_INT(store_open(&store, path, &err), 0);
}

static void put(const char *name, const char *text)
{
	CHECK_INT(fd_replace_file_volatile(store.apps, name, text, strlen(text), 0600), 0);
}

static struct stat stat_of(const char *name)
{
	struct stat st = { 0 };

	CHECK_INT(fstatat(store.apps, name, &st, 0), 0);
	return st;
}

static void save(const char *text)
{
	CHECK_INT(record_save(&store, "db", text, strlen(text), &err), 0);
}

static const char *saved(void)
{
	static char copy[4 * BLOCK];
	BUF_CLEANUP struct buf text = BUF_INIT;

	err = ERR_INIT;
	if (record_load(&store, "db", &text, &err) < 0)
		return NULL;
	snprintf(copy, sizeof(copy), "%s", buf_text(&text));
	return copy;
}

/* Bytes of its file from `at` on. */
static void overwrite(off_t at, const char *bytes, size_t size)
{
	FD_CLEANUP int fd = openat(store.apps, "db", O_WRONLY);

	CHECK_INT(pwrite(fd, bytes, size, at), size);
}

static void records_are_kept_byte_for_byte(void)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	ino_t inode;
	char **names;
	int64_t written;

	open_store();
	CHECK_INT(record_load(&store, "db", &text, &err), -ENOENT);
	CHECK_TEXT(err.text, "");
	CHECK_INT(record_save(&store, "db", "one\0two", 7, &err), 0);
	CHECK_INT(record_load(&store, "db", &text, &err), 0);
	CHECK(text.size == 7 && !memcmp(text.data, "one\0two", 7));
	written = store_written_bytes(&store);
	inode = stat_of("db").st_ino;
	CHECK_INT(record_save(&store, "db", "one\0two", 7, &err), 0);
	CHECK_INT(stat_of("db").st_ino, inode);
	CHECK_INT(store_written_bytes(&store), written);
	CHECK_INT(record_save(&store, "db", "", 0, &err), 0);
	buf_clear(&text);
	CHECK_INT(record_load(&store, "db", &text, &err), 0);
	CHECK_INT(text.size, 0);
	CHECK_INT(record_list(&store, &names, &err), 0);
	CHECK_INT(count_strings(names), 1);
	CHECK_TEXT(names[0], "db");
	free_strings(names);
	CHECK_INT(record_remove(&store, "db", &err), 0);
	CHECK_INT(record_remove(&store, "db", &err), 0);
	CHECK_INT(record_load(&store, "db", &text, &err), -ENOENT);
	store_close(&store);
}

/* The copy before last is written over, whatever part of it gets there, the last one counts. */
static void a_torn_record_is_the_one_before(void)
{
	BUF_CLEANUP struct buf before = BUF_INIT;
	BUF_CLEANUP struct buf after = BUF_INIT;
	struct stat st, first;

	open_store();
	save("one");
	save("two");
	first = stat_of("db");
	CHECK_INT(first.st_size, 2 * BLOCK);
	CHECK_INT(fd_read_file(store.apps, "db", &before, 2 * BLOCK), 0);
	save("a third, longer one");
	st = stat_of("db");
	CHECK(st.st_ino == first.st_ino && st.st_size == first.st_size && st.st_blocks == first.st_blocks);
	CHECK_INT(fd_read_file(store.apps, "db", &after, 2 * BLOCK), 0);
	/* "two" lies in the second block and is left alone. */
	CHECK(!memcmp(before.data + BLOCK, after.data + BLOCK, BLOCK));
	for (size_t torn = 0; torn < 200; torn++) {
		overwrite(0, before.data, BLOCK);
		overwrite(0, after.data, torn);
		CHECK_TEXT(saved(), memcmp(before.data + torn, after.data + torn, BLOCK - torn) ?
						"two" : "a third, longer one");
		overwrite(0, after.data, BLOCK);
		overwrite(0, before.data, torn);
		CHECK_TEXT(saved(), memcmp(before.data, after.data, torn) ? "two" : "a third, longer one");
	}
	save("the fourth");
	CHECK_TEXT(saved(), "the fourth");
	CHECK_INT(record_remove(&store, "db", &err), 0);
	store_close(&store);
}

static void a_record_outgrows_its_file(void)
{
	char *large = xcalloc(3 * BLOCK, 1);

	open_store();
	save("one");
	memset(large, 'x', 3 * BLOCK - 1);
	save(large);
	CHECK_TEXT(saved(), large);
	CHECK_INT(stat_of("db").st_size, 8 * BLOCK);
	save("short again");
	CHECK_TEXT(saved(), "short again");
	overwrite(4 * BLOCK, "?", 1);
	CHECK_TEXT(saved(), large);
	CHECK_INT(record_remove(&store, "db", &err), 0);
	store_close(&store);
	free(large);
}

static void what_is_no_record_is_said_and_replaced(void)
{
	static const char *const wrong[] = { "", "x", "no record", "00000000000000000001 0000000003\none" };

	open_store();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		put("db", wrong[i]);
		CHECK_TEXT(saved(), NULL);
		CHECK_HAS(err.text, "the record of db: neither of its two copies is whole");
		save("new");
		CHECK_TEXT(saved(), "new");
	}
	/* Both copies, or a size that is not theirs. */
	save("newer");
	overwrite(BLOCK + 70, "9", 1);
	CHECK_TEXT(saved(), "new");
	overwrite(90, "9", 1);
	CHECK_TEXT(saved(), NULL);
	CHECK_HAS(err.text, "neither");
	put("db", "{\"of\": \"older berths\"}");
	CHECK_TEXT(saved(), "{\"of\": \"older berths\"}");
	save("new");
	CHECK_TEXT(saved(), "new");
	CHECK_INT(record_remove(&store, "db", &err), 0);
	store_close(&store);
}

/* Nobody gets there by saving; it must not be followed by 0, which is none. */
static void the_last_number_is_not_the_end(void)
{
	static const char *const numbers[] = { "18446744073709551615", "99999999999999999999" };

	open_store();
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		char rest[64], hex[SHA256_HEX + 1], file[2 * BLOCK + 1] = "";

		snprintf(rest, sizeof(rest), "%s %010d\n%s", numbers[i], 3, "old");
		sha256_hex(rest, strlen(rest), hex);
		memset(file, '\n', sizeof(file) - 1);
		memcpy(file, hex, SHA256_HEX);
		memcpy(file + SHA256_HEX + 1, rest, strlen(rest));
		put("db", file);
		CHECK_TEXT(saved(), "old");
		save("new");
		CHECK_TEXT(saved(), "new");
		save("newer");
		CHECK_TEXT(saved(), "newer");
	}
	store_close(&store);
}

static void a_copy_that_cannot_be_read_is_not_whole(void)
{
	open_store();
	save("old");
	save("new");
	bad_block = 0;
	CHECK_TEXT(saved(), "new");
	bad_block = BLOCK;
	CHECK_TEXT(saved(), "old");
	save("newer");
	bad_block = -1;
	CHECK_TEXT(saved(), "newer");
	CHECK_INT(record_remove(&store, "db", &err), 0);
	store_close(&store);
}

static void a_backup_by_links_keeps_what_it_has(void)
{
	BUF_CLEANUP struct buf before = BUF_INIT;
	BUF_CLEANUP struct buf after = BUF_INIT;

	open_store();
	save("one");
	save("two");
	CHECK_INT(linkat(store.apps, "db", store.apps, "backup", 0), 0);
	CHECK_INT(fd_read_file(store.apps, "backup", &before, 2 * BLOCK), 0);
	save("three");
	CHECK_TEXT(saved(), "three");
	CHECK_INT(fd_read_file(store.apps, "backup", &after, 2 * BLOCK), 0);
	CHECK(before.size == after.size && !memcmp(before.data, after.data, after.size));
	CHECK_INT(record_remove(&store, "backup", &err), 0);
	CHECK_INT(record_remove(&store, "db", &err), 0);
	store_close(&store);
}

static void records_have_plain_names_and_limits(void)
{
	static const char *const bad[] = { "", ".", "..", ".x", "a/b", "../version" };
	char *large = xcalloc(RECORD_MAX + 1, 1);
	BUF_CLEANUP struct buf text = BUF_INIT;

	open_store();
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CHECK_INT(record_save(&store, bad[i], "x", 1, &err), -EINVAL);
		CHECK_INT(record_load(&store, bad[i], &text, &err), -EINVAL);
		CHECK_INT(record_remove(&store, bad[i], &err), -EINVAL);
	}
	CHECK_INT(record_save(&store, "x", large, RECORD_MAX, &err), 0);
	CHECK_INT(record_save(&store, "x", large, RECORD_MAX + 1, &err), -EFBIG);
	CHECK_INT(symlinkat("/etc/passwd", store.apps, "link"), 0);
	CHECK_INT(record_load(&store, "link", &text, &err), -EBADMSG);
	CHECK_INT(mkfifoat(store.apps, "pipe", 0600), 0);
	CHECK_INT(record_load(&store, "pipe", &text, &err), -EBADMSG);
	store_close(&store);
	free(large);
}

int main(void)
{
	scratch_open(&scratch);
	RUN(records_are_kept_byte_for_byte);
	RUN(a_torn_record_is_the_one_before);
	RUN(a_record_outgrows_its_file);
	RUN(what_is_no_record_is_said_and_replaced);
	RUN(the_last_number_is_not_the_end);
	RUN(a_copy_that_cannot_be_read_is_not_whole);
	RUN(a_backup_by_links_keeps_what_it_has);
	RUN(records_have_plain_names_and_limits);
	scratch_close(&scratch);
	return test_end();
}
