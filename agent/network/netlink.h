/*
 * netlink - asking the kernel over netlink(7): building requests, sending them, reading the answers.
 *
 *	struct netlink nl;
 *	struct netlink_request request = NETLINK_REQUEST_INIT;
 *
 *	netlink_open(&nl, NETLINK_ROUTE, &err);
 *	netlink_begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
 *	netlink_put_text(&request, IFLA_IFNAME, "berth0");
 *	nest = netlink_nest(&request, IFLA_LINKINFO);
 *	netlink_put_text(&request, IFLA_INFO_KIND, "bridge");
 *	netlink_nest_end(&request, nest);
 *	netlink_send(&nl, &request, &err);	-> "Operation not permitted", or what the kernel says besides
 *	netlink_request_release(&request);
 *
 * A request may hold several messages: each netlink_begin() starts the next. The kernel works on all of
 * them before send() returns, so nothing here waits: an answer is in the socket, or it will never be.
 */
#ifndef AGENT_NETWORK_NETLINK_H
#define AGENT_NETWORK_NETLINK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/subnet.h"
#include "lib/buf.h"
#include "lib/err.h"

#define NETLINK_DEPTH_MAX 8

struct netlink {
	int fd; /* -1: not open */
	uint32_t sequence;
};

#define NETLINK_CLEANUP __attribute__((cleanup(netlink_close)))

/* NETLINK_ROUTE, NETLINK_NETFILTER. -EPROTONOSUPPORT: the kernel has no such protocol. */
int netlink_open(struct netlink *nl, int protocol, struct err *err);
void netlink_close(struct netlink *nl); /* harmless when closed already */

/* The messages of one send. All zero is empty. */
struct netlink_request {
	struct buf buf;
	size_t message; /* where the message that is being built begins */
	size_t messages;
};

#define NETLINK_REQUEST_INIT ((struct netlink_request){ 0 })
#define NETLINK_REQUEST_CLEANUP __attribute__((cleanup(netlink_request_release)))

void netlink_request_release(struct netlink_request *request);

/* Starts a message with its family's header. NLM_F_REQUEST is set besides; who wants an answer sets NLM_F_ACK. */
void netlink_begin(struct netlink_request *request, uint16_t type, uint16_t flags, const void *header,
		   size_t header_size);
void netlink_put(struct netlink_request *request, uint16_t type, const void *data, size_t size);
/* Bytes without an attribute around them: the header that some nests begin with. */
void netlink_put_bare(struct netlink_request *request, const void *data, size_t size);
void netlink_put_text(struct netlink_request *request, uint16_t type, const char *text); /* with its NUL */
void netlink_put_u8(struct netlink_request *request, uint16_t type, uint8_t value);
void netlink_put_u32(struct netlink_request *request, uint16_t type, uint32_t value);
void netlink_put_be32(struct netlink_request *request, uint16_t type, uint32_t value);
void netlink_put_ip(struct netlink_request *request, uint16_t type, const struct ip *ip);
/* Attributes up to netlink_nest_end(), which gets what this returned, are inside of this one. */
size_t netlink_nest(struct netlink_request *request, uint16_t type);
void netlink_nest_end(struct netlink_request *request, size_t nest);

/*
 * Sends it and takes the answers: 0, or the first error, with the kernel's own words where it has some
 * (since Linux 4.12). netlink_send() lets the last message ask for an answer (NLM_F_ACK); in a batch, whose
 * end has none before Linux 6.10, one of the messages must do that.
 */
int netlink_send(struct netlink *nl, struct netlink_request *request, struct err *err);
int netlink_send_batch(struct netlink *nl, struct netlink_request *request, struct err *err);
/* The message that is being built asks for an answer. */
void netlink_want_answer(struct netlink_request *request);

/*
 * Sends one request and calls back for each message of the answer (NLM_F_DUMP: many). The callback gets the
 * message, its size known to be right; what is not 0 ends the reading and is returned.
 */
typedef int netlink_each(const struct nlmsghdr *message, void *data);
int netlink_ask(struct netlink *nl, struct netlink_request *request, netlink_each *each, void *data,
		struct err *err);

/*
 * Takes all that has come to a socket that listens to a group (NETLINK_ADD_MEMBERSHIP): was there a message that
 * `is_wanted` says yes to? Also true when some were lost, which may have been such. Each message is looked at.
 */
bool netlink_heard(struct netlink *events, bool (*is_wanted)(const struct nlmsghdr *message, void *data), void *data);

/* ---- reading, for foreign bytes: pure ---- */

/*
 * The attributes of a message behind `header_size` bytes of its family's header, or of a nested attribute, into
 * table[type]; types past `max` are left out, of several of a type the last counts. 0, or -EBADMSG.
 */
int netlink_read(const struct nlattr **table, uint16_t max, const struct nlmsghdr *message, size_t header_size);
int netlink_read_nested(const struct nlattr **table, uint16_t max, const struct nlattr *nest);

/* Of an attribute that may be missing (NULL) or too short: then `other`, "" or no address. */
uint32_t netlink_u32(const struct nlattr *attribute, uint32_t other);
const char *netlink_text(const struct nlattr *attribute);
struct ip netlink_ip(const struct nlattr *attribute, int family);

/*
 * Walks the messages of what was received. *at is NULL at first; false at the end and at the first
 * message that doesn't fit.
 */
bool netlink_next(const struct nlmsghdr **at, const void *data, size_t size);

/* An NLMSG_ERROR as an error: 0 when it says that all is well. */
int netlink_error(const struct nlmsghdr *message, struct err *err);

#endif
