/* The request "refresh": the agent has written hosts or resolv.conf anew, the container's copies follow. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/helper/shim_parts.h"
#include "lib/fd.h"

#define FILE_MAX (96 * 1024)

/* Of a whole line; NULL: it isn't there. */
static const char *find_line(const char *text, const char *line)
{
	for (; (text = strstr(text, line)); text++)
		if (text[-1] == '\n')
			return text;
	return NULL;
}

bool shim_replace_block(struct buf *out, const struct buf *old, const struct buf *block)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	const char *begin, *end;

	/* A line behind a newline, also the first one; a NUL would hide what follows. */
	buf_append_text(&text, "\n");
	buf_append_text(&text, buf_text(old));
	if (text.size != old->size + 1)
		return false;
	begin = find_line(text.data + 1, SHIM_BLOCK_BEGIN);
	end = begin ? find_line(begin, SHIM_BLOCK_END) : NULL;
	if (!end)
		return false;
	end += strlen(SHIM_BLOCK_END);
	buf_append(out, text.data + 1, (size_t)(begin - text.data - 1));
	buf_append(out, block->data, block->size);
	buf_append_text(out, end);
	return true;
}

/*
 * The container may have made anything of its copy but another kind of file: it is mounted there, so it can't be
 * renamed or removed. Written in place, for the same reason. A lease on it (fcntl(2), F_SETLEASE) is not waited for.
 */
static int refresh(const char *name)
{
	BUF_CLEANUP struct buf block = BUF_INIT;
	BUF_CLEANUP struct buf old = BUF_INIT;
	BUF_CLEANUP struct buf text = BUF_INIT;
	FD_CLEANUP int fd = -1;
	char path[64];
	int rc = fd_read_file(AT_FDCWD, name, &block, FILE_MAX);

	snprintf(path, sizeof(path), SHIM_COPIES "/%s", name);
	if (rc < 0)
		return rc;
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == EWOULDBLOCK ? 0 : -errno;
	rc = fd_read_all(fd, &old, FILE_MAX);
	if (rc < 0)
		return rc == -EFBIG ? 0 : rc; /* the container's own, whatever that is */
	if (!shim_replace_block(&text, &old, &block))
		return 0;
	/* Over the old text and then cut: who reads meanwhile finds a line too many, not a file without lines. */
	if (pwrite(fd, text.data, text.size, 0) != (ssize_t)text.size)
		return -ENOSPC;
	return ftruncate(fd, (off_t)text.size) < 0 ? -errno : 0;
}

int shim_refresh(struct err *err)
{
	static const char *const names[] = { "hosts", "resolv.conf" };

	if (access(SHIM_COPIES, F_OK) < 0)
		return 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		int rc = refresh(names[i]);

		if (rc < 0)
			return err_code(err, rc, "the container's %s stays as it was", names[i]);
	}
	return 0;
}
