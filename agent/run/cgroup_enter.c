/* How a process gets into a cgroup. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agent/run/cgroup_parts.h"
#include "lib/fd.h"

int cgroup_entry_open(struct cgroup_entry *entry, const struct cgroup *cgroup, struct err *err)
{
	char path[CGROUP_FILE_MAX];

	*entry = CGROUP_ENTRY_NONE;
	if (cgroup->mode == CGROUP_V2) {
		cgroup_file(cgroup, cgroup_primary(cgroup), NULL, path);
		entry->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	cgroup_for_each(c, cgroup) {
		cgroup_file(cgroup, (enum cgroup_controller)c, cgroup->mode == CGROUP_V1 ? "tasks" : "cgroup.procs", path);
		entry->files[entry->count] = open(path, O_WRONLY | O_CLOEXEC);
		if (entry->files[entry->count] < 0)
			return err_sys(err, "open %s", path);
		entry->names[entry->count++] = cgroup_controller_name((enum cgroup_controller)c, cgroup->mode);
	}
	return 0;
}

void cgroup_entry_close(struct cgroup_entry *entry)
{
	fd_close(&entry->directory);
	while (entry->count)
		close(entry->files[--entry->count]);
}

int cgroup_entry_use(const struct cgroup_entry *entry, struct err *err)
{
	for (size_t i = 0; i < entry->count && entry->directory < 0; i++)
		if (write(entry->files[i], "0", 1) < 0)
			return err_sys(err, "enter the cgroup (%s)", entry->names[i]);
	return 0;
}

int cgroup_enter(const struct cgroup *cgroup, struct err *err)
{
	struct cgroup_entry entry;
	int rc = cgroup_entry_open(&entry, cgroup, err);

	fd_close(&entry.directory);
	if (!rc)
		rc = cgroup_entry_use(&entry, err);
	cgroup_entry_close(&entry);
	return rc;
}

static bool is_below(const char *path, const char *above)
{
	size_t length = strlen(above);

	return !strncmp(path, above, length) && path[length] == '/';
}

int cgroup_enter_beside(const struct cgroup_entry *entry, const struct cgroup *cgroup, pid_t first, struct err *err)
{
	struct err why = ERR_INIT;
	struct cgroup part;
	int rc = cgroup_entry_use(entry, &why);

	if (rc == -EBUSY && cgroup->mode == CGROUP_V2 && cgroup_init_of(&part, first, NULL) == 0 &&
	    is_below(part.path, cgroup->path))
		return cgroup_enter(&part, err);
	return rc < 0 ? err_set(err, rc, "%s", why.text) : 0;
}
