#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/helper/frame.h"
#include "lib/fd.h"
#include "tests/unit/test.h"

static int ends[2];

static void open_pipe(void)
{
	if (pipe(ends) < 0)
		abort();
}

static void close_end(int which)
{
	close(ends[which]);
	ends[which] = -1;
}

/* Reads one frame from the bytes given, with the write end closed behind them. */
static int read_bytes(const void *bytes, size_t size, struct frame *frame, struct err *err)
{
	struct frame_reader reader;

	open_pipe();
	frame_reader_init(&reader, ends[0]);
	fd_write_full(ends[1], bytes, size);
	close_end(1);
	int ret = frame_read(&reader, frame, err);

	frame_reader_release(&reader);
	close_end(0);
	return ret;
}

static void frames_come_back_as_written(void)
{
	struct frame_reader reader;
	struct frame frame;
	struct err err = ERR_INIT;

	open_pipe();
	frame_reader_init(&reader, ends[0]);
	CHECK_INT(frame_write(ends[1], FRAME_LAYER, "17", 2), 0);
	CHECK_INT(frame_write(ends[1], FRAME_END, NULL, 0), 0);
	close_end(1);
	REQUIRE(frame_read(&reader, &frame, &err) == 1);
	CHECK_INT(frame.type, FRAME_LAYER);
	CHECK_INT(frame.size, 2);
	CHECK(!memcmp(frame.data, "17", 2));
	REQUIRE(frame_read(&reader, &frame, &err) == 1);
	CHECK_INT(frame.type, FRAME_END);
	CHECK_INT(frame.size, 0);
	CHECK_INT(frame_read(&reader, &frame, &err), 0);
	frame_reader_release(&reader);
	close_end(0);
}

static void long_documents_are_cut_in_pieces(void)
{
	enum { SIZE = 2 * FRAME_PAYLOAD_MAX + 5 };
	char *document = xmalloc(SIZE);
	struct frame_reader reader;
	struct frame frame;
	struct err err = ERR_INIT;
	size_t total = 0, count = 0;

	for (size_t i = 0; i < SIZE; i++)
		document[i] = (char)(i * 31 >> 3);
	open_pipe();
	frame_reader_init(&reader, ends[0]);
	pid_t child = fork();

	if (!child) {
		fd_set_nonblocking(ends[1], true); /* the pipe is full now and then */
		_exit(frame_write(ends[1], FRAME_INDEX, document, SIZE) ? 1 : 0);
	}
	close_end(1);
	while (frame_read(&reader, &frame, &err) == 1) {
		CHECK(total + frame.size <= SIZE && !memcmp(frame.data, document + total, frame.size));
		total += frame.size;
		count++;
	}
	CHECK_INT(total, SIZE);
	CHECK(count >= 3);
	CHECK_TEXT(err.text, "");
	int status = -1;

	waitpid(child, &status, 0);
	CHECK_INT(status, 0);
	frame_reader_release(&reader);
	close_end(0);
	free(document);
}

static void broken_streams_are_refused(void)
{
	struct frame frame;
	struct err err = ERR_INIT;

	CHECK_INT(read_bytes("", 0, &frame, &err), 0);
	CHECK_INT(read_bytes("\5\0\0", 3, &frame, &err), -EPIPE);
	CHECK_INT(read_bytes("\5\0\0\0\4\0\0\0abc", 11, &frame, &err), -EPIPE);
	CHECK_INT(read_bytes("\0\0\0\0\0\0\0\0", 8, &frame, &err), -EPROTO);
	CHECK_INT(read_bytes("\10\0\0\0\0\0\0\0", 8, &frame, &err), -EPROTO);
	CHECK_INT(read_bytes("\5\0\1\0\0\0\0\0", 8, &frame, &err), -EPROTO);
	CHECK_INT(read_bytes("\5\0\0\0\1\0\2\0", 8, &frame, &err), -EPROTO);
	CHECK_HAS(err.text, "131073 bytes");
}

/* Whatever the pieces are in which it comes; short ones come whole. */
static void bytes_that_trickle_are_put_together(void)
{
	static const char stream[] = "\4\0\0\0\2\0\0\0" "17" "\5\0\0\0\100\0\0\0" "0123456789abcdef"
				     "0123456789abcdef" "0123456789abcdef" "0123456789abcdef";
	struct frame_reader reader;
	struct frame frame;
	struct err err = ERR_INIT;

	open_pipe();
	frame_reader_init(&reader, ends[0]);
	pid_t child = fork();

	for (size_t i = 0; !child && i < sizeof(stream) - 1; i++)
		if (write(ends[1], stream + i, 1) != 1 || usleep(500))
			_exit(1);
	if (!child)
		_exit(0);
	close_end(1);
	REQUIRE(frame_read(&reader, &frame, &err) == 1);
	CHECK(frame.type == FRAME_LAYER && frame.size == 2 && !memcmp(frame.data, "17", 2));
	REQUIRE(frame_read(&reader, &frame, &err) == 1);
	CHECK(frame.type == FRAME_DATA && frame.size == 64 && !memcmp(frame.data, stream + 18, 64));
	CHECK_INT(frame_read(&reader, &frame, &err), 0);
	waitpid(child, NULL, 0);
	frame_reader_release(&reader);
	close_end(0);
}

static void a_reader_that_left_is_an_error(void)
{
	open_pipe();
	close_end(0);
	CHECK_INT(frame_write(ends[1], FRAME_DATA, "x", 1), -EPIPE);
	close_end(1);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	RUN(frames_come_back_as_written);
	RUN(long_documents_are_cut_in_pieces);
	RUN(broken_streams_are_refused);
	RUN(bytes_that_trickle_are_put_together);
	RUN(a_reader_that_left_is_an_error);
	return test_end();
}
