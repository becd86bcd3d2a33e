#include "config/words.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/json.h"

#define BLANKS " \t\r\n"
#define PLAIN \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_^~[]{}"

/* Appends what is quoted to `out`; *text goes from behind the first quote to behind the last. */
static int read_quoted(const char **text, char quote, struct buf *out)
{
	const char *p = *text;

	for (; *p != quote; p++) {
		if (!*p)
			return -EINVAL;
		if (quote == '"' && *p == '\\' && p[1] && strchr("\"\\$`", p[1]))
			p++;
		buf_append(out, p, 1);
	}
	*text = p + 1;
	return 0;
}

/* Appends one word; *text stands at its first character, then behind it. */
static int read_word(const char **text, struct buf *out)
{
	const char *p = *text;

	while (*p && !strchr(BLANKS, *p)) {
		char c = *p++;

		if (c == '\'' || c == '"') {
			if (read_quoted(&p, c, out) < 0)
				return -EINVAL;
			continue;
		}
		if (c == '\\' && !(c = *p++))
			return -EINVAL;
		buf_append(out, &c, 1);
	}
	*text = p;
	return 0;
}

int words_split(const char *text, char ***words, struct err *err)
{
	char **list = xcalloc(WORDS_MAX + 1, sizeof(*list));
	size_t count = 0;
	int rc = 0;

	text += strspn(text, BLANKS);
	if (!strncmp(text, "[\"", 2))
		rc = err_set(err, -EINVAL, "this looks like a JSON array; write the words as in a shell: "
			     "/bin/prog --flag 'a word'");
	for (; *text && rc == 0; text += strspn(text, BLANKS)) {
		BUF_CLEANUP struct buf word = BUF_INIT;

		if (count == WORDS_MAX)
			rc = err_set(err, -EINVAL, "more than %d words; put them into a script",
				     WORDS_MAX);
		else if (read_word(&text, &word) < 0)
			rc = err_set(err, -EINVAL,
				     "a quote is not closed, or nothing is behind a backslash "
				     "(mind that a ; behind a blank begins a comment)");
		else
			list[count++] = xstrdup(buf_text(&word));
	}
	if (rc == 0 && count == 0)
		rc = err_set(err, -EINVAL, "no command in it; name a program");
	if (rc < 0) {
		free_strings(list);
		return rc;
	}
	*words = list;
	return 0;
}

static void append_quoted(struct buf *out, const char *word)
{
	if (*word && strspn(word, PLAIN) == strlen(word)) {
		buf_append_text(out, word);
		return;
	}
	buf_append_text(out, "'");
	for (; *word; word++) {
		if (*word == '\'')
			buf_append_text(out, "'\\''");
		else
			buf_append(out, word, 1);
	}
	buf_append_text(out, "'");
}

char *words_join(char *const *words)
{
	struct buf out = BUF_INIT;

	buf_append_text(&out, "");
	for (; *words; words++) {
		if (out.size)
			buf_append_text(&out, " ");
		append_quoted(&out, *words);
	}
	return out.data ? buf_steal(&out) : xstrdup("");
}

#define NEAREST_MAX 32

/* Levenshtein's distance of two words of at most NEAREST_MAX letters, row by row. */
static size_t distance(const char *a, const char *b)
{
	size_t row[NEAREST_MAX + 1], a_size = strlen(a), b_size = strlen(b);

	for (size_t j = 0; j <= b_size; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_size; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_size; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[b_size];
}

const char *words_nearest(const char *word, const void *known, size_t count, size_t stride)
{
	size_t best = strlen(word) / 3 + 2; /* further away it's no slip but another word */
	const char *nearest = NULL;

	if (strlen(word) > NEAREST_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		const char *name = *(const char *const *)((const char *)known + i * stride);
		size_t steps = strlen(name) > NEAREST_MAX ? best : distance(word, name);

		if (steps < best) {
			best = steps;
			nearest = name;
		}
	}
	return nearest;
}
