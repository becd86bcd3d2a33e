/* output - what a container wrote, to the stdout and stderr of the command that shows it. */
#ifndef AGENT_CLI_OUTPUT_H
#define AGENT_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/api/mux.h"
#include "lib/err.h"

struct output {
	struct mux mux;
	bool is_raw; /* from a terminal: one stream, not framed */
};

/* Unbuffered. Negative when the stream is broken or its reader has gone. */
int output_write(struct output *output, const char *data, size_t size, struct err *err);

#endif
