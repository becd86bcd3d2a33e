#include "store/extract_meta.h"

#include <archive.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/fd.h"

#define ID_MAX ((int64_t)UINT32_MAX - 1) /* (uid_t)-1 means "leave it" to chown */

/*
 * Attributes an image may set. Left out without a word: trusted.* (overlayfs would take its own
 * from an image: redirects into other layers), labels of the host's security modules, and the rest.
 */
static const char *const EXTRACT_XATTRS[] = {
	"user.",
	"security.capability",
	"security.ima",
	"system.posix_acl_access",
	"system.posix_acl_default",
};

static bool is_allowed(const char *name)
{
	for (size_t i = 0; i < sizeof(EXTRACT_XATTRS) / sizeof(*EXTRACT_XATTRS); i++) {
		size_t size = strlen(EXTRACT_XATTRS[i]);
		bool is_prefix = EXTRACT_XATTRS[i][size - 1] == '.';

		if (!strncmp(name, EXTRACT_XATTRS[i], size) && (is_prefix || !name[size]))
			return true;
	}
	return false;
}

static const char *name_of(struct archive_entry *entry)
{
	const char *name = archive_entry_pathname(entry);

	return name ? name : "?";
}

static int check_ids(struct archive_entry *entry, struct err *err)
{
	int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);

	if (uid < 0 || gid < 0 || uid > ID_MAX || gid > ID_MAX)
		return err_set(err, -EINVAL, "%s: no such owner as %lld:%lld", name_of(entry),
			       (long long)uid, (long long)gid);
	return 0;
}

static bool is_ours(struct archive_entry *entry)
{
	return !archive_entry_uid(entry) && !archive_entry_gid(entry);
}

int extract_set_owner_mode(int fd, struct archive_entry *entry, bool fresh, bool set_gid_parent,
			   struct err *err)
{
	mode_t mode = archive_entry_perm(entry);
	bool chown = !fresh || set_gid_parent || !is_ours(entry);
	bool is_dir = archive_entry_filetype(entry) == AE_IFDIR;
	/* chown clears set-id bits, and a directory takes over its parent's. */
	bool chmod = !fresh || (mode & (S_ISUID | S_ISGID)) || (set_gid_parent && is_dir);

	if (check_ids(entry, err) < 0)
		return -EINVAL;
	if (chown && fchown(fd, (uid_t)archive_entry_uid(entry), (gid_t)archive_entry_gid(entry)) < 0)
		return err_sys(err, "set the owner of %s", name_of(entry));
	if (chmod && fchmod(fd, mode) < 0)
		return err_sys(err, "set the mode of %s", name_of(entry));
	return 0;
}

/* A file system that can't keep user attributes or ACLs loses little; capabilities must not get lost. */
static int check_xattr(int rc, const char *name, struct archive_entry *entry, struct err *err)
{
	if (rc == 0)
		return 0;
	if (errno == EOPNOTSUPP && strncmp(name, "security.", 9) != 0)
		return 0;
	if (errno == EPERM && !strncmp(name, "user.", 5)) /* symlinks and devices have none */
		return 0;
	return err_sys(err, "set the attribute %s of %s", name, name_of(entry));
}

typedef int (*set_xattr)(const void *where, const char *name, const void *value, size_t size);

static int set_xattrs(set_xattr set, const void *where, struct archive_entry *entry,
		      struct err *err)
{
	const char *name;
	const void *value;
	size_t size;
	int rc = 0;

	archive_entry_xattr_reset(entry);
	while (!rc && archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK)
		if (is_allowed(name))
			rc = check_xattr(set(where, name, value, size), name, entry, err);
	return rc;
}

static int set_by_fd(const void *where, const char *name, const void *value, size_t size)
{
	return fsetxattr(*(const int *)where, name, value, size, 0);
}

static int set_by_name(const void *where, const char *name, const void *value, size_t size)
{
	return lsetxattr(where, name, value, size, 0);
}

int extract_set_xattrs(int fd, struct archive_entry *entry, struct err *err)
{
	return set_xattrs(set_by_fd, &fd, entry, err);
}

/* There is no call for a name in a directory before Linux 6.13: go there for the moment. */
static int set_xattrs_at(const struct dir *parent, const char *name, struct archive_entry *entry,
			 struct err *err)
{
	FD_CLEANUP int here = -1;
	int rc;

	if (!archive_entry_xattr_count(entry))
		return 0;
	here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (here < 0 || fchdir(parent->fd) < 0)
		return err_sys(err, "set attributes of %s", name_of(entry));
	rc = set_xattrs(set_by_name, name, entry, err);
	if (fchdir(here) < 0)
		return err_sys(err, "go back to the working directory");
	return rc;
}

struct timespec extract_mtime(struct archive_entry *entry)
{
	struct timespec time;

	if (!archive_entry_mtime_is_set(entry))
		return (struct timespec){ .tv_nsec = UTIME_NOW };
	time.tv_sec = archive_entry_mtime(entry);
	time.tv_nsec = archive_entry_mtime_nsec(entry);
	/* "-1.5" of a pax header: libarchive has read the fraction as one that is added. */
	if (time.tv_sec < 0 && time.tv_nsec)
		time = (struct timespec){ time.tv_sec - 1, 1000000000 - time.tv_nsec };
	return time;
}

int extract_set_time(int fd, struct archive_entry *entry, struct err *err)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, extract_mtime(entry) };

	if (futimens(fd, times) < 0)
		return err_sys(err, "set the time of %s", name_of(entry));
	return 0;
}

int extract_kept_mtime(int fd, struct archive_entry *entry, struct timespec *time, struct err *err)
{
	struct stat st;
	int rc;

	*time = extract_mtime(entry);
	if (time->tv_sec >= 0 && time->tv_sec <= INT32_MAX)
		return 0;
	rc = extract_set_time(fd, entry, err);
	if (rc < 0)
		return rc;
	if (fstat(fd, &st) < 0)
		return err_sys(err, "look at %s", name_of(entry));
	*time = st.st_mtim;
	return 0;
}

int extract_set_meta_at(const struct dir *parent, const char *name, struct archive_entry *entry,
			struct err *err)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, extract_mtime(entry) };
	int rc = check_ids(entry, err);

	if (rc < 0)
		return rc;
	if ((parent->set_gid || !is_ours(entry)) &&
	    fchownat(parent->fd, name, (uid_t)archive_entry_uid(entry),
		     (gid_t)archive_entry_gid(entry), AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "set the owner of %s", name_of(entry));
	rc = set_xattrs_at(parent, name, entry, err);
	if (rc < 0)
		return rc;
	if (utimensat(parent->fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "set the time of %s", name_of(entry));
	return 0;
}

/* --- what a file has already --- */

bool extract_has_meta(const struct stat *st, struct archive_entry *entry)
{
	const struct timespec time = extract_mtime(entry);

	return archive_entry_mtime_is_set(entry) && st->st_mtim.tv_sec == time.tv_sec &&
	       st->st_mtim.tv_nsec == time.tv_nsec &&
	       st->st_size == archive_entry_size(entry) &&
	       (st->st_mode & 07777) == archive_entry_perm(entry) &&
	       (int64_t)st->st_uid == archive_entry_uid(entry) &&
	       (int64_t)st->st_gid == archive_entry_gid(entry);
}

static bool has_value(int fd, const char *name, const void *value, size_t size)
{
	FREE_CLEANUP char *found = xmalloc(size + 1);
	ssize_t got = fgetxattr(fd, name, found, size + 1);

	return got == (ssize_t)size && !memcmp(found, value, size);
}

/* How many of the file's attributes an image may set, or -1. Those of the host's security modules don't count. */
static int count_xattrs(int fd)
{
	ssize_t size = flistxattr(fd, NULL, 0), got;
	FREE_CLEANUP char *names = xmalloc(size > 0 ? (size_t)size : 1);
	int count = 0;

	if (size <= 0)
		return size && errno != EOPNOTSUPP ? -1 : 0;
	got = flistxattr(fd, names, (size_t)size);
	for (const char *name = names; name < names + got; name += strlen(name) + 1)
		count += is_allowed(name);
	return got == size ? count : -1;
}

bool extract_has_xattrs(int fd, struct archive_entry *entry)
{
	const char *name;
	const void *value;
	size_t size;
	int count = 0;

	archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
		if (!is_allowed(name))
			continue;
		if (!has_value(fd, name, value, size))
			return false;
		count++;
	}
	return count_xattrs(fd) == count;
}
