#include "agent/run/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/sys.h"

#define EXE "/proc/self/exe"
/* "Sealed just now": who does not find it so gives up, instead of executing itself for ever. */
#define MARK "BERTH_SEALED"

/*
 * The mount is part of no mount table, so the path of its root, which is the binary, is "/"; and so
 * nobody can make it writable again. "(deleted)": another binary has taken its place on disk.
 */
static bool is_sealed_mount(void)
{
	char path[sizeof("/ (deleted)")] = "";
	struct statvfs fs;

	return readlink(EXE, path, sizeof(path) - 1) > 0 &&
	       (!strcmp(path, "/") || !strcmp(path, "/ (deleted)")) && statvfs(EXE, &fs) == 0 &&
	       (fs.f_flag & ST_RDONLY);
}

static bool is_sealed_copy(void)
{
	FD_CLEANUP int fd = open(EXE, O_RDONLY | O_CLOEXEC);
	int seals = fd < 0 ? 0 : fcntl(fd, F_GET_SEALS);

	return seals > 0 && (seals & F_SEAL_WRITE);
}

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

/* An execution by descriptor is named after its number, one by the link "exe". */
static int execute_again(int fd, char **argv, struct err *err)
{
	setenv(MARK, "1", 1);
	syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
	err_sys(err, "execute berth's own binary again");
	unsetenv(MARK);
	return err->code;
}

static bool was_executed_again(void)
{
	bool was = getenv(MARK);

	unsetenv(MARK);
	return was;
}

int seal_self(char **argv, struct err *err)
{
	bool again = was_executed_again();
	FD_CLEANUP int fd = -1;

	if (is_sealed_mount() || is_sealed_copy()) {
		prctl(PR_SET_NAME, "berth-runtime");
		return 0;
	}
	if (again)
		return err_set(err, -EPERM, "the runtime's own binary cannot be sealed");
	fd = clone_read_only();
	if (fd < 0)
		fd = copy_sealed(err);
	return fd < 0 ? fd : execute_again(fd, argv, err);
}

void seal_for_helpers(char **argv)
{
	bool again = was_executed_again();
	FD_CLEANUP int fd = -1;
	struct err err;

	if (is_sealed_mount())
		prctl(PR_SET_NAME, "berth");
	else if (!again && (fd = clone_read_only()) >= 0)
		execute_again(fd, argv, &err);
}
