/*
 * server - the Docker Engine API, and berth's own calls, on a unix socket.
 *
 *	api_start(agent, &err)		from now on agent->loop answers clients
 *	api_stop(server)		ends every connection, and execs with them
 *
 * Who may open the socket may do everything: it belongs to root, mode 0660. The socket of an agent
 * that died is replaced; the store's lock makes sure that it is dead.
 */
#ifndef AGENT_API_SERVER_H
#define AGENT_API_SERVER_H

#include "agent/loop.h"
#include "lib/err.h"
#include "lib/list.h"

/* When there are more, the one idle for longest goes; when none is idle the new one is told so. */
#define API_CONNECTIONS_MAX 64

struct agent;

struct api_server {
	struct agent *agent;
	struct loop *loop;
	char *path;
	int fd;
	struct watch watch;
	struct timer resume_timer; /* accepting again after descriptors ran out */
	struct list connections;
	struct list execs; /* agent/api/exec.h */
	struct list attachments; /* agent/api/attach.h */
};

/* At the socket that agent.ini names. NULL with the reason. */
struct api_server *api_start(struct agent *agent, struct err *err);
struct api_server *api_listen(struct agent *agent, struct loop *loop, const char *path,
			      struct err *err);
void api_stop(struct api_server *server); /* NULL is fine */

#endif
