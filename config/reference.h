/*
 * reference - the name of an image in a registry, normalised as Docker does it
 * (github.com/distribution/reference): "busybox" is docker.io/library/busybox:latest.
 *
 *	[host[:port]/]path[/path...][:tag][@digest]
 *
 * The part before the first '/' is a host when it has a '.' or ':' in it, is "localhost" or has
 * upper-case letters. With a digest and no tag, the tag stays empty: nothing is to be followed.
 *
 *	oci:/DIRECTORY:TAG	oci-archive:/FILE:TAG
 *
 * as skopeo has them: an image in an OCI layout, or in a tar of one, that this device can reach as a file. The
 * path is absolute and without ':'; it goes to the first one, and the tag, the image's name in
 * the layout, is never left out.
 */
#ifndef CONFIG_REFERENCE_H
#define CONFIG_REFERENCE_H

#include <stdbool.h>

#include "config/digest.h"
#include "lib/err.h"

#define REFERENCE_REGISTRY_MAX 262   /* a DNS name, ':' and a port; or an IPv6 address in [] */
#define REFERENCE_REPOSITORY_MAX 255 /* as distribution/reference limits it */
#define REFERENCE_TAG_MAX 128
/* Canonical text with its NUL. */
#define REFERENCE_TEXT_SIZE \
	(REFERENCE_REGISTRY_MAX + REFERENCE_REPOSITORY_MAX + REFERENCE_TAG_MAX + \
	 DIGEST_TEXT_SIZE + 4)

enum reference_source { REFERENCE_REGISTRY, REFERENCE_LAYOUT, REFERENCE_ARCHIVE };

struct reference {
	enum reference_source source;
	char registry[REFERENCE_REGISTRY_MAX + 1]; /* "docker.io", "fleet.example.com:5000"; of files: "" */
	char repository[REFERENCE_REPOSITORY_MAX + 1]; /* "library/busybox"; of files: the path */
	char tag[REFERENCE_TAG_MAX + 1];	       /* "latest"; empty: only a digest */
	struct digest digest;			       /* empty text: none was given */
};

/* 0, or -EINVAL with a reason that names the text and the rule it breaks (*ref is undefined). */
int reference_parse(struct reference *ref, const char *text, struct err *err);

/* Canonical: "docker.io/library/busybox:latest", with "@sha256:..." where there is a digest. */
void reference_format(const struct reference *ref, char text[static REFERENCE_TEXT_SIZE]);

/* As docker shows it: "busybox:latest". */
void reference_familiar(const struct reference *ref, char text[static REFERENCE_TEXT_SIZE]);

/* The same without tag and digest: docker's REPOSITORY column. */
void reference_familiar_name(const struct reference *ref, char text[static REFERENCE_TEXT_SIZE]);

/* What stands behind /v2/NAME/manifests/ in a request: the digest if there is one, else the tag. */
const char *reference_selector(const struct reference *ref);

/* host[:port] to connect to: docker.io is served by registry-1.docker.io. Borrowed from ref. */
const char *reference_host(const struct reference *ref);

/* Is it this machine (localhost, 127.x.x.x, [::1])? Such a registry may speak plain http. */
bool reference_registry_is_local(const char *registry);

/*
 * Reads a registry's name alone, as `[registry HOST]` and `login` have it, into its normal form
 * ("index.docker.io" and "registry-1.docker.io" are docker.io). 0 or -EINVAL with the reason.
 */
int reference_parse_registry(char registry[static REFERENCE_REGISTRY_MAX + 1], const char *text,
			     struct err *err);

/* Equal source, registry, repository, tag and digest. */
bool reference_equal(const struct reference *a, const struct reference *b);

#endif
