#include "agent/cli/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/utf8.h"

#define PADDING 3
#define WIDTH_MIN 10

/* Counts UTF-8 characters: all bytes but continuation bytes. */
static size_t text_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

static void append(struct table *table, char *cell)
{
	table->cells = xrealloc(table->cells, (table->count + 1) * sizeof(*table->cells));
	table->cells[table->count++] = cell;
}

void table_cell(struct table *table, const char *text)
{
	char *copy;
	size_t width;

	if (table->columns == TABLE_COLUMNS_MAX)
		return;
	copy = xstrdup(text);
	utf8_make_printable(copy);
	width = text_width(copy);
	if (width > table->widths[table->columns])
		table->widths[table->columns] = width;
	table->columns++;
	append(table, copy);
}

void table_cell_format(struct table *table, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		die_no_memory();
	va_end(args);
	table_cell(table, text);
	free(text);
}

void table_end_row(struct table *table)
{
	table->columns = 0;
	append(table, NULL);
}

void table_print(const struct table *table, FILE *out)
{
	size_t column = 0;

	for (size_t i = 0; i < table->count; i++) {
		const char *cell = table->cells[i];
		size_t width;

		if (!cell) {
			fputc('\n', out);
			column = 0;
			continue;
		}
		fputs(cell, out);
		width = table->widths[column] + PADDING;
		if (width < WIDTH_MIN)
			width = WIDTH_MIN;
		if (table->cells[i + 1])
			fprintf(out, "%*s", (int)(width - text_width(cell)), "");
		column++;
	}
}

void table_release(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = TABLE_INIT;
}
