#include "store/record.h"

#include <errno.h>
#include <string.h>

#include "store/file.h"

/* The spare file's name has to fit as well: ".NAME.spare". */
#define NAME_MAX_RECORD 240

static int check_name(const char *name, struct err *err)
{
	if (!*name || *name == '.' || strchr(name, '/') || strlen(name) > NAME_MAX_RECORD)
		return err_set(err, -EINVAL, "\"%s\" can't be the name of a record", name);
	return 0;
}

static int fail(int rc, const char *verb, const char *name, struct err *err)
{
	return err_code(err, rc, "%s the record of %s", verb, name);
}

int record_load(const struct store *store, const char *name, struct buf *out, struct err *err)
{
	int rc = check_name(name, err);

	if (rc < 0)
		return rc;
	rc = file_read(store->apps, name, out, RECORD_MAX);
	return rc && rc != -ENOENT ? fail(rc, "read", name, err) : rc;
}

int record_save(struct store *store, const char *name, const void *data, size_t size,
		struct err *err)
{
	int rc = check_name(name, err);

	if (rc < 0)
		return rc;
	if (size > RECORD_MAX)
		return fail(-EFBIG, "write", name, err);
	rc = file_exchange(store, store->apps, name, data, size);
	return rc ? fail(rc, "write", name, err) : 0;
}

int record_remove(struct store *store, const char *name, struct err *err)
{
	int rc = check_name(name, err);

	if (rc < 0)
		return rc;
	rc = fd_remove_exchanged(store->apps, name);
	return rc && rc != -ENOENT ? fail(rc, "remove", name, err) : 0;
}

int record_list(const struct store *store, char ***names, struct err *err)
{
	int rc = file_names(store->apps, names);

	return rc ? err_code(err, rc, "list %s/apps", store->path) : 0;
}
