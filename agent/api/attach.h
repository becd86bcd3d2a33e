/*
 * attach - clients that see what a container writes and write to its stdin: docker attach.
 *
 * Output comes from the log ring, from where it is now, or from its beginning (`logs`): the container never waits
 * for a client, and a slow one may miss what was overwritten. Input goes straight into the pipe or terminal that
 * the shim has handed over (container->input); several clients may write. A client that leaves changes nothing for
 * the container. The connection ends when the container has ended.
 */
#ifndef AGENT_API_ATTACH_H
#define AGENT_API_ATTACH_H

#include "lib/list.h"

#define ATTACHMENTS_MAX 64 /* at the same time */

/* Ends all of them. */
void attachments_free(struct list *attachments);

#endif
