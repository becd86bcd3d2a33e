/* containers_adopt(): what a former agent left below <run>/containers becomes containers again. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/container/container.h"
#include "agent/helper/shim.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/time.h"

#define FILE_SIZE_MAX (1 << 20)
#define SHIM_ANSWER_MS 2000

static int read_json(int dirfd, const char *name, json_t **out, struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	int rc = fd_read_file(dirfd, name, &text, FILE_SIZE_MAX);

	if (rc < 0)
		return err_code(err, rc, "%s", name);
	return json_parse(out, buf_text(&text), text.size, name, err);
}

static int64_t read_time(const json_t *json, const char *name)
{
	const char *text = NULL;
	int64_t ns = 0;

	if (json_get_string(json, name, &text, NULL) > 0)
		time_parse(text, &ns);
	return ns;
}

/* The image's may be among them, so what the settings say is not enough. */
static void adopt_labels(struct container *container, const json_t *json)
{
	char **labels;

	if (json_get_strings(json, "labels", &labels, NULL) <= 0)
		return;
	if (count_strings(labels) % 2) {
		free_strings(labels);
		return;
	}
	free_strings(container->labels);
	container->labels = labels;
}

/* What bundle_describe() wrote. */
static int read_description(struct agent *agent, int dirfd, const char *id,
			    struct container **out, struct err *err)
{
	JSON_CLEANUP json_t *json = NULL;
	const char *name = "", *image = "", *config_text = "";
	json_t *settings_json = NULL;
	struct app_config *settings;
	struct digest config;
	int64_t number = 0;
	int rc = read_json(dirfd, "container.json", &json, err);

	if (rc < 0 || (rc = json_get_string(json, "name", &name, err)) < 0 ||
	    (rc = json_get_string(json, "image", &image, err)) < 0 ||
	    (rc = json_get_string(json, "config", &config_text, err)) < 0 ||
	    (rc = json_get_object(json, "settings", &settings_json, err)) < 0)
		return rc;
	if (digest_parse(&config, config_text) < 0 || !settings_json)
		return err_set(err, -EINVAL, "container.json is incomplete");
	rc = app_config_from_json(&settings, settings_json, err);
	if (rc < 0)
		return rc;
	*out = container_new(agent, id, name, image, &config, settings);
	app_config_free(settings);
	(*out)->created_ns = read_time(json, "created");
	if (json_get_int(json, "restarts", &number, NULL) > 0)
		(*out)->restarts = (int)number;
	if (json_get_int(json, "stop_signal", &number, NULL) > 0)
		(*out)->stop_signal = (int)number;
	networks_recall(*out, json_object_get(json, "network"));
	free_strings(steal_pointer(&(*out)->args));
	if (json_get_strings(json, "args", &(*out)->args, NULL) <= 0)
		(*out)->args = xcalloc(1, sizeof(char *));
	adopt_labels(*out, json);
	return 0;
}

static void read_outcome(struct container *container, int dirfd)
{
	JSON_CLEANUP json_t *started = NULL;
	JSON_CLEANUP json_t *ended = NULL;
	int64_t code = 0, signal = 0;

	if (read_json(dirfd, "started", &started, NULL) == 0)
		container->started_ns = read_time(started, "started");
	if (read_json(dirfd, "exit", &ended, NULL) < 0)
		return;
	json_get_int(ended, "code", &code, NULL);
	json_get_int(ended, "signal", &signal, NULL);
	json_get_bool(ended, "oom", &container->oom, NULL);
	container->exit_code = (int)code;
	container->exit_signal = (int)signal;
	container->finished_ns = read_time(ended, "finished");
	container->state = CONTAINER_EXITED;
}

/* The shim says at once how things stand; boot decisions need that, so wait for it here. */
static void wait_for_first_word(struct container *container, int sock)
{
	struct pollfd wait = { .fd = sock, .events = POLLIN };
	int64_t started_ns = container->started_ns;
	struct shim_event event;

	if (poll(&wait, 1, SHIM_ANSWER_MS) > 0 && shim_receive(sock, &event) > 0)
		container_take_event(container, &event);
	if (started_ns)
		container->started_ns = started_ns;
}

static void adopt_one(struct agent *agent, int parent, const char *id)
{
	FD_CLEANUP int dirfd = openat(parent, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FREE_CLEANUP char *path = xasprintf("%s/containers/%s", agent->config->run, id);
	struct container *container = NULL;
	struct err err = ERR_INIT;
	int sock;

	if (dirfd < 0 || read_description(agent, dirfd, id, &container, &err) < 0 || !container) {
		log_warn("%s: not a container of ours (%s): removed", path, err.text);
		fd_remove_tree(parent, id);
		return;
	}
	container->keeps_old = true;
	plugs_load(container);
	sock = shim_connect(path, &err);
	read_outcome(container, dirfd);
	if (sock >= 0) {
		container_follow(container, sock);
		/* One that was let go by the agent before it says nothing any more. */
		container->has_ended = container->state == CONTAINER_EXITED;
		wait_for_first_word(container, sock);
		log_info("container %s: found %s", container->name,
			 container_state_names[container->state]);
	} else if (container->state != CONTAINER_EXITED) {
		container_clean_up(container);
	}
}

void containers_adopt(struct agent *agent)
{
	int fd = openat(agent->run_fd, "containers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	DIR *dir;

	if (fd < 0)
		return; /* the first start since the device has booted */
	dir = fdopendir(fd);
	if (!dir) {
		log_error("%s/containers: %s", agent->config->run, strerror(errno));
		close(fd);
		return;
	}
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			adopt_one(agent, dirfd(dir), entry->d_name);
	closedir(dir);
}
