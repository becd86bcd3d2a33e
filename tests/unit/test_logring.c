#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/container/logring.h"
#include "lib/buf.h"
#include "lib/fd.h"

static char folder[] = "/tmp/test_logring.XXXXXX";
static int dirfd = -1;

static void fresh(void)
{
	fd_close(&dirfd);
	fd_remove_tree(AT_FDCWD, folder);
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	if (!mkdtemp(folder))
		abort();
	dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void write_text(struct logring *ring, int stream, const char *text)
{
	CHECK_INT(logring_write(ring, stream, 7, text, strlen(text)), 0);
}

/* All that a reader gets now, records as "1:text" one after the other. */
static const char *read_on(struct logring_reader *reader)
{
	static char text[20000];
	struct logring_record record;
	size_t used = 0;
	int rc;

	while ((rc = logring_reader_next(reader, &record)) > 0)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%d:%.*s", record.stream,
					 (int)record.size, record.data);
	CHECK_INT(rc, 0);
	text[used] = '\0';
	return text;
}

static void lines_come_back_as_records(void)
{
	struct logring_reader reader;
	struct logring ring;

	fresh();
	REQUIRE(logring_open(&ring, dirfd, 1 << 16, NULL) == 0);
	REQUIRE(logring_reader_open(&reader, dirfd) == 0);
	CHECK_TEXT(read_on(&reader), "");
	write_text(&ring, LOGRING_STDOUT, "one\ntwo\n");
	write_text(&ring, LOGRING_STDERR, "oops\n> ");
	CHECK_TEXT(read_on(&reader), "1:one\n1:two\n2:oops\n2:> ");
	write_text(&ring, LOGRING_STDOUT, "\n");
	CHECK_TEXT(read_on(&reader), "1:\n");
	logring_reader_close(&reader);
	logring_close(&ring);
}

static void the_time_and_binary_bytes_are_kept(void)
{
	struct logring_reader reader;
	struct logring_record record;
	struct logring ring;

	fresh();
	REQUIRE(logring_open(&ring, dirfd, 1 << 16, NULL) == 0);
	CHECK_INT(logring_write(&ring, LOGRING_STDERR, 1767225600123456789, "a\0\xff\n", 4), 0);
	REQUIRE(logring_reader_open(&reader, dirfd) == 0);
	REQUIRE(logring_reader_next(&reader, &record) == 1);
	CHECK_INT(record.time_ns, 1767225600123456789);
	CHECK_INT(record.size, 4);
	CHECK(!memcmp(record.data, "a\0\xff\n", 4));
	logring_reader_close(&reader);
	logring_close(&ring);
}

static void a_long_line_is_cut_into_records(void)
{
	static char line[3 * LOGRING_DATA_MAX];
	struct logring_reader reader;
	struct logring_record record;
	struct logring ring;

	fresh();
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	REQUIRE(logring_open(&ring, dirfd, 1 << 16, NULL) == 0);
	CHECK_INT(logring_write(&ring, LOGRING_STDOUT, 7, line, sizeof(line)), 0);
	REQUIRE(logring_reader_open(&reader, dirfd) == 0);
	for (int i = 0; i < 3; i++) {
		REQUIRE(logring_reader_next(&reader, &record) == 1);
		CHECK_INT(record.size, LOGRING_DATA_MAX);
		CHECK_INT(record.data[record.size - 1], i == 2 ? '\n' : 'x');
	}
	CHECK_INT(logring_reader_next(&reader, &record), 0);
	logring_reader_close(&reader);
	logring_close(&ring);
}

static void tail_counts_lines(void)
{
	static const struct {
		size_t lines;
		const char *text;
	} cases[] = {
		{ 0, "" },
		{ 1, "1:open" },
		{ 2, "2:c\n1:open" },
		{ 3, "1:b\n2:c\n1:open" },
		{ 99, "1:a\n1:b\n2:c\n1:open" },
	};
	struct logring ring;

	fresh();
	REQUIRE(logring_open(&ring, dirfd, 1 << 16, NULL) == 0);
	write_text(&ring, LOGRING_STDOUT, "a\nb\n");
	write_text(&ring, LOGRING_STDERR, "c\n");
	write_text(&ring, LOGRING_STDOUT, "open");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct logring_reader reader;

		REQUIRE(logring_reader_open(&reader, dirfd) == 0);
		CHECK_INT(logring_reader_tail(&reader, cases[i].lines), 0);
		CHECK_TEXT(read_on(&reader), cases[i].text);
		logring_reader_close(&reader);
	}
	logring_close(&ring);
}

/* Writes line numbers from..to-1. */
static void write_numbers(struct logring *ring, int from, int to)
{
	char text[32];

	for (int i = from; i < to; i++) {
		snprintf(text, sizeof(text), "%d\n", i);
		write_text(ring, LOGRING_STDOUT, text);
	}
}

static void the_size_is_bounded_and_the_newest_kept(void)
{
	struct logring_reader reader;
	struct logring_record record;
	struct logring ring;
	int next = -1, count = 0;
	off_t size;

	fresh();
	REQUIRE(logring_open(&ring, dirfd, 4000, NULL) == 0);
	write_numbers(&ring, 0, 1000);
	size = lseek(ring.fd, 0, SEEK_END);
	CHECK(size > 0 && size <= 2000);
	REQUIRE(logring_reader_open(&reader, dirfd) == 0);
	while (logring_reader_next(&reader, &record) > 0) {
		int number = atoi(record.data);

		CHECK(next < 0 || number == next);
		next = number + 1;
		count++;
	}
	CHECK_INT(next, 1000);
	CHECK(count >= 2000 / 20 && count <= 4000 / 18);
	logring_reader_close(&reader);
	logring_close(&ring);
}

static void a_follower_misses_nothing_over_rotations(void)
{
	struct logring_reader reader;
	struct logring_record record;
	struct logring ring;
	int expected = 0;

	fresh();
	REQUIRE(logring_open(&ring, dirfd, 4000, NULL) == 0);
	REQUIRE(logring_reader_open(&reader, dirfd) == 0);
	for (int i = 0; i < 2000; i += 37) {
		write_numbers(&ring, i, i + 37);
		while (logring_reader_next(&reader, &record) > 0)
			CHECK_INT(atoi(record.data), expected++);
		CHECK_INT(expected, i + 37);
	}
	logring_reader_close(&reader);
	logring_close(&ring);
}

static void a_slow_follower_jumps_forward(void)
{
	struct logring_reader reader;
	struct logring_record record;
	struct logring ring;
	int last = -1;

	fresh();
	REQUIRE(logring_open(&ring, dirfd, 4000, NULL) == 0);
	REQUIRE(logring_reader_open(&reader, dirfd) == 0);
	write_numbers(&ring, 0, 10);
	REQUIRE(logring_reader_next(&reader, &record) == 1);
	write_numbers(&ring, 10, 1000);
	while (logring_reader_next(&reader, &record) > 0) {
		CHECK(atoi(record.data) > last);
		last = atoi(record.data);
	}
	CHECK_INT(last, 999);
	logring_reader_close(&reader);
	logring_close(&ring);
}

static void a_torn_record_is_not_there(void)
{
	struct logring_reader reader;
	struct logring ring;

	fresh();
	REQUIRE(logring_open(&ring, dirfd, 4000, NULL) == 0);
	write_text(&ring, LOGRING_STDOUT, "whole\ntorn\n");
	CHECK_INT(ftruncate(ring.fd, lseek(ring.fd, 0, SEEK_END) - 2), 0);
	logring_close(&ring);
	REQUIRE(logring_reader_open(&reader, dirfd) == 0);
	CHECK_TEXT(read_on(&reader), "1:whole\n");
	/* The next writer cuts it off, and the same reader goes on. */
	REQUIRE(logring_open(&ring, dirfd, 4000, NULL) == 0);
	write_text(&ring, LOGRING_STDOUT, "next\n");
	CHECK_TEXT(read_on(&reader), "1:next\n");
	logring_reader_close(&reader);
	logring_close(&ring);
}

static void foreign_bytes_are_an_error(void)
{
	struct logring_reader reader;
	struct logring_record record;

	fresh();
	CHECK_INT(fd_replace_file_volatile(dirfd, "log", "this is not a log ring", 22, 0600), 0);
	REQUIRE(logring_reader_open(&reader, dirfd) == 0);
	CHECK_INT(logring_reader_next(&reader, &record), -EBADMSG);
	logring_reader_close(&reader);
}

int main(void)
{
	RUN(lines_come_back_as_records);
	RUN(the_time_and_binary_bytes_are_kept);
	RUN(a_long_line_is_cut_into_records);
	RUN(tail_counts_lines);
	RUN(the_size_is_bounded_and_the_newest_kept);
	RUN(a_follower_misses_nothing_over_rotations);
	RUN(a_slow_follower_jumps_forward);
	RUN(a_torn_record_is_not_there);
	RUN(foreign_bytes_are_an_error);
	fd_close(&dirfd);
	fd_remove_tree(AT_FDCWD, folder);
	return test_end();
}
