/*
 * later - a request that is answered by a callback which may come when the client has gone already:
 *
 *	later = later_new(request);
 *	if (container_pause(container, true, later_done, later, &err) < 0)
 *		later_done(&err, later);
 *
 * later_done() is called once; it answers 204, or what err says, and frees it.
 */
#ifndef AGENT_API_LATER_H
#define AGENT_API_LATER_H

#include "agent/api/request.h"

struct later;

struct later *later_new(struct request *request);
void later_done(const struct err *err, void *later);

#endif
