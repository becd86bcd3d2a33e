/*
 * When devices come and go: the kernel's own messages (netlink(7), NETLINK_KOBJECT_UEVENT), and udev's, which come when it
 * has made its links. Their content is no matter, and nobody is believed: what there is now is looked up.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/container/container.h"
#include "agent/container/plug.h"
#include "lib/fd.h"
#include "lib/log.h"

#define GROUP_KERNEL 1
#define GROUP_UDEV 2
#define DELAY_MS 100
/* Where mdev or a script makes nodes and links nobody tells when they are there. */
#define AGAIN_MS 1000
#define AGAIN_COUNT 2

static void look(struct timer *timer)
{
	struct agent *agent = timer->data;
	struct plug_watch *watch = &agent->plug_watch;

	list_for_each(node, &agent->containers)
		plugs_look(list_entry(node, struct container, node));
	if (watch->again-- > 0)
		timer_start(&agent->loop, &watch->timer, AGAIN_MS, look, agent);
}

static void look_soon(struct agent *agent)
{
	agent->plug_watch.again = AGAIN_COUNT;
	timer_start(&agent->loop, &agent->plug_watch.timer, DELAY_MS, look, agent);
}

static void on_message(struct watch *watch, uint32_t events)
{
	struct agent *agent = watch->data;
	char data[4096];

	(void)events;
	/* ENOBUFS: some were lost, which says enough. */
	while (recv(watch->fd, data, sizeof(data), MSG_DONTWAIT) > 0 || errno == ENOBUFS)
		;
	look_soon(agent);
}

static int open_socket(struct err *err)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = GROUP_KERNEL | GROUP_UDEV };
	FD_CLEANUP int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
				   NETLINK_KOBJECT_UEVENT);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_sys(err, "listen for devices that come and go");
	return fd_steal(&fd);
}

void plugs_watch(struct agent *agent)
{
	struct plug_watch *watch = &agent->plug_watch;
	struct err err = ERR_INIT;

	if (watch->is_open)
		return;
	watch->is_open = true;
	watch->fd = open_socket(&err);
	if (watch->fd < 0)
		log_warn("%s: devices are looked up when an app starts, and not again", err.text);
	else
		watch_start(&agent->loop, &watch->watch, watch->fd, EPOLLIN, on_message, agent);
	look_soon(agent); /* an agent that was not there may have missed something */
}
