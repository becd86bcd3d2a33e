/*
 * The API as data. The paths without a handler are Docker's: berth knows them and says 501, so that
 * a person sees what is missing; what clients probe for and go on without is a plain 404.
 */
#include "agent/agent.h"
#include "agent/api/handlers.h"
#include "agent/api/route.h"
#include "agent/api/server.h"

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

	{ "POST", "/containers/create", NULL },
	{ "POST", "/containers/prune", NULL },
	{ "GET", "/containers/*/stats", NULL },
	{ "GET", "/containers/*/top", NULL },
	{ "GET", "/containers/*/changes", NULL },
	{ "GET", "/containers/*/export", NULL },
	{ "GET", "/containers/*/archive", NULL },
	{ "PUT", "/containers/*/archive", NULL },
	{ "POST", "/containers/*/rename", NULL },
	{ "POST", "/containers/*/update", NULL },
	{ "DELETE", "/containers/*", NULL },
	{ "GET", "/images/get", NULL },
	{ "GET", "/images/search", NULL },
	{ "GET", "/images/*/get", NULL },
	{ "GET", "/images/*/history", NULL },
	{ "POST", "/images/load", NULL },
	{ "POST", "/images/prune", NULL },
	{ "POST", "/images/*/push", NULL },
	{ "POST", "/images/*/tag", NULL },
	{ "DELETE", "/images/*", NULL },
	{ "POST", "/auth", NULL },
	{ "POST", "/build", NULL },
	{ "POST", "/build/prune", NULL },
	{ "POST", "/commit", NULL },
	{ "GET", "/events", NULL },
	{ "GET", "/system/df", NULL },
	{ "POST", "/networks/create", NULL },
	{ "POST", "/networks/prune", NULL },
	{ "POST", "/networks/*/connect", NULL },
	{ "POST", "/networks/*/disconnect", NULL },
	{ "DELETE", "/networks/*", NULL },
	{ "GET", "/volumes", NULL },
	{ "POST", "/volumes/create", NULL },
	{ "POST", "/volumes/prune", NULL },
	{ 0 },
};

struct api_server *api_start(struct agent *agent, struct err *err)
{
	return api_listen(agent, &agent->loop, agent->config->socket, err);
}
