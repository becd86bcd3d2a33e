#include "agent/api/exec.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "agent/agent.h"
#include "agent/api/exec_spawn.h"
#include "agent/container/container.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"

/* How long output may still come after the process has ended: what it left behind may hold the pipe. */
#define LINGER_MS 2000
#define CANNOT_START_CODE 126

static void free_exec(struct exec *exec)
{
	exec_spawn_release(exec);
	if (exec->has_relay)
		relay_release(&exec->relay);
	child_stop(&exec->child);
	timer_stop(&exec->timer);
	list_remove(&exec->node);
	free_strings(exec->command);
	free_strings(exec->env);
	free(exec->user);
	free(exec->workdir);
	free(exec);
}

static void on_forget(struct timer *timer)
{
	free_exec(timer->data);
}

static void forget_later(struct exec *exec)
{
	timer_start(&exec->agent->loop, &exec->timer, EXEC_KEEP_MS, on_forget, exec);
}

/* An absent member leaves *out as it is. */
static int get_copy(const json_t *body, const char *name, char **out, struct err *err)
{
	const char *text = NULL;
	int rc = json_get_string(body, name, &text, err);

	if (rc > 0 && *text)
		*out = xstrdup(text);
	return rc;
}

int exec_read_size(struct exec *exec, const json_t *body, struct err *err)
{
	json_t *size = NULL;
	int rc = json_get_array(body, "ConsoleSize", &size, err);

	if (rc > 0 && json_array_size(size) == 2) {
		exec->rows = (unsigned short)json_integer_value(json_array_get(size, 0));
		exec->columns = (unsigned short)json_integer_value(json_array_get(size, 1));
	}
	return rc;
}

static int read_body(struct exec *exec, const json_t *body, struct err *err)
{
	if (json_get_strings(body, "Cmd", &exec->command, err) < 0 ||
	    json_get_strings(body, "Env", &exec->env, err) < 0 ||
	    get_copy(body, "User", &exec->user, err) < 0 ||
	    get_copy(body, "WorkingDir", &exec->workdir, err) < 0 ||
	    json_get_bool(body, "Tty", &exec->tty, err) < 0 ||
	    json_get_bool(body, "AttachStdin", &exec->attach_stdin, err) < 0 ||
	    json_get_bool(body, "AttachStdout", &exec->attach_stdout, err) < 0 ||
	    json_get_bool(body, "AttachStderr", &exec->attach_stderr, err) < 0 ||
	    json_get_bool(body, "Privileged", &exec->privileged, err) < 0 ||
	    exec_read_size(exec, body, err) < 0)
		return -EINVAL;
	if (!count_strings(exec->command))
		return err_set(err, -EINVAL, "No exec command specified");
	if (count_strings(exec->command) > EXEC_ARGS_MAX || count_strings(exec->env) > EXEC_ENV_MAX)
		return err_set(err, -EINVAL, "an exec has at most %d words and %d variables",
			       EXEC_ARGS_MAX, EXEC_ENV_MAX);
	return 0;
}

/* Makes room by forgetting the one that ended first, or was made first and never started. */
static bool make_room(struct list *execs)
{
	size_t count = 0;

	list_for_each(node, execs)
		count++;
	if (count < EXECS_MAX)
		return true;
	list_for_each(node, execs) {
		struct exec *exec = list_entry(node, struct exec, node);

		if (exec->state != EXEC_RUNNING && !exec->has_relay) {
			free_exec(exec);
			return true;
		}
	}
	return false;
}

struct exec *exec_new(struct agent *agent, struct list *execs, const char *container,
		      const json_t *body, struct err *err)
{
	struct exec *exec;

	if (!make_room(execs)) {
		err_set(err, -EBUSY, "%d execs are running already", EXECS_MAX);
		return NULL;
	}
	exec = xcalloc(1, sizeof(*exec));
	exec->agent = agent;
	exec->console = exec->master = -1;
	list_insert(execs, &exec->node);
	container_new_id(exec->id);
	memcpy(exec->container, container, sizeof(exec->container));
	if (read_body(exec, body, err) < 0) {
		free_exec(exec);
		return NULL;
	}
	forget_later(exec);
	return exec;
}

struct exec *exec_find(struct list *execs, const char *id)
{
	list_for_each(node, execs) {
		struct exec *exec = list_entry(node, struct exec, node);

		if (!strcmp(exec->id, id))
			return exec;
	}
	return NULL;
}

void execs_free(struct list *execs)
{
	while (!list_is_empty(execs)) {
		struct exec *exec = list_entry(execs->next, struct exec, node);

		if (exec->state == EXEC_RUNNING)
			kill(exec->child.pid, SIGTERM);
		free_exec(exec);
	}
}

/* The client learns the exit code when its connection ends: both must be over. */
static void end_if_complete(struct exec *exec)
{
	if (exec->state != EXEC_ENDED || !exec->has_relay || !relay_is_drained(&exec->relay))
		return;
	exec->has_relay = false;
	exec->master = -1;
	relay_release(&exec->relay);
	forget_later(exec);
}

static void on_drained(struct relay *relay, void *data)
{
	(void)relay;
	end_if_complete(data);
}

static void on_linger(struct timer *timer)
{
	struct exec *exec = timer->data;

	/* If the client is slow with what it has been sent, the relay goes on without a time-out. */
	relay_stop_reading(&exec->relay);
	end_if_complete(exec);
}

static void set_ended(struct exec *exec, int code)
{
	exec->state = EXEC_ENDED;
	exec->exit_code = code;
	exec_spawn_release(exec);
	log_debug("exec %.12s in %.12s ended with %d", exec->id, exec->container, code);
	if (!exec->has_relay) {
		forget_later(exec);
		return;
	}
	timer_start(&exec->agent->loop, &exec->timer, LINGER_MS, on_linger, exec);
	if (!exec->relay.has_sources)
		relay_seal(&exec->relay);
	else
		end_if_complete(exec);
}

static void on_child(struct child *child, int status)
{
	set_ended(child->data, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int exec_start(struct exec *exec, int client, struct buf *early, struct err *err)
{
	int rc;

	/* A detached terminal has to be read as well, or the process would hang. */
	exec->has_relay = client >= 0 || exec->tty;
	if (exec->has_relay)
		relay_start(&exec->relay, &exec->agent->loop, client, early, on_drained, exec);
	rc = exec_spawn(exec, err);
	if (rc == 0) {
		exec->state = EXEC_RUNNING;
		timer_stop(&exec->timer);
		child_start(&exec->agent->loop, &exec->child, exec->child.pid, on_child, exec);
		return 0;
	}
	if (client >= 0) {
		char *text FREE_CLEANUP = xasprintf("%s\r\n", err->text);

		relay_say(&exec->relay, text);
	}
	set_ended(exec, CANNOT_START_CODE);
	return rc;
}

int exec_resize(struct exec *exec, unsigned short rows, unsigned short columns)
{
	exec->rows = rows;
	exec->columns = columns;
	exec->was_resized = true;
	return exec->master < 0 ? 0 : exec_terminal_resize(exec->master, rows, columns);
}
