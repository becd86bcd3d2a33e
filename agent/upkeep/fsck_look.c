#include "agent/upkeep/fsck_look.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/app/update.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/utf8.h"
#include "store/record.h"

static void add_generation(struct fsck *fsck, const char *app, const struct generation *generation)
{
	if (generation_exists(generation))
		fsck_root(fsck, &generation->config, app, generation->container);
}

static void look_at_record(struct fsck *fsck, const char *app)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	FREE_CLEANUP char *file = xasprintf("apps/%s", app);
	struct err why = ERR_INIT;
	struct record record;
	int rc = record_load(fsck->store, app, &text, &why);

	record_init(&record);
	if (rc == -ENOENT)
		return;
	if (rc < 0 || record_parse(&record, buf_text(&text), text.size, &why) < 0) {
		fsck_tell_file(fsck, DAMAGE_RECORD, file, app, why.text);
		return;
	}
	add_generation(fsck, app, &record.current);
	add_generation(fsck, app, &record.previous);
	add_generation(fsck, app, &record.trying);
	record_release(&record);
}

int fsck_look(struct fsck *look, struct err *err)
{
	char **apps;
	int rc = record_list(look->store, &apps, err);

	if (rc < 0)
		return rc;
	for (char **app = apps; *app; app++)
		look_at_record(look, *app);
	free_strings(apps);
	return fsck(look, err);
}

/* --- as JSON --- */

static const char *remedy(enum damage_kind kind, const char *file)
{
	switch (kind) {
	case DAMAGE_UNCHECKED:
		return "only its presence can be checked; `berth fsck --repair` fetches it again";
	case DAMAGE_ORPHAN:
		return "the agent collects it";
	default:
		break;
	}
	if (!strncmp(file, "apps/", 5))
		return "`berth fsck --repair` writes it again, or the app is installed anew";
	if (!strncmp(file, "tags/", 5))
		return "`berth fsck --repair` removes it; then pull the image again";
	if (!strncmp(file, "pulls/", 6))
		return "the agent removes it at its next start";
	return "`berth fsck --repair` fetches it again";
}

/* Names on flash are any bytes. */
static json_t *text_json(const char *text)
{
	char printable[PATH_MAX];

	snprintf(printable, sizeof(printable), "%s", text);
	utf8_make_printable(printable);
	return json_string(printable);
}

json_t *fsck_finding_json(const struct fsck_finding *finding)
{
	json_t *json = json_pack("{s:s, s:o, s:o, s:o, s:o, s:s}", "kind",
				 damage_kind_names[finding->kind], "file", text_json(finding->file),
				 "path", text_json(finding->path), "text", text_json(finding->text),
				 "users", text_json(finding->users), "remedy",
				 remedy(finding->kind, finding->file));

	if (finding->layer)
		json_object_set_new(json, "layer", json_string(finding->layer->text));
	return json;
}

bool fsck_is_damage(const char *kind)
{
	return strcmp(kind, damage_kind_names[DAMAGE_ORPHAN]) != 0 &&
	       strcmp(kind, damage_kind_names[DAMAGE_UNCHECKED]) != 0;
}
