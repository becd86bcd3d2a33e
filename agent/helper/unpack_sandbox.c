#include "agent/helper/unpack_sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/helper/report.h"
#include "agent/helper/seccomp_lists.h"
#include "lib/sys.h"

#define NEW_ROOT "/proc" /* there on every device; what it hides isn't needed */

/* The directory cache of extraction has 32, removing a tree takes up to 67. */
#define DESCRIPTORS_MAX 128

#define CAP(name) (1u << CAP_##name)

static int enter_stage(int stage_fd, struct err *err)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	/* The working directory moves along into the new namespace; a descriptor stays in the old one. */
	if (fchdir(stage_fd) < 0)
		return err_sys(err, "enter the stage");
	/* What else is open may lead out of the new root, as stage_fd does. (Old kernels need /proc for that.) */
	if (sys_close_from(REPORT_FD + 1) < 0)
		return err_sys(err, "close what unpack has no use for");
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(err, "make a mount namespace for unpack");
	if (mount(".", NEW_ROOT, NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, NEW_ROOT, NULL, MS_BIND | MS_REMOUNT | flags, NULL) < 0)
		return err_sys(err, "mount the stage for unpack");
	if (chdir(NEW_ROOT) < 0 || chroot(".") < 0)
		return err_sys(err, "enter the stage");
	return 0;
}

/* One after the other: a kernel may have been built without some of them. */
static int leave_network(struct err *err)
{
	static const int namespaces[] = { CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS };

	for (size_t i = 0; i < sizeof(namespaces) / sizeof(*namespaces); i++)
		if (unshare(namespaces[i]) < 0 && errno != EINVAL)
			return err_sys(err, "leave the network");
	return 0;
}

static int set_limits(size_t memory_max, struct err *err)
{
	struct rlimit files, none = { 0, 0 }, memory = { memory_max, memory_max };

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return err_sys(err, "read a limit");
	if (files.rlim_max == RLIM_INFINITY || files.rlim_max > DESCRIPTORS_MAX)
		files.rlim_max = DESCRIPTORS_MAX;
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
		return err_sys(err, "set a limit for unpack");
	if (!UNDER_SANITIZER && setrlimit(RLIMIT_DATA, &memory) < 0)
		return err_sys(err, "set a limit for unpack");
	return 0;
}

static int drop_capabilities(struct err *err)
{
	const uint32_t kept = CAP(CHOWN) | CAP(FOWNER) | CAP(FSETID) | CAP(DAC_OVERRIDE) |
			      CAP(MKNOD) | CAP(SETFCAP) | CAP(SYS_ADMIN);
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2] = {
		{ .effective = kept, .permitted = kept },
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(err, "give up privileges");
	if (syscall(SYS_capset, &header, sets) < 0)
		return err_sys(err, "give up capabilities");
	return 0;
}

int sandbox_unpack(int stage_fd, size_t memory_max, struct err *err)
{
	const struct seccomp_list calls = seccomp_list_unpack();
	int rc = leave_network(err);

	if (!rc)
		rc = enter_stage(stage_fd, err);
	if (!rc)
		rc = set_limits(memory_max, err);
	if (!rc)
		rc = drop_capabilities(err);
	return rc ? rc : seccomp_enter(&calls, err);
}
