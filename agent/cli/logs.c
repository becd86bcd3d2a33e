#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/api/mux.h"
#include "agent/cli/cli.h"
#include "agent/cli/output.h"
#include "config/units.h"
#include "lib/time.h"

/* "10m" is that long ago; else RFC 3339. Appends what the API takes: seconds and nanoseconds. */
static int append_time(struct buf *target, const char *name, const char *text, struct err *err)
{
	int64_t ns, ms;

	if (!text)
		return 0;
	if (duration_parse_ms(text, &ms, NULL) == 0)
		ns = time_now_ns() - ms * NS_PER_MS;
	else if (time_parse(text, &ns) < 0)
		return err_set(err, -EINVAL, "--%s %s: not a time; use 2026-01-31T12:00:00Z or 10m", name,
			       text);
	buf_append_format(target, "&%s=%lld.%09lld", name, (long long)(ns / NS_PER_S),
			  (long long)(ns % NS_PER_S));
	return 0;
}

static int append_tail(struct buf *target, const char *text, struct err *err)
{
	int64_t lines;

	if (!text || !strcmp(text, "all"))
		return 0;
	if (number_parse(text, 0, INT32_MAX, &lines, err) < 0)
		return err_context(err, "--tail %s", text);
	buf_append_format(target, "&tail=%lld", (long long)lines);
	return 0;
}

static int make_target(struct cli *cli, struct buf *target)
{
	const struct options *options = &cli->options;

	cli_path(target, "/containers/", cli->operands[0], "/logs?stdout=1&stderr=1");
	if (options->follow)
		buf_append_text(target, "&follow=1");
	if (options->timestamps)
		buf_append_text(target, "&timestamps=1");
	if (append_tail(target, options->tail, &cli->err) < 0 ||
	    append_time(target, "since", options->since, &cli->err) < 0)
		return -EINVAL;
	return append_time(target, "until", options->until, &cli->err);
}

int cli_logs(struct cli *cli)
{
	struct buf BUF_CLEANUP target = BUF_INIT;
	struct output output = { 0 };
	const char *data, *type;
	size_t size;
	int rc;

	if (make_target(cli, &target) < 0) {
		cli_fail(cli);
		return EXIT_USAGE;
	}
	if (cli_connect(cli) < 0 ||
	    daemon_call(&cli->daemon, "GET", target.data, NULL, &cli->err) < 0)
		return cli_fail(cli);
	type = http_header(&cli->daemon.parser.message, "Content-Type");
	output.is_raw = type && !strcmp(type, "application/vnd.docker.raw-stream");
	while ((rc = daemon_read(&cli->daemon, &data, &size, &cli->err)) > 0)
		if (output_write(&output, data, size, &cli->err) < 0)
			return cli_fail(cli);
	return rc < 0 ? cli_fail(cli) : EXIT_DONE;
}
