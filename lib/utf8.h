/* utf8 - is it UTF-8 (RFC 3629)? What goes into JSON must be, and foreign bytes may not be. */
#ifndef LIB_UTF8_H
#define LIB_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character that a NUL-terminated text starts with; 0 when it's no whole character. */
size_t utf8_length(const char *text);

bool utf8_is_valid(const char *text);

/*
 * Makes foreign text fit for one line of a log, a terminal and JSON: control characters and what is
 * no whole character (such as one that was cut at the end) become '?'.
 */
void utf8_make_printable(char *text);

#endif
