#include "agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/api/server.h"
#include "agent/app/app.h"
#include "agent/applets.h"
#include "agent/container/container.h"
#include "agent/helper/seccomp.h"
#include "agent/last_good.h"
#include "agent/pull/fetch_settings.h"
#include "agent/run/seal.h"
#include "agent/upkeep/boot_check.h"
#include "agent/upkeep/collect.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/time.h"
#include "lib/utf8.h"
#include "store/last_seen.h"
#include "store/record.h"
#include "version.h"

static void read_machine_id(char *name, size_t size)
{
	BUF_CLEANUP struct buf id = BUF_INIT;

	if (fd_read_file(AT_FDCWD, "/etc/machine-id", &id, 64) == 0 && id.size >= 32)
		snprintf(name, size, "%.32s", id.data);
	else if (gethostname(name, size - 1) < 0)
		snprintf(name, size, "unknown");
	utf8_make_printable(name); /* it goes into JSON */
}

static void set_name(struct agent *agent)
{
	if (agent->config->name)
		snprintf(agent->name, sizeof(agent->name), "%s", agent->config->name);
	else
		read_machine_id(agent->name, sizeof(agent->name));
}

static bool differs(const char *a, const char *b)
{
	return strcmp(a, b) != 0;
}

static void warn_of_fixed_settings(const struct agent_config *old, const struct agent_config *new)
{
	if (differs(old->store, new->store) || differs(old->run, new->run) ||
	    differs(old->socket, new->socket) || differs(old->cgroup_parent, new->cgroup_parent))
		log_warn("store, run, socket and cgroup_parent change when the agent is restarted");
}

/* These are in use: keep what the agent was started with. */
static void keep_fixed_settings(struct agent_config *old, struct agent_config *new)
{
	char **pairs[][2] = { { &old->store, &new->store },
			      { &old->run, &new->run },
			      { &old->socket, &new->socket },
			      { &old->cgroup_parent, &new->cgroup_parent } };

	warn_of_fixed_settings(old, new);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char *kept = *pairs[i][0];

		*pairs[i][0] = *pairs[i][1];
		*pairs[i][1] = kept;
	}
}

static void reconfigure_apps(struct agent *agent)
{
	list_for_each_safe(node, &agent->apps) {
		struct app *app = list_entry(node, struct app, node);
		const struct app_config *config =
			agent_config_app(agent->config, app->config->name);

		if (app->is_leaving)
			continue; /* put back or not: when it has left */
		if (config)
			app_reconfigure(app, config);
		else
			app_leave(app);
	}
	for (size_t i = 0; i < agent->config->app_count; i++)
		if (!app_find(agent, agent->config->apps[i].name))
			app_boot(app_new(agent, &agent->config->apps[i]));
}

int agent_reload(struct agent *agent, struct err *err)
{
	struct agent_config *config;
	int rc = agent_config_load(agent->config_path, &config, NULL, err);

	if (rc < 0) {
		snprintf(agent->config_error, sizeof(agent->config_error), "%s", err->text);
		return rc;
	}
	agent->config_error[0] = '\0';
	keep_fixed_settings(agent->config, config);
	agent_config_free(agent->config);
	agent->config = config;
	set_name(agent);
	budget_apply(&agent->budget, &agent->loop, agent->config);
	networks_reconfigure(agent); /* before an app is started on a network as it was */
	reconfigure_apps(agent);
	last_good_keep(agent);
	fetch_settings_warn(agent->config);
	log_info("%s: read again", agent->config_path);
	return 0;
}

static void on_signal(int signal, void *data)
{
	struct agent *agent = data;
	struct err err = ERR_INIT;

	if (signal != SIGHUP) {
		log_info("%s: leaving, containers go on running", strsignal(signal));
		loop_stop(&agent->loop);
		return;
	}
	if (agent_reload(agent, &err) < 0)
		log_error("%s (the last good config stays in use)", err.text);
}

/* Containers of apps that left agent.ini while no agent was there. */
static void remove_orphan(struct container *container, enum container_event event, void *data)
{
	struct agent *agent = data;

	if (event == CONTAINER_STARTED)
		container_stop(container, -1);
	if (container_is_alive(container))
		return;
	container_remove(container);
	collect(agent);
}

static void remove_orphans(struct agent *agent)
{
	list_for_each_safe(node, &agent->containers) {
		struct container *container = list_entry(node, struct container, node);

		if (app_of_container(container))
			continue;
		log_info("container %s belongs to no app any more: removed", container->name);
		container->on_event = remove_orphan;
		container->data = agent;
		if (container_is_alive(container))
			container_stop(container, -1);
		else
			container_remove(container);
	}
}

static void remove_old_records(struct agent *agent)
{
	struct err err = ERR_INIT;
	char **names;

	if (record_list(&agent->store, &names, &err) < 0) {
		log_warn("%s", err.text);
		return;
	}
	for (char **name = names; *name; name++)
		if (!agent_config_app(agent->config, *name))
			app_forget(agent, *name);
	free_strings(names);
}

static int open_run_dir(struct agent *agent, struct err *err)
{
	const char *run = agent->config->run;
	int rc = fd_make_dirs(run, 0711);

	if (!rc) {
		agent->run_fd = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		rc = agent->run_fd < 0 ? -errno : fd_make_dir(agent->run_fd, "containers", 0711);
	}
	return rc < 0 ? err_code(err, rc, "run = %s", run) : 0;
}

/* A broken agent.ini at boot: run what ran before, and say so. */
static int load_config(struct agent *agent, struct err *err)
{
	char path[PATH_MAX];
	int rc = agent_config_load(agent->config_path, &agent->config, NULL, err);

	if (rc == 0)
		return 0;
	if (last_good_load(agent->config_path, &agent->config, path) < 0)
		return rc != -ENOENT ? rc : err_set(err, rc, "%s is not there: write one, agent.ini(5) has an "
						    "example, or name another: --config FILE", agent->config_path);
	snprintf(agent->config_error, sizeof(agent->config_error), "%s", err->text);
	log_error("%s (running with the last good config, %s)", err->text, path);
	return 0;
}

static int start(struct agent *agent, struct err *err)
{
	int rc;

	if ((rc = load_config(agent, err)) < 0 || (rc = loop_init(&agent->loop, err)) < 0 ||
	    (rc = store_open(&agent->store, agent->config->store, err)) < 0 ||
	    (rc = open_run_dir(agent, err)) < 0)
		return rc;
	agent->last_seen_s = store_last_seen(&agent->store);
	loop_on_signal(&agent->loop, on_signal, agent);
	set_name(agent);
	if (!agent->config_error[0])
		last_good_keep(agent);
	fetch_settings_warn(agent->config);
	agent->api = api_start(agent, err);
	if (!agent->api)
		return err->code;
	log_info("berth %s: device %s, apps: %zu, store %s", BERTH_VERSION, agent->name,
		 agent->config->app_count, agent->store.path);
	if (!seccomp_is_there())
		log_warn("this kernel can't filter system calls (CONFIG_SECCOMP_FILTER): apps, and "
			 "helpers that read from the network, have one wall less around them");
	budget_apply(&agent->budget, &agent->loop, agent->config);
	containers_adopt(agent);
	for (size_t i = 0; i < agent->config->app_count; i++)
		app_new(agent, &agent->config->apps[i]);
	remove_orphans(agent);
	remove_old_records(agent);
	collect_count_start(agent);
	networks_start(agent);
	list_for_each(node, &agent->apps)
		app_boot(list_entry(node, struct app, node));
	collect(agent);
	boot_check_start(agent);
	return 0;
}

static int usage(int status)
{
	fputs("Usage: berth agent [--config FILE] [--debug]\n\n"
	      "Runs the apps of an agent.ini and keeps them up to date. Stays in the\n"
	      "foreground and logs to stderr. SIGHUP reads the file again; SIGTERM ends the\n"
	      "agent, its containers run on.\n\n"
	      "  -c, --config FILE   default " AGENT_CONFIG_PATH "\n"
	      "  -D, --debug         log more\n",
	      status ? stderr : stdout);
	return status;
}

int agent_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "debug", no_argument, NULL, 'D' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	static struct agent agent; /* set below: with an initialiser, 11 kB of zeros would be in the program */
	struct err err = ERR_INIT;
	int option;

	agent.config_path = AGENT_CONFIG_PATH;
	agent.run_fd = -1;
	while ((option = getopt_long(argc, argv, "c:Dh", options, NULL)) != -1) {
		if (option == 'h')
			return usage(0);
		if (option == '?')
			return usage(2);
		if (option == 'c')
			agent.config_path = optarg;
		else
			log_set_level(LOG_LEVEL_DEBUG);
	}
	if (optind < argc) {
		fprintf(stderr, "berth: agent: \"%s\" is one word too many (see berth agent --help)\n",
			argv[optind]);
		return 2;
	}
	if (geteuid() != 0) {
		log_error("agent: must run as root: it mounts, and makes namespaces and cgroups");
		return 1;
	}
	/* The agent has no use for sockets of systemd's, and containers shall have none of them. */
	unsetenv("LISTEN_FDS");
	seal_for_helpers(argv - 1); /* main() has skipped the program's name */
	/* Whoever starts it: volumes and what is bind-mounted have to be readable in containers. */
	umask(022);
	list_init(&agent.apps);
	list_init(&agent.containers);
	list_init(&agent.pulls);
	networks_init(&agent.networks);
	agent.started_ms = time_monotonic_ms();
	if (start(&agent, &err) < 0) {
		log_error("%s", err.text);
		return 1;
	}
	loop_run(&agent.loop);
	api_stop(agent.api);
	fetch_sessions_release(&agent.sessions);
	boot_check_leave(&agent);
	networks_release(&agent.networks);
	store_close(&agent.store);
	return 0;
}
