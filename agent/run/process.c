#include "agent/run/process.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "agent/run/reaper.h"
#include "agent/run/user.h"
#include "lib/fd.h"
#include "lib/sys.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define HINT " (check command = or the image's Entrypoint)"

void process_shut_out(const struct process *process, const int *kept, size_t count)
{
	sys_close_others(3 + process->preserve_fds, kept, count);
}

static void add_groups(struct process *process, const gid_t *groups, size_t count)
{
	process->groups = xrealloc(process->groups,
				   (process->group_count + count + 1) * sizeof(*groups));
	for (size_t i = 0; i < count; i++)
		process->groups[process->group_count++] = groups[i];
}

static int resolve_group_names(struct process *process, struct err *err)
{
	for (char **name = process->group_names; name && *name; name++) {
		gid_t gid;
		int rc = user_load_group(*name, &gid, err);

		if (rc < 0)
			return rc;
		add_groups(process, &gid, 1);
	}
	return 0;
}

int process_resolve_user(struct process *process, struct err *err)
{
	char home[USER_HOME_MAX];

	if (process->username) {
		struct user user;
		int rc = user_load(&user, process->username, err);

		if (rc < 0)
			return rc;
		process->uid = user.uid;
		process->gid = user.gid;
		add_groups(process, user.groups, user.group_count);
		free(user.groups);
		strcpy(home, user.home);
	} else {
		user_load_home(process->uid, home);
	}
	if (!process_getenv(process, "HOME"))
		process_setenv(process, xasprintf("HOME=%s", home));
	return resolve_group_names(process, err);
}

int process_set_oom_score(const struct process *process, pid_t pid, struct err *err)
{
	char path[48], text[16];
	int rc;

	if (!process->has_oom_score_adj)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid);
	snprintf(text, sizeof(text), "%d", process->oom_score_adj);
	rc = fd_write_file(AT_FDCWD, path, text);
	return rc < 0 ? err_code(err, rc, "process.oomScoreAdj = %s", text) : 0;
}

static int rlimit_failed(const struct process_rlimit *limit, struct err *err)
{
	const char *why = errno != EPERM ? "" : " (more than this process may have: without CAP_SYS_RESOURCE its own "
						"hard limit, or fs.nr_open)";

	err_sys(err, "%s=%lld:%lld%s", process_rlimit_name(limit->resource), (long long)limit->soft,
		(long long)limit->hard, why);
	return err_context(err, "process.rlimits");
}

static int apply_rlimits(const struct process *process, struct err *err)
{
	for (size_t i = 0; i < process->rlimit_count; i++) {
		const struct process_rlimit *limit = &process->rlimits[i];
		struct rlimit value = { .rlim_cur = limit->soft, .rlim_max = limit->hard };

		if (setrlimit(limit->resource, &value) < 0)
			return rlimit_failed(limit, err);
	}
	return 0;
}

/* So that the user can open /dev/stdout again; only what was made for the container. */
static void own_pipes(uid_t uid)
{
	struct stat st;

	for (int fd = 0; fd < 3; fd++)
		if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) && st.st_uid != uid)
			(void)!fchown(fd, uid, (gid_t)-1);
}

static bool is_null_device(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

/*
 * The host's null device is a file of the host: chmod() on the descriptor would change it for all.
 */
static int take_own_null(struct err *err)
{
	FD_CLEANUP int null = -1;

	for (int fd = 0; fd < 3; fd++) {
		if (!is_null_device(fd))
			continue;
		if (null < 0)
			null = open("/dev/null", O_RDWR | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
		if (null < 0)
			return err_sys(err, "open the container's /dev/null");
		if (!is_null_device(null))
			return err_set(err, -ENODEV,
				       "the container's /dev/null is not the null device");
		if (dup2(null, fd) < 0)
			return err_sys(err, "open the container's /dev/null");
	}
	return 0;
}

/* What the caller's login or service manager has put there is not the application's. */
static int take_own_keyring(const struct process *process, struct err *err)
{
	if (process->no_new_keyring)
		return 0;
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
		return err_sys(err, "make a session keyring");
	return 0;
}

static int change_user(const struct process *process, struct err *err)
{
	own_pipes(process->uid);
	if (setgroups(process->group_count, process->groups) < 0)
		return err_sys(err, "set %zu supplementary groups", process->group_count);
	if (setresgid(process->gid, process->gid, process->gid) < 0)
		return err_sys(err, "become group %u", process->gid);
	if (setresuid(process->uid, process->uid, process->uid) < 0)
		return err_sys(err, "become user %u", process->uid);
	return 0;
}

/*
 * CVE-2024-21626: a working directory such as /proc/self/fd/7 may lead to the host. All
 * descriptors of ours are closed by then; this is the second lock.
 */
static int check_cwd(const struct process *process, struct err *err)
{
	char path[PATH_MAX];

	if (!getcwd(path, sizeof(path)) || path[0] != '/')
		return err_set(err, -EPERM, "process.cwd %s is outside of the container's root",
			       process->cwd);
	return 0;
}

int process_become(const struct process *process, uint64_t kept, struct err *err)
{
	struct caps caps = process->caps;
	/*
	 * As root first: a home that only root may enter is no reason to fail; nor one only the
	 * user may.
	 */
	bool entered = chdir(process->cwd) == 0;

	caps.permitted |= kept;
	caps.effective |= kept;
	if (take_own_null(err) < 0 || take_own_keyring(process, err) < 0 ||
	    apply_rlimits(process, err) < 0 || sched_apply(&process->sched, err) < 0 || caps_limit(&process->caps, err) < 0 ||
	    caps_keep(err) < 0 || change_user(process, err) < 0 ||
	    caps_apply(&caps, err) < 0)
		return err ? err->code : -EIO;
	if (!entered && chdir(process->cwd) < 0)
		return err_sys(err, "process.cwd %s", process->cwd);
	if (check_cwd(process, err) < 0)
		return -EPERM;
	if (process->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, "process.noNewPrivileges");
	umask(process->umask >= 0 ? (mode_t)process->umask : 0022);
	return 0;
}

/* 0, or why `path` can't be executed. */
static int check_program(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return access(path, X_OK) < 0 ? -errno : 0;
}

/*
 * In the words of Go, without a capital: by "no such file or directory", "executable file not found" and "permission denied"
 * docker's client finds its exit code.
 */
static int fail(const struct process *process, struct failure *failure, int code, const char *program,
		const char *why)
{
	failure->exit_code = code == -ENOENT || code == -ENOTDIR ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
	return err_set(&failure->err, code, "exec %s: %c%s%s", program, tolower(*why), why + 1,
		       process->is_exec ? "" : HINT);
}

static int search_path(const char *name, const char *list, char program[static PATH_MAX])
{
	int worst = -ENOENT;

	for (;; list++) {
		size_t length = strcspn(list, ":");
		int rc;

		/* An empty entry is the working directory. */
		snprintf(program, PATH_MAX, "%.*s%s%s", (int)length, list, length ? "/" : "", name);
		rc = check_program(program);
		if (!rc)
			return 0;
		if (rc == -EACCES)
			worst = rc;
		list += length;
		if (!*list)
			return worst;
	}
}

int process_find_program(const struct process *process, char program[static PATH_MAX],
			 struct failure *failure)
{
	const char *name = process->args[0];
	int rc;

	if (!*name)
		return fail(process, failure, -ENOENT, "\"\"", "the command is empty");
	if (strlen(name) >= PATH_MAX)
		return fail(process, failure, -ENAMETOOLONG, "", strerror(ENAMETOOLONG));
	if (!strchr(name, '/')) {
		rc = search_path(name, process_getenv(process, "PATH") ?: DEFAULT_PATH, program);
		if (rc == -ENOENT)
			return fail(process, failure, rc, name, "executable file not found in PATH");
	} else {
		strcpy(program, name);
		rc = check_program(program);
	}
	return rc < 0 ? fail(process, failure, rc, name, strerror(-rc)) : 0;
}

void process_reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The link leads to this program's sealed copy, also from within the container's root. */
static int execute_init(const struct process *process, char *const *env, struct failure *failure)
{
	FREE_CLEANUP char **command = reaper_command(process->args);

	execve("/proc/self/exe", command, env);
	failure->exit_code = EXIT_CANNOT_RUN;
	return err_sys(&failure->err, "process.init: execute /proc/self/exe (is /proc mounted in "
				      "the container, and may everybody execute berth?)");
}

int process_execute(const struct process *process, const char *program, struct failure *failure)
{
	static char *const no_env[] = { NULL };
	const char *why;
	int code;

	for (int fd = 3; fd < 3 + process->preserve_fds; fd++)
		fd_set_cloexec(fd, false);
	if (process->init)
		return execute_init(process, process->env ?: no_env, failure);
	execve(program, process->args, process->env ?: no_env);
	code = -errno;
	why = strerror(errno);
	if (code == -ENOENT)
		why = "no such file or directory: its interpreter (the #! line, or the dynamic "
		      "loader) is missing in the image";
	else if (code == -ENOEXEC)
		why = "not a program for this processor, nor a script with a #! line";
	else if ((code == -EACCES || code == -EPERM) && (process->apparmor_profile || process->selinux_label))
		why = "the policy behind its apparmorProfile or selinuxLabel does not allow it";
	return fail(process, failure, code, program, why);
}
