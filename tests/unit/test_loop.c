/* The event loop and jobs. Run as "PROGRAM-NAME ROLE ...", this program is its own helper. */
// QEMU: no, /proc/self/exe is the emulator there
#include <errno.h>
#include <stdlib.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/job.h"
#include "agent/loop.h"
#include "lib/fd.h"
#include "test.h"

static struct loop loop;
static char trace[256];

static void note(const char *word)
{
	strncat(trace, word, sizeof(trace) - strlen(trace) - 1);
}

static void note_timer(struct timer *timer)
{
	note(timer->data);
}

static void stop_loop(struct timer *timer)
{
	(void)timer;
	loop_stop(&loop);
}

/* Runs until something calls loop_stop(), three seconds at most. */
static void run(void)
{
	struct timer limit = { 0 };

	timer_start(&loop, &limit, 3000, stop_loop, NULL);
	loop_run(&loop);
	CHECK(timer_is_running(&limit));
	timer_stop(&limit);
	loop.stopping = false;
}

static void timers_fire_in_order(void)
{
	struct timer a = { 0 }, b = { 0 }, c = { 0 }, end = { 0 };

	trace[0] = '\0';
	timer_start(&loop, &a, 30, note_timer, "a");
	timer_start(&loop, &b, 10, note_timer, "b");
	timer_start(&loop, &c, 20, note_timer, "c");
	timer_start(&loop, &a, 1, note_timer, "A");
	timer_stop(&c);
	timer_start(&loop, &end, 40, stop_loop, NULL);
	run();
	CHECK_TEXT(trace, "Ab");
}

struct pair {
	struct watch mine;
	struct pair *other;
};

static void stop_both(struct watch *watch, uint32_t events)
{
	struct pair *pair = watch->data;

	(void)events;
	note("x");
	watch_stop(&pair->other->mine);
	watch_stop(&pair->mine);
	loop_stop(&loop);
}

/* Both are ready in the same round; whichever is called first removes the other. */
static void a_removed_watch_is_not_called(void)
{
	struct pair a = { 0 }, b = { 0 };
	int one[2], two[2];

	trace[0] = '\0';
	a.other = &b;
	b.other = &a;
	REQUIRE(pipe(one) == 0 && pipe(two) == 0);
	watch_start(&loop, &a.mine, one[0], EPOLLIN, stop_both, &a);
	watch_start(&loop, &b.mine, two[0], EPOLLIN, stop_both, &b);
	CHECK_INT(write(one[1], "1", 1), 1);
	CHECK_INT(write(two[1], "1", 1), 1);
	run();
	CHECK_TEXT(trace, "x");
	for (int i = 0; i < 2; i++) {
		close(one[i]);
		close(two[i]);
	}
}

static int last_status;

static void on_line(struct job *job, char *line, void *data)
{
	(void)job;
	(void)data;
	note(line);
	note(";");
}

static void on_end(struct job *job, int status, void *data)
{
	(void)job;
	(void)data;
	last_status = status;
	loop_stop(&loop);
}

static int start(char *const *argv, int64_t deadline_ms, int input)
{
	struct job_spec spec = {
		.argv = argv,
		.fds = { { .from = input, .to = STDIN_FILENO } },
		.fd_count = input >= 0 ? 1 : 0,
		.deadline_ms = deadline_ms,
		.on_line = on_line,
		.on_end = on_end,
	};
	struct err err = ERR_INIT;

	trace[0] = '\0';
	last_status = -1;
	return CHECK(job_start(&loop, &spec, &err)) ? 0 : -1;
}

static void a_job_reports_and_ends(void)
{
	int input = memory_file("settings", 8);

	REQUIRE(start((char *[]){ "test", "echo", NULL }, 2000, input) == 0);
	run();
	close(input);
	CHECK_TEXT(trace, "settings;last;");
	CHECK_INT(WEXITSTATUS(last_status), 7);
}

static void a_job_inherits_nothing_else(void)
{
	int leak = dup(STDIN_FILENO), high = fcntl(STDIN_FILENO, F_DUPFD, 200);

	REQUIRE(start((char *[]){ "test", "count", NULL }, 2000, -1) == 0);
	run();
	CHECK_TEXT(trace, "4 descriptors;");
	close(leak);
	close(high);
}

static void a_job_past_its_deadline_is_ended(void)
{
	REQUIRE(start((char *[]){ "test", "hang", NULL }, 100, -1) == 0);
	run();
	CHECK(WIFSIGNALED(last_status));
	CHECK_INT(WTERMSIG(last_status), SIGTERM);
}

static void too_long_a_line_ends_the_job(void)
{
	REQUIRE(start((char *[]){ "test", "flood", NULL }, 2000, -1) == 0);
	run();
	CHECK(WIFSIGNALED(last_status));
	CHECK_TEXT(trace, "");
}

static int echo_role(void)
{
	char text[64];
	ssize_t got = fd_read_full(STDIN_FILENO, text, sizeof(text) - 1);

	text[got < 0 ? 0 : got] = '\0';
	dprintf(JOB_REPORT_FD, "%s\nlast\nunfinished", text);
	return 7;
}

static int count_role(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			count++;
	dprintf(JOB_REPORT_FD, "%d descriptors\n", count);
	return 0;
}

static int flood_role(void)
{
	static char text[2 * JOB_LINE_MAX];

	memset(text, 'x', sizeof(text));
	(void)!fd_write_full(JOB_REPORT_FD, text, sizeof(text));
	return 0;
}

static int play(const char *role)
{
	if (!strcmp(role, "echo"))
		return echo_role();
	if (!strcmp(role, "count"))
		return count_role();
	if (!strcmp(role, "flood"))
		return flood_role();
	pause();
	return 0;
}

int main(int argc, char **argv)
{
	struct err err = ERR_INIT;

	if (argc > 1)
		return play(argv[1]);
	if (loop_init(&loop, &err) < 0)
		abort();
	RUN(timers_fire_in_order);
	RUN(a_removed_watch_is_not_called);
	RUN(a_job_reports_and_ends);
	RUN(a_job_inherits_nothing_else);
	RUN(a_job_past_its_deadline_is_ended);
	RUN(too_long_a_line_ends_the_job);
	loop_release(&loop);
	return test_end();
}
