#include "agent/helper/report.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/json.h"
#include "lib/time.h"

void report_init(void)
{
	signal(SIGPIPE, SIG_IGN);
	if (fcntl(REPORT_FD, F_GETFD) < 0)
		dup2(STDERR_FILENO, REPORT_FD);
	fd_set_cloexec(REPORT_FD, true);
	/* The first JSON object would ask for /dev/urandom and getpid(), which a confined helper hasn't got. */
	json_object_seed(0);
}

void report_line(json_t *line)
{
	struct buf text BUF_CLEANUP = BUF_INIT;

	json_append(&text, line);
	json_decref(line);
	buf_append_text(&text, "\n");
	if (fd_write_full(REPORT_FD, text.data, text.size) < 0)
		exit(1);
}

void report_progress(struct report_progress *progress)
{
	int64_t now = time_monotonic_ms();

	if (progress->current < progress->total && progress->reported_ms &&
	    now - progress->reported_ms < REPORT_PROGRESS_MS)
		return;
	progress->reported_ms = now;
	report_line(json_pack("{s:{s:s, s:I, s:I}}", "progress", "layer", progress->layer->text,
			      "current", (json_int_t)progress->current, "total",
			      (json_int_t)progress->total));
}

/* What a registry says need not be UTF-8, and JSON has to be. */
static json_t *words(const char *text)
{
	json_t *string = json_string(text);

	return string ? string : json_string("the reason is not UTF-8 text");
}

void report_waiting(const char *text)
{
	report_line(json_pack("{s:o}", "waiting", text ? words(text) : json_null()));
}

void report_done(void)
{
	report_line(json_pack("{s:b}", "done", 1));
}

void report_error(const char *text, const char *code, int64_t retry_after_s)
{
	json_t *line = json_pack("{s:o, s:s}", "error", words(text), "code", code);

	if (retry_after_s > 0)
		json_object_set_new(line, "retry_after_s", json_integer(retry_after_s));
	report_line(line);
}
