/*
 * relay - moves bytes between a client whose connection was hijacked and a process: the client's
 * into the process's stdin, the process's stdout and stderr to the client, framed as Docker does it
 * or, from a terminal, as they are.
 *
 * Nothing is read that can't be passed on: at most RELAY_CLIENT_MAX and RELAY_PROCESS_MAX bytes are
 * held, the slower side slows the other one down. When the client half-closes, the process reads end
 * of file. When the client goes away, pipes and terminal are closed as ssh does it: the process gets SIGPIPE
 * at its next output, or SIGHUP. (Docker lets it run on unseen, which has filled many a device.)
 *
 *	relay_start(&relay, loop, client, &early, on_drained, data);	takes the client (-1: none) and the early bytes
 *	relay_pipes(&relay, stdin, stdout, stderr) or			takes them, -1: none
 *	relay_errors(&relay, stderr), later relay_terminal(&relay, master), or
 *	relay_feed(&relay, stdin, on_room)			takes it; the output comes by relay_put(), until relay_seal()
 *	relay_release(&relay)						closes all
 *
 * on_drained is called when there will be no more output and the client has all of it.
 */
#ifndef AGENT_API_RELAY_H
#define AGENT_API_RELAY_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/api/mux.h"
#include "agent/loop.h"
#include "lib/buf.h"

#define RELAY_CLIENT_MAX (48 * 1024)
#define RELAY_PROCESS_MAX (16 * 1024)
#define RELAY_PUT_MAX (16 * 1024)

struct relay;

struct relay_source {
	struct relay *relay;
	int fd;	    /* -1: at its end */
	int stream; /* 0: not framed */
	struct watch watch;
};

struct relay {
	struct loop *loop;
	int client; /* -1: gone */
	struct watch client_watch;
	int input; /* the process's stdin; -1: none or closed */
	struct watch input_watch;
	struct relay_source sources[2];
	struct buf to_client, to_process;
	bool client_ended; /* it sends nothing more */
	bool is_terminal, was_hung_up;
	bool has_sources; /* no further one will be added */
	void (*on_room)(struct relay *relay, void *data); /* NULL: it is not fed */
	void (*on_drained)(struct relay *relay, void *data);
	void *data;
};

void relay_start(struct relay *relay, struct loop *loop, int client, struct buf *early,
		 void (*on_drained)(struct relay *relay, void *data), void *data);
void relay_pipes(struct relay *relay, int input, int output, int error);
/* Of what makes the terminal: not framed, in front of what comes from the terminal. */
void relay_errors(struct relay *relay, int error);
void relay_terminal(struct relay *relay, int master);

/*
 * For output that is not read from a descriptor: on_room is called when there is room again. The client's half-close
 * ends the input here, not for others who have the same pipe.
 */
void relay_feed(struct relay *relay, int input,
		void (*on_room)(struct relay *relay, void *data));
bool relay_has_room(const struct relay *relay); /* for RELAY_PUT_MAX bytes */
void relay_put(struct relay *relay, int stream, const void *data, size_t size); /* stream 0: not framed */

/* There will be no terminal, or no more to be put: what was started has ended. */
void relay_seal(struct relay *relay);

/* Whoever holds the pipes' other ends doesn't count any more: what was read is still delivered. */
void relay_stop_reading(struct relay *relay);

/* A message of the agent itself, as the process's stderr. */
void relay_say(struct relay *relay, const char *text);

bool relay_is_drained(const struct relay *relay);
void relay_release(struct relay *relay);

#endif
