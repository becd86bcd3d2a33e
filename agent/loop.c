#include "agent/loop.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "lib/time.h"

int loop_init(struct loop *loop, struct err *err)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };

	*loop = (struct loop){ .epoll_fd = -1, .signal_fd = -1 };
	list_init(&loop->timers);
	list_init(&loop->children);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&loop->signals);
	sigaddset(&loop->signals, SIGCHLD);
	sigaddset(&loop->signals, SIGTERM);
	sigaddset(&loop->signals, SIGINT);
	sigaddset(&loop->signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &loop->signals, NULL);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->signal_fd = signalfd(-1, &loop->signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (loop->epoll_fd < 0 || loop->signal_fd < 0 ||
	    epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->signal_fd, &event) < 0)
		return err_sys(err, "event loop");
	return 0;
}

void loop_release(struct loop *loop)
{
	fd_close(&loop->epoll_fd);
	fd_close(&loop->signal_fd);
}

void loop_on_signal(struct loop *loop, void (*callback)(int signal, void *data), void *data)
{
	loop->on_signal = callback;
	loop->signal_data = data;
}

void loop_stop(struct loop *loop)
{
	loop->stopping = true;
}

void loop_reset_signals(void)
{
	sigset_t none;

	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static struct child *find_child(struct loop *loop, pid_t pid)
{
	list_for_each(node, &loop->children) {
		struct child *child = list_entry(node, struct child, node);

		if (child->pid == pid)
			return child;
	}
	return NULL;
}

/* One SIGCHLD may stand for several children. */
static void reap_children(struct loop *loop)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct child *child = find_child(loop, pid);

		if (!child)
			continue;
		child_stop(child);
		child->callback(child, status);
	}
}

static void read_signals(struct loop *loop)
{
	struct signalfd_siginfo info;

	while (read(loop->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap_children(loop);
		else if (loop->on_signal)
			loop->on_signal((int)info.ssi_signo, loop->signal_data);
	}
}

static int next_timeout(const struct loop *loop)
{
	int64_t delay;

	if (list_is_empty(&loop->timers))
		return -1;
	delay = list_entry(loop->timers.next, struct timer, node)->at_ms - time_monotonic_ms();
	if (delay < 0)
		return 0;
	return delay > INT_MAX ? INT_MAX : (int)delay;
}

static void run_timers(struct loop *loop)
{
	int64_t now = time_monotonic_ms();

	/* "now" is read once: a timer restarted with delay 0 does not starve the descriptors. */
	while (!list_is_empty(&loop->timers) && !loop->stopping) {
		struct timer *timer = list_entry(loop->timers.next, struct timer, node);

		if (timer->at_ms > now)
			return;
		timer_stop(timer);
		timer->callback(timer);
	}
}

static void dispatch(struct loop *loop)
{
	for (int i = 0; i < loop->ready_count && !loop->stopping; i++) {
		struct watch *watch = loop->ready[i].data.ptr;

		if (watch)
			watch->callback(watch, loop->ready[i].events);
		else if (loop->ready[i].events)
			read_signals(loop);
	}
	loop->ready_count = 0;
}

void loop_run(struct loop *loop)
{
	while (!loop->stopping) {
		int count = epoll_wait(loop->epoll_fd, loop->ready, LOOP_EVENTS_MAX,
				       next_timeout(loop));

		if (count < 0 && errno != EINTR) {
			log_error("event loop: %s", strerror(errno));
			return;
		}
		loop->ready_count = count < 0 ? 0 : count;
		dispatch(loop);
		run_timers(loop);
	}
}

void watch_start(struct loop *loop, struct watch *watch, int fd, uint32_t events,
		 void (*callback)(struct watch *watch, uint32_t events), void *data)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	*watch = (struct watch){ .loop = loop, .fd = fd, .callback = callback, .data = data };
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		log_error("event loop: watch descriptor %d: %s", fd, strerror(errno));
		_exit(1);
	}
}

void watch_change(struct watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	epoll_ctl(watch->loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event);
}

void watch_stop(struct watch *watch)
{
	struct loop *loop = watch->loop;

	if (!loop)
		return;
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	/* Its event may stand further down in the batch at hand: blank that one. */
	for (int i = 0; i < loop->ready_count; i++)
		if (loop->ready[i].data.ptr == watch)
			loop->ready[i] = (struct epoll_event){ 0 };
	watch->loop = NULL;
}

void timer_start(struct loop *loop, struct timer *timer, int64_t delay_ms,
		 void (*callback)(struct timer *timer), void *data)
{
	struct list *at;

	timer_stop(timer);
	timer->loop = loop;
	timer->at_ms = time_monotonic_ms() + (delay_ms > 0 ? delay_ms : 0);
	timer->callback = callback;
	timer->data = data;
	for (at = loop->timers.next; at != &loop->timers; at = at->next)
		if (list_entry(at, struct timer, node)->at_ms > timer->at_ms)
			break;
	list_insert(at, &timer->node);
}

void timer_stop(struct timer *timer)
{
	if (!timer->loop)
		return;
	list_remove(&timer->node);
	timer->loop = NULL;
}

bool timer_is_running(const struct timer *timer)
{
	return timer->loop;
}

void child_start(struct loop *loop, struct child *child, pid_t pid,
		 void (*callback)(struct child *child, int status), void *data)
{
	*child = (struct child){ .loop = loop, .pid = pid, .callback = callback, .data = data };
	list_insert(&loop->children, &child->node);
}

void child_stop(struct child *child)
{
	if (!child->loop)
		return;
	list_remove(&child->node);
	child->loop = NULL;
}
