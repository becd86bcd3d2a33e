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
	open_pipe();
	fd_write_full(ends[1], bytes, size);
	close_end(1);
	int ret = frame_read(ends[0], frame, err);

	close_end(0);
	return ret;
}

static void frames_come_back_as_written(void)
{
	struct frame frame;
	struct err err = ERR_INIT;

	open_pipe();
	frame_init(&frame);
	CHECK_INT(frame_write(ends[1], FRAME_LAYER, "17", 2), 0);
	CHECK_INT(frame_write(ends[1], FRAME_END, NULL, 0), 0);
	close_end(1);
	REQUIRE(frame_read(ends[0], &frame, &err) == 1);
	CHECK_INT(frame.type, FRAME_LAYER);
	CHECK_INT(frame.size, 2);
	CHECK_TEXT(frame.data, "17");
	REQUIRE(frame_read(ends[0], &frame, &err) == 1);
	CHECK_INT(frame.type, FRAME_END);
	CHECK_INT(frame.size, 0);
	CHECK_INT(frame_read(ends[0], &frame, &err), 0);
	frame_release(&frame);
	close_end(0);
}

static void long_documents_are_cut_in_pieces(void)
{
	enum { SIZE = 2 * FRAME_PAYLOAD_MAX + 5 };
	char *document = xmalloc(SIZE);
	struct frame frame;
	struct err err = ERR_INIT;
	size_t total = 0, count = 0;

	for (size_t i = 0; i < SIZE; i++)
		document[i] = (char)(i * 31 >> 3);
	open_pipe();
	frame_init(&frame);
	pid_t child = fork();

	if (!child) {
		fd_set_nonblocking(ends[1], true); /* the pipe is full now and then */
		_exit(frame_write(ends[1], FRAME_INDEX, document, SIZE) ? 1 : 0);
	}
	close_end(1);
	while (frame_read(ends[0], &frame, &err) == 1) {
		CHECK(total + frame.size <= SIZE && !memcmp(frame.data, document + total, frame.size));
		total += frame.size;
		count++;
	}
	CHECK_INT(total, SIZE);
	CHECK_INT(count, 3);
	CHECK_TEXT(err.text, "");
	int status = -1;

	waitpid(child, &status, 0);
	CHECK_INT(status, 0);
	frame_release(&frame);
	close_end(0);
	free(document);
}

static void broken_streams_are_refused(void)
{
	struct frame frame;
	struct err err = ERR_INIT;

	frame_init(&frame);
	CHECK_INT(read_bytes("", 0, &frame, &err), 0);
	CHECK_INT(read_bytes("\5\0\0", 3, &frame, &err), -EPIPE);
	CHECK_INT(read_bytes("\5\0\0\0\4\0\0\0abc", 11, &frame, &err), -EPIPE);
	CHECK_INT(read_bytes("\0\0\0\0\0\0\0\0", 8, &frame, &err), -EPROTO);
	CHECK_INT(read_bytes("\10\0\0\0\0\0\0\0", 8, &frame, &err), -EPROTO);
	CHECK_INT(read_bytes("\5\0\1\0\0\0\0\0", 8, &frame, &err), -EPROTO);
	CHECK_INT(read_bytes("\5\0\0\0\1\0\1\0", 8, &frame, &err), -EPROTO);
	CHECK_HAS(err.text, "65537 bytes");
	frame_release(&frame);
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
	RUN(a_reader_that_left_is_an_error);
	return test_end();
}
