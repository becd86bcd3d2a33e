/*
 * platform - operating system, architecture and variant, in the words of an image index
 * (OCI image-index.md; GOOS and GOARCH), and which images a machine can run.
 */
#ifndef CONFIG_PLATFORM_H
#define CONFIG_PLATFORM_H

#define PLATFORM_WORD_MAX 31
#define PLATFORM_TEXT_SIZE (3 * (PLATFORM_WORD_MAX + 1))

struct platform {
	char os[PLATFORM_WORD_MAX + 1];
	char architecture[PLATFORM_WORD_MAX + 1];
	char variant[PLATFORM_WORD_MAX + 1]; /* "v7"; empty: none given */
};

/* This machine: what berth was compiled for; on ARM the kernel tells the version. */
void platform_current(struct platform *platform);

/* "linux/arm/v7" */
void platform_format(const struct platform *platform, char text[static PLATFORM_TEXT_SIZE]);

/*
 * Can `machine` run what was built for `image`, and how well? 0: no; else the higher the better.
 * An image without variant is the architecture's baseline: arm means v7 and arm64 means v8, as
 * containerd's platform rules have it; an arm v7 machine also runs v6 and v5, an arm64 v8 only v8.
 */
int platform_rank(const struct platform *machine, const struct platform *image);

#endif
