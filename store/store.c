#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"
#include "store/check.h"
#include "store/file.h"
#include "store/layer.h"
#include "store/record.h"

struct folder {
	const char *name;
	size_t member; /* offset of its descriptor in struct store */
};

static const struct folder folders[] = {
	{ "layers", offsetof(struct store, layers) },
	{ "images", offsetof(struct store, images) },
	{ "manifests", offsetof(struct store, manifests) },
	{ "tags", offsetof(struct store, tags) },
	{ "apps", offsetof(struct store, apps) },
	{ "containers", offsetof(struct store, containers) },
	{ "volumes", offsetof(struct store, volumes) },
	{ "pulls", offsetof(struct store, pulls) },
	{ "staging", offsetof(struct store, staging) },
};

#define FOLDERS (sizeof(folders) / sizeof(*folders))

static int *folder_fd(struct store *store, size_t i)
{
	return (int *)(void *)((char *)store + folders[i].member);
}

static int fail(const struct store *store, int rc, const char *what, struct err *err)
{
	return err_code(err, rc, "store %s: %s", store->path, what);
}

static int open_root(struct store *store, const char *path, struct err *err)
{
	struct statvfs fs;
	char *real;
	int rc = fd_make_dirs(path, 0700);

	if (rc < 0)
		return err_code(err, rc, "make the store %s", path);
	real = realpath(path, NULL);
	if (!real)
		return err_sys(err, "open the store %s", path);
	snprintf(store->path, sizeof(store->path), "%s", strcmp(real, "/") ? real : "");
	free(real);
	store->dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->dirfd < 0)
		return err_sys(err, "open the store %s", path);
	if (fstatvfs(store->dirfd, &fs) == 0 && fs.f_flag & ST_RDONLY)
		return err_set(err, -EROFS,
			       "store %s: its file system is mounted read-only; mount it for writing, or "
			       "name another store (the kernel does that after errors: see dmesg)",
			       path);
	return 0;
}

/*
 * A POSIX lock: it is asked who holds it without a pid being written to flash, helpers that are
 * forked don't hold it, and it goes when the process does.
 */
static int take_lock(struct store *store, struct err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	store->lock = openat(store->dirfd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (store->lock < 0)
		return fail(store, -errno, "make the lock file", err);
	if (fcntl(store->lock, F_SETLK, &lock) == 0)
		return 0;
	if (errno != EACCES && errno != EAGAIN)
		return fail(store, -errno, "lock", err);
	if (fcntl(store->lock, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return err_set(err, -EBUSY, "store %s is in use by another process", store->path);
	return err_set(err, -EBUSY,
		       "store %s is in use by process %d; stop that agent or name another store",
		       store->path, (int)lock.l_pid);
}

static int write_version(struct store *store, struct err *err)
{
	char text[16];
	int size = snprintf(text, sizeof(text), "%d\n", STORE_VERSION);
	int rc = file_write(store, store->dirfd, "version", text, (size_t)size);

	return rc ? fail(store, rc, "write the version", err) : 0;
}

static int check_version(struct store *store, struct err *err)
{
	int64_t version = 0;
	int rc = fd_read_number(store->dirfd, "version", &version);

	if (rc == -ENOENT)
		return write_version(store, err);
	if (rc == -EINVAL || (!rc && version < 1)) {
		/* Bad flash must not cost the store. There has been no other layout yet. */
		log_warn("store %s: its version file is damaged: taken for layout %d, and written anew",
			 store->path, STORE_VERSION);
		return write_version(store, err);
	}
	if (rc < 0)
		return fail(store, rc, "read the version", err);
	if (version != STORE_VERSION)
		return err_set(err, -ENOTSUP,
			       "store %s has layout version %lld, this berth knows %d; run the berth "
			       "that made it, or name another store",
			       store->path, (long long)version, STORE_VERSION);
	return 0;
}

static int open_folders(struct store *store, struct err *err)
{
	bool made = false;

	for (size_t i = 0; i < FOLDERS; i++) {
		made |= mkdirat(store->dirfd, folders[i].name, 0700) == 0;
		*folder_fd(store, i) = openat(store->dirfd, folders[i].name,
					      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (*folder_fd(store, i) < 0)
			return fail(store, -errno, folders[i].name, err);
	}
	if (made && fsync(store->dirfd) < 0)
		return fail(store, -errno, "sync", err);
	return 0;
}

/* Bad flash or a mount in the way must not keep the apps from being started: told, and left. */
static void cannot_remove(const struct store *store, const char *what, int rc)
{
	log_warn("store %s: what is left from before can't be removed: %s: %s", store->path, what,
		 strerror(-rc));
}

/* Stages of pulls that were cut short. Removing them can take long: that is sweep()'s. */
static void throw_stages_away(struct store *store)
{
	char **names;
	int rc = file_names(store->staging, &names);

	if (rc < 0)
		cannot_remove(store, "staging", rc);
	for (char **name = names; *name; name++) {
		rc = **name == FILE_THROWN_AWAY ?
			     0 :
			     file_throw_away(store, store->staging, *name);
		if (rc < 0)
			cannot_remove(store, *name, rc);
	}
	free_strings(names);
}

static void remove_leftovers(struct store *store)
{
	int rc = file_remove_temporary(store->dirfd);

	if (rc < 0)
		cannot_remove(store, "temporary files", rc);
	rc = record_settle(store);
	if (rc < 0)
		log_warn("store %s: sync apps: %s", store->path, strerror(-rc));
	throw_stages_away(store);
	for (size_t i = 0; i < FOLDERS; i++) {
		rc = *folder_fd(store, i) == store->volumes ?
			     0 :
			     file_remove_temporary(*folder_fd(store, i));
		if (rc < 0)
			cannot_remove(store, folders[i].name, rc);
	}
}

int store_open(struct store *store, const char *path, struct err *err)
{
	int rc;

	*store = (struct store){ .dirfd = -1, .lock = -1 };
	for (size_t i = 0; i < FOLDERS; i++)
		*folder_fd(store, i) = -1;
	rc = open_root(store, path, err) ?: take_lock(store, err) ?: check_version(store, err) ?:
	     open_folders(store, err);
	if (rc < 0) {
		store_close(store);
		return rc;
	}
	remove_leftovers(store);
	check_file_system(store);
	return 0;
}

static int look_at_root(struct store *store, const char *path, struct err *err)
{
	char real[PATH_MAX];

	if (!realpath(path, real))
		return err_sys(err, "open the store %s", path);
	snprintf(store->path, sizeof(store->path), "%s", strcmp(real, "/") ? real : "");
	store->dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->dirfd < 0 || faccessat(store->dirfd, "version", F_OK, 0) < 0)
		return err_sys(err, "open the store %s", path);
	return 0;
}

int store_look(struct store *store, const char *path, bool lock, struct err *err)
{
	int rc;

	*store = (struct store){ .dirfd = -1, .lock = -1 };
	for (size_t i = 0; i < FOLDERS; i++)
		*folder_fd(store, i) = -1;
	rc = look_at_root(store, path, err);
	if (!rc && lock)
		rc = take_lock(store, err);
	if (!rc)
		rc = check_version(store, err);
	if (rc < 0) {
		store_close(store);
		return rc;
	}
	/* One that is missing is what the look will find. */
	for (size_t i = 0; i < FOLDERS; i++)
		*folder_fd(store, i) = openat(store->dirfd, folders[i].name,
					      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return 0;
}

void store_close(struct store *store)
{
	for (size_t i = 0; i < FOLDERS; i++)
		fd_close(folder_fd(store, i));
	fd_close(&store->lock);
	fd_close(&store->dirfd);
	free(store->suspects);
	store->suspects = NULL;
	store->suspect_count = 0;
}

static bool has_layer(char *const *names, const struct digest *diff_id)
{
	for (; *names; names++)
		if (!strcmp(*names, digest_hex(diff_id)))
			return true;
	return false;
}

/* A file with names in two layers counts once, as long as both are there. */
static int add_layers(const struct store *store, struct store_usage *usage)
{
	char **names;
	int rc = file_names(store->layers, &names);

	for (char **name = names; *name; name++) {
		struct layer_meta meta;
		struct digest id;

		if (digest_from_hex(&id, *name) < 0 || layer_read_meta(store, &id, &meta, NULL) < 0)
			continue;
		usage->layers++;
		usage->bytes += meta.size_bytes;
		for (size_t i = 0; i < meta.shared_count; i++)
			if (has_layer(names, &meta.shared[i].diff_id))
				usage->bytes -= meta.shared[i].bytes;
	}
	free_strings(names);
	return rc;
}

int store_usage(const struct store *store, struct store_usage *usage, struct err *err)
{
	struct statvfs fs;
	int rc;

	*usage = (struct store_usage){ 0 };
	rc = add_layers(store, usage);
	if (!rc && fstatvfs(store->dirfd, &fs) < 0)
		rc = -errno;
	if (rc < 0)
		return fail(store, rc, "look", err);
	usage->free_bytes = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
	return 0;
}

int64_t store_written_bytes(const struct store *store)
{
	return store->written_bytes;
}
