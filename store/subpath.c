#include "store/subpath.h"

#include <errno.h>
#include <string.h>

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
