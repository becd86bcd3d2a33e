#include "config/reference.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/utf8.h"

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

#define DOCKER_HUB "docker.io"
#define DOCKER_HUB_HOST "registry-1.docker.io"
#define DOCKER_HUB_LIBRARY "library/"

static bool consists_of(const char *text, size_t size, const char *accept)
{
	for (size_t i = 0; i < size; i++)
		if (!text[i] || !strchr(accept, text[i]))
			return false;
	return size > 0;
}

static bool is_port(const char *text, size_t size)
{
	return consists_of(text, size, DIGITS) && size <= 5 && atoi(text) <= 65535 &&
	       atoi(text) > 0;
}

/* Labels of letters, digits and inner '-', joined by '.'. */
static bool is_host_name(const char *text, size_t size)
{
	const char *end = text + size;

	for (;;) {
		const char *dot = memchr(text, '.', (size_t)(end - text));
		size_t label = (size_t)((dot ? dot : end) - text);

		if (!consists_of(text, label, LOWER UPPER DIGITS "-") || text[0] == '-' ||
		    text[label - 1] == '-')
			return false;
		if (!dot)
			return true;
		text = dot + 1;
	}
}

/* host[:port] or [IPv6][:port] */
static bool is_registry(const char *text)
{
	size_t size = strcspn(text, ":");

	if (*text == '[') {
		size = strcspn(text, "]");
		if (text[size] != ']' || !consists_of(text + 1, size - 1, DIGITS "abcdefABCDEF:"))
			return false;
		size++;
	} else if (!is_host_name(text, size)) {
		return false;
	}
	text += size;
	return !*text || (*text == ':' && is_port(text + 1, strlen(text + 1)));
}

/* Lower-case letters and digits with ".", "_", "__" or any number of "-" between them. */
static bool is_path_component(const char *text, size_t size)
{
	const char *end = text + size;

	for (;;) {
		size_t run = strspn(text, LOWER DIGITS);
		size_t separator;

		if (run == 0)
			return false;
		text += run;
		if (text >= end)
			return true;
		separator = strspn(text, "-");
		if (separator == 0)
			separator = !strncmp(text, "__", 2) ? 2 : (*text == '_' || *text == '.');
		if (separator == 0)
			return false;
		text += separator;
	}
}

static bool is_repository(const char *text)
{
	for (;;) {
		size_t size = strcspn(text, "/");

		if (!is_path_component(text, size))
			return false;
		if (!text[size])
			return true;
		text += size + 1;
	}
}

static bool is_tag(const char *text)
{
	size_t size = strlen(text);

	return size <= REFERENCE_TAG_MAX && consists_of(text, size, LOWER UPPER DIGITS "_.-") &&
	       *text != '.' && *text != '-';
}

/* Is what stands before the first '/' a registry? The rule of docker's splitDockerDomain(). */
static bool starts_with_registry(const char *text, size_t size)
{
	if (text[size] != '/')
		return false;
	for (size_t i = 0; i < size; i++)
		if (strchr(".:" UPPER, text[i]))
			return true;
	return size == strlen("localhost") && !strncmp(text, "localhost", size);
}

static bool is_docker_hub(const char *registry)
{
	return !strcasecmp(registry, DOCKER_HUB) || !strcasecmp(registry, "index.docker.io") ||
	       !strcasecmp(registry, DOCKER_HUB_HOST);
}

int reference_parse_registry(char registry[static REFERENCE_REGISTRY_MAX + 1], const char *text,
			     struct err *err)
{
	if (strlen(text) > REFERENCE_REGISTRY_MAX || !is_registry(text))
		return err_set(err, -EINVAL,
			       "\"%.80s\" is not a registry; use HOST or HOST:PORT, no http://",
			       text);
	strcpy(registry, is_docker_hub(text) ? DOCKER_HUB : text);
	return 0;
}

static int fault(struct err *err, const char *text, const char *rule)
{
	return err_set(err, -EINVAL, "\"%.200s\" is not an image reference: %s", text, rule);
}

/* `name` is the path and tag; cuts the tag off and copies both. */
static int parse_path(struct reference *ref, char *name, const char *text, struct err *err)
{
	char *colon = strchr(name, ':');
	bool in_library = !strcmp(ref->registry, DOCKER_HUB) && !strchr(name, '/');
	const char *prefix = in_library ? DOCKER_HUB_LIBRARY : "";

	if (colon) {
		*colon++ = 0;
		if (!is_tag(colon))
			return fault(err, text,
				     "a tag has 1 to 128 letters, digits, _ and, not first, . -");
		strcpy(ref->tag, colon);
	}
	if (strpbrk(name, UPPER))
		return fault(err, text, "the repository must be lower-case");
	if (!is_repository(name))
		return fault(err, text,
			     "a repository has letters and digits, with . _ - / between them");
	if (strlen(prefix) + strlen(name) > REFERENCE_REPOSITORY_MAX)
		return fault(err, text, "the repository is longer than 255 characters");
	strcat(strcpy(ref->repository, prefix), name);
	return 0;
}

static const char *const source_prefix[] = {
	[REFERENCE_REGISTRY] = "",
	[REFERENCE_LAYOUT] = "oci:",
	[REFERENCE_ARCHIVE] = "oci-archive:",
};

/* Asked of what is no HOST:PORT: was the path of a layout or an archive meant, which has to be absolute? */
static bool means_a_file(const char *text)
{
	for (enum reference_source source = REFERENCE_LAYOUT; source <= REFERENCE_ARCHIVE; source++)
		if (!strncmp(text, source_prefix[source], strlen(source_prefix[source])))
			return true;
	return false;
}

/* `copy` is cut up on the way; `text` is for errors. */
static int parse_parts(struct reference *ref, char *copy, const char *text, struct err *err)
{
	char *at = strchr(copy, '@');
	size_t first = strcspn(copy, "/");
	char *name = copy;

	if (at) {
		*at++ = 0;
		if (digest_parse(&ref->digest, at) < 0)
			return fault(err, text, digest_fault(at));
	}
	strcpy(ref->registry, DOCKER_HUB);
	if (starts_with_registry(copy, first)) {
		copy[first] = 0;
		name = copy + first + 1;
		if (reference_parse_registry(ref->registry, copy, NULL) < 0)
			return fault(err, text,
				     means_a_file(text) ?
					     "the path of an image in a file begins with /" :
					     "what is before the first / is not HOST[:PORT]");
	}
	return parse_path(ref, name, text, err);
}

/* --- images in files --- */

/* With a path behind it "oci:" can't be the name and tag of an image, nor a host with its port. */
static enum reference_source source_of(const char *text)
{
	for (enum reference_source source = REFERENCE_LAYOUT; source <= REFERENCE_ARCHIVE; source++) {
		size_t size = strlen(source_prefix[source]);

		if (!strncmp(text, source_prefix[source], size) && text[size] == '/')
			return source;
	}
	return REFERENCE_REGISTRY;
}

/* As an OCI layout may have them (image-spec annotations.md): "app:v1" too. */
static bool is_ref_name(const char *text)
{
	return strlen(text) <= REFERENCE_TAG_MAX && consists_of(text, strlen(text), LOWER UPPER DIGITS "_.-:/@+") &&
	       consists_of(text, 1, LOWER UPPER DIGITS "_");
}

static int parse_file(struct reference *ref, const char *path, const char *text, struct err *err)
{
	size_t size = strcspn(path, ":");

	if (!path[size])
		return fault(err, text, "the tag is missing: add :TAG");
	if (!is_ref_name(path + size + 1))
		return fault(err, text,
			     "the tag of a layout has 1 to 128 letters, digits, _ and, not first, . - : / @ +");
	if (size > REFERENCE_REPOSITORY_MAX)
		return fault(err, text, "the path is longer than 255 characters");
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)path[i] < ' ' || path[i] == 127)
			return fault(err, text, "there are control characters in the path");
	memcpy(ref->repository, path, size);
	if (!utf8_is_valid(ref->repository))
		return fault(err, text, "the path is not UTF-8");
	strcpy(ref->tag, path + size + 1);
	return 0;
}

/* --- */

static int parse_any(struct reference *ref, const char *text, struct err *err)
{
	char copy[REFERENCE_TEXT_SIZE];

	ref->source = source_of(text);
	if (ref->source != REFERENCE_REGISTRY)
		return parse_file(ref, text + strlen(source_prefix[ref->source]), text, err);
	strcpy(copy, text);
	return parse_parts(ref, copy, text, err);
}

int reference_parse(struct reference *ref, const char *text, struct err *err)
{
	struct digest digest;

	if (!*text)
		return fault(err, text, "it is empty");
	if (strlen(text) >= REFERENCE_TEXT_SIZE)
		return fault(err, text, "it is too long");
	if (strstr(text, "://"))
		return fault(err, text, "leave out the scheme and start with the registry's name");
	if (digest_from_hex(&digest, text) == 0)
		return fault(err, text, "64 hex digits are an image ID and no name");
	*ref = (struct reference){ 0 };
	if (parse_any(ref, text, err) < 0)
		return -EINVAL;
	if (!ref->tag[0] && digest_is_none(&ref->digest))
		strcpy(ref->tag, "latest");
	return 0;
}

static void append_selectors(const struct reference *ref, char text[static REFERENCE_TEXT_SIZE])
{
	size_t used = strlen(text);

	snprintf(text + used, REFERENCE_TEXT_SIZE - used, "%s%s%s%s", ref->tag[0] ? ":" : "",
		 ref->tag, digest_is_none(&ref->digest) ? "" : "@", ref->digest.text);
}

void reference_format(const struct reference *ref, char text[static REFERENCE_TEXT_SIZE])
{
	if (ref->source == REFERENCE_REGISTRY)
		snprintf(text, REFERENCE_TEXT_SIZE, "%s/%s", ref->registry, ref->repository);
	else
		reference_familiar_name(ref, text);
	append_selectors(ref, text);
}

void reference_familiar_name(const struct reference *ref, char text[static REFERENCE_TEXT_SIZE])
{
	const size_t library = strlen(DOCKER_HUB_LIBRARY);
	const char *name = ref->repository;

	if (ref->source != REFERENCE_REGISTRY) {
		snprintf(text, REFERENCE_TEXT_SIZE, "%s%s", source_prefix[ref->source], name);
		return;
	}
	/* The hub's "a.b/c" would be taken for a registry's when it stood alone; docker lets it. */
	if (strcmp(ref->registry, DOCKER_HUB) || starts_with_registry(name, strcspn(name, "/"))) {
		snprintf(text, REFERENCE_TEXT_SIZE, "%s/%s", ref->registry, name);
		return;
	}
	if (!strncmp(name, DOCKER_HUB_LIBRARY, library) && !strchr(name + library, '/'))
		name += library;
	snprintf(text, REFERENCE_TEXT_SIZE, "%s", name);
}

void reference_familiar(const struct reference *ref, char text[static REFERENCE_TEXT_SIZE])
{
	reference_familiar_name(ref, text);
	append_selectors(ref, text);
}

const char *reference_selector(const struct reference *ref)
{
	return digest_is_none(&ref->digest) ? ref->tag : ref->digest.text;
}

const char *reference_host(const struct reference *ref)
{
	return strcmp(ref->registry, DOCKER_HUB) ? ref->registry : DOCKER_HUB_HOST;
}

/* 127.0.0.0/8; a name such as 127.0.0.1.example.com is none of these. */
static bool is_loopback_ipv4(const char *host, size_t size)
{
	return !strncmp(host, "127.", 4) && consists_of(host, size, DIGITS ".");
}

bool reference_registry_is_local(const char *registry)
{
	size_t size = *registry == '[' ? strcspn(registry, "]") + 1 : strcspn(registry, ":");

	return (size == 9 && !strncasecmp(registry, "localhost", size)) ||
	       (size == 5 && !strncmp(registry, "[::1]", size)) ||
	       is_loopback_ipv4(registry, size);
}

bool reference_equal(const struct reference *a, const struct reference *b)
{
	return a->source == b->source && !strcasecmp(a->registry, b->registry) &&
	       !strcmp(a->repository, b->repository) && !strcmp(a->tag, b->tag) &&
	       digest_equal(&a->digest, &b->digest);
}
