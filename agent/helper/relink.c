/*
 * relink - the helper that links the files which unpack held back (store/relink.h).
 *
 *	berth relink STORE_FD
 *
 * The agent starts it when unpack has ended, so that nobody writes to the stage any more. Settings are on
 * descriptor 6:
 *
 *	{"stage":NAME,"layers":[numbers in the stage],"base":["sha256:<diff ID>",...]}
 *
 * `base` has to be what unpack was given. Reports {"done":true} when all of these layers are whole and on
 * disk, or an error.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/applets.h"
#include "agent/helper/report.h"
#include "agent/helper/unpack_input.h"
#include "agent/helper/unpack_sandbox.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "store/relink.h"
#include "store/space.h"

#define MEMORY_MAX ((size_t)4 << 20)
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static int read_settings(json_t **settings, struct digest **base, struct relink_base *where,
			 struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	int rc = fd_read_all(UNPACK_SETTINGS_FD, &text, UNPACK_SETTINGS_MAX);

	if (rc < 0)
		return err_code(err, rc, "read the settings");
	rc = json_parse(settings, buf_text(&text), text.size, "the settings", err);
	if (!rc)
		rc = unpack_input_read_base(base, &where->count, *settings, err);
	where->diff_ids = *base;
	return rc;
}

static int link_layer(const struct relink_base *base, int stage, json_int_t number, struct err *err)
{
	FD_CLEANUP int dir = -1;
	char name[24];
	int64_t files;
	int rc;

	snprintf(name, sizeof(name), "%lld", (long long)number);
	dir = openat(stage, name, DIR_FLAGS);
	if (dir < 0)
		return err_sys(err, "open layer %s of the stage", name);
	rc = relink_layer(base, dir, &files, err);
	return rc ? err_context(err, "layer %s", name) : 0;
}

static int link_all(struct relink_base *base, const json_t *settings, struct err *err)
{
	FD_CLEANUP int staging = openat(AT_FDCWD, "staging", DIR_FLAGS);
	FD_CLEANUP int layers = openat(AT_FDCWD, "layers", DIR_FLAGS);
	FD_CLEANUP int stage = -1;
	const char *name = "";
	size_t i;
	json_t *number;

	base->layers = layers;
	if (json_get_string(settings, "stage", &name, err) <= 0 || strchr(name, '/'))
		return err_set(err, -EINVAL, "\"stage\" is missing");
	stage = openat(staging, name, DIR_FLAGS);
	if (stage < 0 || layers < 0)
		return err_sys(err, "open the stage");
	json_array_foreach(json_object_get(settings, "layers"), i, number) {
		int rc = link_layer(base, stage, json_integer_value(number), err);

		if (rc < 0)
			return rc;
	}
	return syncfs(stage) < 0 ? err_sys(err, "write the layers to disk") : 0;
}

int relink_main(int argc, char **argv)
{
	JSON_CLEANUP json_t *settings = NULL;
	FREE_CLEANUP struct digest *diff_ids = NULL;
	struct relink_base base = { .layers = -1 };
	struct err err = ERR_INIT;
	int rc;

	report_init();
	if (argc != 2)
		rc = err_set(&err, -EINVAL, "usage: berth relink STORE_FD (the agent starts it)");
	else
		rc = read_settings(&settings, &diff_ids, &base, &err);
	if (!rc)
		rc = sandbox_relink(atoi(argv[1]), MEMORY_MAX, &err);
	if (!rc)
		rc = link_all(&base, settings, &err);
	if (rc < 0)
		report_error(err.text, space_is_full(rc) ? "space" : "relink", 0);
	else
		report_done();
	return rc < 0 ? 1 : 0;
}
