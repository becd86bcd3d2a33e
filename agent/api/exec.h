/*
 * exec - processes started in running containers through the API.
 *
 * `POST /containers/{id}/exec` makes one (nothing runs yet), `POST /exec/{id}/start` runs it:
 * `berth runtime exec` as the agent's child, its stdio relayed to the client. It is remembered for
 * EXEC_KEEP_MS after its end, so that the client can ask for the exit code. An exec does not
 * outlive the agent.
 */
#ifndef AGENT_API_EXEC_H
#define AGENT_API_EXEC_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "agent/api/relay.h"
#include "agent/app/update.h"
#include "agent/loop.h"
#include "lib/err.h"
#include "lib/list.h"

#define EXECS_MAX 64	  /* known at the same time */
#define EXEC_ARGS_MAX 1024 /* words of the command */
#define EXEC_ENV_MAX 255   /* as many as `berth runtime exec` takes */
#define EXEC_KEEP_MS (5 * 60 * 1000)

struct agent;

enum exec_state { EXEC_CREATED, EXEC_RUNNING, EXEC_ENDED };

struct exec {
	struct list node; /* in the server's execs */
	struct agent *agent;
	char id[CONTAINER_ID_SIZE];
	char container[CONTAINER_ID_SIZE];
	enum exec_state state;
	int exit_code;

	/* what to run */
	char **command, **env;
	char *user, *workdir;
	bool privileged; /* all capabilities, as docker has it: no other wall falls */
	bool tty, attach_stdin, attach_stdout, attach_stderr;
	unsigned short rows, columns;
	bool was_resized; /* after it was started with another size */

	/* while it runs */
	struct child child;
	bool has_relay;
	struct relay relay;
	char *console_path; /* where the runtime sends the terminal; NULL: not waited for */
	int console;	    /* the listening socket, then the connection; -1: none */
	struct watch console_watch;
	int master; /* of the terminal, borrowed from the relay; -1: none */
	struct timer timer; /* linger after the end, then forget */
};

/* `body` as the API has it (Cmd, Env, User, WorkingDir, Tty, Attach...). NULL with the reason. */
struct exec *exec_new(struct agent *agent, struct list *execs, const char *container,
		      const json_t *body, struct err *err);

/* NULL: there is none. */
struct exec *exec_find(struct list *execs, const char *id);

/*
 * Runs it. `client`: a hijacked connection, taken, or -1 to run detached. On error the client gets
 * the reason as the process's stderr, the exit code is 126, and the connection ends.
 */
int exec_start(struct exec *exec, int client, struct buf *early, struct err *err);

/* "ConsoleSize": [rows, columns] of a request body, if it is there. */
int exec_read_size(struct exec *exec, const json_t *body, struct err *err);
int exec_resize(struct exec *exec, unsigned short rows, unsigned short columns);

/* Ends and forgets all of them. */
void execs_free(struct list *execs);

#endif
