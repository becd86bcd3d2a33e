#include "net/pace.h"

#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#define US_PER_S 1000000
#define READS_PER_S 20	  /* no coarser than this */
#define WINDOW_LEAST 8192
#define WINDOW_MOST 131072 /* the kernel's own choice does from here on */

void pace_init(struct pace *pace, int64_t bytes_per_s)
{
	*pace = (struct pace){ .bytes_per_s = bytes_per_s };
}

int64_t pace_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

/* Half a second's worth: that much may be on its way, so a round trip of half a second costs nothing. */
void pace_slow_down(const struct pace *pace, int fd)
{
	int64_t window = pace->bytes_per_s / 2;

	if (!pace->bytes_per_s || window > WINDOW_MOST)
		return;
	int size = window > WINDOW_LEAST ? (int)window : WINDOW_LEAST;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

int64_t pace_debt_us(const struct pace *pace, int64_t now_us)
{
	return pace->bytes_per_s && pace->paid_us > now_us ? pace->paid_us - now_us : 0;
}

void pace_took(struct pace *pace, size_t bytes, int64_t now_us)
{
	if (!pace->bytes_per_s)
		return;
	if (pace->paid_us < now_us - PACE_CREDIT_US)
		pace->paid_us = now_us - PACE_CREDIT_US;
	pace->paid_us += (int64_t)bytes * US_PER_S / pace->bytes_per_s;
}

/* Sleeping too long is made good by the credit. */
size_t pace_wait(const struct pace *pace, size_t size)
{
	if (!pace->bytes_per_s)
		return size;
	int64_t debt_us = pace_debt_us(pace, pace_now_us());
	size_t most = (size_t)pace->bytes_per_s / READS_PER_S;

	if (debt_us > 0)
		poll(NULL, 0, (int)((debt_us + 999) / 1000));
	if (most < PACE_LEAST_BYTES)
		most = PACE_LEAST_BYTES;
	return size < most ? size : most;
}
