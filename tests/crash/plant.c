/*
 * plant - a berth that forgets one kind of sync, to see that power cuts show it. Linked in with
 * -Wl,--wrap=fsync,--wrap=fdatasync,--wrap=syncfs and one of these defined:
 *
 *	FORGET_LAYER		syncfs before a layer is renamed into the store
 *	FORGET_FILE		fsync of a small file before it is renamed
 *	FORGET_DIRECTORY	fsync of the directory after that
 *	FORGET_RECORD		fdatasync of a record that was written over an older one
 */
#include <stdbool.h>
#include <sys/stat.h>

int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __real_syncfs(int fd);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_syncfs(int fd);

static bool is_forgotten(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
#if defined(FORGET_FILE)
	return S_ISREG(st.st_mode);
#elif defined(FORGET_DIRECTORY)
	return S_ISDIR(st.st_mode);
#else
	return false;
#endif
}

int __wrap_fsync(int fd)
{
	return is_forgotten(fd) ? 0 : __real_fsync(fd);
}

int __wrap_fdatasync(int fd)
{
#if defined(FORGET_RECORD)
	return fd < 0 ? -1 : 0;
#else
	return __real_fdatasync(fd);
#endif
}

int __wrap_syncfs(int fd)
{
#if defined(FORGET_LAYER)
	return fd < 0 ? -1 : 0;
#else
	return __real_syncfs(fd);
#endif
}
