/*
 * inject - the N-th system call of a test fails, or the process dies there.
 *
 * A test program links with -Wl,--wrap=... for each function below (the production code pays
 * nothing), arms the injector, does one operation, disarms it, and looks at what is left. It does
 * so for N = 1, 2, 3 ... until the operation makes fewer calls than that.
 */
#ifndef TESTS_FAULT_INJECT_H
#define TESTS_FAULT_INJECT_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#define INJECT_DIED 99 /* exit status of a process that died by injection */

enum inject_kind {
	INJECT_FAIL,	   /* the call fails with `error` and does nothing */
	INJECT_FAIL_ONWARD, /* it and all after it: the disk stays full */
	INJECT_DIE_BEFORE, /* the process ends before the call */
	INJECT_DIE_AFTER,  /* the call is made, then the process ends */
};

static struct {
	bool armed;
	enum inject_kind kind;
	int error;
	int at;	   /* the number of the call, from 1 */
	int calls; /* so far */
	const char *last; /* name of the call that was hit, for messages */
} inject;

static inline void inject_arm(enum inject_kind kind, int error, int at)
{
	inject.kind = kind;
	inject.error = error;
	inject.at = at;
	inject.calls = 0;
	inject.last = NULL;
	inject.armed = true;
}

/* Was the N-th call reached? */
static inline bool inject_disarm(void)
{
	inject.armed = false;
	return inject.last;
}

/* True when the call has to fail, with errno set. */
static bool inject_before(const char *name)
{
	if (!inject.armed)
		return false;
	inject.calls++;
	if (inject.calls < inject.at || (inject.calls > inject.at && inject.kind != INJECT_FAIL_ONWARD))
		return false;
	inject.last = name;
	if (inject.kind == INJECT_DIE_BEFORE)
		_exit(INJECT_DIED);
	errno = inject.error;
	return inject.kind == INJECT_FAIL || inject.kind == INJECT_FAIL_ONWARD;
}

static void inject_after(void)
{
	if (inject.armed && inject.kind == INJECT_DIE_AFTER && inject.calls == inject.at)
		_exit(INJECT_DIED);
}

#define INJECT_WRAP(type, name, parameters, arguments) \
	type __real_##name parameters; \
	type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		type result; \
		if (inject_before(#name)) \
			return -1; \
		result = __real_##name arguments; \
		inject_after(); \
		return result; \
	}

INJECT_WRAP(ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size))
INJECT_WRAP(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
INJECT_WRAP(int, fsync, (int fd), (fd))
INJECT_WRAP(int, fdatasync, (int fd), (fd))
INJECT_WRAP(int, ftruncate, (int fd, off_t size), (fd, size))
INJECT_WRAP(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to))
INJECT_WRAP(int, unlinkat, (int dir, const char *name, int flags), (dir, name, flags))
INJECT_WRAP(int, mkdirat, (int dir, const char *name, mode_t mode), (dir, name, mode))

int __real_openat(int dir, const char *name, int flags, ...);
int __wrap_openat(int dir, const char *name, int flags, ...);
int __wrap_openat(int dir, const char *name, int flags, ...)
{
	mode_t mode = 0;
	int fd;

	if (flags & O_CREAT) {
		va_list args;

		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
	}
	if (inject_before("openat"))
		return -1;
	fd = __real_openat(dir, name, flags, mode);
	inject_after();
	return fd;
}

#endif
