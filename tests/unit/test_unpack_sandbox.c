/* What unpack can still do once it has given up the rest (what it can't: test_sandbox). Needs root. */
// QEMU: no, it enters namespaces
#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "agent/helper/unpack_sandbox.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

static struct scratch scratch;
static struct digest layers[2];

/* What is left of root inside: checked from within, one exit code per finding. */
static int look_around(int stage)
{
	struct err err = ERR_INIT;
	const struct sandbox_view view = { .stage_fd = stage, .base = layers, .base_count = 2 };

	if (sandbox_unpack(&view, 32 << 20, &err) < 0)
		return 1;
	if (fcntl(stage, F_GETFD) >= 0)
		return 8; /* a way out of the root */
	if (mknodat(AT_FDCWD, "/stage/null", S_IFCHR | 0666, makedev(1, 3)) < 0)
		return 2;
	if (open("/stage/null", O_RDWR) >= 0 || errno != EACCES)
		return 3; /* a device of the image could be opened */
	if (open("/proc/self/status", O_RDONLY) >= 0 || open("../../etc/passwd", O_RDONLY) >= 0)
		return 5;
	if (mkdirat(AT_FDCWD, "/stage/d", 0755) < 0 || fchownat(AT_FDCWD, "/stage/d", 1000, 1000, 0) < 0 ||
	    fchmodat(AT_FDCWD, "/stage/d", 06755, 0) < 0)
		return 6;
	if (mkdirat(AT_FDCWD, "relative", 0755) < 0 || open("/stage/relative", O_RDONLY) < 0)
		return 9; /* the stage is not the working directory */
	if (mkdirat(AT_FDCWD, "/new", 0755) == 0 || mkdirat(AT_FDCWD, "/base/new", 0755) == 0)
		return 10;
	return 0;
}

/* The layers of the current version: to be read, nothing else. */
static int look_at_base(int stage)
{
	struct err err = ERR_INIT;
	const struct sandbox_view view = { .stage_fd = stage, .base = layers, .base_count = 2 };

	if (sandbox_unpack(&view, 32 << 20, &err) < 0)
		return 1;
	if (open("/base/0/file", O_RDONLY) < 0)
		return 2;
	if (open("/base/0/file", O_WRONLY) >= 0 || errno != EROFS)
		return 3;
	if (linkat(AT_FDCWD, "/base/0/file", AT_FDCWD, "/stage/link", 0) == 0 || errno != EXDEV)
		return 4;
	if (linkat(AT_FDCWD, "/stage", AT_FDCWD, "/base/0/link", 0) == 0 ||
	    unlinkat(AT_FDCWD, "/base/0/file", 0) == 0 || mkdirat(AT_FDCWD, "/base/1/d", 0755) == 0)
		return 5;
	if (fchmodat(AT_FDCWD, "/base/0/file", 0777, 0) == 0 || errno != EROFS)
		return 6;
	if (open("/base/0/../../layers", O_RDONLY) >= 0 || open("/base/2", O_RDONLY) >= 0)
		return 7;
	return 0;
}

/* All of the store, to be read, and nothing else. */
static int look_as_fsck(int stage)
{
	FD_CLEANUP int store = openat(stage, "../..", O_RDONLY | O_DIRECTORY);
	struct err err = ERR_INIT;
	char path[128], value[8];

	if (sandbox_fsck(store, 32 << 20, &err) < 0)
		return 1;
	snprintf(path, sizeof(path), "/layers/%s/fs/file", digest_hex(&layers[0]));
	if (open(path, O_RDONLY) < 0)
		return 2;
	if (open("/proc/self/status", O_RDONLY) >= 0 || open("../../etc/passwd", O_RDONLY) >= 0)
		return 3;
	if (fgetxattr(open("/staging", O_RDONLY), "trusted.overlay.opaque", value, sizeof(value)) >= 0 || errno != ENODATA)
		return 4; /* not without the capability */
	return 0;
}

static void run(int (*look)(int stage))
{
	FD_CLEANUP int store = fd_open_dir(scratch.fd, "store", 0700);
	FD_CLEANUP int all = fd_open_dir(store, "layers", 0700), layer = -1, fs = -1, stage = -1;
	FD_CLEANUP int staging = fd_open_dir(store, "staging", 0700);
	int status = -1;
	pid_t child;

	CHECK_INT(fd_remove_tree(staging, "s1"), 0);
	stage = fd_open_dir(staging, "s1", 0700);
	layer = fd_open_dir(all, digest_hex(&layers[0]), 0700); /* the other one has gone */
	fs = fd_open_dir(layer, "fs", 0755);
	CHECK_INT(fd_replace_file_volatile(fs, "file", "x", 1, 0644), 0);
	child = fork();
	if (!child)
		_exit(look(stage));
	CHECK_INT(waitpid(child, &status, 0), child);
	CHECK_INT(status, 0);
}

static void the_sandbox_holds(void)
{
	run(look_around);
}

static void layers_are_read_only(void)
{
	run(look_at_base);
}

static void fsck_sees_the_store(void)
{
	run(look_as_fsck);
}

int main(void)
{
	scratch_open(&scratch);
	digest_of(&layers[0], "0", 1);
	digest_of(&layers[1], "1", 1);
	RUN(the_sandbox_holds);
	RUN(layers_are_read_only);
	RUN(fsck_sees_the_store);
	scratch_close(&scratch);
	return test_end();
}
