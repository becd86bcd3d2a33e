#include "agent/cli/output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/fd.h"

static int put(int fd, const char *data, size_t size, struct err *err)
{
	int rc = fd_write_full(fd, data, size);

	return rc < 0 ? err_code(err, rc, "write the output") : 0;
}

int output_write(struct output *output, const char *data, size_t size, struct err *err)
{
	struct mux_step step;
	int rc;

	if (output->is_raw)
		return put(STDOUT_FILENO, data, size, err);
	while ((rc = mux_parse(&output->mux, data, size, &step)) > 0) {
		int fd = step.stream == MUX_STDOUT ? STDOUT_FILENO : STDERR_FILENO;

		if (put(fd, step.data, step.size, err) < 0)
			return err->code;
		data += step.used;
		size -= step.used;
	}
	return rc < 0 ? err_set(err, rc, "the agent's stream is broken") : 0;
}
