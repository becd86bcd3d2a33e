#include "store/writable.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "store/file.h"
#include "store/quota.h"

static bool is_name(const char *text, const char *also)
{
	if (!isalnum((unsigned char)*text) || strlen(text) > VOLUME_NAME_MAX)
		return false;
	for (const char *p = text; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr(also, *p))
			return false;
	return true;
}

static int check_volume(const char *name, struct err *err)
{
	if (!is_name(name, "_.-"))
		return err_set(err, -EINVAL,
			       "\"%s\" is no name of a volume: letters, digits, '_', '.' and '-', "
			       "beginning with a letter or digit",
			       name);
	return 0;
}

int volume_open(struct store *store, const char *name, char path[static PATH_MAX],
		struct err *err)
{
	int rc = check_volume(name, err);

	if (!rc)
		rc = file_path(store, path, err, "/volumes/%s", name);
	if (rc < 0)
		return rc;
	if (mkdirat(store->volumes, name, 0755) == 0)
		return fsync(store->volumes) < 0 ? err_sys(err, "make the volume %s", name) : 1;
	if (errno != EEXIST)
		return err_sys(err, "make the volume %s", name);
	return 0;
}

/* A power cut in the middle leaves no half of it. */
static int remove_whole(struct store *store, int dirfd, const char *name)
{
	int rc = file_throw_away(store, dirfd, name);

	return rc ? rc : fsync(dirfd) < 0 ? -errno : 0;
}

int volume_remove(struct store *store, const char *name, struct err *err)
{
	int rc = check_volume(name, err);

	if (rc < 0)
		return rc;
	rc = remove_whole(store, store->volumes, name);
	if (rc == -ENOENT)
		return err_set(err, rc, "no such volume: %s", name);
	return rc ? err_code(err, rc, "remove the volume %s", name) : 0;
}

int volume_list(const struct store *store, char ***names, struct err *err)
{
	int rc = file_names(store->volumes, names);

	return rc ? err_code(err, rc, "list %s/volumes", store->path) : 0;
}

static int check_id(const char *id, struct err *err)
{
	return is_name(id, "") ? 0 : err_set(err, -EINVAL, "\"%s\" is no container ID", id);
}

static int tell_dir(const char *id, int rc, struct err *err)
{
	return err_code(err, rc, "make the writable layer of %.12s", id);
}

/* Not synced: a container that a power cut makes disappear is simply made again. */
static int make_dirs(int containers, const char *id, int64_t quota_bytes, struct err *err)
{
	FD_CLEANUP int dir = fd_open_dir(containers, id, 0700);
	int rc;

	if (dir < 0)
		return tell_dir(id, dir, err);
	if (quota_bytes && (rc = quota_limit(dir, quota_bytes, err)) < 0)
		return err_context(err, "writable_size");
	rc = fd_make_dir(dir, "upper", 0755); /* the mode of "/" in the container */
	rc = rc ?: fd_make_dir(dir, "work", 0700);
	return rc < 0 ? tell_dir(id, rc, err) : 0;
}

int container_dir_open(struct store *store, const char *id, int64_t quota_bytes,
		       struct container_dir *dir, struct err *err)
{
	int rc = check_id(id, err);

	if (!rc)
		rc = file_path(store, dir->upper, err, "/containers/%s/upper", id);
	if (!rc)
		rc = file_path(store, dir->work, err, "/containers/%s/work", id);
	return rc < 0 ? rc : make_dirs(store->containers, id, quota_bytes, err);
}

int container_dir_remove(struct store *store, const char *id, struct err *err)
{
	int rc = check_id(id, err);

	if (rc < 0)
		return rc;
	quota_lift(store->containers, id);
	rc = remove_whole(store, store->containers, id);
	if (rc < 0 && rc != -ENOENT)
		return err_code(err, rc, "remove the writable layer of %.12s", id);
	return 0;
}
