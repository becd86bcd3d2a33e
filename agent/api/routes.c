/*
 * The API as data. The paths without a handler, or with one that refuses, are Docker's: berth knows them and
 * says 501, so that a person sees what is missing, and what there is in its place; what clients probe for and
 * go on without is a plain 404.
 */
#include "agent/agent.h"
#include "agent/api/handlers.h"
#include "agent/api/request.h"
#include "agent/api/route.h"
#include "agent/api/server.h"

static void refuse(struct request *request, const char *instead)
{
	reply_error(request, 501, "berth does not offer %s %s: %s", request->message->method,
		    request->target.path, instead);
}

static void no_apps(struct request *request)
{
	refuse(request, "apps are sections of agent.ini, which agent.ini(5) explains");
}

static void no_networks(struct request *request)
{
	refuse(request, "networks are sections of agent.ini, which agent.ini(5) explains");
}

static void no_volumes(struct request *request)
{
	refuse(request, "volumes are those that apps name in agent.ini(5); berth df -v lists them");
}

/* `docker inspect NAME` asks for it after all else: to any other answer than that there is none it gives up. */
static void no_volume(struct request *request)
{
	reply_error(request, 404, "berth does not show single volumes; berth df -v lists them");
}

static void no_df(struct request *request)
{
	refuse(request, "berth df shows what takes the room");
}

static void no_pruning(struct request *request)
{
	refuse(request, "what no app needs goes by itself");
}

static void no_login(struct request *request)
{
	refuse(request, "a registry's password is in the file that auth = in agent.ini(5) names");
}

static void no_stats(struct request *request)
{
	refuse(request, "berth status shows the memory of each app");
}

static void no_top(struct request *request)
{
	refuse(request, "run ps in it by exec");
}

const struct route api_routes[] = {
	{ "GET", "/_ping", on_ping },
	{ "GET", "/version", on_version },
	{ "GET", "/info", on_info },

	{ "GET", "/containers/json", on_container_list },
	{ "GET", "/containers/*/json", on_container_inspect },
	{ "GET", "/containers/*/logs", on_container_logs },
	{ "POST", "/containers/*/start", on_container_start },
	{ "POST", "/containers/*/stop", on_container_stop },
	{ "POST", "/containers/*/restart", on_container_restart },
	{ "POST", "/containers/*/kill", on_container_kill },
	{ "POST", "/containers/*/pause", on_container_pause },
	{ "POST", "/containers/*/unpause", on_container_unpause },
	{ "POST", "/containers/*/attach", on_container_attach },
	{ "POST", "/containers/*/resize", on_container_resize },
	{ "POST", "/containers/*/wait", on_container_wait },
	{ "POST", "/containers/*/exec", on_exec_create },

	{ "POST", "/exec/*/start", on_exec_start },
	{ "GET", "/exec/*/json", on_exec_inspect },
	{ "POST", "/exec/*/resize", on_exec_resize },

	{ "GET", "/networks", on_network_list },
	{ "GET", "/networks/*", on_network_inspect },

	{ "GET", "/images/json", on_image_list },
	{ "GET", "/images/*/json", on_image_inspect },
	{ "POST", "/images/create", on_image_create },

	{ "GET", "/berth/status", on_berth_status },
	{ "POST", "/berth/update", on_berth_update },
	{ "POST", "/berth/rollback", on_berth_rollback },
	{ "POST", "/berth/fsck", on_berth_fsck },
	{ "POST", "/berth/exec/*/kill", on_exec_kill },
	{ "GET", "/berth/containers/*/devices", on_device_list },
	{ "POST", "/berth/containers/*/devices", on_device_add },
	{ "DELETE", "/berth/containers/*/devices", on_device_remove },

	{ "POST", "/containers/create", no_apps },
	{ "POST", "/containers/prune", no_pruning },
	{ "GET", "/containers/*/stats", no_stats },
	{ "GET", "/containers/*/top", no_top },
	{ "GET", "/containers/*/changes", NULL },
	{ "GET", "/containers/*/export", NULL },
	{ "GET", "/containers/*/archive", NULL },
	{ "PUT", "/containers/*/archive", NULL },
	{ "POST", "/containers/*/rename", no_apps },
	{ "POST", "/containers/*/update", no_apps },
	{ "DELETE", "/containers/*", no_apps },
	{ "GET", "/images/get", NULL },
	{ "GET", "/images/search", NULL },
	{ "GET", "/images/*/get", NULL },
	{ "GET", "/images/*/history", NULL },
	{ "POST", "/images/load", NULL },
	{ "POST", "/images/prune", no_pruning },
	{ "POST", "/images/*/push", NULL },
	{ "POST", "/images/*/tag", NULL },
	{ "DELETE", "/images/*", no_pruning },
	{ "POST", "/auth", no_login },
	{ "POST", "/build", NULL },
	{ "POST", "/build/prune", NULL },
	{ "POST", "/commit", NULL },
	{ "GET", "/events", NULL },
	{ "GET", "/system/df", no_df },
	{ "POST", "/networks/create", no_networks },
	{ "POST", "/networks/prune", no_pruning },
	{ "POST", "/networks/*/connect", no_networks },
	{ "POST", "/networks/*/disconnect", no_networks },
	{ "DELETE", "/networks/*", no_networks },
	{ "GET", "/volumes", no_volumes },
	{ "POST", "/volumes/create", no_volumes },
	{ "POST", "/volumes/prune", no_volumes },
	{ "GET", "/volumes/*", no_volume },
	{ "DELETE", "/volumes/*", no_volumes },
	{ "POST", "/swarm/init", NULL },
	{ "POST", "/swarm/join", NULL },
	{ 0 },
};

struct api_server *api_start(struct agent *agent, struct err *err)
{
	return api_listen(agent, &agent->loop, agent->config->socket, err);
}
