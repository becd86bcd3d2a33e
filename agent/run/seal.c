#include "agent/run/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/sys.h"

#define EXE "/proc/self/exe"
/* Set by us for ourselves; the container's environment is another one. */
#define MARK "BERTH_SEALED"

static int is_this_program(int fd)
{
	struct stat own, st;

	return stat(EXE, &own) == 0 && fstat(fd, &st) == 0 && own.st_ino == st.st_ino &&
	       own.st_dev == st.st_dev;
}

/*
 * By its name: the link itself may lead to a mount of another mount namespace, a shim's parent's.
 */
static int clone_read_only(void)
{
	const struct sys_mount_attr attr = { .set = ATTR_RDONLY };
	char path[PATH_MAX];
	ssize_t length = readlink(EXE, path, sizeof(path) - 1);
	FD_CLEANUP int fd = -1;

	if (length < 0)
		return -errno;
	path[length] = '\0';
	fd = sys_open_tree(AT_FDCWD, path, TREE_CLONE);
	if (fd < 0)
		return -errno;
	if (!is_this_program(fd))
		return -ESTALE;
	if (sys_mount_setattr(fd, false, &attr) < 0)
		return -errno;
	return fd_steal(&fd);
}

static int copy_sealed(struct err *err)
{
	FD_CLEANUP int from = open(EXE, O_RDONLY | O_CLOEXEC);
	FD_CLEANUP int to = memfd_create("berth", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ssize_t count;

	if (from < 0 || to < 0)
		return err_sys(err, "copy the runtime's own binary into memory");
	while ((count = sendfile(to, from, NULL, 1 << 30)) > 0)
		;
	if (count < 0 || fchmod(to, 0555) < 0 ||
	    fcntl(to, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return err_sys(err, "copy the runtime's own binary into memory");
	return fd_steal(&to);
}

int seal_self(char **argv, struct err *err)
{
	FD_CLEANUP int fd = -1;

	if (getenv(MARK)) {
		unsetenv(MARK);
		/* An execution by descriptor is named after its number. */
		prctl(PR_SET_NAME, "berth-runtime");
		return 0;
	}
	fd = clone_read_only();
	if (fd < 0)
		fd = copy_sealed(err);
	if (fd < 0)
		return fd;
	setenv(MARK, "1", 1);
	syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
	return err_sys(err, "execute the runtime's own binary again");
}
