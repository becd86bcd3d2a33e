#include "agent/run/state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/run/start.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/sys.h"

#define OCI_VERSION "1.1.0"
#define FILE_NAME "state.json"
#define FILE_MAX (1024 * 1024)

static const char *const status_names[] = {
	[STATE_CREATING] = "creating",
	[STATE_CREATED] = "created",
	[STATE_RUNNING] = "running",
	[STATE_PAUSED] = "paused",
	[STATE_STOPPED] = "stopped",
};

const char *state_status_name(enum state_status status)
{
	return status_names[status];
}

int state_check_id(const char *id, struct err *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_+-.";
	size_t length = strlen(id);

	if (!length || length > STATE_ID_MAX || *id == '.' || strspn(id, allowed) != length)
		return err_set(err, -EINVAL,
			       "container id \"%s\": 1 to %d letters, digits, '_', '+', '-' or "
			       "'.', not a '.' first", id, STATE_ID_MAX);
	return 0;
}

static int init(struct state *state, const char *id, struct err *err)
{
	*state = (struct state){ .dirfd = -1 };
	if (state_check_id(id, err) < 0)
		return -EINVAL;
	strcpy(state->id, id);
	state->bundle = xstrdup("");
	state->cgroup_path = xstrdup("");
	state->created = xstrdup("");
	return 0;
}

static int open_dir(struct state *state, const char *root, struct err *err)
{
	FREE_CLEANUP char *path = xasprintf("%s/%s", root, state->id);

	state->dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (state->dirfd < 0 && errno == ENOENT)
		return err_set(err, -ENOENT, "container %s does not exist", state->id);
	return state->dirfd < 0 ? err_sys(err, "open %s", path) : 0;
}

int state_create(struct state *state, const char *root, const char *id, struct err *err)
{
	FREE_CLEANUP char *path = xasprintf("%s/%s", root, id);
	int rc = init(state, id, err);

	if (rc < 0)
		return rc;
	rc = fd_make_dirs(root, 0700);
	if (rc < 0)
		return err_code(err, rc, "make %s", root);
	if (mkdir(path, 0700) < 0 && errno == EEXIST)
		return err_set(err, -EEXIST, "container %s exists already", id);
	else if (access(path, F_OK) < 0)
		return err_sys(err, "make %s", path);
	return open_dir(state, root, err);
}

static int read_fields(struct state *state, const json_t *json, struct err *err)
{
	struct {
		const char *name;
		char **to;
	} texts[] = {
		{ "bundle", &state->bundle },
		{ "cgroup", &state->cgroup_path },
		{ "created", &state->created },
	};
	BUF_CLEANUP struct buf annotations = BUF_INIT;
	int64_t pid = 0, ticks = 0;
	json_t *object = NULL;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const char *text = "";

		if (json_get_string(json, texts[i].name, &text, err) < 0)
			return -EINVAL;
		free(*texts[i].to);
		*texts[i].to = xstrdup(text);
	}
	if (json_get_int(json, "pid", &pid, err) < 0 ||
	    json_get_int(json, "startTicks", &ticks, err) < 0 ||
	    json_get_bool(json, "hasCgroup", &state->has_cgroup, err) < 0 ||
	    json_get_object(json, "annotations", &object, err) < 0)
		return -EINVAL;
	state->pid = (pid_t)pid;
	state->has_cgroup |= pid > 0; /* what an older berth wrote */
	state->start_ticks = (uint64_t)ticks;
	if (object) {
		json_append(&annotations, object);
		state->annotations = buf_steal(&annotations);
	}
	return 0;
}

int state_open(struct state *state, const char *root, const char *id, struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	JSON_CLEANUP json_t *json = NULL;
	int rc = init(state, id, err);

	if (!rc)
		rc = open_dir(state, root, err);
	if (rc < 0)
		return rc;
	rc = fd_read_file(state->dirfd, FILE_NAME, &text, FILE_MAX);
	/* Nothing yet: create has just begun, or was killed at once. */
	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		return err_code(err, rc, "read " FILE_NAME " of container %s", id);
	if (json_parse(&json, buf_text(&text), text.size, FILE_NAME, err) < 0 ||
	    read_fields(state, json, err) < 0)
		return err_context(err, "container %s", id);
	return 0;
}

static json_t *to_json(const struct state *state)
{
	json_t *json = json_pack("{s:s, s:s, s:s, s:s}", "ociVersion", OCI_VERSION, "id", state->id,
				 "bundle", state->bundle, "created", state->created);

	if (json && state->annotations)
		json_object_set_new(json, "annotations", json_loads(state->annotations, 0, NULL));
	if (!json)
		die_no_memory();
	return json;
}

int state_save(const struct state *state, struct err *err)
{
	JSON_CLEANUP json_t *json = to_json(state);
	BUF_CLEANUP struct buf text = BUF_INIT;
	int rc;

	json_object_set_new(json, "cgroup", json_string(state->cgroup_path));
	json_object_set_new(json, "hasCgroup", json_boolean(state->has_cgroup));
	json_object_set_new(json, "pid", json_integer(state->pid));
	json_object_set_new(json, "startTicks", json_integer((json_int_t)state->start_ticks));
	json_append(&text, json);
	rc = fd_replace_file_volatile(state->dirfd, FILE_NAME, text.data, text.size, 0600);
	if (rc < 0)
		return err_code(err, rc, "write " FILE_NAME " of container %s", state->id);
	return 0;
}

int state_remove(const char *root, const char *id, struct err *err)
{
	FREE_CLEANUP char *path = xasprintf("%s/%s", root, id);
	int rc = fd_remove_tree(AT_FDCWD, path);

	return rc < 0 ? err_code(err, rc, "remove %s", path) : 0;
}

void state_release(struct state *state)
{
	fd_close(&state->dirfd);
	free(state->bundle);
	free(state->cgroup_path);
	free(state->created);
	free(state->annotations);
	*state = (struct state){ .dirfd = -1 };
}

/* Is there a process of that pid and start time that is not a zombie? */
static bool is_alive(const struct state *state)
{
	uint64_t ticks;
	int letter = state->pid > 0 ? sys_process_state(state->pid, &ticks) : -ESRCH;

	return letter > 0 && letter != 'Z' && letter != 'X' && ticks == state->start_ticks;
}

static bool is_frozen(const struct state *state)
{
	struct cgroup cgroup;

	return state_cgroup(state, &cgroup, NULL) == 0 && cgroup_is_frozen(&cgroup);
}

int state_cgroup(const struct state *state, struct cgroup *cgroup, struct err *err)
{
	if (!state->has_cgroup)
		return err_set(err, -ESRCH, "container %s has no cgroup yet", state->id);
	return cgroup_init(cgroup, state->cgroup_path, err);
}

enum state_status state_find_status_in(const struct state *state, const struct cgroup *cgroup)
{
	if (!state->pid)
		return STATE_CREATING;
	if (!is_alive(state))
		return STATE_STOPPED;
	if (cgroup ? cgroup_is_frozen(cgroup) : is_frozen(state))
		return STATE_PAUSED;
	return start_is_awaited(state) ? STATE_CREATED : STATE_RUNNING;
}

enum state_status state_find_status(const struct state *state)
{
	return state_find_status_in(state, NULL);
}

int state_pidfd(const struct state *state, struct err *err)
{
	FD_CLEANUP int fd = state->pid > 0 ? sys_pidfd_open(state->pid) : -1;
	int rc = fd < 0 ? -errno : 0;

	/* Looked at after it was opened: now it can't become another one. */
	if (!is_alive(state))
		return err_set(err, -ESRCH, "container %s is not running: no such process",
			       state->id);
	if (rc == -ENOSYS)
		return rc;
	return rc < 0 ? err_sys(err, "open process %d", (int)state->pid) : fd_steal(&fd);
}

void state_format(const struct state *state, struct buf *out)
{
	state_format_as(state, state_find_status(state), out);
}

void state_format_as(const struct state *state, enum state_status status, struct buf *out)
{
	JSON_CLEANUP json_t *json = to_json(state);
	char *text;

	json_object_set_new(json, "status", json_string(state_status_name(status)));
	json_object_set_new(json, "pid",
			    json_integer(status == STATE_STOPPED ? 0 : (json_int_t)state->pid));
	text = json_dumps(json, JSON_INDENT(2));
	if (!text)
		die_no_memory();
	buf_append_format(out, "%s\n", text);
	free(text);
}
