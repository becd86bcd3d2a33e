/* scratch - a directory of its own for a test, removed at the end. */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/fd.h"

/* A test may choose another place: SCRATCH_PARENT "/dev/shm" where it syncs often. */
#ifndef SCRATCH_PARENT
#define SCRATCH_PARENT "/tmp"
#endif

struct scratch {
	char path[64];
	int fd;
};

static inline void scratch_open(struct scratch *scratch)
{
	snprintf(scratch->path, sizeof(scratch->path), SCRATCH_PARENT "/berth-test-XXXXXX");
	if (!mkdtemp(scratch->path)) {
		perror("mkdtemp");
		exit(1);
	}
	scratch->fd = open(scratch->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static inline void scratch_close(struct scratch *scratch)
{
	close(scratch->fd);
	fd_remove_tree(AT_FDCWD, scratch->path);
}

#endif
