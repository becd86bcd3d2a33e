/* The calls about execs; agent/api/exec.h has what they do. */
#include <errno.h>
#include <signal.h>

#include "agent/agent.h"
#include "agent/api/answer.h"
#include "agent/api/exec.h"
#include "agent/api/handlers.h"
#include "agent/api/request.h"
#include "agent/api/server.h"
#include "agent/container/container.h"
#include "lib/json.h"
#include "lib/signame.h"

static struct exec *request_exec(struct request *request)
{
	struct exec *exec = exec_find(&request->agent->api->execs, request->name);

	if (!exec)
		reply_error(request, 404, "No such exec instance: %s", request->name);
	return exec;
}

void on_exec_create(struct request *request)
{
	struct container *container = request_container(request);
	json_t *body JSON_CLEANUP = NULL;
	struct err err = ERR_INIT;
	struct exec *exec;

	if (!container || !request_can_begin(request, container) || request_json(request, &body) < 0)
		return;
	exec = exec_new(request->agent, &request->agent->api->execs, container->id, body, &err);
	if (exec)
		reply_json(request, 201, answer_pack("{s:s}", "Id", exec->id));
	else
		reply_err(request, &err);
}

static int read_start(struct request *request, struct exec *exec, bool *detach)
{
	json_t *body JSON_CLEANUP = NULL;
	struct err err = ERR_INIT;

	if (request_json(request, &body) < 0)
		return -EINVAL;
	if (json_get_bool(body, "Detach", detach, &err) < 0 || exec_read_size(exec, body, &err) < 0) {
		reply_err(request, &err);
		return -EINVAL;
	}
	return 0;
}

static bool can_start(struct request *request, const struct exec *exec)
{
	struct container *container;
	struct err err = ERR_INIT;

	if (exec->state != EXEC_CREATED)
		reply_error(request, 409, "exec %s has run already", exec->id);
	else if (container_find(request->agent, exec->container, &container, &err) < 0)
		reply_err(request, &err);
	else
		return request_can_begin(request, container);
	return false;
}

static const char *stream_type(const struct request *request, const struct exec *exec)
{
	if (exec->tty || request->target.version < 42)
		return "application/vnd.docker.raw-stream";
	return "application/vnd.docker.multiplexed-stream";
}

static void start_detached(struct request *request, struct exec *exec)
{
	struct buf none = BUF_INIT;
	struct err err = ERR_INIT;

	if (exec_start(exec, -1, &none, &err) < 0)
		reply_err(request, &err);
	else
		reply_empty(request, 200);
}

void on_exec_start(struct request *request)
{
	struct exec *exec = request_exec(request);
	struct buf BUF_CLEANUP early = BUF_INIT;
	struct err err = ERR_INIT;
	bool detach = false;
	int client;

	if (!exec || read_start(request, exec, &detach) < 0 || !can_start(request, exec))
		return;
	if (detach) {
		start_detached(request, exec);
		return;
	}
	client = request_hijack(request, stream_type(request, exec), &early);
	if (client >= 0)
		exec_start(exec, client, &early, &err); /* the client gets the reason by its stream */
}

void on_exec_inspect(struct request *request)
{
	struct exec *exec = request_exec(request);

	if (!exec)
		return;
	reply_json(request, 200,
		   answer_pack(
			   "{s:s, s:b, s:o, s:{s:b, s:o, s:o, s:o, s:b}, s:b, s:b, s:b, s:b, s:s, s:s, s:i}",
			   "ID", exec->id, "Running", exec->state == EXEC_RUNNING, "ExitCode",
			   exec->state == EXEC_ENDED ? json_integer(exec->exit_code) : json_null(),
			   "ProcessConfig", "tty", exec->tty, "entrypoint",
			   answer_text(exec->command[0]), "arguments",
			   answer_texts(exec->command + 1), "user", answer_text(exec->user),
			   "privileged", exec->privileged, "OpenStdin", exec->attach_stdin, "OpenStdout",
			   exec->attach_stdout, "OpenStderr", exec->attach_stderr, "CanRemove",
			   exec->state == EXEC_ENDED, "ContainerID", exec->container, "DetachKeys", "",
			   "Pid", (int)exec->child.pid));
}

void on_exec_resize(struct request *request)
{
	struct exec *exec = request_exec(request);
	unsigned short rows, columns;

	if (!exec || request_size(request, &rows, &columns) < 0)
		return;
	if (!exec->tty)
		reply_error(request, 400, "exec %s has no terminal", exec->id);
	else if (exec_resize(exec, rows, columns) < 0)
		reply_error(request, 500, "the terminal of exec %s can't be resized", exec->id);
	else
		reply_empty(request, 200);
}

/* `berth runtime exec` passes on what it gets, but for SIGKILL, which it would not outlive. */
void on_exec_kill(struct request *request)
{
	const char *text = target_get(&request->target, "signal");
	struct exec *exec = request_exec(request);
	int signal = signal_parse(text && *text ? text : "TERM");

	if (!exec)
		return;
	if (signal < 0 || signal == SIGKILL || signal == SIGSTOP)
		reply_error(request, 400, "Invalid signal: %s", text);
	else if (exec->state != EXEC_RUNNING || kill(exec->child.pid, signal) < 0)
		reply_error(request, 409, "exec %s is not running", exec->id);
	else
		reply_empty(request, 204);
}
