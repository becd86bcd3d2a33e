#include "agent/api/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/api/handlers.h"
#include "agent/api/log_follow.h"
#include "agent/api/relay.h"
#include "agent/api/request.h"
#include "agent/api/server.h"
#include "agent/container/container.h"
#include "agent/helper/shim.h"
#include "lib/fd.h"

#define STREAMS 3 /* indexed by LOGRING_STDOUT, LOGRING_STDERR */

_Static_assert(RELAY_PUT_MAX >= LOGRING_DATA_MAX, "a record must fit");

struct attachment {
	struct list node; /* in the server's attachments */
	struct relay relay;
	struct log_follow log;
	bool wanted[STREAMS];
	bool is_framed; /* not from a terminal */
	bool only_logs; /* what is there, and no more */
};

static void free_attachment(struct attachment *attachment)
{
	list_remove(&attachment->node);
	log_follow_release(&attachment->log);
	relay_release(&attachment->relay);
	free(attachment);
}

void attachments_free(struct list *attachments)
{
	while (!list_is_empty(attachments))
		free_attachment(list_entry(attachments->next, struct attachment, node));
}

static void on_drained(struct relay *relay, void *data)
{
	(void)relay;
	free_attachment(data);
}

/* Sends what there is; sealing it at the end may free it. */
static void go_on(struct attachment *attachment)
{
	bool ended = attachment->only_logs || log_follow_has_ended(&attachment->log);
	struct logring_record record;
	int rc = 1;

	while (relay_has_room(&attachment->relay) &&
	       (rc = log_follow_next(&attachment->log, &record)) > 0)
		if (record.stream < STREAMS && attachment->wanted[record.stream])
			relay_put(&attachment->relay, attachment->is_framed ? record.stream : 0,
				  record.data, record.size);
	if (rc < 0 || (rc == 0 && ended))
		relay_seal(&attachment->relay);
}

static void on_change(void *data)
{
	go_on(data);
}

static void on_room(struct relay *relay, void *data)
{
	(void)relay;
	go_on(data);
}

static size_t count(const struct list *attachments)
{
	size_t number = 0;

	list_for_each(node, attachments)
		number++;
	return number;
}

static bool has_room(struct request *request)
{
	if (count(&request->agent->api->attachments) < ATTACHMENTS_MAX)
		return true;
	reply_error(request, 409, "%d clients are attached already", ATTACHMENTS_MAX);
	return false;
}

/* A descriptor of its own for each client: two could not watch the same one. -1: none is wanted, or there is none. */
static int open_input(const struct request *request, const struct container *container)
{
	if (!target_flag(&request->target, "stdin") || !target_flag(&request->target, "stream") ||
	    !container->settings->process.open_stdin || container->input < 0)
		return -1;
	return fcntl(container->input, F_DUPFD_CLOEXEC, 3);
}

static int open_output(struct attachment *attachment, const struct request *request,
		       const struct container *container, struct err *err)
{
	char *dir FREE_CLEANUP = container_dir(container);
	bool from_start = target_flag(&request->target, "logs");
	int rc = log_follow_open(&attachment->log, dir, from_start ? -1 : 0, err);

	attachment->only_logs = !target_flag(&request->target, "stream");
	attachment->is_framed = !container->settings->process.tty;
	attachment->wanted[LOGRING_STDOUT] = target_flag(&request->target, "stdout");
	attachment->wanted[LOGRING_STDERR] = target_flag(&request->target, "stderr");
	if (rc == 0 && !attachment->only_logs)
		rc = log_follow_watch(&attachment->log, &request->agent->loop, dir, on_change,
				      attachment, err);
	return rc;
}

static const char *stream_type(const struct request *request, const struct container *container)
{
	if (container->settings->process.tty || request->target.version < 42)
		return "application/vnd.docker.raw-stream";
	return "application/vnd.docker.multiplexed-stream";
}

void on_container_attach(struct request *request)
{
	struct container *container = request_container(request);
	struct agent *agent = request->agent;
	struct attachment *attachment;
	struct buf BUF_CLEANUP early = BUF_INIT;
	struct err err = ERR_INIT;
	int client, input;

	if (!container || !has_room(request) || !request_can_begin(request, container))
		return;
	attachment = xcalloc(1, sizeof(*attachment));
	attachment->relay.client = attachment->relay.input = -1;
	attachment->relay.sources[0].fd = attachment->relay.sources[1].fd = -1;
	list_insert(&agent->api->attachments, &attachment->node);
	input = open_input(request, container);
	if (open_output(attachment, request, container, &err) < 0) {
		reply_err(request, &err);
		fd_close(&input);
		free_attachment(attachment);
		return;
	}
	client = request_hijack(request, stream_type(request, container), &early);
	if (client < 0) {
		fd_close(&input);
		free_attachment(attachment);
		return;
	}
	relay_start(&attachment->relay, &agent->loop, client, &early, on_drained, attachment);
	relay_feed(&attachment->relay, input, on_room);
	go_on(attachment);
}

void on_container_resize(struct request *request)
{
	struct container *container = request_container(request);
	struct shim_request resize = { .type = SHIM_RESIZE };
	int rc;

	if (!container || request_size(request, &resize.rows, &resize.columns) < 0)
		return;
	if (!container->settings->process.tty || container->sock < 0) {
		reply_error(request, 409, "container %s has no terminal, or is not running",
			    container->name);
		return;
	}
	rc = shim_send(container->sock, &resize);
	if (rc < 0)
		reply_error(request, 500, "container %s: its shim does not listen: %s",
			    container->name, strerror(-rc));
	else
		reply_empty(request, 200);
}
