/*
 * table - columns like those of the docker CLI: as wide as their widest cell and three spaces, at
 * least ten in all, nothing behind the last one.
 *
 *	table_cell(&table, "NAME"); ... table_cell(&table, "STATUS"); table_end_row(&table);
 *	table_print(&table, stdout);
 *	table_release(&table);
 */
#ifndef AGENT_CLI_TABLE_H
#define AGENT_CLI_TABLE_H

#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 16

struct table {
	char **cells; /* owned, row by row; NULL ends a row */
	size_t count;
	size_t columns; /* in the row at hand */
	size_t widths[TABLE_COLUMNS_MAX]; /* characters, not bytes */
};

#define TABLE_INIT ((struct table){ 0 })

/* Control characters in `text` (names come from afar) are shown as '?'. */
void table_cell(struct table *table, const char *text);
void table_cell_format(struct table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void table_end_row(struct table *table);
void table_print(const struct table *table, FILE *out);
void table_release(struct table *table);

#endif
