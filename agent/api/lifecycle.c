/*
 * Start, stop and restart through the API. The agent's own commands return at once; Docker's calls answer
 * when it is done. In between the app is looked at now and then, by its name: the container may be
 * another one by then, and the app may be gone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/api/connection.h"
#include "agent/api/handlers.h"
#include "agent/api/request.h"
#include "agent/app/app.h"
#include "lib/fd.h"
#include "lib/signame.h"
#include "lib/time.h"

/* A start takes a few milliseconds or many seconds: the first looks come soon, later ones seldom. */
#define LOOK_FIRST_MS 1
#define LOOK_MAX_MS 30
#define START_MS 60000
/* Past the grace time: SIGKILL has to take effect, and what the container had must be removed. */
#define STOP_SLACK_MS 30000
#define STOP_TIMEOUT_MAX_S (366 * 86400)

enum wish { WISH_START, WISH_STOP, WISH_RESTART };

struct waiter {
	struct request *request;
	struct timer timer;
	int64_t look_ms; /* until the next look */
	struct container_waiter end; /* a stop is looked at as soon as the container has ended */
	char *app;
	enum wish wish;
	int64_t until_ms;
	int64_t asked_ns;
};

static void release_waiter(struct request *request)
{
	struct waiter *waiter = request->data;

	timer_stop(&waiter->timer);
	list_remove(&waiter->end.node);
	free(waiter->app);
	free(waiter);
}

static bool is_alive(const struct app *app)
{
	return app->container && container_is_alive(app->container);
}

static void look(struct waiter *waiter);

static void on_look(struct timer *timer)
{
	look(timer->data);
}

static void look_later(struct waiter *waiter)
{
	timer_start(&waiter->request->agent->loop, &waiter->timer, waiter->look_ms, on_look, waiter);
	waiter->look_ms += waiter->look_ms / 2 + 1;
	if (waiter->look_ms > LOOK_MAX_MS)
		waiter->look_ms = LOOK_MAX_MS;
}

/* Not at once: the app has not been told yet. */
static void on_end(struct container_waiter *end, const struct container *container)
{
	struct waiter *waiter = list_entry(end, struct waiter, end);

	(void)container;
	timer_start(&waiter->request->agent->loop, &waiter->timer, 0, on_look, waiter);
}

static void give_up(struct waiter *waiter)
{
	reply_error(waiter->request, 500, "%s: it was not %s in time; see berth status",
		    waiter->app, waiter->wish == WISH_START ? "started" : "stopped");
}

static void look_for_start(struct waiter *waiter, const struct app *app)
{
	const struct container *container = app->container;

	/* One that has ended again meanwhile was started all the same. */
	if (container && (container->state == CONTAINER_RUNNING ||
			  container->started_ns >= waiter->asked_ns))
		reply_empty(waiter->request, 204);
	else if (container && !is_alive(app) && container->error[0])
		reply_error(waiter->request, 500, "%s", container->error);
	else if (!is_alive(app) && app->error[0])
		reply_error(waiter->request, 500, "%s: %s", waiter->app, app->error);
	else if (time_monotonic_ms() > waiter->until_ms)
		give_up(waiter);
	else
		look_later(waiter);
}

static void look_for_stop(struct waiter *waiter, struct app *app)
{
	struct err err = ERR_INIT;
	int rc;

	if (waiter->wish == WISH_STOP && (!app->container || container_has_ended(app->container))) {
		reply_empty(waiter->request, 204);
		return;
	}
	if (is_alive(app)) {
		if (time_monotonic_ms() > waiter->until_ms)
			give_up(waiter);
		else
			look_later(waiter);
		return;
	}
	rc = app_start(app, &err);
	if (rc < 0 && rc != -EALREADY) {
		reply_err(waiter->request, &err);
		return;
	}
	waiter->wish = WISH_START;
	waiter->look_ms = LOOK_FIRST_MS;
	waiter->until_ms = time_monotonic_ms() + START_MS;
	waiter->asked_ns = time_now_ns();
	look_later(waiter);
}

static void look(struct waiter *waiter)
{
	struct app *app = app_find(waiter->request->agent, waiter->app);

	if (!app)
		reply_error(waiter->request, 404, "%s: the app was removed meanwhile", waiter->app);
	else if (waiter->wish == WISH_START)
		look_for_start(waiter, app);
	else
		look_for_stop(waiter, app);
}

static void wait_for(struct request *request, const struct app *app, enum wish wish,
		     int64_t timeout_ms)
{
	struct waiter *waiter = xcalloc(1, sizeof(*waiter));

	waiter->request = request;
	waiter->app = xstrdup(app->config->name);
	waiter->wish = wish;
	waiter->look_ms = LOOK_FIRST_MS;
	waiter->until_ms = time_monotonic_ms() + timeout_ms;
	waiter->asked_ns = time_now_ns();
	request->data = waiter;
	request->release = release_waiter;
	list_init(&waiter->end.node);
	waiter->end.on_end = on_end;
	if (wish != WISH_START && app->container)
		list_insert(&app->container->waiters, &waiter->end.node);
	look_later(waiter);
}

/* An app that was stopped before it ever ran has no container, but a name. */
static struct app *find_app(struct request *request)
{
	const char *name = request->name + (request->name[0] == '/');
	struct app *app = app_find(request->agent, name);
	struct container *container;

	if (app)
		return app;
	container = request_container(request);
	if (!container)
		return NULL;
	app = app_of_container(container);
	if (!app)
		reply_error(request, 409, "container %.12s belongs to no app and is about to be removed",
			    container->id);
	return app;
}

/* Docker's `t` in seconds; below 0: however long it takes. */
static int read_timeout(struct request *request, int64_t *timeout_ms)
{
	struct err err = ERR_INIT;
	int64_t seconds = 0;
	int rc = target_int(&request->target, "t", &seconds, &err);

	if (rc < 0) {
		reply_err(request, &err);
		return rc;
	}
	if (seconds < 0 || seconds > STOP_TIMEOUT_MAX_S)
		seconds = STOP_TIMEOUT_MAX_S;
	*timeout_ms = rc ? seconds * 1000 : -1;
	return 0;
}

void on_container_start(struct request *request)
{
	struct app *app = find_app(request);
	struct err err = ERR_INIT;

	if (!app)
		return;
	if (app->container && app->container->state == CONTAINER_PAUSED)
		reply_error(request, 409, "%s is paused: unpause it", app->config->name);
	else if (app_start(app, &err) < 0)
		reply_err(request, &err);
	else
		wait_for(request, app, WISH_START, START_MS);
}

static int64_t default_timeout_ms(const struct app *app)
{
	return app->container ? container_stop_timeout_ms(app->container) : CONTAINER_STOP_MS;
}

/* An app has one stop signal. */
static bool wants_other_signal(const struct request *request, const struct app *app)
{
	const char *text = target_get(&request->target, "signal");

	return text && *text && !(app->container && signal_parse(text) == app->container->stop_signal);
}

static void stop(struct request *request, enum wish wish)
{
	struct app *app = find_app(request);
	struct err err = ERR_INIT;
	int64_t timeout_ms;
	int rc;

	if (!app || read_timeout(request, &timeout_ms) < 0)
		return;
	if (wants_other_signal(request, app)) {
		reply_error(request, 501, "berth does not offer another stop signal than the app's, which is stop_signal = in "
					  "agent.ini(5) or the image's; docker kill sends any");
		return;
	}
	rc = app_stop(app, timeout_ms, &err);
	if (rc < 0 && !(rc == -EALREADY && (wish == WISH_RESTART || is_alive(app))))
		reply_err(request, &err);
	else
		wait_for(request, app, wish,
			 (timeout_ms < 0 ? default_timeout_ms(app) : timeout_ms) + STOP_SLACK_MS);
}

void on_container_stop(struct request *request)
{
	stop(request, WISH_STOP);
}

void on_container_restart(struct request *request)
{
	stop(request, WISH_RESTART);
}
