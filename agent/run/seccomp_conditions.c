#include "agent/run/seccomp_conditions.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "lib/capname.h"
#include "lib/json.h"

#if defined(__x86_64__)
#define ARCH "amd64"
#elif defined(__aarch64__)
#define ARCH "arm64"
#else
#define ARCH "arm"
#endif

static uint32_t parse_version(const char *text)
{
	unsigned int major = 0, minor = 0;

	if (sscanf(text, "%u.%u", &major, &minor) != 2)
		return 0;
	return major << 16 | minor << 8;
}

struct seccomp_situation seccomp_situation(uint64_t bounding)
{
	struct utsname name;

	return (struct seccomp_situation){
		.bounding = bounding,
		.kernel = uname(&name) < 0 ? 0 : parse_version(name.release),
	};
}

static bool has_capability(const struct seccomp_situation *situation, const char *name)
{
	int number = cap_parse(name);

	return number >= 0 && situation->bounding >> number & 1;
}

static bool has_arch(const struct seccomp_situation *situation, const char *name)
{
	(void)situation;
	return !strcmp(name, ARCH);
}

/* How many of the list there are, and how many of these hold. */
static int count(const json_t *object, const char *name, const struct seccomp_situation *situation,
		 bool (*holds)(const struct seccomp_situation *, const char *), size_t *all,
		 struct err *err)
{
	char **texts = NULL;
	int rc = json_get_strings(object, name, &texts, err), held = 0;

	*all = count_strings(texts);
	for (size_t i = 0; i < *all; i++)
		held += holds(situation, texts[i]);
	free_strings(texts);
	return rc < 0 ? rc : held;
}

/* moby's seccomp_linux.go: all capabilities, one of the architectures, and the kernel. */
static int includes(const json_t *object, const struct seccomp_situation *situation,
		    struct err *err)
{
	const char *kernel = "0.0";
	size_t caps, arches;
	int held = count(object, "caps", situation, has_capability, &caps, err);
	int matched = count(object, "arches", situation, has_arch, &arches, err);

	if (held < 0 || matched < 0 || json_get_string(object, "minKernel", &kernel, err) < 0)
		return -EINVAL;
	return (size_t)held == caps && (matched || !arches) &&
	       situation->kernel >= parse_version(kernel);
}

/* One of them is enough. */
static int excludes(const json_t *object, const struct seccomp_situation *situation,
		    struct err *err)
{
	const char *kernel = NULL;
	size_t caps, arches;
	int held = count(object, "caps", situation, has_capability, &caps, err);
	int matched = count(object, "arches", situation, has_arch, &arches, err);

	if (held < 0 || matched < 0 || json_get_string(object, "minKernel", &kernel, err) < 0)
		return -EINVAL;
	return held || matched || (kernel && situation->kernel >= parse_version(kernel));
}

int seccomp_rule_applies(const json_t *rule, const struct seccomp_situation *situation,
			 struct err *err)
{
	json_t *object;
	int rc = json_get_object(rule, "includes", &object, err);

	if (rc > 0) {
		rc = includes(object, situation, err);
		if (rc <= 0)
			return rc < 0 ? err_context(err, "includes") : 0;
	}
	if (rc >= 0)
		rc = json_get_object(rule, "excludes", &object, err);
	if (rc <= 0)
		return rc < 0 ? rc : 1;
	rc = excludes(object, situation, err);
	return rc < 0 ? err_context(err, "excludes") : !rc;
}
