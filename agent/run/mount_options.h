/*
 * mount_options - the options of an OCI mount ("ro", "rbind", "mode=755") as mount(2) wants them.
 *
 * Pure text work. Options that are not in the table go to the file system as data, in their
 * order.
 */
#ifndef AGENT_RUN_MOUNT_OPTIONS_H
#define AGENT_RUN_MOUNT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"

enum mount_idmap { MOUNT_IDMAP_NONE, MOUNT_IDMAP_ONE, MOUNT_IDMAP_ALL /* what is below, too */ };

struct mount_options {
	unsigned long flags;	   /* MS_..., with MS_BIND and MS_REC */
	unsigned long cleared;	   /* flags that were taken back by name ("rw", "exec") */
	unsigned long propagation; /* MS_SHARED, MS_PRIVATE ... with MS_REC, or 0 */
	char *data;		   /* "a=1,b", or NULL */
	/* For the mount and all below it: mount_setattr(2)'s bits (lib/sys.h). */
	uint64_t set_all, clear_all;
	enum mount_idmap idmap;
	bool copy_up; /* a tmpfs begins with what the image has there */
};

/* `options` is NULL or ends with NULL. -EINVAL for options that cannot be had, with the reason. */
int mount_options_parse(struct mount_options *parsed, char *const *options, struct err *err);
void mount_options_release(struct mount_options *options);

/* "rslave" and so on, as in linux.rootfsPropagation: MS_ flags, 0 when it is none of them. */
unsigned long mount_propagation(const char *name);

/* Every name that is known, by number; NULL past the last one. */
const char *mount_option_name(int number);

#endif
