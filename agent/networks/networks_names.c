/* Names: /etc/hosts and /etc/resolv.conf of containers, and how they follow what changes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/container/container.h"
#include "agent/helper/shim.h"
#include "agent/networks/networks_parts.h"
#include "config/resolv.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/utf8.h"

#define FILE_MAX 65536
#define SHORT_ID 12 /* digits of an ID that docker makes the host name of */
#define HOSTS "/etc/hosts"
#define RESOLV "/etc/resolv.conf"
/* What systemd-resolved has learnt, where resolv.conf names only systemd-resolved itself. */
#define RESOLV_BEHIND "/run/systemd/resolve/resolv.conf"
/* Programs replace the file in several steps. */
#define RESOLV_QUIET_MS 300

/* The container whose names these are: it, or the one whose network it joins. */
static const struct container *named(const struct container *container)
{
	const struct container *joined = networks_joined(container);

	return joined ? joined : container;
}

void networks_hostname(const struct container *container, char name[static HOSTNAME_SIZE])
{
	const struct app_network *settings;

	container = named(container);
	settings = &container->settings->network;
	*name = name[HOSTNAME_SIZE - 1] = '\0';
	if (settings->hostname)
		snprintf(name, HOSTNAME_SIZE, "%s", settings->hostname);
	else if (settings->kind != NETWORK_HOST || gethostname(name, HOSTNAME_SIZE - 1) < 0)
		snprintf(name, HOSTNAME_SIZE, "%.*s", SHORT_ID, container->id);
	utf8_make_printable(name); /* it goes into JSON */
}

static void append_extra(struct buf *text, const struct app_network *settings)
{
	for (char **host = settings->extra_hosts; host && *host; host++) {
		int size = (int)strcspn(*host, ":");

		buf_append_format(text, "%s\t%.*s\n", *host + size + 1, size, *host);
	}
}

static void append_addresses(struct buf *text, const struct endpoint *endpoint, const char *names)
{
	for (int family = 0; family < IP_FAMILIES; family++) {
		struct ip ip = endpoint_address(endpoint, family);
		char address[IP_TEXT_MAX];

		ip_format(&ip, address);
		if (*address)
			buf_append_format(text, "%s\t%s\n", address, names);
	}
}

static void append_network(struct buf *text, const struct container *container)
{
	list_for_each(node, &container->agent->containers) {
		const struct container *other = list_entry(node, struct container, node);

		if (other != container && !strcmp(other->endpoint.network, container->endpoint.network))
			append_addresses(text, &other->endpoint, other->settings->name);
	}
}

static int read_device_file(const char *path, struct buf *text, struct err *err)
{
	int rc = fd_read_file(AT_FDCWD, path, text, FILE_MAX);

	return rc < 0 && rc != -ENOENT ? err_code(err, rc, "read %s", path) : 0;
}

int networks_hosts(const struct container *container, struct buf *text, struct err *err)
{
	const struct app_network *settings;
	char hostname[HOSTNAME_SIZE];
	int rc = 0;

	container = named(container);
	settings = &container->settings->network;
	networks_hostname(container, hostname);
	buf_append_text(text, SHIM_BLOCK_BEGIN);
	if (settings->kind == NETWORK_HOST) {
		rc = read_device_file(HOSTS, text, err);
		buf_append_text(text, "\n");
	} else if (container->endpoint.network[0]) {
		FREE_CLEANUP char *names = xasprintf("%s %s", hostname, container->settings->name);

		buf_append_text(text, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
		append_addresses(text, &container->endpoint, names);
		append_network(text, container);
	} else {
		buf_append_format(text, "127.0.0.1\tlocalhost %s\n::1\tlocalhost ip6-localhost ip6-loopback\n",
				  hostname);
	}
	append_extra(text, settings);
	buf_append_text(text, SHIM_BLOCK_END);
	return rc;
}

static void warn_of_no_server(const struct container *container)
{
	struct networks *networks = &container->agent->networks;

	if (!container->endpoint.network[0] || container->endpoint.shape.internal || networks->is_nameless_told)
		return;
	networks->is_nameless_told = true;
	log_warn("container %s: no name server that it can reach in the device's " RESOLV ": give its app one with dns =",
		 container->name);
}

int networks_resolv(const struct container *container, struct buf *text, struct err *err)
{
	BUF_CLEANUP struct buf device = BUF_INIT;
	bool is_apart;
	int rc = read_device_file(RESOLV, &device, err);

	container = named(container);
	is_apart = container->settings->network.kind != NETWORK_HOST;
	if (rc == 0 && is_apart && resolv_is_local(buf_text(&device)) && access(RESOLV_BEHIND, R_OK) == 0) {
		buf_clear(&device);
		rc = read_device_file(RESOLV_BEHIND, &device, err);
	}
	if (rc < 0)
		return rc;
	buf_append_text(text, SHIM_BLOCK_BEGIN);
	if (!resolv_compose(text, buf_text(&device), &container->settings->network, is_apart))
		warn_of_no_server(container);
	buf_append_text(text, SHIM_BLOCK_END);
	return 0;
}

/* --- in containers that run ------------------------------------------------------------------- */

/* True: it has other lines now. The files are the bundle's; what of them the container sees, its shim copies. */
static bool put_if_changed(int dirfd, const char *name, const struct buf *text)
{
	BUF_CLEANUP struct buf old = BUF_INIT;

	if (fd_read_file(dirfd, name, &old, 2 * FILE_MAX) == 0 && old.size == text->size &&
	    !memcmp(buf_text(&old), buf_text(text), text->size))
		return false;
	return fd_replace_file_volatile(dirfd, name, text->data, text->size, 0644) == 0;
}

static void refresh(struct container *container)
{
	const struct shim_request request = { .type = SHIM_REFRESH };
	FREE_CLEANUP char *dir = container_dir(container);
	FD_CLEANUP int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	BUF_CLEANUP struct buf hosts = BUF_INIT;
	BUF_CLEANUP struct buf resolv = BUF_INIT;
	struct err err = ERR_INIT;
	bool has_changed;

	if (dirfd < 0 || networks_hosts(container, &hosts, &err) < 0 || networks_resolv(container, &resolv, &err) < 0) {
		log_warn("container %s: its hosts and resolv.conf stay as they are: %s", container->name,
			 dirfd < 0 ? dir : err.text);
		return;
	}
	has_changed = put_if_changed(dirfd, "hosts", &hosts);
	has_changed |= put_if_changed(dirfd, "resolv.conf", &resolv);
	if (has_changed && shim_send(container->sock, &request) < 0)
		log_warn("container %s: its shim does not listen", container->name);
}

void networks_refresh_names(struct agent *agent)
{
	list_for_each(node, &agent->containers) {
		struct container *container = list_entry(node, struct container, node);

		if (!container_has_ended(container))
			refresh(container);
	}
}

/* --- the device's resolv.conf ----------------------------------------------------------------- */

/* Of a link's target, too: NetworkManager and others replace that. */
static void watch_file(int fd, const char *path)
{
	const uint32_t events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_ONLYDIR;
	FREE_CLEANUP char *dir = xstrdup(path);
	char *slash = strrchr(dir, '/');

	if (slash)
		*slash = '\0';
	inotify_add_watch(fd, *dir ? dir : "/", events);
	inotify_add_watch(fd, path, IN_MODIFY | IN_ATTRIB);
}

static void watch_resolv(int fd)
{
	FREE_CLEANUP char *target = realpath(RESOLV, NULL);

	watch_file(fd, RESOLV);
	if (target && strcmp(target, RESOLV))
		watch_file(fd, target);
	watch_file(fd, RESOLV_BEHIND);
}

static void resolv_settled(struct timer *timer)
{
	struct agent *agent = timer->data;

	agent->networks.is_nameless_told = false;
	watch_resolv(agent->networks.resolv_fd); /* it may be another file now */
	networks_refresh_names(agent);
}

/* Is it about this file, or one of the others in its directory? */
static bool is_about_resolv(const struct inotify_event *event)
{
	return !event->len || strstr(event->name, "resolv");
}

static void resolv_event(struct watch *watch, uint32_t events)
{
	struct agent *agent = watch->data;
	char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t size = read(watch->fd, buffer, sizeof(buffer));

	(void)events;
	for (ssize_t at = 0; at < size;) {
		const struct inotify_event *event = (const struct inotify_event *)(const void *)(buffer + at);

		if (is_about_resolv(event))
			timer_start(&agent->loop, &agent->networks.resolv_timer, RESOLV_QUIET_MS, resolv_settled, agent);
		at += (ssize_t)(sizeof(*event) + event->len);
	}
}

void networks_watch_resolv(struct agent *agent)
{
	struct networks *networks = &agent->networks;

	networks->resolv_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (networks->resolv_fd < 0) {
		log_warn("containers' resolv.conf won't follow the device's: inotify: %s (CONFIG_INOTIFY_USER)",
			 strerror(errno));
		return;
	}
	watch_resolv(networks->resolv_fd);
	watch_start(&agent->loop, &networks->resolv_watch, networks->resolv_fd, EPOLLIN, resolv_event, agent);
}
