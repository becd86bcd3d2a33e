/*
 * sweep - the helper that removes what the store has thrown away (store/sweep.h).
 *
 *	berth sweep STAGING_FD
 *
 * Low in priority, so that it doesn't get in the way of apps. What it removes came from the network: like
 * unpack it is confined to that directory, which is its root. Reports {"done":true} or an error.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/applets.h"
#include "agent/helper/report.h"
#include "agent/helper/unpack_sandbox.h"
#include "lib/fd.h"
#include "lib/sys.h"
#include "store/sweep.h"

#define MEMORY_MAX ((size_t)2 << 20)
static int run(int staging_fd, struct err *err)
{
	FD_CLEANUP int staging = -1;
	int rc = sandbox_relink(staging_fd, MEMORY_MAX, err);

	if (rc < 0)
		return rc;
	staging = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return staging < 0 ? err_sys(err, "open staging") : sweep(staging, err);
}

int sweep_main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	int rc;

	report_init();
	sys_step_back();
	if (argc != 2)
		rc = err_set(&err, -EINVAL, "usage: berth sweep STAGING_FD (the agent starts it)");
	else
		rc = run(atoi(argv[1]), &err);
	if (rc < 0)
		report_error(err.text, "io", 0);
	else
		report_done();
	return rc < 0 ? 1 : 0;
}
