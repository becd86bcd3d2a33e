/*
 * The one binary and its roles. "berth ROLE ..." picks one; everything else is a client command. A link
 * with another name than "berth" (such as "docker") is the client too, but "berth-runtime" is the role
 * "runtime": for engines that take the name of an OCI runtime and no more.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "agent/applets.h"
#include "lib/err.h"

static const struct {
	const char *name;
	int (*main)(int argc, char **argv);
} roles[] = {
	{ "agent", agent_main }, { "fetch", fetch_main },     { "decode", decode_main },
	{ "unpack", unpack_main }, { "relink", relink_main }, { "shim", shim_main },
	{ "runtime", runtime_main }, { "probe", probe_main },   { "sweep", sweep_main },
	{ "fsck-store", fsck_store_main }, { "init", reaper_main }, { "attach-network", attach_main },
	{ "forward", forward_main },
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "berth-runtime ..." as "berth runtime ...", also when it executes itself again. */
static char **insert_runtime(int argc, char **argv)
{
	char **longer = xcalloc((unsigned long)argc + 2, sizeof(*longer));

	longer[0] = xstrdup("berth");
	longer[1] = xstrdup("runtime");
	memcpy(longer + 2, argv + 1, (size_t)argc * sizeof(*argv));
	return longer;
}

int main(int argc, char **argv)
{
	bool is_docker = argc && !strcmp(base_name(argv[0]), "docker");

	if (argc && !strcmp(base_name(argv[0]), "berth-runtime"))
		return runtime_main(argc, insert_runtime(argc, argv) + 1);
	for (size_t i = 0; argc > 1 && !is_docker && i < sizeof(roles) / sizeof(roles[0]); i++)
		if (!strcmp(argv[1], roles[i].name))
			return roles[i].main(argc - 1, argv + 1);
	return cli_main(argc, argv);
}
