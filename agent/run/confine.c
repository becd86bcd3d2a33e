#include "agent/run/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/run/listener.h"
#include "lib/fd.h"

#define FILTER "filter" /* flags and instructions, as seccomp(2) takes them */

/* --- system calls ----------------------------------------------------------------------------- */

static bool kernel_has_filters(void)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) < 0 && errno == EFAULT;
}

/* An action that the kernel does not know kills: better say so. */
static int check_actions(const struct seccomp_profile *profile, struct err *err)
{
	static const struct {
		uint32_t action;
		const char *text;
	} newer[] = {
		{ SECCOMP_RET_LOG, "SCMP_ACT_LOG (Linux 4.14)" },
		{ SECCOMP_RET_KILL_PROCESS, "SCMP_ACT_KILL_PROCESS (Linux 4.14)" },
		{ SECCOMP_RET_USER_NOTIF, "SCMP_ACT_NOTIFY (Linux 5.0)" },
	};

	for (size_t i = 0; i < sizeof(newer) / sizeof(*newer); i++)
		if (seccomp_profile_uses(profile, newer[i].action) &&
		    syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &newer[i].action) < 0)
			return err_set(err, -ENOTSUP, "linux.seccomp: this kernel has no %s",
				       newer[i].text);
	return 0;
}

int confine_prepare(struct confine *confine, const struct seccomp_profile *profile,
		    struct err *err)
{
	int rc;

	*confine = (struct confine){ 0 };
	if (!profile)
		return 0;
	if (!kernel_has_filters()) {
		if (profile->is_optional)
			return 0;
		return err_set(err, -ENOTSUP,
			       "linux.seccomp: this kernel cannot filter system calls "
			       "(CONFIG_SECCOMP_FILTER): build it in, or ask for no profile");
	}
	rc = check_actions(profile, err) ?: seccomp_filter_build(&confine->filter, profile, err);
	if (rc < 0)
		return rc;
	confine->profile = profile;
	confine->flags = profile->flags;
	return 0;
}

int confine_save(const struct confine *confine, int dirfd, struct err *err)
{
	const struct seccomp_filter *filter = &confine->filter;
	BUF_CLEANUP struct buf data = BUF_INIT;
	int rc;

	if (confine_notifies(confine))
		return 0;
	if (filter->instructions) {
		buf_append(&data, &confine->flags, sizeof(confine->flags));
		buf_append(&data, filter->instructions,
			   filter->size * sizeof(*filter->instructions));
	}
	rc = fd_create_file(dirfd, FILTER, data.data, data.size, 0600);
	return rc < 0 ? err_code(err, rc, "write the container's " FILTER) : 0;
}

int confine_load(struct confine *confine, int dirfd, struct err *err)
{
	const size_t head = sizeof(confine->flags), each = sizeof(struct sock_filter);
	BUF_CLEANUP struct buf data = BUF_INIT;
	int rc = fd_read_file(dirfd, FILTER, &data, head + BPF_MAXINSNS * each);

	*confine = (struct confine){ 0 };
	if (rc == -ENOENT)
		return rc;
	if (rc < 0)
		return err_code(err, rc, "read the container's " FILTER);
	if (!data.size)
		return 0;
	if (data.size <= head || (data.size - head) % each)
		return err_set(err, -EINVAL, "the container's " FILTER " is not whole");
	memcpy(&confine->flags, data.data, head);
	confine->filter.size = (unsigned short)((data.size - head) / each);
	confine->filter.instructions = xmalloc(data.size - head);
	memcpy(confine->filter.instructions, data.data + head, data.size - head);
	return 0;
}

void confine_release(struct confine *confine)
{
	seccomp_filter_release(&confine->filter);
}

uint64_t confine_needs(const struct confine *confine, const struct process *process)
{
	bool needs = confine->filter.instructions && !process->no_new_privileges;

	return needs ? UINT64_C(1) << CAP_SYS_ADMIN : 0;
}

bool confine_notifies(const struct confine *confine)
{
	return confine->profile &&
	       seccomp_profile_uses(confine->profile, SECCOMP_RET_USER_NOTIF);
}

/* The listener, or 0 when none was asked for. */
static int load_filter(const struct confine *confine, struct err *err)
{
	const struct sock_fprog program = {
		.len = confine->filter.size, .filter = confine->filter.instructions,
	};
	uint32_t flags = confine->flags;
	int fd;

	if (confine_notifies(confine)) {
		flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
		/* Both answer in the same place; there is but one thread anyway. */
		flags &= ~(uint32_t)SECCOMP_FILTER_FLAG_TSYNC;
	}
	fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
	/* Before 3.17 there is prctl() only; before 4.17 (backported) no SPEC_ALLOW. */
	if (fd < 0 && (errno == ENOSYS || errno == EINVAL) &&
	    !(flags & ~(uint32_t)SECCOMP_FILTER_FLAG_SPEC_ALLOW))
		fd = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
	if (fd < 0 && errno == EINVAL)
		return err_set(err, -EINVAL,
			       "linux.seccomp: this kernel does not know a flag of the profile");
	return fd < 0 ? err_sys(err, "linux.seccomp: load the filter") : fd;
}

int confine_enter(const struct confine *confine, const struct process *process, int report,
		  struct err *err)
{
	struct caps last;
	int rc;

	if (!confine->filter.instructions)
		return 0;
	rc = caps_reach(&process->caps, &last, err);
	if (!rc)
		rc = load_filter(confine, err);
	if (rc >= 0 && confine_notifies(confine))
		rc = listener_hand_over(rc, report, err);
	if (rc >= 0 && confine_needs(confine, process))
		rc = caps_set(&last, err);
	return rc < 0 ? rc : 0;
}

/* --- labels ----------------------------------------------------------------------------------- */

/* 0 when there is no such file. */
static int write_label(const char *path, const char *text, struct err *err)
{
	FD_CLEANUP int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	struct statfs fs;
	int rc;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return err_sys(err, "open %s", path);
	if (fs.f_type != PROC_SUPER_MAGIC)
		return err_set(err, -EPERM, "%s is not in a proc file system", path);
	rc = fd_write_full(fd, text, strlen(text));
	return rc < 0 ? err_set(err, rc, "%s", strerror(-rc)) : 1;
}

static bool has_module(const char *path, const char *yes)
{
	BUF_CLEANUP struct buf text = BUF_INIT;

	return fd_read_file(AT_FDCWD, path, &text, 64) >= 0 &&
	       !strncmp(buf_text(&text), yes, strlen(yes));
}

static int label_apparmor(const char *profile, struct err *err)
{
	FREE_CLEANUP char *text = xasprintf("exec %s", profile);
	int rc = 0;

	if (has_module("/sys/module/apparmor/parameters/enabled", "Y")) {
		rc = write_label("/proc/self/attr/apparmor/exec", text, err);
		if (!rc) /* before 5.8 there is one file for all modules */
			rc = write_label("/proc/self/attr/exec", text, err);
		if (rc == -ENOENT)
			rc = err_set(err, rc, "the kernel has no such profile: load it first, with apparmor_parser");
	}
	if (!rc)
		rc = err_set(err, -ENOTSUP, "this kernel has no AppArmor, or it is switched off");
	return rc < 0 ? err_context(err, "process.apparmorProfile %s", profile) : 0;
}

/* The kernel itself says no more than "invalid", and from mount(2) not of what. */
static int check_selinux(const char *label, struct err *err)
{
	int rc = fd_write_file(AT_FDCWD, "/sys/fs/selinux/context", label);

	if (rc == -ENOENT)
		return err_set(err, -ENOTSUP, "this kernel has no SELinux, or it is switched off");
	if (rc == -EINVAL)
		return err_set(err, rc, "the policy that is loaded has no such label");
	return 0; /* or may not be asked: the label will show */
}

int confine_check_labels(const struct bundle *bundle, struct err *err)
{
	const char *label = bundle->mount_label;

	return label && check_selinux(label, err) < 0 ? err_context(err, "linux.mountLabel %s", label) : 0;
}

/* The session keyring is made before execve(). */
static int label_selinux(const struct process *process, struct err *err)
{
	const char *label = process->selinux_label;
	int rc = check_selinux(label, err);

	if (!rc)
		rc = write_label("/proc/self/attr/exec", label, err);
	if (rc > 0 && !process->no_new_keyring)
		rc = write_label("/proc/self/attr/keycreate", label, err);
	if (!rc)
		rc = err_set(err, -ENOTSUP, "/proc/self/attr/exec or keycreate is missing");
	return rc < 0 ? err_context(err, "process.selinuxLabel %s", label) : 0;
}

int confine_label(const struct process *process, struct err *err)
{
	int rc = 0;

	/* Docker's word for none. */
	if (process->apparmor_profile && strcmp(process->apparmor_profile, "unconfined"))
		rc = label_apparmor(process->apparmor_profile, err);
	if (!rc && process->selinux_label)
		rc = label_selinux(process, err);
	return rc;
}
