/*
 * probe - one health probe over the network, from inside a container's network namespace.
 *
 *	berth probe --pid N [--start TICKS] --timeout MS http HOST PORT PATH
 *	berth probe --pid N [--start TICKS] --timeout MS tcp HOST PORT
 *
 * N is the container's init; with --start (its start time, see lib/sys.h) another process that
 * got the same pid is noticed. HOST "" is localhost, the container's own. Exit code 0: healthy
 * (http: status 200 to 399; tcp: it accepts a connection); 1: not, one line on stdout says why;
 * 2: wrong usage.
 *
 * The application may be hostile: before the first packet the process has given up its user and
 * all capabilities, and it reads at most PROBE_LINE_MAX bytes of what is answered.
 */
#ifndef AGENT_HELPER_PROBE_H
#define AGENT_HELPER_PROBE_H

#include <stddef.h>

#define PROBE_LINE_MAX 256

/*
 * The status of an HTTP/1.x answer from its first line. -EAGAIN: the line is not whole yet;
 * -EPROTO: it is something else. Lenient (a bare LF will do): a health check judges the
 * application, not its HTTP.
 */
int probe_parse_status(const char *data, size_t size);

#endif
