#include "agent/network/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/fd.h"

/* A dump's chunks have up to 32 KiB on kernels that are given as much room. */
#define RECEIVE_MAX 32768
/* Of a batch with thousands of rules; the kernel doubles it. Root may pass wmem_max. */
#define SEND_BUFFER_BYTES (4 << 20)
/* struct nlattr's size is in 16 bits. */
#define ATTRIBUTE_MAX 65535

#define ALIGN(size) (((size) + 3) & ~(size_t)3)

int netlink_open(struct netlink *nl, int protocol, struct err *err)
{
	struct sockaddr_nl name = { .nl_family = AF_NETLINK };
	int one = 1, room = SEND_BUFFER_BYTES;

	*nl = (struct netlink){ .fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol) };
	if (nl->fd < 0)
		return err_sys(err, "open a netlink socket");
	/* All three are improvements that an old kernel may lack. */
	setsockopt(nl->fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(nl->fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	setsockopt(nl->fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	if (bind(nl->fd, (struct sockaddr *)&name, sizeof(name)) < 0) {
		err_sys(err, "bind a netlink socket");
		netlink_close(nl);
		return err ? err->code : -EIO;
	}
	return 0;
}

void netlink_close(struct netlink *nl)
{
	fd_close(&nl->fd);
}

/* ---- building ---- */

void netlink_request_release(struct netlink_request *request)
{
	buf_release(&request->buf);
	*request = NETLINK_REQUEST_INIT;
}

static struct nlmsghdr *current(struct netlink_request *request)
{
	return (struct nlmsghdr *)(void *)(request->buf.data + request->message);
}

/* Appends with zeros up to the next multiple of four, and counts it into the message. */
static void append(struct netlink_request *request, const void *data, size_t size)
{
	static const char zeros[4];

	buf_append(&request->buf, data, size);
	buf_append(&request->buf, zeros, ALIGN(size) - size);
	current(request)->nlmsg_len = (uint32_t)(request->buf.size - request->message);
}

void netlink_begin(struct netlink_request *request, uint16_t type, uint16_t flags, const void *header,
		   size_t header_size)
{
	struct nlmsghdr message = { .nlmsg_type = type, .nlmsg_flags = flags | NLM_F_REQUEST };

	request->message = request->buf.size;
	request->messages++;
	buf_append(&request->buf, &message, sizeof(message));
	append(request, header, header_size);
}

void netlink_put(struct netlink_request *request, uint16_t type, const void *data, size_t size)
{
	struct nlattr attribute = { .nla_len = (uint16_t)(sizeof(attribute) + size), .nla_type = type };

	append(request, &attribute, sizeof(attribute));
	append(request, data, size);
}

void netlink_put_bare(struct netlink_request *request, const void *data, size_t size)
{
	append(request, data, size);
}

void netlink_put_text(struct netlink_request *request, uint16_t type, const char *text)
{
	netlink_put(request, type, text, strlen(text) + 1);
}

void netlink_put_u8(struct netlink_request *request, uint16_t type, uint8_t value)
{
	netlink_put(request, type, &value, sizeof(value));
}

void netlink_put_u32(struct netlink_request *request, uint16_t type, uint32_t value)
{
	netlink_put(request, type, &value, sizeof(value));
}

void netlink_put_be32(struct netlink_request *request, uint16_t type, uint32_t value)
{
	netlink_put_u32(request, type, htonl(value));
}

void netlink_put_ip(struct netlink_request *request, uint16_t type, const struct ip *ip)
{
	netlink_put(request, type, ip->bytes, ip->family == AF_INET ? 4 : 16);
}

size_t netlink_nest(struct netlink_request *request, uint16_t type)
{
	size_t nest = request->buf.size;

	netlink_put(request, type | NLA_F_NESTED, NULL, 0);
	return nest;
}

void netlink_nest_end(struct netlink_request *request, size_t nest)
{
	struct nlattr *attribute = (struct nlattr *)(void *)(request->buf.data + nest);

	attribute->nla_len = (uint16_t)(request->buf.size - nest);
}

/* ---- sending ---- */

/* Numbers the messages; returns the number of the last one that gets an answer. */
static uint32_t number(struct netlink *nl, struct netlink_request *request)
{
	uint32_t last = 0;

	for (size_t at = 0; at < request->buf.size;) {
		struct nlmsghdr *message = (struct nlmsghdr *)(void *)(request->buf.data + at);

		message->nlmsg_seq = ++nl->sequence;
		if (message->nlmsg_flags & (NLM_F_ACK | NLM_F_DUMP) || request->messages == 1)
			last = nl->sequence;
		at += message->nlmsg_len;
	}
	return last;
}

static int send_all(struct netlink *nl, const struct netlink_request *request, struct err *err)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t sent;

	do
		sent = sendto(nl->fd, request->buf.data, request->buf.size, 0, (struct sockaddr *)&kernel,
			      sizeof(kernel));
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? err_sys(err, "send to the kernel") : 0;
}

/* What a socket may hold for us is from the kernel only: others' is thrown away. 0: nothing is there. */
static ssize_t receive(struct netlink *nl, void *data, size_t size, struct err *err)
{
	struct sockaddr_nl from;
	struct iovec part = { data, size };
	struct msghdr header = { .msg_name = &from, .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t got;

	do {
		header.msg_namelen = sizeof(from);
		got = recvmsg(nl->fd, &header, MSG_DONTWAIT);
	} while (got < 0 ? errno == EINTR : from.nl_pid != 0);
	if (got < 0)
		return errno == EAGAIN ? 0 : err_sys(err, "receive from the kernel");
	if (header.msg_flags & MSG_TRUNC)
		return err_set(err, -EMSGSIZE, "receive from the kernel: a message of over %d bytes", RECEIVE_MAX);
	return got;
}

struct answers {
	uint32_t first, last; /* the sequence numbers that are waited for */
	netlink_each *each;   /* NULL: only acknowledgements */
	void *data;
	int rc;	   /* the first error */
	bool done; /* the last one was answered */
};

static bool is_answer(const struct answers *answers, uint32_t sequence)
{
	return sequence - answers->first <= answers->last - answers->first;
}

static void take_answer(struct answers *answers, const struct nlmsghdr *message, struct err *err)
{
	if (!is_answer(answers, message->nlmsg_seq))
		return;
	if (message->nlmsg_type == NLMSG_ERROR || message->nlmsg_type == NLMSG_DONE) {
		int rc = netlink_error(message, answers->rc ? NULL : err);

		if (!answers->rc)
			answers->rc = rc;
		if (rc < 0 || message->nlmsg_seq == answers->last)
			answers->done = true;
	} else if (answers->each && !answers->rc) {
		answers->rc = answers->each(message, answers->data);
		if (!(message->nlmsg_flags & NLM_F_MULTI))
			answers->done = true;
	}
}

/* Reads to the end even after an error, so that no answer is left over for the next request. */
static int take_answers(struct netlink *nl, struct answers *answers, struct err *err)
{
	FREE_CLEANUP char *data = xmalloc(RECEIVE_MAX);
	ssize_t got;

	while ((got = receive(nl, data, RECEIVE_MAX, err)) > 0)
		for (const struct nlmsghdr *message = NULL; netlink_next(&message, data, (size_t)got);)
			take_answer(answers, message, err);
	if (answers->rc)
		return answers->rc;
	if (got < 0)
		return (int)got;
	return answers->done ? 0 : err_set(err, -EPROTO, "the kernel did not answer");
}

static int exchange(struct netlink *nl, struct netlink_request *request, netlink_each *each, void *data,
		    struct err *err)
{
	struct answers answers = { .first = nl->sequence + 1, .each = each, .data = data };
	int rc;

	answers.last = number(nl, request);
	rc = send_all(nl, request, err);
	return rc < 0 ? rc : take_answers(nl, &answers, err);
}

void netlink_want_answer(struct netlink_request *request)
{
	current(request)->nlmsg_flags |= NLM_F_ACK;
}

int netlink_send_batch(struct netlink *nl, struct netlink_request *request, struct err *err)
{
	return exchange(nl, request, NULL, NULL, err);
}

int netlink_send(struct netlink *nl, struct netlink_request *request, struct err *err)
{
	netlink_want_answer(request);
	return exchange(nl, request, NULL, NULL, err);
}

int netlink_ask(struct netlink *nl, struct netlink_request *request, netlink_each *each, void *data,
		struct err *err)
{
	return exchange(nl, request, each, data, err);
}

bool netlink_heard(struct netlink *events, bool (*is_wanted)(const struct nlmsghdr *message, void *data), void *data)
{
	FREE_CLEANUP char *received = xmalloc(RECEIVE_MAX);
	bool heard = false;
	ssize_t got;

	while ((got = recv(events->fd, received, RECEIVE_MAX, MSG_DONTWAIT | MSG_TRUNC)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno != ENOBUFS)
			break;
		/* More came than the socket could hold, or than fits: what is missing may have been wanted. */
		if (got < 0 || got > RECEIVE_MAX) {
			heard = true;
			continue;
		}
		for (const struct nlmsghdr *message = NULL; netlink_next(&message, received, (size_t)got);)
			heard |= is_wanted(message, data);
	}
	return heard;
}
