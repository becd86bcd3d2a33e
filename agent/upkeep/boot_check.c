#include "agent/upkeep/boot_check.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/upkeep/check.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "store/layer.h"

#define MARK "clean"
#define BOOT_FILE "boot"
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_MAX 64

/* The file in the run directory says which boot it was written in; it is there anew afterwards. */
static bool is_same_boot(struct agent *agent)
{
	BUF_CLEANUP struct buf now = BUF_INIT;
	BUF_CLEANUP struct buf then = BUF_INIT;

	if (fd_read_file(AT_FDCWD, BOOT_ID, &now, BOOT_ID_MAX) < 0)
		return false;
	if (fd_read_file(agent->run_fd, BOOT_FILE, &then, BOOT_ID_MAX) == 0 &&
	    !strcmp(buf_text(&now), buf_text(&then)))
		return true;
	fd_replace_file_volatile(agent->run_fd, BOOT_FILE, now.data, now.size, 0600);
	return false;
}

/* Durably, or a cut that follows would look clean. */
static bool take_mark(struct agent *agent)
{
	if (unlinkat(agent->store.dirfd, MARK, 0) < 0)
		return false;
	return fsync(agent->store.dirfd) == 0;
}

static void ended(const struct err *err, void *data)
{
	struct agent *agent = data;

	agent->boot_check = NULL;
	agent->is_boot_checked = !err->code;
	if (agent->store.suspect_count)
		heal_now(agent);
}

static void begin(struct timer *timer)
{
	struct agent *agent = timer->data;
	struct err err = ERR_INIT;
	const struct check_request request = {
		.depth = agent->is_boot_clean ? CHECK_PRESENCE : CHECK_CONTENT,
		.on_end = ended,
		.data = agent,
	};

	agent->boot_check = check_start(agent, &request, &err);
	if (!agent->boot_check)
		log_warn("the store is not checked: %s", err.text);
}

static bool has_layers(struct agent *agent)
{
	FREE_CLEANUP struct digest *ids = NULL;
	size_t count = 0;

	return layer_list(&agent->store, &ids, &count, NULL) < 0 || count > 0;
}

void boot_check_start(struct agent *agent)
{
	bool has_mark = take_mark(agent);

	agent->is_boot_clean = is_same_boot(agent) || has_mark || !has_layers(agent);
	if (!agent->is_boot_clean)
		log_info("no clean end is on record: the store's contents are checked");
	timer_start(&agent->loop, &agent->boot_timer,
		    agent->is_boot_clean ? 0 : BOOT_CHECK_CONTENT_MS, begin, agent);
}

void boot_check_leave(struct agent *agent)
{
	int rc = 0;

	if (agent->boot_check)
		check_stop(agent->boot_check);
	if (agent->is_boot_checked && !agent->store.suspect_count)
		rc = fd_replace_file(agent->store.dirfd, MARK, "", 0, 0600);
	if (rc < 0)
		log_warn("%s/" MARK ": %s", agent->store.path, strerror(-rc));
}
