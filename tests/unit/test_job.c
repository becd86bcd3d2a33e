/* Jobs: what they report, how they end, and owners that go away at any moment. This program is its own helper. */
// QEMU: no, it executes itself, which qemu-user does not do without binfmt
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "agent/job.h"
#include "lib/time.h"
#include "tests/unit/test.h"

static struct loop loop;
static struct err err;

struct seen {
	struct job *job;
	int lines, ends, status;
	bool abandon_on_line;
};

static void on_line(struct job *job, char *line, void *data)
{
	struct seen *seen = data;

	CHECK_TEXT(line, "hello");
	seen->lines++;
	if (seen->abandon_on_line)
		job_abandon(job);
}

static void on_end(struct job *job, int status, void *data)
{
	struct seen *seen = data;

	CHECK(job == seen->job);
	seen->ends++;
	seen->status = status;
	loop_stop(&loop);
}

static void start(struct seen *seen, const char *what)
{
	char role[16];
	struct job_spec spec = {
		.argv = (char *[]){ "berth", "helper", role, NULL },
		.on_line = on_line,
		.on_end = on_end,
		.data = seen,
	};

	snprintf(role, sizeof(role), "%s", what);
	seen->job = job_start(&loop, &spec, &err);
	REQUIRE(seen->job);
}

static void stop(struct timer *timer)
{
	(void)timer;
	loop_stop(&loop);
}

static void run_for(int64_t ms)
{
	struct timer timer = { 0 };

	loop.stopping = false;
	timer_start(&loop, &timer, ms, stop, NULL);
	loop_run(&loop);
	timer_stop(&timer);
}

static void lines_come_before_the_end(void)
{
	struct seen seen = { 0 };

	start(&seen, "talk");
	run_for(20000);
	CHECK_INT(seen.lines, 2);
	CHECK_INT(seen.ends, 1);
	CHECK_INT(seen.status, 3 << 8);
}

static void one_that_is_abandoned_is_not_heard_of(void)
{
	struct seen seen = { .abandon_on_line = true };

	start(&seen, "talk");
	run_for(500);
	CHECK_INT(seen.lines, 1);
	CHECK_INT(seen.ends, 0);
}

/*
 * The process has been reaped, its report is still open in another hand: abandoning it then has to
 * free it (the leak checker looks), and nobody may be signalled: the pid is somebody else's.
 */
static void one_that_has_ended_can_be_abandoned(void)
{
	struct seen seen = { 0 };

	start(&seen, "leave-open");
	run_for(1000);
	CHECK_INT(seen.ends, 0);
	job_abandon(seen.job);
	run_for(100);
	CHECK_INT(seen.ends, 0);
}

static int helper(const char *role)
{
	if (!strcmp(role, "talk"))
		return write(JOB_REPORT_FD, "hello\nhello\n", 12) == 12 ? 3 : 4;
	/* leave-open */
	if (fork() == 0)
		sleep(3);
	_exit(0);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "helper"))
		return helper(argv[2]);
	CHECK_INT(loop_init(&loop, &err), 0);
	RUN(lines_come_before_the_end);
	RUN(one_that_is_abandoned_is_not_heard_of);
	RUN(one_that_has_ended_can_be_abandoned);
	loop_release(&loop);
	return test_end();
}
