/*
 * fsck-store - the helper that looks through the store while the agent goes on.
 *
 *	berth fsck-store STORE DEPTH [DIFF_ID...]
 *
 * With diff IDs it checks those layers, without any it looks through all of the store. DEPTH is
 * presence, stat or content; one that reads contents takes the processor and the disk only when nobody
 * else wants them. Reads files, writes nothing. On descriptor 3 (report.h):
 *
 *	{"damage":{"kind","file","layer","path","text","users","remedy"}}	fsck_look.h
 *	{"checking":{"layer":D,"number":n,"count":n}}
 *	{"done":true} or {"error":TEXT,"code":"store"}
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "agent/applets.h"
#include "agent/helper/report.h"
#include "agent/helper/unpack_sandbox.h"
#include "agent/upkeep/fsck_look.h"
#include "lib/fd.h"
#include "lib/sys.h"

#define MEMORY_MAX ((size_t)64 << 20)
#define FINDINGS_MAX 1000 /* of one layer: then it is clear what it is like */

struct look {
	struct fsck fsck;
	const struct digest *layer; /* at hand, when only some are checked */
	size_t found;
};

static int read_depth(const char *text, enum check_depth *depth)
{
	for (size_t i = 0; i < CHECK_DEPTHS; i++)
		if (!strcmp(text, check_depth_names[i])) {
			*depth = (enum check_depth)i;
			return 0;
		}
	return -EINVAL;
}

static void report_finding(void *data, const struct fsck_finding *finding)
{
	(void)data;
	report_line(json_pack("{s:o}", "damage", fsck_finding_json(finding)));
}

static void report_checking(void *data, const struct digest *layer, size_t number, size_t count)
{
	(void)data;
	report_line(json_pack("{s:{s:s, s:I, s:I}}", "checking", "layer", layer->text, "number",
			      (json_int_t)number, "count", (json_int_t)count));
}

static bool report_damage(void *data, enum damage_kind kind, const char *path, const char *text)
{
	struct look *look = data;
	char file[DIGEST_HEX_SIZE + 16];
	const struct fsck_finding finding = {
		.kind = kind, .file = file, .layer = look->layer, .path = path, .text = text, .users = "",
	};

	snprintf(file, sizeof(file), "layers/%.64s", digest_hex(look->layer));
	report_finding(NULL, &finding);
	return ++look->found < FINDINGS_MAX;
}

static int check_some(struct look *look, char **ids, struct err *err)
{
	const struct layer_check check = {
		.depth = look->fsck.depth, .on_damage = report_damage, .data = look,
	};
	int rc = 0;

	for (; !rc && *ids; ids++) {
		struct digest layer;

		if (digest_parse(&layer, *ids) < 0)
			return err_set(err, -EINVAL, "%s: %s", *ids, digest_fault(*ids));
		look->layer = &layer;
		look->found = 0;
		rc = layer_check(&check, look->fsck.store, &layer, err);
	}
	return rc;
}

/* Much of what it parses came from the network once, or from flash that has gone bad. */
static int confine(const char *path, struct err *err)
{
	FD_CLEANUP int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_sys(err, "open it") : sandbox_fsck(fd_steal(&fd), MEMORY_MAX, err);
}

static int run(struct look *look, int argc, char **argv, struct store *store, struct err *err)
{
	int rc;

	if (argc < 3 || read_depth(argv[2], &look->fsck.depth) < 0)
		return err_set(err, -EINVAL,
			       "usage: berth %s STORE presence|stat|content [DIFF_ID...] (the agent starts it)",
			       argv[0]);
	if (look->fsck.depth == CHECK_CONTENT)
		sys_step_back();
	rc = confine(argv[1], err) ?: store_look(store, "/", false, err);
	if (rc < 0)
		return err_context(err, "store %s", argv[1]);
	return argc > 3 ? check_some(look, argv + 3, err) : fsck_look(&look->fsck, err);
}

int fsck_store_main(int argc, char **argv)
{
	struct store store = { .dirfd = -1, .lock = -1 };
	struct look look = {
		.fsck = { .store = &store, .is_live = true, .on_finding = report_finding,
			  .on_layer = report_checking },
	};
	struct err err = ERR_INIT;
	int rc;

	report_init();
	rc = run(&look, argc, argv, &store, &err);
	if (rc < 0)
		report_error(err.text, "store", 0);
	else
		report_done();
	return rc < 0 ? 1 : 0;
}
