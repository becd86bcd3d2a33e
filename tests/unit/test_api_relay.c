/* A relay between a socket pair and pipes or a terminal, in one process: the loop runs in slices. */
#include "agent/api/relay.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop loop;
static struct relay relay;
static int client;
static int input[2], output[2], error[2];
static int drained;

static void on_drained(struct relay *which, void *data)
{
	CHECK(which == &relay && !data);
	drained++;
}

static void on_slice(struct timer *timer)
{
	loop_stop(timer->data);
}

static void run_slice(void)
{
	static struct timer timer;

	timer_start(&loop, &timer, 20, on_slice, &loop);
	loop_run(&loop);
	loop.stopping = false;
}

static void open_client(const char *early_text)
{
	struct buf early = BUF_INIT;
	int pair[2];

	drained = 0;
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair);
	buf_append_text(&early, early_text);
	client = pair[1];
	relay_start(&relay, &loop, pair[0], &early, on_drained, NULL);
}

static void open_pipes(void)
{
	CHECK(pipe2(input, O_CLOEXEC) == 0 && pipe2(output, O_CLOEXEC) == 0 &&
	      pipe2(error, O_CLOEXEC) == 0);
	fd_set_nonblocking(input[0], true);
	relay_pipes(&relay, input[1], output[0], error[0]);
}

static void close_all(void)
{
	relay_release(&relay);
	fd_close(&client);
	fd_close(&input[0]);
	fd_close(&output[1]);
	fd_close(&error[1]);
}

static size_t read_some(int fd, char *data, size_t size)
{
	ssize_t got;

	memset(data, 0, size);
	run_slice();
	got = read(fd, data, size);
	return got < 0 ? 0 : (size_t)got;
}

static void frames_output_and_passes_input(void)
{
	char data[100];

	open_client("ear");
	CHECK(write(client, "ly", 2) == 2);
	run_slice();
	open_pipes();
	CHECK_INT(read_some(input[0], data, sizeof(data)), 5);
	CHECK_TEXT(data, "early");
	CHECK(write(output[1], "out", 3) == 3);
	CHECK_INT(read_some(client, data, sizeof(data)), 11);
	CHECK(!memcmp(data, "\1\0\0\0\0\0\0\3out", 11));
	CHECK(write(error[1], "oops", 4) == 4);
	CHECK_INT(read_some(client, data, sizeof(data)), 12);
	CHECK(!memcmp(data, "\2\0\0\0\0\0\0\4oops", 12));
	close_all();
}

static void a_half_close_is_end_of_file(void)
{
	char data[100];

	open_client("");
	open_pipes();
	CHECK(write(client, "last", 4) == 4);
	shutdown(client, SHUT_WR);
	CHECK_INT(read_some(input[0], data, sizeof(data)), 4);
	errno = 0;
	CHECK(read(input[0], data, sizeof(data)) == 0);
	/* The other way is still open. */
	CHECK(write(output[1], "x", 1) == 1);
	CHECK_INT(read_some(client, data, sizeof(data)), 9);
	CHECK_INT(drained, 0);
	fd_close(&output[1]);
	fd_close(&error[1]);
	run_slice();
	CHECK(drained > 0);
	close_all();
}

static void a_client_that_has_gone_leaves_broken_pipes(void)
{
	char data[10];

	open_client("");
	open_pipes();
	fd_close(&client);
	run_slice();
	CHECK(read(input[0], data, sizeof(data)) == 0);
	CHECK(write(output[1], "x", 1) < 0 && errno == EPIPE);
	CHECK(write(error[1], "x", 1) < 0 && errno == EPIPE);
	CHECK(drained > 0);
	close_all();
}

static void without_a_client_output_is_read_and_dropped(void)
{
	static char block[65536];
	struct buf none = BUF_INIT;

	drained = 0;
	relay_start(&relay, &loop, -1, &none, on_drained, NULL);
	open_pipes();
	fd_set_nonblocking(output[1], true);
	for (int i = 0; i < 10; i++) {
		CHECK(write(output[1], block, sizeof(block)) > 0);
		run_slice();
	}
	CHECK_INT(relay.to_client.size, 0);
	fd_close(&output[1]);
	fd_close(&error[1]);
	run_slice();
	CHECK(drained > 0);
	close_all();
}

static int rooms;

static void on_room(struct relay *which, void *data)
{
	CHECK(which == &relay && !data && relay_has_room(which));
	rooms++;
}

static void what_is_put_is_framed_and_held_back(void)
{
	static char block[RELAY_PUT_MAX];
	size_t put = 0, content = 0;
	char data[100];
	ssize_t got;

	rooms = 0;
	open_client("");
	CHECK(pipe2(input, O_CLOEXEC | O_NONBLOCK) == 0);
	relay_feed(&relay, input[1], on_room);
	relay_put(&relay, 2, "oops", 4);
	relay_put(&relay, 0, "raw", 3);
	CHECK_INT(read_some(client, data, sizeof(data)), 15);
	CHECK(!memcmp(data, "\2\0\0\0\0\0\0\4oopsraw", 15));
	CHECK(write(client, "in", 2) == 2);
	CHECK_INT(read_some(input[0], data, sizeof(data)), 2);
	for (int i = 0; i < 40; i++) {
		for (; relay_has_room(&relay); put += sizeof(block))
			relay_put(&relay, 0, block, sizeof(block));
		CHECK(relay.to_client.size <= RELAY_CLIENT_MAX);
		run_slice();
	}
	CHECK(!relay_has_room(&relay));
	rooms = 0;
	for (int i = 0; i < 200 && !rooms; i++) {
		while ((got = read(client, block, sizeof(block))) > 0)
			content += (size_t)got;
		run_slice();
	}
	CHECK(rooms > 0);
	CHECK_INT(drained, 0);
	relay_seal(&relay);
	for (int i = 0; i < 200 && !drained; i++) {
		while ((got = read(client, block, sizeof(block))) > 0)
			content += (size_t)got;
		run_slice();
	}
	while ((got = read(client, block, sizeof(block))) > 0)
		content += (size_t)got;
	CHECK(drained > 0);
	CHECK_INT(content, put);
	close_all();
}

/* Without an input, too: what it sends is dropped, and its end is the end. */
static void a_fed_client_that_goes_is_drained(void)
{
	open_client("early");
	relay_feed(&relay, -1, on_room);
	CHECK(write(client, "typed", 5) == 5);
	run_slice();
	CHECK_INT(relay.to_process.size, 0);
	relay_put(&relay, 1, "lost", 4);
	fd_close(&client);
	run_slice();
	CHECK(drained > 0);
	relay_release(&relay);
}

/* A client that reads nothing: the process is blocked, memory isn't used, and the loop does not spin. */
static void a_slow_client_holds_the_process_back(void)
{
	static char block[65536];
	size_t written = 0, content = 0;
	ssize_t got;

	open_client("");
	open_pipes();
	fd_set_nonblocking(output[1], true);
	for (int i = 0; i < 40; i++) {
		got = write(output[1], block, sizeof(block));
		written += got > 0 ? (size_t)got : 0;
		CHECK(relay.to_client.size <= RELAY_CLIENT_MAX);
		if (i > 35)
			CHECK(got < 0 && errno == EAGAIN);
		run_slice();
	}
	/* Its hang-up while it is paused is seen when there is room again. */
	fd_close(&output[1]);
	fd_close(&error[1]);
	run_slice();
	CHECK_INT(drained, 0);
	CHECK(!relay.sources[0].watch.loop);
	for (int i = 0; i < 200 && !drained; i++) {
		while ((got = read(client, block, sizeof(block))) > 0)
			content += (size_t)got;
		run_slice();
	}
	while ((got = read(client, block, sizeof(block))) > 0)
		content += (size_t)got;
	CHECK(drained > 0);
	CHECK(content > written && content < written + 8 * 400);
	close_all();
}

static void a_process_that_reads_nothing_holds_the_client_back(void)
{
	static char block[65536];
	ssize_t put = 0;

	open_client("");
	open_pipes();
	for (int i = 0; i < 20; i++) {
		put = write(client, block, sizeof(block));
		run_slice();
		CHECK(relay.to_process.size <= 2 * RELAY_PROCESS_MAX);
	}
	CHECK(put < 0 && errno == EAGAIN);
	fd_close(&input[0]);
	run_slice();
	CHECK(relay.input < 0);
	CHECK(write(client, block, sizeof(block)) > 0);
	close_all();
}

static void a_terminal_is_not_framed_and_is_hung_up(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;
	char data[100];

	REQUIRE(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	REQUIRE(slave >= 0);
	open_client("a\n");
	relay_terminal(&relay, master);
	CHECK_INT(read_some(slave, data, sizeof(data)), 2);
	CHECK(write(slave, "b\n", 2) == 2);
	read_some(client, data, sizeof(data));
	CHECK_TEXT(data, "a\r\nb\r\n");
	fd_close(&client);
	run_slice();
	CHECK(drained > 0);
	/* The hang-up: reading gives end of file. */
	CHECK(read(slave, data, sizeof(data)) <= 0);
	close(slave);
	close_all();
}

static void a_terminal_ends_with_its_last_process(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;
	char data[100];

	REQUIRE(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	open_client("");
	relay_terminal(&relay, master);
	CHECK(write(slave, "bye", 3) == 3);
	close(slave);
	CHECK_INT(read_some(client, data, sizeof(data)), 3);
	run_slice();
	CHECK(drained > 0);
	close_all();
}

static void messages_of_the_agent_are_stderr(void)
{
	char data[100];

	open_client("");
	relay_say(&relay, "no\r\n");
	relay_stop_reading(&relay);
	CHECK_INT(read_some(client, data, sizeof(data)), 12);
	CHECK(!memcmp(data, "\2\0\0\0\0\0\0\4no\r\n", 12));
	CHECK(drained > 0);
	close_all();
}

int main(void)
{
	struct err err = ERR_INIT;

	if (loop_init(&loop, &err) < 0)
		return 1;
	client = input[0] = output[1] = error[1] = -1;
	RUN(frames_output_and_passes_input);
	RUN(a_half_close_is_end_of_file);
	RUN(a_client_that_has_gone_leaves_broken_pipes);
	RUN(without_a_client_output_is_read_and_dropped);
	RUN(what_is_put_is_framed_and_held_back);
	RUN(a_fed_client_that_goes_is_drained);
	RUN(a_slow_client_holds_the_process_back);
	RUN(a_process_that_reads_nothing_holds_the_client_back);
	RUN(a_terminal_is_not_framed_and_is_hung_up);
	RUN(a_terminal_ends_with_its_last_process);
	RUN(messages_of_the_agent_are_stderr);
	loop_release(&loop);
	return test_end();
}
