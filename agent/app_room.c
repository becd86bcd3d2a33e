/* A pull that the store had no room for is tried again as soon as there is some: see app.h. */
#include "agent/agent.h"
#include "agent/app.h"
#include "lib/log.h"

/* One statfs(2): no flash, no network. */
#define LOOK_MS 5000

static bool has_room(const struct app *app)
{
	static const struct space none = { 0 };
	struct space available, floor;

	return space_read(app->agent->store.dirfd, 0, &available, &floor) == 0 &&
	       space_has(&available, &app->room, &none);
}

static void look(struct timer *timer)
{
	struct app *app = timer->data;

	if (!has_room(app)) {
		timer_start(&app->agent->loop, &app->room_timer, LOOK_MS, look, app);
		return;
	}
	log_info("app %s: there is room in the store now: tried again", app->config->name);
	app->failed = DIGEST_NONE;
	app_consider(app);
}

void app_wait_for_room(struct app *app, const struct space *room)
{
	app->room = *room;
	timer_start(&app->agent->loop, &app->room_timer, LOOK_MS, look, app);
}
