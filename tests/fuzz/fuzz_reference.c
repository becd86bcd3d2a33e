/*
 * Any text as an image reference. The canonical and the familiar form of what is accepted have to
 * mean the same again, and nothing in them may be more than its part of a URL.
 */
#include <stdlib.h>
#include <string.h>

#include "config/reference.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check_same(const struct reference *ref, const char *text)
{
	struct reference again;

	if (reference_parse(&again, text, NULL) < 0 || !reference_equal(ref, &again))
		abort();
}

static void check_parts(const struct reference *ref)
{
	static const char url[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:[]";

	if (ref->source != REFERENCE_REGISTRY) {
		if (ref->repository[0] != '/' || strchr(ref->repository, ':') || !ref->tag[0] || ref->registry[0])
			abort();
		return;
	}
	if (!*reference_host(ref) || strspn(ref->registry, url) != strlen(ref->registry) ||
	    strspn(ref->repository, url) != strlen(ref->repository) ||
	    strpbrk(ref->repository, ":[]") || strstr(ref->repository, "..") ||
	    strpbrk(ref->tag, "/:[]") || strspn(ref->tag, url) != strlen(ref->tag))
		abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	char text[REFERENCE_TEXT_SIZE];
	struct err err = ERR_INIT;
	struct reference ref;
	char *input = malloc(size + 1);

	memcpy(input, data, size);
	input[size] = 0;
	if (reference_parse(&ref, input, &err) < 0) {
		if (!err.text[0])
			abort();
	} else {
		reference_format(&ref, text);
		check_same(&ref, text);
		reference_familiar(&ref, text);
		check_same(&ref, text);
		if (!*reference_selector(&ref))
			abort();
		check_parts(&ref);
		reference_registry_is_local(ref.registry);
	}
	free(input);
	return 0;
}
