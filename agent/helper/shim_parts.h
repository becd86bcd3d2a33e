/*
 * shim_parts - what the shim*.c share: one struct, and who does what.
 *
 *	shim.c		options, the loop
 *	shim_run.c	phases: what happens when a process has ended
 *	shim_output.c	pipes or terminal, and the log
 *	shim_client.c	the sockets of agents
 *	shim_overlay.c	the container's root file system
 *	shim_shift.c	the same for a container with a user namespace
 *	shim_refresh.c	hosts and resolv.conf, when they change
 *	shim_message.c	the texts of messages (and the agent's end)
 *
 * Nothing here allocates in the steady state; the struct is static, so that pages which are never
 * used cost nothing.
 */
#ifndef AGENT_HELPER_SHIM_PARTS_H
#define AGENT_HELPER_SHIM_PARTS_H

#include <poll.h>

#include "agent/container/logring.h"
#include "agent/helper/shim.h"
#include "agent/run/cgroup.h"
#include "agent/run/userns.h"
#include "lib/buf.h"
#include "lib/err.h"

#define SHIM_CLIENTS_MAX 8
#define SHIM_OUTPUTS 2
#define SHIM_LINE_MS 20

enum shim_phase {
	SHIM_CREATING, /* `runtime create` runs */
	SHIM_BEGINNING, /* `runtime start` runs */
	SHIM_RUNNING,
	SHIM_CLEANING, /* init has ended, or could not be started; `runtime delete` runs */
	SHIM_ENDED,    /* waits for "bye" */
};

/* Where output comes from; stdout, or the terminal, is the first. */
struct shim_output {
	int fd; /* -1: closed */
	size_t size; /* of the line that is not finished yet, in shim->lines */
};

struct shim {
	const char *id;
	const char *root;
	bool tty;
	bool keep_stdin;
	size_t log_size;

	enum shim_phase phase;
	struct shim_event event; /* what a client that connects is told */
	struct shim_event last;	 /* what it will be told when cleaning is done */
	bool done;

	pid_t helper; /* the `runtime` that runs, 0: none */
	int errors[2]; /* pipe: stderr of helpers */
	pid_t init;
	bool init_ended;
	bool has_lost; /* its forwarder */
	int init_status; /* of wait() */
	uint64_t init_start;
	int pending_signal;
	struct cgroup cgroup;

	int stdio[3]; /* the container's ends, while it is being created; -1 */
	int input;    /* our end of its stdin, -1 */
	int console;  /* listens for the terminal, -1 */
	struct logring log;
	struct shim_output outputs[SHIM_OUTPUTS];

	int signals; /* signalfd */
	int listener;
	int clients[SHIM_CLIENTS_MAX]; /* -1: free */
	/* Last: as long as the container says nothing these pages are never written to. */
	char lines[SHIM_OUTPUTS][LOGRING_DATA_MAX];
};

/* shim_overlay.c: in a mount namespace of our own. */
int shim_mount_root(struct err *err);
void shim_unmount_root(void);
/* The same while `runtime delete` runs; what is busy stays for later. It writes out what the container wrote, which takes its time. */
void shim_try_unmount_root(void);

/* shim_refresh.c: hosts and resolv.conf of the bundle into the container's copies. */
int shim_refresh(struct err *err);
/* `old` with its block replaced; false: it has none, and is left alone. */
bool shim_replace_block(struct buf *out, const struct buf *old, const struct buf *block);

/*
 * shim_shift.c: replaces the layers' paths by those of idmapped mounts, in `names`, which
 * shim_shift_end() takes away when the overlay is mounted, or wasn't.
 */
#define SHIM_SHIFTED_MAX 32
bool shim_shift_read(struct id_map *map, const char *text);
int shim_shift_layers(const char **lower, size_t count, char names[][SHIM_SHIFTED_MAX],
		      const struct id_map *map, struct err *err);
int shim_shift_upper(const char *upper, const char *lower, const struct id_map *map,
		     struct err *err);
void shim_shift_end(void);

/* shim_output.c */
int shim_open_stdio(struct shim *shim, struct err *err);
/* After create: closes the container's ends, and takes over the terminal. */
int shim_keep_stdio(struct shim *shim, struct err *err);
void shim_read_output(struct shim *shim, struct shim_output *output);
/* Is there the beginning of a line? It is kept when nothing has followed for SHIM_LINE_MS: a prompt, say. */
bool shim_has_begun_line(const struct shim *shim);
void shim_keep_begun_lines(struct shim *shim);
/* Everything that is there, then closes. When nothing of the container lives any more. */
void shim_drain_output(struct shim *shim);
/* What a helper had to say, as one line without its name in front. */
void shim_read_errors(int fd, char text[static ERR_TEXT_MAX]);

/* shim_client.c */
int shim_listen(struct shim *shim, struct err *err);
void shim_accept(struct shim *shim);
bool shim_has_client(const struct shim *shim);
void shim_read_client(struct shim *shim, int *client);
/* To all clients, and to those that connect later; not before "started". */
void shim_tell_lost(struct shim *shim);
/* Sets the present state and tells all clients. */
void shim_tell(struct shim *shim, const struct shim_event *event);

/* shim_run.c */
void shim_begin(struct shim *shim);
void shim_reap(struct shim *shim);
/* To init; refused (negative) when it has ended. */
int shim_signal(struct shim *shim, int signal);
/* Before anything was started: reports and ends. */
void shim_fail(struct shim *shim, int code, const char *text);

#endif
