#include "config/platform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#if defined(__x86_64__)
#define ARCHITECTURE "amd64"
#define VARIANT ""
#elif defined(__i386__)
#define ARCHITECTURE "386"
#define VARIANT ""
#elif defined(__aarch64__)
#define ARCHITECTURE "arm64"
#define VARIANT "v8"
#elif defined(__arm__)
#define ARCHITECTURE "arm"
#define VARIANT ""
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE "riscv64"
#define VARIANT ""
#else
#error "say what GOARCH calls this architecture"
#endif

/* uname's "armv7l" -> 7; a 64-bit kernel under a 32-bit berth says "armv8l" or "aarch64". */
static int arm_version(void)
{
	struct utsname name;

	if (uname(&name) < 0)
		return 5;
	if (!strncmp(name.machine, "armv", 4) && name.machine[4] >= '5' && name.machine[4] <= '8')
		return name.machine[4] - '0';
	return !strcmp(name.machine, "aarch64") ? 8 : 5;
}

void platform_current(struct platform *platform)
{
	*platform = (struct platform){ "linux", ARCHITECTURE, VARIANT };
	if (!strcmp(platform->architecture, "arm"))
		snprintf(platform->variant, sizeof(platform->variant), "v%d", arm_version());
}

void platform_format(const struct platform *platform, char text[static PLATFORM_TEXT_SIZE])
{
	snprintf(text, PLATFORM_TEXT_SIZE, "%s/%s%s%s", platform->os, platform->architecture,
		 platform->variant[0] ? "/" : "", platform->variant);
}

/* "v7" -> 7, "" -> what the architecture means without one, anything else ("v8.2") -> 0. */
static int version(const char *variant, int baseline)
{
	if (!*variant)
		return baseline;
	if (variant[0] == 'v' && variant[1] >= '1' && variant[1] <= '9' && !variant[2])
		return variant[1] - '0';
	return 0;
}

int platform_rank(const struct platform *machine, const struct platform *image)
{
	static const struct {
		const char *name;
		int baseline;
	} versioned[] = { { "arm", 7 }, { "arm64", 8 }, { "amd64", 1 } };

	if (strcmp(machine->os, image->os) || strcmp(machine->architecture, image->architecture))
		return 0;
	for (size_t i = 0; i < sizeof(versioned) / sizeof(*versioned); i++) {
		int wanted, offered;

		if (strcmp(machine->architecture, versioned[i].name))
			continue;
		wanted = version(machine->variant, versioned[i].baseline);
		offered = version(image->variant, versioned[i].baseline);
		return offered <= wanted ? offered : 0;
	}
	if (!strcmp(machine->variant, image->variant))
		return 2;
	return !image->variant[0];
}
