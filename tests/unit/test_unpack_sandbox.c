/* What unpack can still do once it has given up the rest (what it can't: test_sandbox). Needs root. */
// QEMU: no, it enters namespaces
#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "agent/helper/unpack_sandbox.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

static struct scratch scratch;

/* What is left of root inside: checked from within, one exit code per finding. */
static int look_around(int stage)
{
	struct err err = ERR_INIT;

	if (sandbox_unpack(stage, 32 << 20, &err) < 0)
		return 1;
	if (fcntl(stage, F_GETFD) >= 0)
		return 8; /* a way out of the root */
	if (mknodat(AT_FDCWD, "/null", S_IFCHR | 0666, makedev(1, 3)) < 0)
		return 2;
	if (open("/null", O_RDWR) >= 0 || errno != EACCES)
		return 3; /* a device of the image could be opened */
	if (open("/proc/self/status", O_RDONLY) >= 0 || open("../../etc/passwd", O_RDONLY) >= 0)
		return 5;
	if (mkdirat(AT_FDCWD, "/d", 0755) < 0 || fchownat(AT_FDCWD, "/d", 1000, 1000, 0) < 0 ||
	    fchmodat(AT_FDCWD, "/d", 06755, 0) < 0)
		return 6;
	return 0;
}

static void the_sandbox_holds(void)
{
	int stage, status = -1;
	pid_t child;

	CHECK_INT(fd_remove_tree(scratch.fd, "stage"), 0);
	stage = fd_open_dir(scratch.fd, "stage", 0700);
	child = fork();
	if (!child)
		_exit(look_around(stage));
	CHECK_INT(waitpid(child, &status, 0), child);
	CHECK_INT(status, 0);
	close(stage);
}

int main(void)
{
	scratch_open(&scratch);
	RUN(the_sandbox_holds);
	scratch_close(&scratch);
	return test_end();
}
