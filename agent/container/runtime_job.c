#include "agent/container/runtime_job.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/container/container.h"
#include "agent/job.h"
#include "lib/fd.h"
#include "lib/utf8.h"

#define DEADLINE_MS 30000
#define WORDS_MAX 16

/* The last line, without the name of the command in front. */
static void take_errors(int fd, struct err *err)
{
	char text[ERR_TEXT_MAX] = "";
	ssize_t got = pread(fd, text, sizeof(text) - 1, 0);
	const char *reason;

	text[got > 0 ? got : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	reason = strncmp(text, "berth runtime ", 14) ? NULL : strstr(text, ": ");
	reason = reason ? reason + 2 : text;
	err_set(err, -EIO, "%s", *reason ? reason : "the runtime was killed");
	utf8_make_printable(err->text); /* its end may be cut, and it goes into JSON */
}

static void ended(struct job *ended, int status, void *data)
{
	struct runtime_job *job = data;
	struct err err = ERR_INIT;

	(void)ended;
	job->job = NULL;
	if (status)
		take_errors(job->errors, &err);
	fd_close(&job->errors);
	job->on_end(&err, job->data);
}

static int start(struct runtime_job *job, struct loop *loop, char *const *argv, struct err *err)
{
	struct job_spec spec = {
		.argv = argv,
		.fd_count = 1,
		.deadline_ms = DEADLINE_MS,
		.on_end = ended,
		.data = job,
	};

	job->errors = memory_file("", 0);
	if (job->errors < 0)
		return err_set(err, job->errors, "a file for what the runtime says: %s",
			       strerror(-job->errors));
	spec.fds[0] = (struct job_fd){ .from = job->errors, .to = STDERR_FILENO };
	job->job = job_start(loop, &spec, err);
	if (!job->job)
		fd_close(&job->errors);
	return job->job ? 0 : err->code;
}

int runtime_job_start(struct runtime_job *job, struct container *container, const char *command,
		      const char *const *rest, void (*on_end)(const struct err *err, void *data),
		      void *data, struct err *err)
{
	FREE_CLEANUP char *root = xasprintf("%s/runtime", container->agent->config->run);
	const char *argv[WORDS_MAX] = { "berth", "runtime", "--root", root, command, container->id };
	size_t count = 6;

	while (rest && *rest && count < WORDS_MAX - 1)
		argv[count++] = *rest++;
	job->on_end = on_end;
	job->data = data;
	return start(job, &container->agent->loop, (char *const *)(uintptr_t)argv, err);
}

bool runtime_job_is_running(const struct runtime_job *job)
{
	return job->job != NULL;
}

void runtime_job_stop(struct runtime_job *job)
{
	if (!job->job)
		return;
	job_abandon(job->job);
	job->job = NULL;
	fd_close(&job->errors);
}
