#include "agent/cli/progress.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/cli/cli.h"
#include "agent/cli/terminal.h"
#include "lib/human.h"
#include "lib/json.h"
#include "lib/utf8.h"

#define COLUMNS_DEFAULT 80
#define COLUMNS_BESIDE 56 /* what the line needs besides the bar */
#define BAR_MAX 50
#define ERASE_LINE "\033[2K\r"

void progress_init(struct progress *progress, FILE *out, bool is_quiet)
{
	unsigned short rows, columns;

	*progress = (struct progress){ .out = out, .is_quiet = is_quiet };
	progress->is_terminal = isatty(fileno(out));
	terminal_size(fileno(out), &rows, &columns);
	progress->columns = columns ? columns : COLUMNS_DEFAULT;
}

void progress_release(struct progress *progress)
{
	buf_release(&progress->line);
}

void progress_bar(char *text, size_t size, int64_t current, int64_t total, int columns)
{
	char bar[BAR_MAX + 1], done[HUMAN_TEXT_MAX], all[HUMAN_TEXT_MAX];
	int width = columns - COLUMNS_BESIDE < BAR_MAX ? columns - COLUMNS_BESIDE : BAR_MAX;
	int filled;

	human_size(done, current > 0 ? (uint64_t)current : 0, 4);
	if (total <= 0 || current > total) {
		snprintf(text, size, "%8s", done);
		return;
	}
	human_size(all, (uint64_t)total, 4);
	if (width < 10) {
		snprintf(text, size, "%8s/%s", done, all);
		return;
	}
	filled = (int)((double)current / (double)total * width);
	memset(bar, ' ', (size_t)width);
	memset(bar, '=', (size_t)filled);
	bar[filled < width ? filled : width - 1] = '>';
	bar[width] = '\0';
	snprintf(text, size, "[%s] %8s/%s", bar, done, all);
}

static int find_row(struct progress *progress, const char *id)
{
	for (int i = 0; i < progress->count; i++)
		if (!strcmp(progress->rows[i].id, id))
			return i;
	if (progress->count == PROGRESS_ROWS_MAX)
		return -1;
	snprintf(progress->rows[progress->count].id, sizeof(progress->rows[0].id), "%s", id);
	if (progress->is_terminal)
		fputc('\n', progress->out);
	return progress->count++;
}

/* Goes up to the row's line, writes it anew, and comes back to the line below the last row. */
static void show_in_place(struct progress *progress, int row, const char *status, const char *bar)
{
	int up = progress->count - row;

	fprintf(progress->out, "\033[%dA" ERASE_LINE "%s: %s %s\033[%dB\r", up,
		progress->rows[row].id, status, bar, up);
	fflush(progress->out);
}

static void show_row(struct progress *progress, const char *id, const char *status,
		     const json_t *detail)
{
	char bar[128] = "";
	int row = find_row(progress, id);

	if (row < 0)
		return;
	if (progress->is_terminal) {
		if (json_object_size(detail))
			progress_bar(bar, sizeof(bar), cli_number(detail, "current"),
				     cli_number(detail, "total"), progress->columns);
		show_in_place(progress, row, status, bar);
	} else if (strncmp(progress->rows[row].status, status,
			   sizeof(progress->rows[row].status) - 1)) {
		fprintf(progress->out, "%s: %s\n", id, status);
		fflush(progress->out);
	}
	snprintf(progress->rows[row].status, sizeof(progress->rows[row].status), "%.*s",
		 (int)sizeof(progress->rows[row].status) - 1, status);
}

static int show(struct progress *progress, const json_t *line, struct err *err)
{
	const char *error = cli_text(line, "error");
	const char *id = cli_text(line, "id");
	char status[512];

	if (*error)
		return err_set(err, -EREMOTEIO, "%s", error);
	snprintf(status, sizeof(status), "%s", cli_text(line, "status"));
	utf8_make_printable(status); /* it must not steer the terminal */
	if (progress->is_quiet || !*status)
		return 0;
	if (json_object_get(line, "progressDetail") && *id)
		show_row(progress, id, status, json_object_get(line, "progressDetail"));
	else
		fprintf(progress->out, "%s%s%s\n", id, *id ? ": " : "", status);
	fflush(progress->out);
	return 0;
}

static int take_line(struct progress *progress, const char *text, size_t size, struct err *err)
{
	json_t *line JSON_CLEANUP = NULL;

	if (!size || (size == 1 && *text == '\r'))
		return 0;
	if (json_parse(&line, text, size, "the agent's progress", err) < 0)
		return -EPROTO;
	return show(progress, line, err);
}

int progress_feed(struct progress *progress, const char *data, size_t size, struct err *err)
{
	struct buf *line = &progress->line;
	char *end;
	int rc;

	if (line->size + size > PROGRESS_LINE_MAX)
		return err_set(err, -EPROTO, "the agent's progress has a line of more than %d bytes",
			       PROGRESS_LINE_MAX);
	buf_append(line, data, size);
	while (line->size && (end = memchr(line->data, '\n', line->size))) {
		size_t length = (size_t)(end - line->data);

		rc = take_line(progress, line->data, length, err);
		buf_consume(line, length + 1);
		if (rc < 0)
			return rc;
	}
	return 0;
}
