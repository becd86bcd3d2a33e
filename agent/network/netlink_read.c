#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/network/netlink.h"

#define ERRNO_MAX 4095 /* the kernel's MAX_ERRNO */

#define ALIGN(size) (((size) + 3) & ~(size_t)3)

bool netlink_next(const struct nlmsghdr **at, const void *data, size_t size)
{
	const char *start = data, *next = start;
	const struct nlmsghdr *message;

	if (*at)
		next = (const char *)*at + ALIGN((*at)->nlmsg_len);
	if (next > start + size || (size_t)(start + size - next) < sizeof(*message))
		return false;
	message = (const struct nlmsghdr *)(const void *)next;
	if (message->nlmsg_len < sizeof(*message) || message->nlmsg_len > (size_t)(start + size - next))
		return false;
	*at = message;
	return true;
}

/* The attributes in `size` bytes. */
static int read_attributes(const struct nlattr **table, uint16_t max, const char *data, size_t size)
{
	memset(table, 0, (max + 1U) * sizeof(*table));
	while (size >= sizeof(struct nlattr)) {
		const struct nlattr *attribute = (const struct nlattr *)(const void *)data;
		uint16_t type = attribute->nla_type & NLA_TYPE_MASK;
		size_t step = ALIGN(attribute->nla_len);

		if (attribute->nla_len < sizeof(*attribute) || attribute->nla_len > size)
			return -EBADMSG;
		if (type <= max)
			table[type] = attribute;
		if (step >= size)
			return 0;
		data += step;
		size -= step;
	}
	return 0;
}

int netlink_read(const struct nlattr **table, uint16_t max, const struct nlmsghdr *message, size_t header_size)
{
	size_t before = sizeof(*message) + ALIGN(header_size);

	if (message->nlmsg_len < before)
		return -EBADMSG;
	return read_attributes(table, max, (const char *)message + before, message->nlmsg_len - before);
}

int netlink_read_nested(const struct nlattr **table, uint16_t max, const struct nlattr *nest)
{
	return read_attributes(table, max, (const char *)(nest + 1), nest->nla_len - sizeof(*nest));
}

static size_t payload_size(const struct nlattr *attribute)
{
	return attribute ? attribute->nla_len - sizeof(*attribute) : 0;
}

uint32_t netlink_u32(const struct nlattr *attribute, uint32_t other)
{
	if (payload_size(attribute) >= sizeof(other))
		memcpy(&other, attribute + 1, sizeof(other));
	return other;
}

const char *netlink_text(const struct nlattr *attribute)
{
	size_t size = payload_size(attribute);

	return size && memchr(attribute + 1, '\0', size) ? (const char *)(attribute + 1) : "";
}

struct ip netlink_ip(const struct nlattr *attribute, int family)
{
	struct ip ip = { 0 };
	size_t size = family == AF_INET ? 4 : 16;

	if ((family != AF_INET && family != AF_INET6) || payload_size(attribute) != size)
		return ip;
	ip.family = family;
	memcpy(ip.bytes, attribute + 1, size);
	return ip;
}

/*
 * What the kernel says besides the number stands behind the error, and behind the message that it is about,
 * unless that was left out (NLM_F_CAPPED). It counts the message's size without alignment only when it is there.
 */
static const char *words_of(const struct nlmsghdr *message)
{
	const struct nlmsgerr *error = (const struct nlmsgerr *)(const void *)(message + 1);
	const struct nlattr *table[NLMSGERR_ATTR_MSG + 1];
	size_t header_size = sizeof(*error);

	if (!(message->nlmsg_flags & NLM_F_ACK_TLVS))
		return "";
	if (!(message->nlmsg_flags & NLM_F_CAPPED)) {
		if (error->msg.nlmsg_len < sizeof(error->msg) || error->msg.nlmsg_len > message->nlmsg_len)
			return "";
		header_size += error->msg.nlmsg_len - sizeof(error->msg);
	}
	if (netlink_read(table, NLMSGERR_ATTR_MSG, message, header_size) < 0)
		return "";
	return netlink_text(table[NLMSGERR_ATTR_MSG]);
}

int netlink_error(const struct nlmsghdr *message, struct err *err)
{
	bool is_error = message->nlmsg_type == NLMSG_ERROR;
	const char *words;
	int code = 0;

	if (message->nlmsg_len < sizeof(*message) + (is_error ? sizeof(struct nlmsgerr) : 0))
		return err_set(err, -EBADMSG, "the kernel's answer is too short");
	/* A dump's end has the number only. */
	if (message->nlmsg_len >= sizeof(*message) + sizeof(code))
		memcpy(&code, message + 1, sizeof(code));
	if (code >= 0)
		return 0;
	if (code < -ERRNO_MAX)
		return err_set(err, -EBADMSG, "the kernel's answer is no error that there is");
	words = is_error ? words_of(message) : "";
	return err_set(err, code, "%s%s%s", strerror(-code), *words ? ": " : "", words);
}
