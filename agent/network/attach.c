#include "agent/network/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/capability.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/network/attach_parts.h"
#include "agent/network/link_parts.h"
#include "agent/run/caps.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/sys.h"

#define STATE_BYTES_MAX (1 << 20)

/* ---- the container's network namespace ---- */

static int read_state(pid_t *pid, struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	JSON_CLEANUP json_t *state = NULL;
	int64_t number = 0;
	int rc = fd_read_all(STDIN_FILENO, &text, STATE_BYTES_MAX);

	if (rc < 0)
		return err_code(err, rc, "read the container's state");
	rc = json_parse(&state, buf_text(&text), text.size, "the container's state", err);
	if (rc < 0)
		return rc;
	rc = json_get_int(state, "pid", &number, err);
	if (rc < 0)
		return rc;
	if (number <= 0 || number > INT32_MAX)
		return err_set(err, -EINVAL, "the container's state has no pid");
	*pid = (pid_t)number;
	return 0;
}

/* Is the descriptor's namespace the caller's own? A veth in there would be the device's eth0. */
static bool is_own(int ns)
{
	struct stat own, other;

	return stat("/proc/self/ns/net", &own) < 0 || fstat(ns, &other) < 0 ||
	       (own.st_dev == other.st_dev && own.st_ino == other.st_ino);
}

/*
 * The pid is sure: the runtime, which is its parent, waits for this hook, so it can't have been reaped and be
 * another process's by now. It is not trusted to have made a namespace of its own.
 */
static int open_namespace(pid_t pid, struct err *err)
{
	char path[64];
	FD_CLEANUP int ns = -1;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0)
		return err_sys(err, "open %s", path);
	if (is_own(ns))
		return err_set(err, -EINVAL, "the container has no network namespace of its own");
	return fd_steal(&ns);
}

/* ---- the host's side ---- */

static int make_veth(struct netlink *nl, const struct attach *attach, int bridge, int ns, struct err *err)
{
	NETLINK_REQUEST_CLEANUP struct netlink_request request = NETLINK_REQUEST_INIT;
	struct ifinfomsg header = { 0 };
	size_t info, data, peer;

	netlink_begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	netlink_put_text(&request, IFLA_IFNAME, attach->host_name);
	netlink_put_u32(&request, IFLA_MASTER, (uint32_t)bridge);
	if (attach->mtu)
		netlink_put_u32(&request, IFLA_MTU, attach->mtu);
	info = netlink_nest(&request, IFLA_LINKINFO);
	netlink_put_text(&request, IFLA_INFO_KIND, "veth");
	data = netlink_nest(&request, IFLA_INFO_DATA);
	peer = netlink_nest(&request, VETH_INFO_PEER);
	netlink_put_bare(&request, &header, sizeof(header));
	netlink_put_text(&request, IFLA_IFNAME, attach->name);
	netlink_put_u32(&request, IFLA_NET_NS_FD, (uint32_t)ns);
	netlink_put(&request, IFLA_ADDRESS, attach->mac, sizeof(attach->mac));
	if (attach->mtu)
		netlink_put_u32(&request, IFLA_MTU, attach->mtu);
	netlink_nest_end(&request, peer);
	netlink_nest_end(&request, data);
	netlink_nest_end(&request, info);
	return link_explain_kind(netlink_send(nl, &request, err), "veth", "CONFIG_VETH", err);
}

/* A bridge's port needs no address; with IPv6 off it makes none. */
static int set_up_host_end(struct netlink *nl, const struct attach *attach, struct err *err)
{
	int index = link_index(nl, attach->host_name, err), rc;

	if (index < 0)
		return index;
	rc = link_setting("ipv6", attach->host_name, "disable_ipv6", "1", err);
	if (rc == -ENOENT)
		rc = 0;
	if (!rc)
		rc = bridge_set_hairpin(nl, index, err);
	return rc ? rc : link_up(nl, index, err);
}

/* ---- the container's side ---- */

static int add_default_route(struct netlink *nl, int index, const struct ip *gateway, struct err *err)
{
	NETLINK_REQUEST_CLEANUP struct netlink_request request = NETLINK_REQUEST_INIT;
	struct rtmsg header = { .rtm_family = (uint8_t)gateway->family, .rtm_table = RT_TABLE_MAIN,
				.rtm_protocol = RTPROT_BOOT, .rtm_scope = RT_SCOPE_UNIVERSE,
				.rtm_type = RTN_UNICAST };
	char text[IP_TEXT_MAX];

	netlink_begin(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	netlink_put_ip(&request, RTA_GATEWAY, gateway);
	netlink_put_u32(&request, RTA_OIF, (uint32_t)index);
	if (netlink_send(nl, &request, err) < 0) {
		ip_format(gateway, text);
		return err_context(err, "default route by %s", text);
	}
	return 0;
}

static int add_address(struct netlink *nl, int index, const struct attach_address *address, struct err *err)
{
	char text[IP_TEXT_MAX];

	if (link_address(nl, index, &address->ip, address->bits, err) < 0) {
		ip_format(&address->ip, text);
		return err_context(err, "address %s/%d", text, address->bits);
	}
	return 0;
}

/* As Docker has it: in a network of the app's own any of its users may ping and listen on low ports. Since 3.0 and 4.11. */
static void let_users(void)
{
	fd_write_file(AT_FDCWD, "/proc/sys/net/ipv4/ping_group_range", "0 2147483647");
	fd_write_file(AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
}

/* The caller is in the container's network namespace. */
static int set_up_inside(const struct attach *attach, struct err *err)
{
	NETLINK_CLEANUP struct netlink nl = { .fd = -1 };
	int rc = netlink_open(&nl, NETLINK_ROUTE, err), index;

	if (rc < 0)
		return rc;
	index = link_index(&nl, "lo", err);
	if (index < 0 || (rc = link_up(&nl, index, err)) < 0)
		return err_context(err, "lo");
	index = link_index(&nl, attach->name, err);
	if (index < 0)
		return index;
	let_users();
	rc = link_settle_ipv6(attach->name, err);
	for (int i = 0; !rc && i < IP_FAMILIES; i++)
		if (attach->addresses[i].ip.family)
			rc = add_address(&nl, index, &attach->addresses[i], err);
	if (!rc)
		rc = link_up(&nl, index, err);
	for (int i = 0; !rc && i < IP_FAMILIES; i++)
		if (attach->gateways[i].family)
			rc = add_default_route(&nl, index, &attach->gateways[i], err);
	return rc;
}

/* ---- the forwarder ---- */

/* An error that stands on stderr already: the one line that there is to be. */
#define TOLD ""

/* Its first process ends when the ports are bound, and tells what is wrong. */
static int start_forwarder(const struct attach *attach, struct err *err)
{
	char *head[] = { "berth", "forward", "--link", (char *)attach->host_name };
	char *argv[sizeof(head) / sizeof(head[0]) + ATTACH_FORWARDS_MAX + 1];
	int status = 0;
	pid_t pid;

	memcpy(argv, head, sizeof(head));
	memcpy(argv + sizeof(head) / sizeof(head[0]), attach->forwards, sizeof(attach->forwards));
	pid = fork();
	if (pid == 0) {
		execv("/proc/self/exe", argv);
		_exit(127);
	}
	if (pid < 0)
		return err_sys(err, "start the forwarder");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status ? err_set(err, -ECHILD, "%s", TOLD) : 0;
}

/* ---- the whole ---- */

/* To look at a process's namespace, to enter it, to change interfaces; the rest is given up. */
#define OWN_CAPS (1ULL << CAP_NET_ADMIN | 1ULL << CAP_SYS_ADMIN | 1ULL << CAP_SYS_PTRACE)
/* The forwarder binds low ports and then becomes nobody. */
#define FORWARDER_CAPS \
	(1ULL << CAP_NET_BIND_SERVICE | 1ULL << CAP_SETUID | 1ULL << CAP_SETGID | 1ULL << CAP_SETPCAP | \
	 1ULL << CAP_SYS_RESOURCE)

static int drop_rights(const struct attach *attach, struct err *err)
{
	uint64_t need = OWN_CAPS | (attach->forwards[0] ? FORWARDER_CAPS : 0);
	struct caps caps = { .bounding = need, .effective = need, .permitted = need };

	if (caps_limit(&caps, err) < 0 || caps_apply(&caps, err) < 0)
		return err->code;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? err_sys(err, "set no_new_privs") : 0;
}

/* There and back: what is done in the container's network namespace is set_up_inside() only. */
static int set_up_container_end(const struct attach *attach, int ns, struct err *err)
{
	FD_CLEANUP int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int rc;

	if (own < 0 || setns(ns, CLONE_NEWNET) < 0)
		return err_sys(err, "enter the container's network namespace");
	rc = set_up_inside(attach, err);
	if (setns(own, CLONE_NEWNET) < 0)
		return err_sys(err, "leave the container's network namespace");
	return rc < 0 ? err_context(err, "%s in the container", attach->name) : 0;
}

static int connect_both(struct netlink *host, const struct attach *attach, int ns, struct err *err)
{
	int rc = set_up_host_end(host, attach, err);

	return rc < 0 ? err_context(err, "%s", attach->host_name) : set_up_container_end(attach, ns, err);
}

static int attach_between(struct netlink *host, const struct attach *attach, int ns, struct err *err)
{
	int bridge = link_index(host, attach->bridge, err), rc;

	if (bridge < 0)
		return err_context(err, "bridge %s", attach->bridge);
	rc = make_veth(host, attach, bridge, ns, err);
	if (rc < 0)
		return err_context(err, "make %s", attach->host_name);
	rc = connect_both(host, attach, ns, err);
	if (!rc && attach->forwards[0])
		rc = start_forwarder(attach, err);
	if (rc < 0)
		link_remove(host, attach->host_name, NULL);
	return rc;
}

int attach_to(const struct attach *attach, int ns, struct err *err)
{
	NETLINK_CLEANUP struct netlink host = { .fd = -1 };
	int rc = netlink_open(&host, NETLINK_ROUTE, err);

	return rc ? rc : attach_between(&host, attach, ns, err);
}

static int run(const struct attach *attach, struct err *err)
{
	FD_CLEANUP int ns = -1;
	pid_t pid = 0;

	if (read_state(&pid, err) < 0 || drop_rights(attach, err) < 0 || (ns = open_namespace(pid, err)) < 0)
		return err->code;
	return attach_to(attach, ns, err);
}

int attach_main(int argc, char **argv)
{
	struct attach attach;
	struct err err = ERR_INIT;

	if (attach_parse(&attach, argc, argv, &err) < 0) {
		fprintf(stderr, "berth attach-network: %s\n", err.text);
		return 2;
	}
	if (run(&attach, &err) == 0)
		return 0;
	if (strcmp(err.text, TOLD) != 0)
		fprintf(stderr, "attach the container to its network: %s\n", err.text);
	return 1;
}
