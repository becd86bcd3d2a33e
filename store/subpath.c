#include "store/subpath.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/fd.h"

int subpath_clean(char out[static PATH_MAX], const char *name)
{
	size_t size = 0;

	if (!*name)
		return -EINVAL;
	for (const char *p = name; *p;) {
		size_t length = strcspn(p, "/");

		if (length == 2 && p[0] == '.' && p[1] == '.') {
			if (!size && *name != '/')
				return -EINVAL;
			while (size && out[size - 1] != '/')
				size--;
			size -= size > 0;
		} else if (length && !(length == 1 && *p == '.')) {
			if (size + length + 2 > PATH_MAX)
				return -ENAMETOOLONG;
			if (size)
				out[size++] = '/';
			memcpy(out + size, p, length);
			size += length;
		}
		p += length;
		p += *p == '/';
	}
	out[size] = '\0';
	return 0;
}

const char *subpath_split(const char *path, size_t *parent_size)
{
	const char *slash = strrchr(path, '/');

	*parent_size = slash ? (size_t)(slash - path) : 0;
	return slash ? slash + 1 : path;
}

bool subpath_is_clean(const char *path)
{
	char clean[PATH_MAX];

	if (*path == '/' || subpath_clean(clean, path) < 0 || !*clean || strcmp(clean, path) != 0)
		return false;
	for (const char *p = path; *p; p += p[0] == '/') {
		size_t length = strcspn(p, "/");

		if (length > NAME_MAX)
			return false;
		p += length;
	}
	return true;
}

int subpath_open_dir(int root, const char *path, size_t size, int flags)
{
	const char *end = path + size;
	int fd = openat(root, ".", flags | O_DIRECTORY | O_CLOEXEC);

	for (const char *p = path; p < end && fd >= 0;) {
		size_t length = strcspn(p, "/");
		char name[NAME_MAX + 1];
		int next;

		length = length < (size_t)(end - p) ? length : (size_t)(end - p);
		if (length > NAME_MAX) {
			close(fd);
			return -ENAMETOOLONG;
		}
		memcpy(name, p, length);
		name[length] = '\0';
		next = openat(fd, name, flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		fd_close(&fd);
		fd = next;
		p += length + 1;
	}
	return fd < 0 ? -errno : fd;
}
