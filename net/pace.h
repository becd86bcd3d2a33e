/*
 * pace - a cap on how fast bytes are taken from the network, over all connections of one client.
 *
 *	pace_init(&pace, bytes_per_s)
 *	pace_slow_down(&pace, fd)		once per socket: a small receive buffer, so that the peer feels it
 *	size = pace_wait(&pace, size)		sleeps as long as too much was taken; then at most so much may be read
 *	pace_took(&pace, got, now_us)
 *
 * A token bucket, told by one time: when what was taken is paid for. Time in which nothing was taken is
 * credited up to PACE_CREDIT_US, no more: a link that was dead for a minute does not get a minute's burst.
 */
#ifndef NET_PACE_H
#define NET_PACE_H

#include <stddef.h>
#include <stdint.h>

#define PACE_CREDIT_US 100000
#define PACE_LEAST_BYTES 512 /* of one read, so that small caps don't cost a system call a byte */

struct pace {
	int64_t bytes_per_s; /* 0: no cap */
	int64_t paid_us;     /* monotonic */
};

void pace_init(struct pace *pace, int64_t bytes_per_s);
void pace_slow_down(const struct pace *pace, int fd);
size_t pace_wait(const struct pace *pace, size_t size);

/* How long pace_wait() would sleep. */
int64_t pace_debt_us(const struct pace *pace, int64_t now_us);
void pace_took(struct pace *pace, size_t bytes, int64_t now_us);

int64_t pace_now_us(void);

#endif
