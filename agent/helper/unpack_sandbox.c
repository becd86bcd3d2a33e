#include "agent/helper/unpack_sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/helper/report.h"
#include "agent/helper/seccomp_lists.h"
#include "lib/sys.h"

#define NEW_ROOT "/proc" /* there on every device; what it hides isn't needed */

/* The directory cache of extraction has 32, removing a tree takes up to 67. */
#define DESCRIPTORS_MAX 128

#define CAP(name) (1u << CAP_##name)

#define FLAGS (MS_NOSUID | MS_NODEV | MS_NOEXEC)

static int bind_dir(const char *from, const char *to, unsigned long flags)
{
	if (mount(from, to, NULL, MS_BIND, NULL) < 0)
		return -1;
	return mount(NULL, to, NULL, MS_BIND | MS_REMOUNT | FLAGS | flags, NULL);
}

/* The working directory moves along into the new namespace; a descriptor stays in the old one. */
static int leave_mounts(int dirfd, struct err *err)
{
	if (fchdir(dirfd) < 0)
		return err_sys(err, "enter the stage");
	/* What else is open may lead out of the new root, as stage_fd does. (Old kernels need /proc for that.) */
	if (sys_close_from(REPORT_FD + 1) < 0)
		return err_sys(err, "close what unpack has no use for");
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(err, "make a mount namespace");
	return 0;
}

/* One that has gone meanwhile is an empty directory. */
static int bind_base(const struct digest *diff_id, size_t number, struct err *err)
{
	char from[sizeof(SANDBOX_LAYERS) + DIGEST_TEXT_SIZE + 8];
	char to[sizeof(NEW_ROOT SANDBOX_BASE) + 16];

	snprintf(from, sizeof(from), SANDBOX_LAYERS "/%s/fs", digest_hex(diff_id));
	snprintf(to, sizeof(to), NEW_ROOT SANDBOX_BASE "/%u", (unsigned int)number);
	if (mkdir(to, 0500) < 0)
		return err_sys(err, "make unpack's root");
	if (bind_dir(from, to, MS_RDONLY) < 0 && errno != ENOENT)
		return err_sys(err, "show unpack the layer %s", diff_id->text);
	return 0;
}

static int fill_root(const struct sandbox_view *view, struct err *err)
{
	if (mkdir(NEW_ROOT SANDBOX_STAGE, 0700) < 0 || mkdir(NEW_ROOT SANDBOX_BASE, 0700) < 0)
		return err_sys(err, "make unpack's root");
	for (size_t i = 0; i < view->base_count; i++) {
		int rc = bind_base(&view->base[i], i, err);

		if (rc < 0)
			return rc;
	}
	if (bind_dir(".", NEW_ROOT SANDBOX_STAGE, 0) < 0)
		return err_sys(err, "mount the stage for unpack");
	return 0;
}

static int enter_root(const struct sandbox_view *view, struct err *err)
{
	int rc = leave_mounts(view->stage_fd, err);

	if (rc < 0)
		return rc;
	if (mount("berth-unpack", NEW_ROOT, "tmpfs", FLAGS, "size=64k,nr_inodes=256,mode=700") < 0)
		return err_sys(err, "mount a tmpfs for unpack");
	rc = fill_root(view, err);
	if (rc < 0)
		return rc;
	if (mount(NULL, NEW_ROOT, NULL, MS_REMOUNT | MS_RDONLY | FLAGS, NULL) < 0 ||
	    chdir(NEW_ROOT SANDBOX_STAGE) < 0 || chroot(NEW_ROOT) < 0)
		return err_sys(err, "enter unpack's root");
	return 0;
}

/* One mount for all of it: links don't pass from one to another. */
static int enter_store(int store_fd, unsigned long flags, struct err *err)
{
	int rc = leave_mounts(store_fd, err);

	if (rc < 0)
		return rc;
	if (bind_dir(".", NEW_ROOT, flags) < 0 || chdir(NEW_ROOT) < 0 || chroot(".") < 0)
		return err_sys(err, "enter the store");
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

static int drop_capabilities(uint32_t kept, struct err *err)
{
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

static int work_in_store(int store_fd, unsigned long flags, size_t memory_max, uint32_t kept,
			 const struct seccomp_list *calls, struct err *err)
{
	int rc = leave_network(err);

	if (!rc)
		rc = enter_store(store_fd, flags, err);
	if (!rc)
		rc = set_limits(memory_max, err);
	if (!rc)
		rc = drop_capabilities(kept, err);
	return rc ? rc : seccomp_enter(calls, err);
}

int sandbox_relink(int store_fd, size_t memory_max, struct err *err)
{
	const struct seccomp_list calls = seccomp_list_unpack();

	return work_in_store(store_fd, 0, memory_max, CAP(DAC_OVERRIDE) | CAP(FOWNER), &calls, err);
}

int sandbox_fsck(int store_fd, size_t memory_max, struct err *err)
{
	const struct seccomp_list calls = seccomp_list_fsck();

	return work_in_store(store_fd, MS_RDONLY, memory_max, CAP(DAC_READ_SEARCH) | CAP(SYS_ADMIN),
			     &calls, err);
}

int sandbox_unpack(const struct sandbox_view *view, size_t memory_max, struct err *err)
{
	const uint32_t kept = CAP(CHOWN) | CAP(FOWNER) | CAP(FSETID) | CAP(DAC_OVERRIDE) |
			      CAP(MKNOD) | CAP(SETFCAP) | CAP(SYS_ADMIN);
	const struct seccomp_list calls = seccomp_list_unpack();
	int rc = leave_network(err);

	if (!rc)
		rc = enter_root(view, err);
	if (!rc)
		rc = set_limits(memory_max, err);
	if (!rc)
		rc = drop_capabilities(kept, err);
	return rc ? rc : seccomp_enter(&calls, err);
}
