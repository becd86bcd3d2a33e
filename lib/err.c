#include "lib/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/utf8.h"

/* Puts ": cause" behind the first `used` bytes of text, cut to what fits. */
static void append(char text[static ERR_TEXT_MAX], int used, const char *cause)
{
	size_t room, size = strlen(cause);

	if (used >= 0 && used < ERR_TEXT_MAX - 3) {
		room = (size_t)(ERR_TEXT_MAX - used - 3);
		memcpy(text + used, ": ", 2);
		memcpy(text + used + 2, cause, size < room ? size : room);
		text[used + 2 + (int)(size < room ? size : room)] = '\0';
	}
	utf8_make_printable(text);
}

int err_set(struct err *err, int code, const char *format, ...)
{
	va_list args;

	if (!err)
		return code;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	utf8_make_printable(err->text);
	err->code = code;
	return code;
}

__attribute__((format(printf, 3, 0)))
static int set_code(struct err *err, int code, const char *format, va_list args)
{
	if (!err)
		return code;
	append(err->text, vsnprintf(err->text, sizeof(err->text), format, args), strerror(-code));
	err->code = code;
	return code;
}

int err_code(struct err *err, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set_code(err, code, format, args);
	va_end(args);
	return code;
}

int err_sys(struct err *err, const char *format, ...)
{
	int code = -errno;
	va_list args;

	va_start(args, format);
	set_code(err, code, format, args);
	va_end(args);
	return code;
}

int err_context(struct err *err, const char *format, ...)
{
	char cause[ERR_TEXT_MAX];
	va_list args;
	int used;

	if (!err)
		return -EIO;
	memcpy(cause, err->text, sizeof(cause));
	va_start(args, format);
	used = vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	append(err->text, used, cause);
	return err->code;
}

void die_no_memory(void)
{
	static const char text[] = "berth: out of memory\n";
	ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)written; /* nothing else can be told */
	_exit(1);
}

void *xmalloc(unsigned long size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		die_no_memory();
	return p;
}

void *xcalloc(unsigned long count, unsigned long size)
{
	void *p = calloc(count ? count : 1, size ? size : 1);

	if (!p)
		die_no_memory();
	return p;
}

void *xrealloc(void *old, unsigned long size)
{
	void *p = realloc(old, size ? size : 1);

	if (!p)
		die_no_memory();
	return p;
}

char *xstrdup(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		die_no_memory();
	return copy;
}

char *xstrndup(const char *text, unsigned long size)
{
	char *copy = strndup(text, size);

	if (!copy)
		die_no_memory();
	return copy;
}

char *xasprintf(const char *format, ...)
{
	va_list args;
	char *text;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0)
		die_no_memory();
	return text;
}
