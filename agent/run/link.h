/* link - network interfaces of the present network namespace. */
#ifndef AGENT_RUN_LINK_H
#define AGENT_RUN_LINK_H

#include "lib/err.h"

/* "lo" is down in a new namespace. */
int link_loopback_up(struct err *err);

#endif
