#include "store/last_seen.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void look_at(int dirfd, const char *name, int64_t *newest_s)
{
	struct stat status;

	if (fstatat(dirfd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_mtime > *newest_s)
		*newest_s = status.st_mtime;
}

/* The directory itself ("."), and what is in it. What can't be read has nothing to say. */
static void look_into(int dirfd, int64_t *newest_s)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	for (int count = 0; count < LAST_SEEN_FILES_MAX && (entry = readdir(dir)); count++)
		if (entry->d_name[0] != '.' || !entry->d_name[1])
			look_at(dirfd, entry->d_name, newest_s);
	closedir(dir);
}

int64_t store_last_seen(const struct store *store)
{
	const int dirs[] = { store->apps, store->tags, store->images, store->manifests, store->layers };
	int64_t newest_s = 0;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		look_into(dirs[i], &newest_s);
	return newest_s;
}
