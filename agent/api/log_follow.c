#include "agent/api/log_follow.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "lib/fd.h"

#define EVENTS (IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_ONLYDIR)

int log_follow_open(struct log_follow *log, const char *dir, int64_t lines, struct err *err)
{
	int rc;

	*log = (struct log_follow){ .dirfd = -1, .inotify = -1, .reader = { .dirfd = -1, .fd = -1 } };
	log->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (log->dirfd < 0)
		return errno == ENOENT ? 0 : err_sys(err, "open %s", dir);
	rc = logring_reader_open(&log->reader, log->dirfd);
	if (rc == 0 && lines >= 0)
		rc = logring_reader_tail(&log->reader, (size_t)lines);
	if (rc < 0)
		return err_code(err, rc, "read the log in %s", dir);
	return 0;
}

static void on_event(struct watch *watch, uint32_t events)
{
	struct log_follow *log = watch->data;
	/* The events themselves don't matter, only that there was one. */
	char data[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

	(void)events;
	while (read(log->inotify, data, sizeof(data)) > 0)
		;
	log->on_change(log->data);
}

int log_follow_watch(struct log_follow *log, struct loop *loop, const char *dir,
		     void (*on_change)(void *data), void *data, struct err *err)
{
	log->on_change = on_change;
	log->data = data;
	log->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (log->inotify < 0 || inotify_add_watch(log->inotify, dir, EVENTS) < 0)
		return err_sys(err, "follow the log in %s", dir);
	watch_start(loop, &log->watch, log->inotify, EPOLLIN, on_event, log);
	return 0;
}

int log_follow_next(struct log_follow *log, struct logring_record *record)
{
	return log->dirfd < 0 ? 0 : logring_reader_next(&log->reader, record);
}

bool log_follow_has_ended(const struct log_follow *log)
{
	return log->dirfd < 0 || faccessat(log->dirfd, "exit", F_OK, 0) == 0 ||
	       faccessat(log->dirfd, "started", F_OK, 0) < 0;
}

void log_follow_release(struct log_follow *log)
{
	watch_stop(&log->watch);
	fd_close(&log->inotify);
	logring_reader_close(&log->reader);
	fd_close(&log->dirfd);
}
