/* The client's commands and their help, as data. */
#include <stddef.h>

#include "agent/cli/cli.h"

#define END { 0, NULL, NULL, NULL, 0 }
#define DETACH_KEYS \
	OPTION(0, "detach-keys", detach_keys, "KEYS", \
	       "Leave a terminal by these (default ctrl-p,ctrl-q)")

static const struct option_spec ps_options[] = {
	OPTION('a', "all", all, NULL, "Show all containers, not only those that run"),
	OPTION('f', "filter", filters, "NAME=VALUE", "Only those that match: label=, name=, status=, ..."),
	OPTION('q', "quiet", quiet, NULL, "Only show container IDs"),
	OPTION(0, "no-trunc", no_trunc, NULL, "Don't shorten IDs and commands"),
	END,
};

static const struct option_spec images_options[] = {
	OPTION('q', "quiet", quiet, NULL, "Only show image IDs"),
	OPTION(0, "no-trunc", no_trunc, NULL, "Don't shorten IDs"),
	END,
};

static const struct option_spec logs_options[] = {
	OPTION('f', "follow", follow, NULL, "Go on showing what the container writes, until it ends"),
	OPTION('n', "tail", tail, "N", "Only the last N lines (default: all that are kept)"),
	OPTION('t', "timestamps", timestamps, NULL, "Show when each line was written"),
	OPTION(0, "since", since, "TIME", "Only from TIME on: 2026-01-31T12:00:00Z, or 10m (ago)"),
	OPTION(0, "until", until, "TIME", "Only up to TIME"),
	END,
};

static const struct option_spec exec_options[] = {
	OPTION('i', "interactive", interactive, NULL, "Pass stdin on to the command"),
	OPTION('t', "tty", tty, NULL, "Give the command a terminal"),
	OPTION('d', "detach", detach, NULL, "Start the command and don't wait for it"),
	OPTION('e', "env", env, "NAME=VALUE", "Set a variable (repeatable)"),
	OPTION('u', "user", user, "USER[:GROUP]", "Run as this user, by name or number"),
	OPTION('w', "workdir", workdir, "DIR", "Run in this directory"),
	OPTION(0, "privileged", privileged, NULL, "Give the command all capabilities"),
	DETACH_KEYS,
	END,
};

static const struct option_spec attach_options[] = {
	OPTION(0, "no-stdin", no_stdin, NULL, "Only show what it writes"),
	OPTION(0, "sig-proxy", sig_proxy, NULL, "Pass signals on to it (default true)"),
	DETACH_KEYS,
	END,
};

static const struct option_spec stop_options[] = {
	OPTION('t', "timeout", timeout, "SECONDS", "Wait so long, then kill it (default 10)"),
	OPTION(0, "time", timeout, "SECONDS", NULL),
	END,
};

static const struct option_spec status_options[] = {
	OPTION(0, "json", json, NULL, "The whole status as JSON"),
	END,
};

static const struct option_spec df_options[] = {
	OPTION('v', "verbose", verbose, NULL, "Each image, container and volume"),
	OPTION('c', "config", config, "FILE", "The agent.ini that names the store"),
	END,
};

static const struct option_spec fsck_options[] = {
	OPTION(0, "repair", repair, NULL, "Fetch what is damaged again, remove what can't be used"),
	OPTION(0, "json", json, NULL, "Lines of JSON"),
	OPTION('c', "config", config, "FILE", "The agent.ini that names the store, when no agent runs"),
	END,
};

static const struct option_spec update_options[] = {
	OPTION('w', "wait", wait, NULL, "Wait for the outcome; exit code 1 if it was not good"),
	END,
};

static const struct option_spec pull_options[] = {
	OPTION('q', "quiet", quiet, NULL, "Only print the image's name"),
	END,
};

const struct cli_command cli_commands[] = {
	{ "agent", "[--config FILE] [--debug]", "Run the agent in the foreground (any init can supervise it)",
	  "Reads agent.ini (default /etc/berth/agent.ini), installs the apps it names and\n"
	  "follows their tags. Logs to stderr. SIGHUP reads the file again; SIGTERM ends\n"
	  "the agent, its containers run on.\n",
	  NULL, 0, -1, false, NULL },
	{ "attach", "CONTAINER", "See what a container writes from now on, and write to its stdin",
	  "Its stdin and its terminal are there when its app has `stdin = yes` and\n"
	  "`tty = yes`. The exit code is the container's. On a terminal ctrl-p ctrl-q\n"
	  "leaves it.\n",
	  attach_options, 1, 1, false, cli_attach },
	{ "check", "FILE", "Check an agent.ini without an agent",
	  "Exits with 0 when the agent would take FILE; else names the file, the\n"
	  "line and the reason of each mistake, and exits with 1.\n",
	  NULL, 1, 1, false, cli_check },
	{ "device", "add|rm|ls CONTAINER [DEVICE|PATH]", "Give a running container a device, or take it away",
	  "  add CONTAINER DEVICE[:PATH[:rwm]]\n"
	  "  rm CONTAINER PATH\n"
	  "  ls CONTAINER\n"
	  "DEVICE is a node, a link to one, or usb:VENDOR:PRODUCT[:SERIAL]. What is added\n"
	  "is there until the container ends; `device =` in agent.ini is for good.\n",
	  NULL, 2, 3, false, cli_device },
	{ "df", "", "Show what takes the room in the store",
	  "Looks at the files itself, on the machine the store is on. Files that several\n"
	  "images share count once.\n",
	  df_options, 0, 0, false, cli_df },
	{ "exec", "CONTAINER COMMAND [ARG...]", "Run a command in a running container",
	  "The exit code is the command's: 126 when it can't be executed, 127 when it\n"
	  "isn't there.\n"
	  "A shell:  berth exec -it sensor /bin/sh\n",
	  exec_options, 2, -1, true, cli_exec },
	{ "fsck", "", "Look for damage in the store, and repair it",
	  "Compares each file with what was unpacked, its content too, while the apps\n"
	  "run. Exits with 0 when the store is whole, or is again, and with 1 when damage\n"
	  "is left. Without a running agent it looks by itself, but can't repair.\n",
	  fsck_options, 0, 0, false, cli_fsck },
	{ "help", "[COMMAND]", "Show what a command does", NULL, NULL, 0, 1, false, cli_help },
	{ "images", "[REPOSITORY[:TAG]]", "List the images in the store", NULL, images_options, 0, 1,
	  false, cli_images },
	{ "logs", "CONTAINER", "Show what a container has written",
	  "Output is kept in memory, the last 256 KiB of each container; it survives a\n"
	  "restart of the agent, not of the device.\n",
	  logs_options, 1, 1, false, cli_logs },
	{ "network", "ls | inspect NETWORK...", "List networks, and show all of one",
	  "Networks are made by sections [network NAME] of agent.ini; bridge, host and\n"
	  "none are always there.\n",
	  NULL, 1, -1, false, cli_network },
	{ "pause", "CONTAINER...", "Freeze all processes of containers",
	  "Their memory stays; health is not asked for until berth unpause. berth stop\n"
	  "works, too.\n",
	  NULL, 1, -1, false, cli_pause },
	{ "port", "CONTAINER [PORT[/PROTOCOL]]", "Show where a container's ports are published", NULL, NULL, 1, 2, false,
	  cli_port },
	{ "ps", "", "List containers", NULL, ps_options, 0, 0, false, cli_ps },
	{ "pull", "NAME[:TAG|@DIGEST]", "Fetch an image into the store",
	  "The image is kept; no command removes it yet. Apps of agent.ini pull by\n"
	  "themselves. NAME may be oci:/DIRECTORY:TAG or oci-archive:/FILE:TAG, an image\n"
	  "in files of the device.\n",
	  pull_options, 1, 1, false, cli_pull },
	{ "rollback", "APP", "Put the previous version of an app back",
	  "The version left behind is refused until its tag moves, or until\n"
	  "`berth update APP`.\n",
	  NULL, 1, 1, false, cli_rollback },
	{ "start", "CONTAINER...", "Start stopped containers", NULL, NULL, 1, -1, false, cli_start },
	{ "status", "", "Show the apps, their versions, health and updates", NULL, status_options, 0, 0,
	  false, cli_status },
	{ "stop", "CONTAINER...", "Stop containers; they stay so until they are started",
	  "Asks by the image's stop signal (SIGTERM), and kills when that took too long;\n"
	  "with -t 0 at once.\n",
	  stop_options, 1, -1, false, cli_stop },
	{ "unpause", "CONTAINER...", "Let paused containers go on", NULL, NULL, 1, -1, false,
	  cli_unpause },
	{ "update", "[APP]", "Look for a new version now, and apply what waits",
	  "Without APP: all apps. A version that waits because of `update = download` is\n"
	  "applied; with APP, one that was refused is tried again. Progress: berth status\n",
	  update_options, 0, 1, false, cli_update },
	{ "version", "", "Show the versions of client and agent", NULL, NULL, 0, 0, false,
	  cli_version },
	{ "runtime", "COMMAND ...", "The OCI runtime command line (create, start, state, kill, ...)",
	  "For other engines and for conformance suites: berth runtime --help\n", NULL, 0, -1, true,
	  NULL },
	{ 0 },
};

const struct cli_hint cli_docker_hints[] = {
	{ " compose create rename rm run ", "apps are sections of agent.ini, which agent.ini(5) explains" },
	{ " inspect kill restart wait info ", "docker's own client has it: give it the agent's socket by DOCKER_HOST" },
	{ " login logout ", "a registry's password is in the file that auth = in agent.ini(5) names" },
	{ " rmi ", "an image goes by itself when no app needs it" },
	{ " stats ", "berth status shows the memory of each app" },
	{ " top ", "berth exec APP ps shows its processes" },
	{ " volume ", "volumes are those of agent.ini(5); berth df -v lists them" },
	{ " system prune ", "berth df shows what takes the room; what nothing needs goes by itself" },
	{ " build commit cp diff events export history import load push save search tag ",
	  "of docker's commands it is one that berth does not have" },
	{ 0 },
};
