/*
 * user - a User as image configs have it ("app", "1000", "1000:1000", "app:grp") as numbers, by
 * the container's own /etc/passwd and /etc/group. The rules are Docker's:
 *
 *	"app"	  must be in passwd; its group, and all groups in group that list it
 *	"1000"	  the same if passwd has that uid; else group 0 and no more
 *	"x:grp"	  that group instead, and no supplementary ones; a name must be in group
 *
 * The files come from the image, so nothing in them is trusted: lines that make no sense are
 * skipped, sizes are bounded.
 */
#ifndef AGENT_RUN_USER_H
#define AGENT_RUN_USER_H

#include <stddef.h>
#include <sys/types.h>

#include "lib/err.h"

#define USER_FILE_MAX (1024 * 1024) /* bytes of passwd, of group */
#define USER_GROUPS_MAX 1024
#define USER_HOME_MAX 256

struct user {
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* supplementary; free() */
	size_t group_count;
	char home[USER_HOME_MAX]; /* "/" when passwd knows of none */
};

/* The texts of both files as arguments. -ENOENT for a name that is not there, with the reason. */
int user_resolve(struct user *user, const char *text, const char *passwd, size_t passwd_size,
		 const char *group, size_t group_size, struct err *err);

/*
 * The same with /etc/passwd and /etc/group of the present root; files that are missing are empty.
 */
int user_load(struct user *user, const char *text, struct err *err);

/* A group by name or number, by the same file. -ENOENT: not there, with the reason. */
int user_load_group(const char *name, gid_t *gid, struct err *err);

/* The home of a uid in /etc/passwd into `home`; "/" when there is none. */
void user_load_home(uid_t uid, char home[static USER_HOME_MAX]);

#endif
