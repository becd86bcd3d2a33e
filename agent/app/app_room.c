/* What the device has no room for, or no network, is tried again as soon as it has: see app.h. */
#include <stdio.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/app/app.h"
#include "lib/human.h"
#include "lib/log.h"
#include "lib/time.h"

/* A few statfs(2): no flash, no network. */
#define LOOK_MS 5000
/* A container that found no room though there was some: not at once again, for the old one is stopped for that. */
#define SWITCH_AGAIN_MS 60000

/* On each of the two file systems: the bundle and two log files here, directories and mount points there. */
static const struct space start_room = { .bytes = 512 * 1024, .inodes = 48 };
static const struct space no_floor = { 0 };

static bool has_room_to_pull(const struct app *app)
{
	struct space available, floor;

	return space_read(app->agent->store.dirfd, 0, &available, &floor) == 0 &&
	       space_has(&available, &app->room, &no_floor);
}

static bool has_start_room(const struct app *app, int dirfd, const char *where, char *text,
			   size_t size)
{
	struct space available, floor;
	char bytes[HUMAN_TEXT_MAX];

	if (space_read(dirfd, 0, &available, &floor) < 0 ||
	    space_has(&available, &no_floor, &start_room))
		return true;
	human_size(bytes, (uint64_t)available.bytes, 3);
	snprintf(text, size, "the new version waits: %s has only %s and %lld inodes free: make room there",
		 where, bytes, (long long)available.inodes);
	if (strcmp(app->error, text))
		log_warn("app %s: %s", app->config->name, text);
	return false;
}

static bool has_network(const struct app *app, char *text, size_t size)
{
	const struct app_config *own = app_is_running(app) ? app->container->settings : NULL;
	struct err err = ERR_INIT;
	int rc = networks_check(app->agent, app->config, &err);

	if (!rc)
		rc = networks_check_ports(app->agent, app->config, own, &err);
	if (rc != NETWORKS_LACK && rc != NETWORKS_TAKEN)
		return true;
	err_context(&err, "the new version waits");
	snprintf(text, size, "%s", err.text);
	if (strcmp(app->error, text))
		log_warn("app %s: %s", app->config->name, text);
	return false;
}

static bool can_switch(struct app *app)
{
	const struct agent *agent = app->agent;
	char text[sizeof(app->error)];

	if (time_monotonic_ms() < app->switch_again_ms)
		return false;
	if (has_start_room(app, agent->run_fd, agent->config->run, text, sizeof(text)) &&
	    has_start_room(app, agent->store.dirfd, agent->store.path, text, sizeof(text)) &&
	    has_network(app, text, sizeof(text)))
		return true;
	memcpy(app->error, text, sizeof(text));
	return false;
}

static void look(struct timer *timer);

static void look_later(struct app *app)
{
	timer_start(&app->agent->loop, &app->room_timer, LOOK_MS, look, app);
}

static void look(struct timer *timer)
{
	struct app *app = timer->data;
	bool is_pull = !digest_is_none(&app->failed);

	if (is_pull ? !has_room_to_pull(app) : !can_switch(app)) {
		look_later(app);
		return;
	}
	log_info("app %s: there is room now: tried again", app->config->name);
	app->failed = DIGEST_NONE;
	app->error[0] = '\0';
	app_consider(app);
}

void app_wait_for_room(struct app *app, const struct space *room)
{
	app->room = *room;
	look_later(app);
}

bool app_has_room_to_switch(struct app *app)
{
	if (can_switch(app))
		return true;
	look_later(app);
	return false;
}

void app_found_no_room(struct app *app)
{
	app->switch_again_ms = time_monotonic_ms() + SWITCH_AGAIN_MS;
	look_later(app);
}

void app_look_for_room(struct app *app)
{
	if (timer_is_running(&app->room_timer))
		timer_start(&app->agent->loop, &app->room_timer, 0, look, app);
}
