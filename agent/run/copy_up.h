/*
 * copy_up - a tmpfs that begins with what the image has in its place (mount option "tmpcopyup").
 *
 * Files, directories and links with owner, mode and time; what else there may be is left out. It
 * is the image's content, so nothing in it is followed, and the size of the tmpfs bounds it.
 */
#ifndef AGENT_RUN_COPY_UP_H
#define AGENT_RUN_COPY_UP_H

#include "lib/err.h"

#define COPY_UP_DEPTH_MAX 32

/* What is in the directory `from`, which may be an O_PATH descriptor, into `to`. */
int copy_up(int from, int to, struct err *err);

#endif
