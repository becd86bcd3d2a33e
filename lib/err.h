/*
 * err - the reason why something failed, for a person to read.
 *
 * A function that can fail for a reason worth telling takes a `struct err *` as its last parameter
 * and returns 0 or a negative errno value. The lowest level that knows the fact calls err_set();
 * callers that know more call err_context(), which puts "what: " in front; only the top logs or
 * answers. The text is a fixed buffer, so reporting "no memory" cannot fail. One line, no newline:
 * control characters in what comes from outside, and bytes that aren't UTF-8, are replaced by '?'.
 *
 *	if (fd < 0)
 *		return err_sys(err, "open %s", path);		-> "open /x: No such file or directory"
 *	...
 *	if (stage_open(&stage, store, err) < 0)
 *		return err_context(err, "pull %s", ref);	-> "pull a/b:c: open /x: No such ..."
 *
 * `err` may be NULL everywhere: then only the code is returned.
 */
#ifndef LIB_ERR_H
#define LIB_ERR_H

#define ERR_TEXT_MAX 512

struct err {
	int code; /* negative errno value, 0: none yet */
	char text[ERR_TEXT_MAX];
};

#define ERR_INIT ((struct err){ 0 })

/* Sets code (negative) and text; returns code. A later call overwrites an earlier one. */
int err_set(struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Like err_set(), and ": strerror(-code)" behind the text. */
int err_code(struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same with -errno. */
int err_sys(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "format: " in front of the text; returns the code that is set. */
int err_context(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Reports "out of memory" and exits with 1: inputs are bounded, so this is a device without room. */
_Noreturn void die_no_memory(void);

/* malloc, calloc, strdup that do not return NULL. */
void *xmalloc(unsigned long size) __attribute__((malloc, alloc_size(1), returns_nonnull));
void *xcalloc(unsigned long count, unsigned long size)
	__attribute__((malloc, alloc_size(1, 2), returns_nonnull));
void *xrealloc(void *old, unsigned long size) __attribute__((alloc_size(2), returns_nonnull));
char *xstrdup(const char *text) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *text, unsigned long size) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *format, ...)
	__attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

#endif
