#include "tests/unit/test.h"

#include "agent/container/log_tail.h"
#include "agent/container/logring.h"
#include "tests/unit/scratch.h"

static struct scratch scratch;
static struct logring ring;

static void begin(void)
{
	scratch_open(&scratch);
	CHECK_INT(logring_open(&ring, scratch.fd, 1 << 16, NULL), 0);
}

static void end(void)
{
	logring_close(&ring);
	scratch_close(&scratch);
}

static void write_bytes(int stream, const char *data, size_t size)
{
	CHECK_INT(logring_write(&ring, stream, 7, data, size), 0);
}

static void write_text(int stream, const char *text)
{
	write_bytes(stream, text, strlen(text));
}

/* The lines, each in brackets. */
static const char *tail(void)
{
	static char text[LOG_TAIL_LINES * (LOG_TAIL_BYTES + 3)];
	struct log_tail tail;
	size_t used = 0;

	text[0] = '\0';
	CHECK_INT(log_tail_read(&tail, scratch.path), 0);
	for (size_t i = 0; i < tail.count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "[%s]", tail.lines[i].text);
	return text;
}

static void nothing_is_no_line(void)
{
	struct log_tail tail_of_none;

	begin();
	CHECK_TEXT(tail(), "");
	write_text(LOGRING_STDOUT, "\n  \r\n\t");
	CHECK_TEXT(tail(), "");
	CHECK_INT(log_tail_read(&tail_of_none, "/nonexistent"), 0);
	CHECK_INT(tail_of_none.count, 0);
	end();
}

static void the_last_lines_of_both_streams(void)
{
	begin();
	write_text(LOGRING_STDOUT, "1\n2\n3\n4\n\n");
	write_text(LOGRING_STDERR, "5\r\n\n6\n");
	CHECK_TEXT(tail(), "[2][3][4][5][6]");
	write_text(LOGRING_STDOUT, "open");
	CHECK_TEXT(tail(), "[3][4][5][6][open]");
	end();
}

static void a_line_in_parts_is_one(void)
{
	begin();
	write_text(LOGRING_STDOUT, "half ");
	write_text(LOGRING_STDERR, "between\n");
	write_text(LOGRING_STDOUT, "whole\nnext");
	CHECK_TEXT(tail(), "[half whole][between][next]");
	end();
}

static void binary_lines_are_fit_for_a_log(void)
{
	begin();
	write_bytes(LOGRING_STDOUT, "a\0b\x1b[31m \xc3\xa9 \xff\n", 14);
	CHECK_TEXT(tail(), "[a?b?[31m \xc3\xa9 ?]");
	end();
}

static void long_lines_are_cut(void)
{
	static char line[3 * LOGRING_DATA_MAX], expected[LOG_TAIL_BYTES + 10];

	begin();
	memset(line, 'x', sizeof(line));
	write_bytes(LOGRING_STDERR, line, sizeof(line));
	write_text(LOGRING_STDERR, "\nend\n");
	snprintf(expected, sizeof(expected), "[%.*s][end]", LOG_TAIL_BYTES, line);
	CHECK_TEXT(tail(), expected);
	end();
}

static void it_is_the_end_of_a_full_log(void)
{
	char text[16];

	begin();
	for (int i = 0; i <= 20000; i++) {
		snprintf(text, sizeof(text), "%d\n", i);
		write_text(LOGRING_STDOUT, text);
	}
	CHECK_TEXT(tail(), "[19996][19997][19998][19999][20000]");
	end();
}

static void what_is_no_log_is_an_error(void)
{
	struct log_tail tail_of_none;

	begin();
	CHECK_INT(fd_replace_file_volatile(scratch.fd, "log", "this is not a log ring", 22, 0600), 0);
	CHECK(log_tail_read(&tail_of_none, scratch.path) < 0);
	CHECK_INT(tail_of_none.count, 0);
	end();
}

int main(void)
{
	RUN(nothing_is_no_line);
	RUN(the_last_lines_of_both_streams);
	RUN(a_line_in_parts_is_one);
	RUN(binary_lines_are_fit_for_a_log);
	RUN(long_lines_are_cut);
	RUN(it_is_the_end_of_a_full_log);
	RUN(what_is_no_log_is_an_error);
	return test_end();
}
