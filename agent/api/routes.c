/*
 * The API as data. The paths without a handler are Docker's: berth knows them and says 501, so that a person sees
 * what is missing, and what there is in its place; what clients probe for and go on without is a plain 404.
 */
#include "agent/agent.h"
#include "agent/api/handlers.h"
#include "agent/api/request.h"
#include "agent/api/route.h"
#include "agent/api/server.h"

#define APPS "apps are sections of agent.ini, which agent.ini(5) explains"
#define NETWORKS "networks are sections of agent.ini, which agent.ini(5) explains"
#define VOLUMES "volumes are those that apps name in agent.ini(5); berth df -v lists them"
#define PRUNING "what no app needs goes by itself"

/* `docker inspect NAME` asks for it after all else: to any other answer than that there is none it gives up. */
static void no_volume(struct request *request)
{
	reply_error(request, 404, "berth does not show single volumes; berth df -v lists them");
}

const struct route api_routes[] = {
	{ "GET", "/_ping", .handler = on_ping },
	{ "GET", "/version", .handler = on_version },
	{ "GET", "/info", .handler = on_info },

	{ "GET", "/containers/json", .handler = on_container_list },
	{ "GET", "/containers/*/json", .handler = on_container_inspect },
	{ "GET", "/containers/*/logs", .handler = on_container_logs },
	{ "POST", "/containers/*/start", .handler = on_container_start },
	{ "POST", "/containers/*/stop", .handler = on_container_stop },
	{ "POST", "/containers/*/restart", .handler = on_container_restart },
	{ "POST", "/containers/*/kill", .handler = on_container_kill },
	{ "POST", "/containers/*/pause", .handler = on_container_pause },
	{ "POST", "/containers/*/unpause", .handler = on_container_unpause },
	{ "POST", "/containers/*/attach", .handler = on_container_attach },
	{ "POST", "/containers/*/resize", .handler = on_container_resize },
	{ "POST", "/containers/*/wait", .handler = on_container_wait },
	{ "POST", "/containers/*/exec", .handler = on_exec_create },

	{ "POST", "/exec/*/start", .handler = on_exec_start },
	{ "GET", "/exec/*/json", .handler = on_exec_inspect },
	{ "POST", "/exec/*/resize", .handler = on_exec_resize },

	{ "GET", "/networks", .handler = on_network_list },
	{ "GET", "/networks/*", .handler = on_network_inspect },

	{ "GET", "/images/json", .handler = on_image_list },
	{ "GET", "/images/*/json", .handler = on_image_inspect },
	{ "POST", "/images/create", .handler = on_image_create },

	{ "GET", "/berth/status", .handler = on_berth_status },
	{ "POST", "/berth/update", .handler = on_berth_update },
	{ "POST", "/berth/rollback", .handler = on_berth_rollback },
	{ "POST", "/berth/fsck", .handler = on_berth_fsck },
	{ "POST", "/berth/exec/*/kill", .handler = on_exec_kill },
	{ "GET", "/berth/containers/*/devices", .handler = on_device_list },
	{ "POST", "/berth/containers/*/devices", .handler = on_device_add },
	{ "DELETE", "/berth/containers/*/devices", .handler = on_device_remove },

	{ "POST", "/containers/create", .instead = APPS },
	{ "POST", "/containers/prune", .instead = PRUNING },
	{ "GET", "/containers/*/stats", .instead = "berth status shows the memory of each app" },
	{ "GET", "/containers/*/top", .instead = "run ps in it by exec" },
	{ "GET", "/containers/*/changes", .instead = NULL },
	{ "GET", "/containers/*/export", .instead = NULL },
	{ "GET", "/containers/*/archive", .instead = NULL },
	{ "PUT", "/containers/*/archive", .instead = NULL },
	{ "POST", "/containers/*/rename", .instead = APPS },
	{ "POST", "/containers/*/update", .instead = APPS },
	{ "DELETE", "/containers/*", .instead = APPS },
	{ "GET", "/images/get", .instead = NULL },
	{ "GET", "/images/search", .instead = NULL },
	{ "GET", "/images/*/get", .instead = NULL },
	{ "GET", "/images/*/history", .instead = NULL },
	{ "POST", "/images/load", .instead = NULL },
	{ "POST", "/images/prune", .instead = PRUNING },
	{ "POST", "/images/*/push", .instead = NULL },
	{ "POST", "/images/*/tag", .instead = NULL },
	{ "DELETE", "/images/*", .instead = PRUNING },
	{ "POST", "/auth", .instead = "a registry's password is in the file that auth = in agent.ini(5) names" },
	{ "POST", "/build", .instead = NULL },
	{ "POST", "/build/prune", .instead = NULL },
	{ "POST", "/commit", .instead = NULL },
	{ "GET", "/events", .instead = NULL },
	{ "GET", "/system/df", .instead = "berth df shows what takes the room" },
	{ "POST", "/networks/create", .instead = NETWORKS },
	{ "POST", "/networks/prune", .instead = PRUNING },
	{ "POST", "/networks/*/connect", .instead = NETWORKS },
	{ "POST", "/networks/*/disconnect", .instead = NETWORKS },
	{ "DELETE", "/networks/*", .instead = NETWORKS },
	{ "GET", "/volumes", .instead = VOLUMES },
	{ "POST", "/volumes/create", .instead = VOLUMES },
	{ "POST", "/volumes/prune", .instead = VOLUMES },
	{ "GET", "/volumes/*", .handler = no_volume },
	{ "DELETE", "/volumes/*", .instead = VOLUMES },
	{ "POST", "/swarm/init", .instead = NULL },
	{ "POST", "/swarm/join", .instead = NULL },
	{ 0 },
};

struct api_server *api_start(struct agent *agent, struct err *err)
{
	return api_listen(agent, &agent->loop, agent->config->socket, err);
}
