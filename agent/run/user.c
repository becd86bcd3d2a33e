#include "agent/run/user.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "lib/fd.h"

#define FIELDS_MAX 7
#define NAME_MAX_BYTES 256
#define ID_LIMIT 4294967295u /* -1 means "no change" to the kernel */

/* A piece of a file. */
struct piece {
	const char *data;
	size_t size;
};

/* Splits the next line of `rest` at ':'; the number of fields, or 0 at the end of the file. */
static int next_line(struct piece *rest, struct piece fields[static FIELDS_MAX])
{
	const char *end, *at = rest->data, *stop;
	int count = 0;

	if (!rest->size)
		return 0;
	end = memchr(at, '\n', rest->size);
	stop = end ? end : at + rest->size;
	while (count < FIELDS_MAX) {
		const char *colon = memchr(at, ':', (size_t)(stop - at));

		fields[count++] = (struct piece){ at, (size_t)((colon ? colon : stop) - at) };
		if (!colon)
			break;
		at = colon + 1;
	}
	rest->size -= (size_t)(stop - rest->data) + (end ? 1 : 0);
	rest->data = stop + (end ? 1 : 0);
	return count;
}

static bool is_name(struct piece piece, const char *name)
{
	return piece.size && piece.size == strlen(name) && !memcmp(piece.data, name, piece.size);
}

/* A user or group ID in decimal. */
static bool read_id(struct piece piece, uint32_t *id)
{
	uint64_t value = 0;

	if (!piece.size || piece.size > 10)
		return false;
	for (size_t i = 0; i < piece.size; i++) {
		if (piece.data[i] < '0' || piece.data[i] > '9')
			return false;
		value = 10 * value + (uint64_t)(piece.data[i] - '0');
	}
	*id = (uint32_t)value;
	return value < ID_LIMIT;
}

static struct piece whole(const char *text)
{
	return (struct piece){ text, strlen(text) };
}

static void keep_home(char home[static USER_HOME_MAX], struct piece piece)
{
	if (!piece.size || piece.size >= USER_HOME_MAX || memchr(piece.data, '\0', piece.size))
		return;
	memcpy(home, piece.data, piece.size);
	home[piece.size] = '\0';
}

/*
 * passwd: name:password:uid:gid:gecos:home:shell. Looks for a name, or for a uid unless that is
 * NULL; the name that was found is stored, for the search in group.
 */
static bool find_user(struct user *user, struct piece passwd, const char *name, const uint32_t *uid,
		      char found[static NAME_MAX_BYTES])
{
	struct piece fields[FIELDS_MAX];
	uint32_t line_uid, line_gid;
	int count;

	while ((count = next_line(&passwd, fields))) {
		if (count < 4 || !read_id(fields[2], &line_uid) || !read_id(fields[3], &line_gid))
			continue;
		if (!is_name(fields[0], name) && !(uid && *uid == line_uid))
			continue;
		user->uid = line_uid;
		user->gid = line_gid;
		if (count > 5)
			keep_home(user->home, fields[5]);
		found[0] = '\0';
		if (fields[0].size < NAME_MAX_BYTES) {
			memcpy(found, fields[0].data, fields[0].size);
			found[fields[0].size] = '\0';
		}
		return true;
	}
	return false;
}

/* group: name:password:gid:user,user */
static bool find_group(uint32_t *gid, struct piece group, const char *name)
{
	struct piece fields[FIELDS_MAX];
	int count;

	while ((count = next_line(&group, fields)))
		if (count >= 3 && is_name(fields[0], name) && read_id(fields[2], gid))
			return true;
	return false;
}

static bool lists(struct piece members, const char *name)
{
	while (members.size) {
		const char *comma = memchr(members.data, ',', members.size);
		size_t length = comma ? (size_t)(comma - members.data) : members.size;

		if (is_name((struct piece){ members.data, length }, name))
			return true;
		length += comma ? 1 : 0;
		members.data += length;
		members.size -= length;
	}
	return false;
}

static void collect_groups(struct user *user, struct piece group, const char *name)
{
	struct piece fields[FIELDS_MAX];
	uint32_t gid;
	int count;

	user->groups = xcalloc(USER_GROUPS_MAX, sizeof(*user->groups));
	while (user->group_count < USER_GROUPS_MAX && (count = next_line(&group, fields)))
		if (count >= 4 && read_id(fields[2], &gid) && lists(fields[3], name))
			user->groups[user->group_count++] = gid;
}

static int resolve_group(gid_t *gid, const char *name, struct piece group, struct err *err)
{
	uint32_t found;

	if (!find_group(&found, group, name) && !read_id(whole(name), &found))
		return err_set(err, -ENOENT, "group \"%s\" is not in the image's /etc/group", name);
	*gid = found;
	return 0;
}

int user_resolve(struct user *user, const char *text, const char *passwd, size_t passwd_size,
		 const char *group, size_t group_size, struct err *err)
{
	struct piece passwd_file = { passwd, passwd_size }, group_file = { group, group_size };
	char name[NAME_MAX_BYTES], found[NAME_MAX_BYTES] = "";
	size_t length = strcspn(text, ":");
	const char *group_name = text[length] ? text + length + 1 : "";
	uint32_t uid = 0;
	bool is_number;

	*user = (struct user){ .home = "/" };
	if (length >= sizeof(name))
		return err_set(err, -EINVAL, "user \"%.40s...\": the name is too long", text);
	memcpy(name, text, length);
	name[length] = '\0';
	is_number = !length || read_id(whole(name), &uid);
	if (!find_user(user, passwd_file, name, is_number ? &uid : NULL, found)) {
		if (!is_number)
			return err_set(err, -ENOENT,
				       "user \"%s\" is not in the image's /etc/passwd", name);
		user->uid = uid;
	}
	if (*group_name)
		return resolve_group(&user->gid, group_name, group_file, err);
	if (*found)
		collect_groups(user, group_file, found);
	return 0;
}

/*
 * Files of /proc call themselves plain, but to read them does things: a link to /proc/kmsg, which the application may not open,
 * would take the kernel's messages from the device's log.
 */
static bool is_plain(int fd, const struct stat *st)
{
	struct statfs fs;

	return S_ISREG(st->st_mode) && fstatfs(fd, &fs) == 0 && fs.f_type != PROC_SUPER_MAGIC;
}

/*
 * A FIFO or a device in the image must not hold us up: O_NONBLOCK, and only plain files are read.
 */
static int read_image_file(const char *path, struct buf *out, struct err *err)
{
	FD_CLEANUP int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	int rc;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, "open the image's %s", path);
	if (!is_plain(fd, &st))
		return err_set(err, -EINVAL, "the image's %s is not a plain file", path);
	rc = fd_read_all(fd, out, USER_FILE_MAX);
	if (rc < 0)
		return err_code(err, rc, "read the image's %s", path);
	return 0;
}

int user_load(struct user *user, const char *text, struct err *err)
{
	BUF_CLEANUP struct buf passwd = BUF_INIT;
	BUF_CLEANUP struct buf group = BUF_INIT;
	int rc = read_image_file("/etc/passwd", &passwd, err);

	if (!rc)
		rc = read_image_file("/etc/group", &group, err);
	if (rc < 0)
		return rc;
	return user_resolve(user, text, buf_text(&passwd), passwd.size, buf_text(&group),
			    group.size, err);
}

int user_load_group(const char *name, gid_t *gid, struct err *err)
{
	BUF_CLEANUP struct buf group = BUF_INIT;
	int rc = read_image_file("/etc/group", &group, err);

	if (rc < 0)
		return rc;
	return resolve_group(gid, name, (struct piece){ buf_text(&group), group.size }, err);
}

void user_load_home(uid_t uid, char home[static USER_HOME_MAX])
{
	BUF_CLEANUP struct buf passwd = BUF_INIT;
	char found[NAME_MAX_BYTES];
	struct user user = { .home = "/" };
	uint32_t id = uid;

	if (read_image_file("/etc/passwd", &passwd, NULL) == 0)
		find_user(&user, (struct piece){ buf_text(&passwd), passwd.size }, "", &id, found);
	strcpy(home, user.home);
}
