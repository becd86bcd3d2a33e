/* GET /containers/{id}/logs: what agent/api/log_follow.h reads, framed. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/api/connection.h"
#include "agent/api/handlers.h"
#include "agent/api/log_follow.h"
#include "agent/api/mux.h"
#include "agent/api/request.h"
#include "agent/container/container.h"
#include "lib/fd.h"
#include "lib/time.h"

#define STREAMS 3 /* indexed by LOGRING_STDOUT, LOGRING_STDERR */

struct log_stream {
	struct request *request;
	struct log_follow log;
	bool wanted[STREAMS];
	bool within_line[STREAMS]; /* the last record had no newline at its end */
	bool timestamps, follow;
	bool is_raw; /* of a terminal: not framed */
	int64_t since_ns, until_ns;
	struct timer until_timer;
};

static void release_stream(struct request *request)
{
	struct log_stream *stream = request->data;

	timer_stop(&stream->until_timer);
	log_follow_release(&stream->log);
	free(stream);
}

static void write_record(struct log_stream *stream, const struct logring_record *record)
{
	unsigned char frame[MUX_HEADER + TIME_TEXT_MAX + 1 + LOGRING_DATA_MAX];
	char time[TIME_TEXT_MAX];
	size_t size = MUX_HEADER;

	if (stream->timestamps && !stream->within_line[record->stream]) {
		time_format_nano(time, record->time_ns);
		size += (size_t)snprintf((char *)frame + size, TIME_TEXT_MAX + 1, "%s ", time);
	}
	memcpy(frame + size, record->data, record->size);
	size += record->size;
	mux_header(frame, record->stream, size - MUX_HEADER);
	if (stream->is_raw)
		reply_write(stream->request, frame + MUX_HEADER, size - MUX_HEADER);
	else
		reply_write(stream->request, frame, size);
}

static bool is_wanted(const struct log_stream *stream, const struct logring_record *record)
{
	return record->stream < STREAMS && stream->wanted[record->stream] &&
	       record->time_ns >= stream->since_ns && record->time_ns <= stream->until_ns;
}

/* 1: the client has no room for more; 0: all that is there was sent; negative: the log is broken. */
static int send_records(struct log_stream *stream)
{
	struct logring_record record;
	int rc;

	while (reply_room(stream->request) >= MUX_HEADER + TIME_TEXT_MAX + 1 + LOGRING_DATA_MAX) {
		rc = log_follow_next(&stream->log, &record);
		if (rc <= 0)
			return rc;
		if (!is_wanted(stream, &record))
			continue;
		write_record(stream, &record);
		stream->within_line[record.stream] =
			record.size && record.data[record.size - 1] != '\n';
	}
	return 1;
}

/* The head is out: what goes wrong now is told in the stream. */
static void write_fault(struct log_stream *stream, int code)
{
	struct logring_record record = { .stream = LOGRING_STDERR, .time_ns = time_now_ns() };
	char *text FREE_CLEANUP = xasprintf("berth: the rest of the log can't be read: %s\n",
					    strerror(-code));

	record.data = text;
	record.size = strlen(text);
	write_record(stream, &record);
}

static bool has_ended(const struct log_stream *stream)
{
	return log_follow_has_ended(&stream->log) || time_now_ns() > stream->until_ns;
}

static void go_on(struct request *request)
{
	struct log_stream *stream = request->data;
	/* Looked at first: what was written before the end must be read after it. */
	bool ended = !stream->follow || has_ended(stream);
	int rc = send_records(stream);

	if (rc < 0)
		write_fault(stream, rc);
	if (rc < 0 || (rc == 0 && ended))
		reply_end(request);
}

static void on_change(void *data)
{
	struct log_stream *stream = data;

	go_on(stream->request);
}

static void on_until(struct timer *timer)
{
	struct log_stream *stream = timer->data;

	go_on(stream->request);
}

static int follow(struct log_stream *stream, const char *dir, struct err *err)
{
	struct loop *loop = stream->request->connection->loop;
	int rc = log_follow_watch(&stream->log, loop, dir, on_change, stream, err);

	if (rc == 0 && stream->until_ns < INT64_MAX)
		timer_start(loop, &stream->until_timer,
			    (stream->until_ns - time_now_ns()) / NS_PER_MS + 1, on_until, stream);
	return rc;
}

/* Seconds since 1970 with a fraction, as docker sends `since` and `until`; 0 is "not given". */
static int read_time(const struct target *target, const char *name, int64_t *ns, struct err *err)
{
	const char *text = target_get(target, name);
	long long seconds, fraction = 0;
	int digits = 0;
	char *end;

	if (!text || !*text)
		return 0;
	errno = 0;
	seconds = strtoll(text, &end, 10);
	if (*end == '.')
		for (end++; *end >= '0' && *end <= '9'; end++)
			if (digits < 9) {
				fraction = fraction * 10 + (*end - '0');
				digits++;
			}
	if (*end || errno || seconds < 0 || seconds > INT64_MAX / NS_PER_S - 1)
		return err_set(err, -EINVAL, "%s: \"%s\" is not a time in seconds since 1970", name,
			       text);
	for (; digits < 9; digits++)
		fraction *= 10;
	if (seconds || fraction)
		*ns = seconds * NS_PER_S + fraction;
	return 0;
}

/* "all", or a number of lines; -1: all. */
static int read_tail(const struct target *target, int64_t *lines, struct err *err)
{
	const char *text = target_get(target, "tail");

	*lines = -1;
	if (!text || !strcmp(text, "all"))
		return 0;
	return target_int(target, "tail", lines, err);
}

static int read_parameters(struct log_stream *stream, const struct target *target, int64_t *lines,
			   struct err *err)
{
	stream->wanted[LOGRING_STDOUT] = target_flag(target, "stdout");
	stream->wanted[LOGRING_STDERR] = target_flag(target, "stderr");
	stream->follow = target_flag(target, "follow");
	stream->timestamps = target_flag(target, "timestamps");
	if (!stream->wanted[LOGRING_STDOUT] && !stream->wanted[LOGRING_STDERR])
		return err_set(err, -EINVAL,
			       "Bad parameters: you must choose at least one stream");
	if (read_time(target, "since", &stream->since_ns, err) < 0 ||
	    read_time(target, "until", &stream->until_ns, err) < 0 ||
	    read_tail(target, lines, err) < 0)
		return -EINVAL;
	return 0;
}

static int open_stream(struct log_stream *stream, const char *dir, int64_t lines, struct err *err)
{
	int rc = log_follow_open(&stream->log, dir, lines, err);

	if (rc < 0 || !stream->follow || stream->log.dirfd < 0)
		return rc;
	return follow(stream, dir, err);
}

void on_container_logs(struct request *request)
{
	struct container *container = request_container(request);
	struct log_stream *stream;
	struct err err = ERR_INIT;
	int64_t lines;

	if (!container)
		return;
	char *dir FREE_CLEANUP = container_dir(container);

	stream = xcalloc(1, sizeof(*stream));
	stream->request = request;
	stream->until_ns = INT64_MAX;
	stream->is_raw = container->settings->process.tty;
	if (read_parameters(stream, &request->target, &lines, &err) < 0) {
		free(stream);
		reply_err(request, &err);
		return;
	}
	request->data = stream;
	request->release = release_stream;
	if (open_stream(stream, dir, lines, &err) < 0) {
		reply_err(request, &err);
		return;
	}
	reply_begin(request, 200,
		    request->target.version >= 42 && !stream->is_raw ?
			    "application/vnd.docker.multiplexed-stream" :
			    "application/vnd.docker.raw-stream");
	request->on_room = go_on;
	go_on(request);
}
