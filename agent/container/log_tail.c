#include "agent/container/log_tail.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "agent/container/container.h"
#include "agent/container/logring.h"
#include "lib/fd.h"
#include "lib/utf8.h"

/* More than a full log has. One that runs on may write as fast as it is read. */
#define RECORDS_MAX (CONTAINER_LOG_SIZE / LOGRING_HEADER)

static struct log_tail_line *open_line(struct log_tail *tail, int stream)
{
	for (size_t i = 0; i < tail->count; i++)
		if (tail->lines[i].is_open && tail->lines[i].stream == stream)
			return &tail->lines[i];
	return NULL;
}

static struct log_tail_line *add_line(struct log_tail *tail, int stream)
{
	struct log_tail_line *line;

	if (tail->count == LOG_TAIL_LINES)
		memmove(tail->lines, tail->lines + 1, --tail->count * sizeof(*tail->lines));
	line = &tail->lines[tail->count++];
	line->stream = stream;
	line->size = 0;
	return line;
}

static void add_bytes(struct log_tail_line *line, const char *data, size_t size)
{
	for (size_t i = 0; i < size && line->size < LOG_TAIL_BYTES; i++)
		line->text[line->size++] = data[i] ? data[i] : '?';
	line->text[line->size] = '\0';
}

static bool is_blank(const char *data, size_t size)
{
	while (size && strchr(" \t\r", data[size - 1]) && data[size - 1])
		size--;
	return !size;
}

static void add_record(struct log_tail *tail, const struct logring_record *record)
{
	bool is_end = record->size && record->data[record->size - 1] == '\n';
	size_t size = record->size - is_end;
	struct log_tail_line *line = open_line(tail, record->stream);

	if (is_end && size && record->data[size - 1] == '\r')
		size--; /* a terminal's */
	if (!line && is_blank(record->data, size))
		return;
	if (!line)
		line = add_line(tail, record->stream);
	add_bytes(line, record->data, size);
	line->is_open = !is_end;
}

static int read_all(struct log_tail *tail, struct logring_reader *reader)
{
	struct logring_record record;
	int rc = 0;

	for (int i = 0; i < RECORDS_MAX && (rc = logring_reader_next(reader, &record)) > 0; i++)
		add_record(tail, &record);
	for (size_t i = 0; i < tail->count; i++)
		utf8_make_printable(tail->lines[i].text);
	return rc < 0 ? rc : 0;
}

int log_tail_read(struct log_tail *tail, const char *dir)
{
	FD_CLEANUP int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct logring_reader reader;
	int rc;

	tail->count = 0;
	if (dirfd < 0)
		return errno == ENOENT ? 0 : -errno;
	rc = logring_reader_open(&reader, dirfd);
	if (rc == 0)
		rc = read_all(tail, &reader);
	logring_reader_close(&reader);
	return rc;
}
