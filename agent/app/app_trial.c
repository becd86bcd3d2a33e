/* A version on trial has failed: what it wrote last goes into the log, because its container is taken away. See app.h. */
#include <stdio.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/app/app.h"
#include "agent/container/log_tail.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/utf8.h"

/*
 * A first version is tried for ever. Told once for each reason, by what the record has: its last line may be another one
 * each time, and the record must not be written for that.
 */
static bool is_told(const struct app *app, const char *reason, bool with_last)
{
	const struct record *record = &app->record;
	size_t size = strlen(reason);
	const char *rest = record->reason + size;

	return !strcmp(app->told, record->trying.container) &&
	       !strncmp(record->reason, reason, size) &&
	       (!*rest || (with_last && !strncmp(rest, ": ", 2)));
}

static void read_tail(const struct app *app, struct log_tail *tail)
{
	int rc;

	tail->count = 0;
	if (!app->container || strcmp(app->container->id, app->record.trying.container))
		return;
	FREE_CLEANUP char *dir = container_dir(app->container);

	rc = log_tail_read(tail, dir);
	if (rc < 0)
		log_warn("app %s: what it wrote can't be read: %s", app->config->name,
			 strerror(-rc));
}

static void append(char reason[static UPDATE_REASON_MAX], const char *last)
{
	size_t used = strlen(reason);

	snprintf(reason + used, UPDATE_REASON_MAX - used, ": %s", last + strspn(last, " "));
	utf8_make_printable(reason); /* it may be cut */
}

bool app_tell_failure(struct app *app, char reason[static UPDATE_REASON_MAX], bool with_last)
{
	const struct generation *trying = &app->record.trying;
	struct log_tail tail;

	utf8_make_printable(reason); /* as the record has it */
	if (is_told(app, reason, with_last)) {
		snprintf(reason, UPDATE_REASON_MAX, "%s", app->record.reason);
		return false;
	}
	read_tail(app, &tail);
	for (size_t i = 0; i < tail.count; i++)
		log_warn("app %s: %.19s wrote: %s", app->config->name, trying->image.text,
			 tail.lines[i].text);
	if (with_last && tail.count)
		append(reason, tail.lines[tail.count - 1].text);
	snprintf(app->told, sizeof(app->told), "%s", trying->container);
	return true;
}
