#include "agent/helper/unpack_input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/json.h"
#include "store/base.h"
#include "store/decompress.h"

static int read_word(const json_t *json, const char *name, char word[static PLATFORM_WORD_MAX + 1],
		     struct err *err)
{
	const char *text = "";
	int rc = json_get_string(json, name, &text, err);

	if (rc < 0)
		return rc;
	if (strlen(text) > PLATFORM_WORD_MAX)
		return err_set(err, -EINVAL, "\"%s\" is too long", name);
	snprintf(word, PLATFORM_WORD_MAX + 1, "%s", text);
	return 0;
}

static int read_platform(struct platform *platform, const json_t *json, struct err *err)
{
	json_t *object = NULL;
	int rc = json_get_object(json, "platform", &object, err);

	if (rc < 0)
		return rc;
	if (!rc) {
		platform_current(platform);
		return 0;
	}
	return read_word(object, "os", platform->os, err) ?:
	       read_word(object, "architecture", platform->architecture, err) ?:
	       read_word(object, "variant", platform->variant, err);
}

static int read_limits(struct unpack_input *input, const json_t *json, struct err *err)
{
	json_t *limits = NULL;
	int64_t window_log = DECOMPRESS_WINDOW_LOG;
	int rc = json_get_object(json, "limits", &limits, err);

	if (rc > 0 && ((rc = json_get_int(limits, "window_log", &window_log, err)) < 0 ||
		       (rc = json_get_int(limits, "free_bytes", &input->floor.bytes, err)) < 0))
		return rc;
	if (rc >= 0)
		rc = json_get_int(limits, "free_inodes", &input->floor.inodes, err);
	if (rc < 0)
		return rc;
	/* The bounds zstd itself has for it. */
	if (window_log < 20 || window_log > 31)
		return err_set(err, -EINVAL, "window_log has to be from 20 to 31");
	input->window_log = (int)window_log;
	return 0;
}

int unpack_input_read_base(struct digest **base, size_t *count, const json_t *json, struct err *err)
{
	char **texts = NULL;
	int rc = json_get_strings(json, "base", &texts, err);
	size_t most = rc > 0 ? count_strings(texts) : 0;

	if (rc >= 0 && most > BASE_LAYERS_MAX)
		rc = err_set(err, -EINVAL, "\"base\" has too many layers");
	*base = xcalloc(most + 1, sizeof(**base));
	for (*count = 0; rc >= 0 && *count < most; ++*count)
		if (digest_parse(&(*base)[*count], texts[*count]) < 0)
			rc = err_set(err, -EINVAL, "\"base\" has what is no digest");
	free_strings(texts);
	return rc < 0 ? rc : 0;
}

static int read_settings(struct unpack_input *input, const struct buf *text, struct err *err)
{
	JSON_CLEANUP json_t *json = NULL;
	int rc = json_parse(&json, buf_text(text), text->size, "the settings", err);

	if (!rc)
		rc = read_platform(&input->platform, json, err);
	if (!rc)
		rc = read_limits(input, json, err);
	if (!rc)
		rc = lane_read(&input->lane, json, err);
	if (rc < 0)
		return rc;
	rc = json_get_strings(json, "have", &input->have, err);
	return rc < 0 ? rc : unpack_input_read_base(&input->base, &input->base_count, json, err);
}

int unpack_input_read(struct unpack_input *input, int argc, char **argv, int fd, struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	int rc;

	*input = (struct unpack_input){ .stage_fd = -1, .lane.count = 1 };
	if (argc < 2 || argc > 3 || digest_parse(&input->digest, argv[1]) < 0)
		return err_set(err, -EINVAL, "usage: berth %s DIGEST [STAGE_FD] (the agent starts it)",
			       argv[0]);
	if (argc == 3)
		input->stage_fd = atoi(argv[2]);
	rc = fd_read_all(fd, &text, UNPACK_SETTINGS_MAX);
	close(fd);
	if (rc < 0)
		return err_code(err, rc, "read the settings");
	return read_settings(input, &text, err);
}

void unpack_input_release(struct unpack_input *input)
{
	free_strings(input->have);
	input->have = NULL;
	free(input->base);
	input->base = NULL;
}

bool unpack_input_has(const struct unpack_input *input, const struct digest *diff_id)
{
	for (char **have = input->have; have && *have; have++)
		if (!strcmp(*have, diff_id->text))
			return true;
	return false;
}
