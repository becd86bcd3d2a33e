#include "net/certificate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
	TAG_UTC_TIME = 0x17,
	TAG_GENERALIZED_TIME = 0x18,
	TAG_VERSION = 0xa0,
	TAG_EXTENSIONS = 0xa3,
	/* GeneralName */
	TAG_DNS_NAME = 0x82,
	TAG_IP_ADDRESS = 0x87,
};

static int digits(const unsigned char *text, size_t count)
{
	int value = 0;

	for (size_t i = 0; i < count; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

/* RFC 5280, 4.1.2.5: YYMMDDHHMMSSZ until 2049, YYYYMMDDHHMMSSZ from then on. */
static int parse_time(struct der *in, int64_t *unix_s)
{
	struct der text;
	unsigned tag;
	struct tm tm = { 0 };

	if (der_next(in, &tag, &text, NULL) < 0)
		return -EINVAL;
	size_t year_size = tag == TAG_UTC_TIME ? 2 : 4;

	if ((tag != TAG_UTC_TIME && tag != TAG_GENERALIZED_TIME) ||
	    text.size != year_size + 11 || text.data[text.size - 1] != 'Z')
		return -EINVAL;
	const unsigned char *at = text.data + year_size;
	int year = digits(text.data, year_size);

	tm.tm_mon = digits(at, 2) - 1;
	tm.tm_mday = digits(at + 2, 2);
	tm.tm_hour = digits(at + 4, 2);
	tm.tm_min = digits(at + 6, 2);
	tm.tm_sec = digits(at + 8, 2);
	if (year < 0 || tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
	    tm.tm_hour < 0 || tm.tm_hour > 23 || tm.tm_min < 0 || tm.tm_min > 59 ||
	    tm.tm_sec < 0 || tm.tm_sec > 60)
		return -EINVAL;
	if (tag == TAG_UTC_TIME)
		year += year < 50 ? 2000 : 1900;
	tm.tm_year = year - 1900;
	*unix_s = timegm(&tm);
	return 0;
}

static int parse_usages(struct certificate *certificate, struct der value)
{
	static const unsigned char server_auth[] = { 0x2b, 6, 1, 5, 5, 7, 3, 1 };
	static const unsigned char any_usage[] = { 0x55, 0x1d, 0x25, 0 };
	struct der usages, usage;

	if (der_expect(&value, DER_SEQUENCE, &usages) < 0)
		return -EINVAL;
	certificate->serves = false;
	while (usages.size > 0) {
		if (der_expect(&usages, DER_OID, &usage) < 0)
			return -EINVAL;
		if (der_is(usage, server_auth, sizeof(server_auth)) ||
		    der_is(usage, any_usage, sizeof(any_usage)))
			certificate->serves = true;
	}
	return 0;
}

static int parse_extension(struct certificate *certificate, struct der extension)
{
	static const unsigned char alt_name[] = { 0x55, 0x1d, 0x11 };
	static const unsigned char ext_key_usage[] = { 0x55, 0x1d, 0x25 };
	struct der oid, value;
	unsigned tag;

	if (der_expect(&extension, DER_OID, &oid) < 0 ||
	    der_next(&extension, &tag, &value, NULL) < 0)
		return -EINVAL;
	if (tag == DER_BOOLEAN && der_next(&extension, &tag, &value, NULL) < 0) /* critical */
		return -EINVAL;
	if (tag != DER_OCTETS)
		return -EINVAL;
	if (der_is(oid, alt_name, sizeof(alt_name)))
		return der_expect(&value, DER_SEQUENCE, &certificate->names);
	if (der_is(oid, ext_key_usage, sizeof(ext_key_usage)))
		return parse_usages(certificate, value);
	return 0;
}

/* What follows the public key: unique IDs (obsolete) and the extensions. */
static int parse_extensions(struct certificate *certificate, struct der in)
{
	struct der content, list, extension;
	unsigned tag;

	while (in.size > 0) {
		if (der_next(&in, &tag, &content, NULL) < 0)
			return -EINVAL;
		if (tag != TAG_EXTENSIONS)
			continue;
		if (der_expect(&content, DER_SEQUENCE, &list) < 0)
			return -EINVAL;
		while (list.size > 0)
			if (der_expect(&list, DER_SEQUENCE, &extension) < 0 ||
			    parse_extension(certificate, extension) < 0)
				return -EINVAL;
	}
	return 0;
}

int certificate_parse(struct certificate *certificate, const void *data, size_t size)
{
	struct der in = { data, size };
	struct der outer, tbs, part, validity;
	unsigned tag;

	*certificate = (struct certificate){ .serves = true };
	if (der_expect(&in, DER_SEQUENCE, &outer) < 0 || der_expect(&outer, DER_SEQUENCE, &tbs) < 0)
		return -EINVAL;
	if (der_next(&tbs, &tag, &part, NULL) < 0) /* version, or the serial number */
		return -EINVAL;
	if (tag == TAG_VERSION && der_next(&tbs, &tag, &part, NULL) < 0)
		return -EINVAL;
	if (der_expect(&tbs, DER_SEQUENCE, &part) < 0 || /* signature algorithm */
	    der_next(&tbs, &tag, &part, &certificate->issuer) < 0 ||
	    der_expect(&tbs, DER_SEQUENCE, &validity) < 0 ||
	    parse_time(&validity, &certificate->not_before) < 0 ||
	    parse_time(&validity, &certificate->not_after) < 0 ||
	    der_next(&tbs, &tag, &part, &certificate->subject) < 0 ||
	    der_expect(&tbs, DER_SEQUENCE, &part) < 0) /* public key */
		return -EINVAL;
	return parse_extensions(certificate, tbs);
}

bool certificate_issued_by(const struct certificate *certificate, const struct certificate *issuer)
{
	return der_is(certificate->issuer, issuer->subject.data, issuer->subject.size);
}

/* 4 or 16 bytes in network order; 0: `host` is a name. */
static size_t parse_address(const char *host, unsigned char address[static 16])
{
	if (inet_pton(AF_INET, host, address) == 1)
		return 4;
	return inet_pton(AF_INET6, host, address) == 1 ? 16 : 0;
}

static bool name_matches(struct der name, const char *host)
{
	const char *rest = strchr(host, '.');

	if (name.size == strlen(host) && !strncasecmp((const char *)name.data, host, name.size))
		return true;
	if (name.size < 3 || memcmp(name.data, "*.", 2) || !rest || rest == host ||
	    !memchr(name.data + 2, '.', name.size - 2))
		return false;
	return name.size - 1 == strlen(rest) &&
	       !strncasecmp((const char *)name.data + 1, rest, name.size - 1);
}

bool certificate_is_for(const struct certificate *certificate, const char *host)
{
	unsigned char address[16];
	size_t address_size = parse_address(host, address);
	struct der names = certificate->names, name;
	unsigned tag;

	while (names.size > 0 && der_next(&names, &tag, &name, NULL) == 0) {
		if (tag == TAG_IP_ADDRESS && address_size && der_is(name, address, address_size))
			return true;
		if (tag == TAG_DNS_NAME && !address_size && name_matches(name, host))
			return true;
	}
	return false;
}

static void format_name(unsigned tag, struct der name, char *text, size_t size)
{
	text[0] = '\0';
	if (tag == TAG_DNS_NAME)
		snprintf(text, size, "%.*s", (int)(name.size < 200 ? name.size : 200),
			 (const char *)name.data);
	else if (tag == TAG_IP_ADDRESS && (name.size == 4 || name.size == 16))
		inet_ntop(name.size == 4 ? AF_INET : AF_INET6, name.data, text, (socklen_t)size);
}

void certificate_names(const struct certificate *certificate, char *text, size_t size)
{
	struct der names = certificate->names, name;
	size_t used = 0;
	unsigned tag;

	snprintf(text, size, "no name");
	while (names.size > 0 && der_next(&names, &tag, &name, NULL) == 0) {
		char one[256];

		format_name(tag, name, one, sizeof(one));
		if (!*one)
			continue;
		if (used + strlen(one) + sizeof(", , ...") > size) {
			snprintf(text + used, size - used, "%s...", used > 0 ? ", " : "");
			return;
		}
		used += (size_t)snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "", one);
	}
}
