/* Whose label counts when several have one of the same name. */
#include <stdlib.h>

#include "agent/container/labels.h"
#include "lib/buf.h"
#include "lib/json.h"
#include "tests/unit/test.h"

/* "name=value;" of each, in the order in which they are. */
static void check(const struct image_config *image, char **given, const char *wanted)
{
	struct app_config app;
	struct buf found = BUF_INIT;
	char **labels;

	app_config_init(&app, "web");
	app.process.labels = given;
	labels = labels_merge(&app, image);
	for (char **label = labels; *label; label += 2)
		buf_append_format(&found, "%s=%s;", label[0], label[1]);
	CHECK_TEXT(buf_text(&found), wanted);
	buf_release(&found);
	free_strings(labels);
	app.process.labels = NULL; /* the caller's */
	app_config_release(&app);
}

static void merge(void)
{
	char *none[] = { NULL };
	char *from_image[] = { "a", "1", "io.berth.app", "stolen", "site", "cellar", NULL };
	struct image_config image = { .labels = from_image }, bare = { .labels = none };

	check(NULL, NULL, "io.berth.app=web;");
	check(&bare, none, "io.berth.app=web;");
	check(&image, NULL, "io.berth.app=web;a=1;site=cellar;");
	check(&image, (char *[]){ "site=roof=2", "io.berth.app=x", "empty=", NULL },
	      "io.berth.app=web;site=roof=2;empty=;a=1;");
}

int main(void)
{
	RUN(merge);
	return test_end();
}
