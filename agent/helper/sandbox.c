#include "agent/helper/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/helper/seccomp_lists.h"
#include "agent/helper/unpack_sandbox.h" /* UNDER_SANITIZER */
#include "lib/buf.h"
#include "lib/fd.h"

#define FILE_MAX (256 * 1024)
#define DESCRIPTORS_MAX 32

/*
 * The new root is mounted over /proc in a mount namespace of our own: that directory is there on every device, and
 * fetch has no use for what it hides.
 */
#define NEW_ROOT "/proc"
#define IMAGE_DIR "image"

/* Three documents of 4 MiB and what is made of them, the list of an archive. */
#define LAYOUT_MEMORY_MAX (48u << 20)

static const char *const resolver_files[] = { "etc/resolv.conf", "etc/hosts" };
#define RESOLVER_FILES (sizeof(resolver_files) / sizeof(resolver_files[0]))

static int copy_file(int root, const char *name, const struct buf *content, struct err *err)
{
	int fd FD_CLEANUP = openat(root, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);

	if (fd < 0 || fd_write_full(fd, content->data, content->size) < 0)
		return err_sys(err, "copy /%s into fetch's root", name);
	return 0;
}

static int fill_root(const struct buf content[static RESOLVER_FILES], struct err *err)
{
	int root FD_CLEANUP = open(NEW_ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0 || mkdirat(root, "etc", 0755) < 0)
		return err_sys(err, "make fetch's root");
	for (size_t i = 0; i < RESOLVER_FILES; i++) {
		int ret = content[i].size > 0 ? copy_file(root, resolver_files[i], &content[i], err) : 0;

		if (ret < 0)
			return ret;
	}
	return 0;
}

/* The working directory moves along into the new namespace; a descriptor stays in the old one. */
static int mount_working_directory(struct err *err)
{
	static const char at[] = NEW_ROOT "/" IMAGE_DIR;
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY;

	if (mkdir(at, 0755) < 0 || mount(".", at, NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, at, NULL, MS_BIND | MS_REMOUNT | flags, NULL) < 0)
		return err_sys(err, "mount the image's directory for fetch");
	return 0;
}

/* image_fd: the directory to have in there, or -1. */
static int enter_root(const struct buf content[static RESOLVER_FILES], int image_fd, struct err *err)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	if (image_fd >= 0 && fchdir(image_fd) < 0)
		return err_sys(err, "enter the image's directory");
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(err, "make a mount namespace for fetch");
	if (mount("berth-fetch", NEW_ROOT, "tmpfs", flags, "size=1m,nr_inodes=16,mode=755") < 0)
		return err_sys(err, "mount a tmpfs for fetch");
	int ret = fill_root(content, err);

	if (ret == 0 && image_fd >= 0)
		ret = mount_working_directory(err);
	if (ret < 0)
		return ret;
	if (mount(NULL, NEW_ROOT, NULL, MS_REMOUNT | MS_RDONLY | flags, NULL) < 0 ||
	    chdir(NEW_ROOT) < 0 || chroot(".") < 0)
		return err_sys(err, "enter fetch's root");
	return 0;
}

static int private_root(int image_fd, struct err *err)
{
	struct buf content[RESOLVER_FILES] = { BUF_INIT, BUF_INIT };
	int ret = 0;

	/* One that is missing is missing in there too, and the resolver goes on without it. */
	for (size_t i = 0; i < RESOLVER_FILES && ret == 0; i++) {
		char path[64] = "/";

		strcat(path, resolver_files[i]);
		ret = fd_read_file(AT_FDCWD, path, &content[i], FILE_MAX);
		if (ret == -ENOENT)
			ret = 0;
		else if (ret < 0)
			err_code(err, ret, "read %s", path);
	}
	/* The last line counts. The resolver can't be interrupted, and resolv.conf may ask for minutes. */
	if (content[0].size > 0)
		buf_append_text(&content[0], "\noptions timeout:10 attempts:3\n");
	if (ret == 0)
		ret = enter_root(content, image_fd, err);
	for (size_t i = 0; i < RESOLVER_FILES; i++)
		buf_release(&content[i]);
	return ret;
}

/* With the last of the user IDs root's capabilities go as well (capabilities(7)). */
static int drop_root(struct err *err)
{
	pid_t agent = getppid();

	if (setgroups(0, NULL) < 0 ||
	    setresgid(SANDBOX_FETCH_ID, SANDBOX_FETCH_ID, SANDBOX_FETCH_ID) < 0 ||
	    setresuid(SANDBOX_FETCH_ID, SANDBOX_FETCH_ID, SANDBOX_FETCH_ID) < 0)
		return err_sys(err, "become user %d", SANDBOX_FETCH_ID);
	/* Another user ID clears what the agent has set (prctl(2)): a fetch that waits would outlive it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return err_sys(err, "follow the agent's end");
	if (getppid() != agent)
		return err_set(err, -ESRCH, "the agent is gone");
	return 0;
}

static int set_limits(struct err *err)
{
	static const struct {
		int resource;
		rlim_t value;
	} limits[] = {
		{ RLIMIT_NPROC, 0 },
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_NOFILE, DESCRIPTORS_MAX },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		const struct rlimit limit = { limits[i].value, limits[i].value };

		if (setrlimit(limits[i].resource, &limit) < 0)
			return err_sys(err, "set a limit for fetch");
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(err, "give up privileges");
	return 0;
}

static int give_up_everything(int image_fd, struct err *err)
{
	int ret = 0;

	if (geteuid() == 0) {
		ret = private_root(image_fd, err);
		if (ret == 0)
			ret = drop_root(err);
	}
	return ret < 0 ? ret : set_limits(err);
}

int sandbox_fetch(struct err *err)
{
	const struct seccomp_list calls = seccomp_list_fetch();
	int ret = give_up_everything(-1, err);

	return ret < 0 ? ret : seccomp_enter(&calls, err);
}

static int limit_memory(size_t memory_max, struct err *err)
{
	const struct rlimit memory = { memory_max, memory_max };

	if (!UNDER_SANITIZER && setrlimit(RLIMIT_DATA, &memory) < 0)
		return err_sys(err, "set a limit of memory");
	return 0;
}

static int leave_network(struct err *err)
{
	if (unshare(CLONE_NEWNET) < 0 && errno != EINVAL) /* a kernel without such namespaces */
		return err_sys(err, "leave the network");
	return 0;
}

/*
 * Tools write layouts that root alone can read (umoci), so that much of root is kept: to read whatever there is, where
 * there is nothing else. But open_by_handle_at() would get out with it, so only where a filter forbids that call.
 */
static int keep_reading(struct err *err)
{
	const uint32_t kept = seccomp_is_there() ? 1u << CAP_DAC_READ_SEARCH : 0;
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2] = { { .effective = kept, .permitted = kept } };

	if (syscall(SYS_capset, &header, sets) < 0)
		return err_sys(err, "give up capabilities");
	return 0;
}

static int exchange_directory(int *fd, struct err *err)
{
	int inside = open("/" IMAGE_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (inside < 0)
		return err_set(err, -errno, "open the image's directory as user %d: %s: make it readable for every user",
			       SANDBOX_FETCH_ID, strerror(errno));
	close(*fd); /* it leads out of the new root */
	*fd = inside;
	return 0;
}

int sandbox_layout(int *fd, bool is_directory, struct err *err)
{
	const struct seccomp_list calls = seccomp_list_layout();
	bool is_root = geteuid() == 0;
	int ret = is_root ? leave_network(err) : 0;

	if (ret == 0 && is_root && is_directory && prctl(PR_SET_KEEPCAPS, 1) < 0)
		ret = err_sys(err, "keep a capability");
	if (ret == 0)
		ret = give_up_everything(is_directory ? *fd : -1, err);
	if (ret == 0 && is_root && is_directory)
		ret = keep_reading(err);
	if (ret == 0 && is_root && is_directory)
		ret = exchange_directory(fd, err);
	if (ret == 0)
		ret = limit_memory(LAYOUT_MEMORY_MAX, err);
	return ret < 0 ? ret : seccomp_enter(&calls, err);
}

int sandbox_decode(size_t memory_max, struct err *err)
{
	const struct seccomp_list calls = seccomp_list_decode();
	int ret = give_up_everything(-1, err);

	if (ret == 0)
		ret = limit_memory(memory_max, err);
	return ret < 0 ? ret : seccomp_enter(&calls, err);
}
