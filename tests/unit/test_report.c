/* What the runtime makes of what comes from a container: of something else than it was meant to send, too. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/run/report.h"
#include "tests/unit/test.h"

static int sockets[2];

static void begin(void)
{
	CHECK_INT(report_open(sockets, NULL), 0);
}

static void end(void)
{
	close(sockets[0]);
	close(sockets[1]);
}

static void send_hostile(void)
{
	struct failure hostile = { .exit_code = 7, .err.code = 5 };

	memset(hostile.err.text, 'x', sizeof(hostile.err.text));
	hostile.err.text[0] = '\033';
	CHECK_INT(report_send(sockets[1], &hostile), 0);
}

static void check(const struct failure *failure)
{
	CHECK_INT(failure->exit_code, 7);
	CHECK_INT(strnlen(failure->err.text, ERR_TEXT_MAX), ERR_TEXT_MAX - 1);
	CHECK(failure->err.text[0] != '\033');
}

static void a_text_has_an_end_and_no_commands_for_a_terminal(void)
{
	struct failure failure = { 0 };
	int number;

	begin();
	send_hostile();
	CHECK_INT(report_receive(sockets[0], &failure), -EIO);
	check(&failure);
	failure = (struct failure){ 0 };
	send_hostile();
	CHECK_INT(report_receive_end(sockets[0], &failure), -EIO);
	check(&failure);
	failure = (struct failure){ 0 };
	send_hostile();
	CHECK_INT(report_receive_number(sockets[0], &number, &failure), -EIO);
	check(&failure);
	end();
}

static void a_message_of_another_size_is_a_death(void)
{
	struct failure failure = { 0 };

	begin();
	CHECK_INT(report_send_number(sockets[1], 1), 0);
	CHECK_INT(report_receive(sockets[0], &failure), -EPIPE);
	CHECK_INT(failure.exit_code, EXIT_RUNTIME);
	end();
}

static void ready_and_numbers_come_through(void)
{
	struct failure failure = { 0 };
	int number = 0;

	begin();
	CHECK_INT(report_send_number(sockets[1], 42), 0);
	CHECK_INT(report_receive_number(sockets[0], &number, &failure), 0);
	CHECK_INT(number, 42);
	CHECK_INT(report_send(sockets[1], NULL), 0);
	CHECK_INT(report_receive(sockets[0], &failure), 0);
	CHECK_INT(report_send_go(sockets[0], 5), 0);
	CHECK_INT(report_await_go(sockets[1]), 5);
	end();
}

int main(void)
{
	RUN(a_text_has_an_end_and_no_commands_for_a_terminal);
	RUN(a_message_of_another_size_is_a_death);
	RUN(ready_and_numbers_come_through);
	return test_end();
}
