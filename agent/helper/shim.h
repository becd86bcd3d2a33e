/*
 * shim - the small process that stands between the agent and one container.
 *
 *	berth shim [--tty] [--stdin] [--log-size BYTES] [--root DIR] ID BUNDLE_DIR
 *
 * The shim is the parent (by PR_SET_CHILD_SUBREAPER) of the container's init. It mounts the
 * overlay, runs `berth runtime create` and `start`, keeps stdout and stderr in a log ring,
 * records how init ended and cleans up behind it: by `berth runtime delete --force`, unless all
 * that is left is an empty cgroup. It outlives the agent: the next one finds it again by its
 * socket. It reads no JSON and stays under 200 KiB of private memory.
 *
 * Options:	--tty		config.json says "terminal": true; output is one stream (stdout)
 *		--stdin		the container's stdin is a pipe, open until "stdin-close"; without
 *				it, /dev/null
 *		--log-size	bytes of log kept in all, two halves (default 256K)
 *		--root		the runtime's state directory (default RUNTIME_ROOT in
 *				agent/run/state.h)
 *
 * BUNDLE_DIR (tmpfs), relative to which everything below is:
 *	config.json	the OCI bundle's config, root.path "rootfs"		    by the agent
 *	rootfs/		empty directory; the overlay is mounted on it, in the shim's own
 *			mount namespace only					    by the agent
 *	overlay		text lines, absent: rootfs/ is used as it is		    by the agent
 *				lower PATH	topmost first, at least one
 *				upper PATH	both absent: a read-only overlay
 *				work PATH
 *				tmpfs BYTES	in their place: both are on a tmpfs of this
 *						size, which is mounted on writable/
 *				idmap 0 HOST SIZE
 *						config.json has a user namespace with these
 *						mappings, for users and groups: the layers are
 *						shown with their owners shifted likewise; the
 *						upper directory and copies/ get files of owners
 *						from HOST on. Volumes are config.json's affair:
 *						mount option "idmap"
 *	writable/	empty directory, when there is a tmpfs line		    by the agent
 *	hosts, resolv.conf, hostname, copies/
 *			when there is copies/: a small tmpfs is mounted on it, as the overlay is,
 *			with copies of these files for the container to write to    by the agent
 *	shim.sock	where to connect					    by the shim
 *	pid		init's pid as decimal text				    by the runtime
 *	started		{"pid":n,"start_ticks":n,"started":"RFC3339nano"}	    by the shim
 *	exit		{"code":n,"signal":n,"oom":bool,"error":"","finished":"RFC3339nano"}
 *	log, log.1	agent/container/logring.h						    by the shim
 * "started" and "exit" of an earlier run are removed before anything else happens. Starting the
 * same container again is a new shim on the same bundle, after the former one is gone.
 *
 * When the agent starts a shim, descriptor 3 may be one end of a socketpair(SOCK_SEQPACKET): it
 * is the first client, so there is nothing to wait for. stderr stays the agent's log (a broken
 * pipe is no matter); stdin and stdout should be /dev/null. The shim does its own setsid().
 *
 * If there is no answer at shim.sock, and no "exit" file, the shim was killed: run `berth runtime
 * delete --force ID`, then treat the container as ended with code 255.
 *
 * The conversation, one SOCK_SEQPACKET message each, no newline or NUL, at most SHIM_MESSAGE_MAX:
 *
 *   shim to client, at connect the present state, then every change:
 *	starting
 *	started PID START_TICKS	with a descriptor when stdin is a pipe that is still open (its writing
 *				end), or when there is a terminal (its master)
 *	exited CODE SIGNAL OOM	CODE as a shell has it (128 + SIGNAL when killed), OOM 0 or 1.
 *				"exit" is written, nothing of the container runs. The overlay, which may
 *				have to be written out, is unmounted before the shim ends; at once when
 *				no client is connected
 *	failed CODE TEXT	create or start failed; CODE 125, 126 or 127; "exit" is written
 *	lost			after started: the forwarder of its published ports was killed. Only another
 *				start of the container makes one
 *	refused TEXT		the last request of this client was not obeyed
 *   client to shim:
 *	signal N		to init. While starting: sent as soon as it has started
 *	resize ROWS COLUMNS	of the terminal
 *	stdin-close		the application reads end of file
 *	refresh			hosts and resolv.conf in the bundle have changed: the lines from
 *				SHIM_BLOCK_BEGIN to SHIM_BLOCK_END of the container's copies become the
 *				bundle's file. A copy without them is the container's own
 *	bye			after exited or failed: the shim ends. Refused before
 */
#ifndef AGENT_HELPER_SHIM_H
#define AGENT_HELPER_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"

#define SHIM_MESSAGE_MAX (ERR_TEXT_MAX + 64)
#define SHIM_SOCKET "shim.sock"
#define SHIM_COPIES "copies"
#define SHIM_WRITABLE "writable"
#define SHIM_FIRST_CLIENT_FD 3
#define SHIM_BLOCK_BEGIN "# berth begin: replaced when the network changes\n"
#define SHIM_BLOCK_END "# berth end\n"
#define SHIM_LOG_SIZE_DEFAULT (256 * 1024)

enum shim_event_type {
	SHIM_STARTING,
	SHIM_STARTED,
	SHIM_EXITED,
	SHIM_FAILED,
	SHIM_LOST,
	SHIM_REFUSED,
};

struct shim_event {
	enum shim_event_type type;
	pid_t pid;	      /* STARTED */
	uint64_t start_ticks; /* STARTED */
	int input; /* STARTED: what came along, the receiver's to close; -1: nothing, the same in all others */
	int code;	      /* EXITED, FAILED */
	int signal;	      /* EXITED; 0: it exited by itself */
	bool oom;	      /* EXITED: the kernel killed something in the container for memory */
	char text[ERR_TEXT_MAX]; /* FAILED, REFUSED */
};

enum shim_request_type {
	SHIM_SIGNAL,
	SHIM_RESIZE,
	SHIM_STDIN_CLOSE,
	SHIM_REFRESH,
	SHIM_BYE,
};

struct shim_request {
	enum shim_request_type type;
	int signal;
	unsigned short rows;
	unsigned short columns;
};

/* Text of a message into `text`; returns its length. */
size_t shim_event_format(char text[static SHIM_MESSAGE_MAX], const struct shim_event *event);
size_t shim_request_format(char text[static SHIM_MESSAGE_MAX], const struct shim_request *request);

/* Reads one message; -EINVAL when it is none of the above. */
int shim_event_parse(struct shim_event *event, const char *text, size_t size);
int shim_request_parse(struct shim_request *request, const char *text, size_t size);

/*
 * Connects to the shim of a bundle directory: a non-blocking close-on-exec descriptor, or a
 * negative code (-ENOENT, -ECONNREFUSED: no shim lives there).
 */
int shim_connect(const char *bundle_dir, struct err *err);

/* One message. Receive: 1 and the event, 0 when the shim is gone, -EAGAIN, or another error. */
int shim_send(int sock, const struct shim_request *request);
int shim_receive(int sock, struct shim_event *event);

#endif
