/*
 * forward - `berth forward`: carries connections to published ports in user space, where the kernel's nf_tables
 * can't: it is missing, or it is the device's loopback that is connected to (127.0.0.1, [::1]).
 *
 * `berth attach-network --forward SPEC` starts one for a container, before the container runs. It listens on the
 * device's addresses and connects to the container's. It needs no agent and ends by itself when the host's end
 * of the container's veth is removed, so with the container at the latest.
 *
 *	SPEC = PROTOCOL,BIND,HOST[-END],TARGET,PORT	tcp,::1,8080,fd12::2,80    udp,0.0.0.0,5000-5009,172.29.0.2,6000
 *
 * BIND and TARGET may be of different families. Ports are bound before `berth attach-network` ends, so one that is
 * taken is an error of the container's start. Then it has a user ID of its own, no capabilities, and only the
 * system calls of its list (agent/helper/seccomp_lists.h).
 *
 * A connection's bytes wait in bounded buffers; the end of one direction is passed on alone; a UDP peer that was
 * silent for FORWARD_UDP_IDLE_MS is forgotten. The container sees the device's address as the peer. An answer by UDP
 * comes from the address that was asked.
 */
#ifndef AGENT_NETWORK_FORWARD_H
#define AGENT_NETWORK_FORWARD_H

#include <stdint.h>

#include "config/subnet.h"
#include "lib/buf.h"
#include "lib/err.h"

#define FORWARD_NAME "berth-forward" /* in /proc/PID/comm: its shim tells it by that */
#define FORWARD_CONNECTIONS_MAX 512 /* further ones wait in the kernel's backlog */
#define FORWARD_PEERS_MAX 256       /* of UDP: the one that was silent longest makes room */
#define FORWARD_BUFFER_BYTES 16384  /* each direction, only while the other side doesn't take them */
#define FORWARD_UDP_IDLE_MS 90000
#define FORWARD_LISTENERS_MAX 2048 /* ports in all, 127.0.0.1's and ::1's apart */

struct forward {
	uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP */
	struct ip bind;	  /* never absent */
	struct ip target;
	uint16_t host_first;
	uint16_t target_first;
	uint16_t count; /* at least 1; neither range passes 65535 */
};

int forward_parse(struct forward *forward, const char *spec, struct err *err);
void forward_format(const struct forward *forward, struct buf *spec);

/*
 * berth forward --link NAME SPEC...: listens, leaves a process behind that serves until that interface is gone,
 * and ends with 0.
 */
int forward_main(int argc, char **argv);

#endif
