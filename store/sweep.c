#include "store/sweep.h"

#include <string.h>

#include "lib/fd.h"
#include "lib/json.h"
#include "store/file.h"

bool sweep_is_due(int staging)
{
	bool is_due = false;
	char **names;

	file_names(staging, &names);
	for (char **name = names; *name; name++)
		is_due |= **name == FILE_THROWN_AWAY;
	free_strings(names);
	return is_due;
}

int sweep(int staging, struct err *err)
{
	char **names;
	int rc = file_names(staging, &names), first = rc;

	if (rc < 0)
		err_code(err, rc, "list staging");
	for (char **name = names; *name; name++) {
		rc = **name == FILE_THROWN_AWAY ? fd_remove_tree(staging, *name) : 0;
		if (rc < 0 && !first)
			first = err_code(err, rc, "remove staging/%s", *name);
	}
	free_strings(names);
	return first;
}
