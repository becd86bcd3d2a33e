#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/app_parts.h"
#include "lib/capname.h"
#include "lib/fd.h"
#include "lib/json.h"

#define BIT(capability) (UINT64_C(1) << (capability))

/* moby oci/caps/defaults.go */
#define DEFAULT_CAPABILITIES                                                                       \
	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FSETID) | BIT(CAP_FOWNER) |               \
	 BIT(CAP_MKNOD) | BIT(CAP_NET_RAW) | BIT(CAP_SETGID) | BIT(CAP_SETUID) |                    \
	 BIT(CAP_SETFCAP) | BIT(CAP_SETPCAP) | BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_SYS_CHROOT) |    \
	 BIT(CAP_KILL) | BIT(CAP_AUDIT_WRITE))

void app_confine_release(struct app_confine *confine)
{
	free_strings(confine->sysctls);
	free(confine->seccomp);
}

static struct app_confine *confine_of(void *object)
{
	return &((struct app_config *)object)->confine;
}

int set_privileged(void *object, const char *value, struct err *err)
{
	return app_set_flag(&confine_of(object)->privileged, value, err);
}

int set_no_privileges(void *object, const char *value, struct err *err)
{
	bool none_new;
	int rc = app_set_flag(&none_new, value, err);

	if (rc == 0)
		confine_of(object)->new_privileges = !none_new;
	return rc;
}

/* Words that a key may have: the first one is the default. */
static int set_choice(bool *second, const char *const *words, const char *value, struct err *err)
{
	int found = key_choose(words, value, err);

	if (found >= 0)
		*second = found;
	return found < 0 ? found : 0;
}

int set_userns(void *object, const char *value, struct err *err)
{
	static const char *const words[] = { "host", "auto", NULL };

	return set_choice(&confine_of(object)->own_ids, words, value, err);
}

int set_pid(void *object, const char *value, struct err *err)
{
	static const char *const words[] = { "private", "host", NULL };

	return set_choice(&confine_of(object)->host_pid, words, value, err);
}

int set_ipc(void *object, const char *value, struct err *err)
{
	static const char *const words[] = { "private", "host", NULL };

	return set_choice(&confine_of(object)->host_ipc, words, value, err);
}

/* "NET_ADMIN", "cap_net_admin" or "ALL" into `set`, which must not have it yet. */
static int set_capability(uint64_t *set, const char *value, struct err *err)
{
	FREE_CLEANUP char *name = xasprintf("CAP_%s",
					    strncasecmp(value, "CAP_", 4) ? value : value + 4);
	bool all = !strcasecmp(value, "ALL");
	int number = all ? 0 : cap_parse(name);

	if (number < 0)
		return err_set(err, -EINVAL, "not a capability; capabilities(7) lists them, and "
					     "ALL is all of them");
	if (!all && *set & BIT(number))
		return err_set(err, -EINVAL, "already given");
	*set |= all ? APP_ALL_CAPABILITIES : BIT(number);
	return 0;
}

int add_capability(void *object, const char *value, struct err *err)
{
	return set_capability(&confine_of(object)->cap_add, value, err);
}

int drop_capability(void *object, const char *value, struct err *err)
{
	return set_capability(&confine_of(object)->cap_drop, value, err);
}

int add_sysctl(void *object, const char *value, struct err *err)
{
	struct app_confine *confine = confine_of(object);
	size_t name = strcspn(value, "=");

	if (name == 0 || !value[name] || strcspn(value, " \t") < name || strstr(value, ".."))
		return err_set(err, -EINVAL, "not a kernel setting; use NAME=VALUE, such as "
					     "net.core.somaxconn=1024");
	if (app_has_name(confine->sysctls, value))
		return err_set(err, -EINVAL, "this setting is given twice");
	return app_add_text(&confine->sysctls, value, err);
}

int set_seccomp(void *object, const char *value, struct err *err)
{
	if (*value != '/' && strcmp(value, APP_SECCOMP_DEFAULT) && strcmp(value, APP_SECCOMP_NONE))
		return err_set(err, -EINVAL, "use " APP_SECCOMP_DEFAULT ", " APP_SECCOMP_NONE
					     " or the absolute path of a profile");
	free(confine_of(object)->seccomp);
	confine_of(object)->seccomp = xstrdup(value);
	return 0;
}

const char *app_confine_seccomp_file(const struct app_confine *confine)
{
	return confine->seccomp && *confine->seccomp == '/' ? confine->seccomp : NULL;
}

static void put_capabilities(json_t *object, const char *key, uint64_t set)
{
	if (set == APP_ALL_CAPABILITIES) {
		app_put_item(object, key, xstrdup("ALL"));
		return;
	}
	for (int i = 0; cap_name(i); i++)
		if (set & BIT(i))
			app_put_item(object, key, xstrdup(cap_name(i)));
}

void app_confine_put(json_t *object, const struct app_confine *confine)
{
	app_put_yes(object, "privileged", confine->privileged);
	if (confine->new_privileges)
		app_put_text(object, "no_new_privileges", xstrdup("no"));
	if (confine->own_ids)
		app_put_text(object, "userns", xstrdup("auto"));
	if (confine->host_pid)
		app_put_text(object, "pid", xstrdup("host"));
	if (confine->host_ipc)
		app_put_text(object, "ipc", xstrdup("host"));
	put_capabilities(object, "cap_add", confine->cap_add);
	put_capabilities(object, "cap_drop", confine->cap_drop);
	app_put_texts(object, "sysctl", confine->sysctls);
	if (confine->seccomp)
		app_put_text(object, "seccomp", xstrdup(confine->seccomp));
}

/* As moby's TweakCapabilities(): with ALL added, what is dropped goes; else what is added counts. */
uint64_t app_confine_capabilities(const struct app_confine *confine)
{
	if (confine->privileged)
		return APP_ALL_CAPABILITIES;
	if (confine->cap_add == APP_ALL_CAPABILITIES)
		return ~confine->cap_drop;
	return (DEFAULT_CAPABILITIES & ~confine->cap_drop) | confine->cap_add;
}
