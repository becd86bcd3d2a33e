#include "config/path.h"

#include <errno.h>
#include <string.h>

#include "lib/buf.h"

int path_clean(const char *text, char **clean, struct err *err)
{
	struct buf out = BUF_INIT;

	if (*text != '/')
		return err_set(err, -EINVAL, "not an absolute path; let it start with /");
	if (strlen(text) > PATH_LENGTH_MAX)
		return err_set(err, -EINVAL, "the path is longer than %d bytes", PATH_LENGTH_MAX);
	while (*(text += strspn(text, "/"))) {
		size_t size = strcspn(text, "/");

		if (size == 2 && !strncmp(text, "..", 2)) {
			buf_release(&out);
			return err_set(err, -EINVAL, "the path has .. in it; write it without");
		}
		if (size > 1 || *text != '.') {
			buf_append_text(&out, "/");
			buf_append(&out, text, size);
		}
		text += size;
	}
	if (out.size == 0)
		buf_append_text(&out, "/");
	*clean = buf_steal(&out);
	return 0;
}
