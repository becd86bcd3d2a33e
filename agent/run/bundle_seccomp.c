/* config.json's linux.seccomp. */
#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

#include "agent/run/bundle_read.h"
#include "agent/run/seccomp_conditions.h"
#include "agent/run/seccomp_profile.h"

#define SIZE_OF(array) (sizeof(array) / sizeof(*(array)))

#define ERRNO_MAX 4095 /* the kernel's MAX_ERRNO */

/* Newer than the headers of some toolchains. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

struct word {
	const char *name;
	uint32_t value;
};

static const struct word actions[] = {
	{ "SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW },
	{ "SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO },
	{ "SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD },
	{ "SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS },
	{ "SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD },
	{ "SCMP_ACT_LOG", SECCOMP_RET_LOG },
	{ "SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF },
	{ "SCMP_ACT_TRACE", SECCOMP_RET_TRACE },
	{ "SCMP_ACT_TRAP", SECCOMP_RET_TRAP },
};

#define MASKED_EQ 0x100
static const struct word operators[] = {
	{ "SCMP_CMP_NE", CALL_NE },	       { "SCMP_CMP_LT", CALL_LT },
	{ "SCMP_CMP_LE", CALL_LE },	       { "SCMP_CMP_EQ", CALL_EQ },
	{ "SCMP_CMP_GE", CALL_GE },	       { "SCMP_CMP_GT", CALL_GT },
	{ "SCMP_CMP_MASKED_EQ", MASKED_EQ },
};

static const struct word flags[] = {
	{ "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
	{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
	{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV },
};

/* Those of this family first; a filter for the others would never be asked. */
#define FOREIGN MACHINES
static const struct word arches[] = {
#if defined(__x86_64__)
	{ "SCMP_ARCH_X86_64", MACHINE_X86_64 },
	{ "SCMP_ARCH_X86", MACHINE_X86 },
	{ "SCMP_ARCH_X32", MACHINE_X32 },
	{ "SCMP_ARCH_AARCH64", FOREIGN },
	{ "SCMP_ARCH_ARM", FOREIGN },
#else
	{ "SCMP_ARCH_AARCH64", MACHINE_AARCH64 },
	{ "SCMP_ARCH_ARM", MACHINE_ARM },
	{ "SCMP_ARCH_X86_64", FOREIGN },
	{ "SCMP_ARCH_X86", FOREIGN },
	{ "SCMP_ARCH_X32", FOREIGN },
#endif
	{ "SCMP_ARCH_MIPS", FOREIGN },	      { "SCMP_ARCH_MIPS64", FOREIGN },
	{ "SCMP_ARCH_MIPS64N32", FOREIGN },   { "SCMP_ARCH_MIPSEL", FOREIGN },
	{ "SCMP_ARCH_MIPSEL64", FOREIGN },    { "SCMP_ARCH_MIPSEL64N32", FOREIGN },
	{ "SCMP_ARCH_PPC", FOREIGN },	      { "SCMP_ARCH_PPC64", FOREIGN },
	{ "SCMP_ARCH_PPC64LE", FOREIGN },     { "SCMP_ARCH_S390", FOREIGN },
	{ "SCMP_ARCH_S390X", FOREIGN },	      { "SCMP_ARCH_PARISC", FOREIGN },
	{ "SCMP_ARCH_PARISC64", FOREIGN },    { "SCMP_ARCH_RISCV64", FOREIGN },
	{ "SCMP_ARCH_LOONGARCH64", FOREIGN }, { "SCMP_ARCH_M68K", FOREIGN },
	{ "SCMP_ARCH_SH", FOREIGN },	      { "SCMP_ARCH_SHEB", FOREIGN },
};

const char *seccomp_action_name(int number)
{
	return number < (int)SIZE_OF(actions) ? actions[number].name : NULL;
}

const char *seccomp_operator_name(int number)
{
	return number < (int)SIZE_OF(operators) ? operators[number].name : NULL;
}

const char *seccomp_flag_name(int number)
{
	return number < (int)SIZE_OF(flags) ? flags[number].name : NULL;
}

const char *seccomp_arch_name(int number)
{
	return number < MACHINES ? arches[number].name : NULL;
}

/* --- words ------------------------------------------------------------------------------------ */

static int find_word(const struct word *words, size_t count, const json_t *text, uint32_t *value)
{
	for (size_t i = 0; i < count && json_is_string(text); i++)
		if (!strcmp(json_string_value(text), words[i].name)) {
			*value = words[i].value;
			return 0;
		}
	return -EINVAL;
}

static int refuse_word(const json_t *text, const char *kind, struct err *err)
{
	return err_set(err, -EINVAL, "\"%s\" is not %s", json_string_value(text) ?: "", kind);
}

/* "action" or "defaultAction", with the value that goes with it when that is given. */
static int read_action(const json_t *object, const char *name, const char *errno_name,
		       uint32_t *action, struct err *err)
{
	const json_t *text = json_object_get(object, name);
	int64_t value = EPERM;
	int rc = read_range(object, errno_name, 0, ERRNO_MAX, &value, err);

	if (rc < 0)
		return rc;
	if (!text)
		return err_set(err, -EINVAL, "\"%s\" is missing", name);
	if (find_word(actions, SIZE_OF(actions), text, action) < 0)
		return refuse_word(text, "a seccomp action", err);
	if (*action == SECCOMP_RET_ERRNO || *action == SECCOMP_RET_TRACE)
		*action |= (uint32_t)value;
	else if (rc)
		return err_set(err, -EINVAL, "\"%s\" is only for SCMP_ACT_ERRNO and _TRACE",
			       errno_name);
	return 0;
}

/* Docker's files have a list for each machine that may be the kernel's: all here are of one family. */
static bool has_arch_map(const json_t *object)
{
	return json_array_size(json_object_get(object, "archMap")) > 0;
}

static int read_machines(struct seccomp_profile *profile, const json_t *object, struct err *err)
{
	json_t *list, *item;
	size_t i;
	int rc = json_get_array(object, "architectures", &list, err);

	for (int m = MACHINE_NATIVE; m < MACHINES; m++)
		profile->machines[m] = m == (int)MACHINE_NATIVE || has_arch_map(object);
	if (rc <= 0)
		return rc;
	json_array_foreach(list, i, item) {
		uint32_t machine;

		if (find_word(arches, SIZE_OF(arches), item, &machine) < 0)
			return refuse_word(item, "a seccomp architecture", err);
		if (machine < FOREIGN)
			profile->machines[machine] = true;
	}
	return 0;
}

/* Without the member it is SPEC_ALLOW, as runc has always loaded its filters. */
static int read_flags(struct seccomp_profile *profile, const json_t *object, struct err *err)
{
	json_t *list, *item;
	size_t i;
	int rc = json_get_array(object, "flags", &list, err);

	if (rc <= 0) {
		profile->flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW;
		return rc;
	}
	json_array_foreach(list, i, item) {
		uint32_t flag;

		if (find_word(flags, SIZE_OF(flags), item, &flag) < 0)
			return refuse_word(item, "a seccomp flag", err);
		profile->flags |= flag;
	}
	return 0;
}

/* --- rules ------------------------------------------------------------------------------------ */

static int read_value(const json_t *object, const char *name, uint64_t *value, struct err *err)
{
	const json_t *number = json_object_get(object, name);

	/* From 2^63 on they come as negative ones (json_parse_unsigned()). */
	if (number && !json_is_integer(number))
		return err_set(err, -EINVAL, "\"%s\" is not an integer", name);
	*value = (uint64_t)json_integer_value(number);
	return 0;
}

static int read_condition(const json_t *object, struct call_condition *condition, struct err *err)
{
	const json_t *text = json_object_get(object, "op");
	uint64_t value = 0, second = 0;
	int64_t index = -1;
	uint32_t op;

	if (!json_is_object(object))
		return err_set(err, -EINVAL, "not an object");
	if (read_range(object, "index", 0, SECCOMP_ARGUMENTS - 1, &index, err) < 0 ||
	    read_value(object, "value", &value, err) < 0 ||
	    read_value(object, "valueTwo", &second, err) < 0)
		return -EINVAL;
	if (index < 0)
		return err_set(err, -EINVAL, "\"index\" is missing");
	if (find_word(operators, SIZE_OF(operators), text, &op) < 0)
		return refuse_word(text, "a seccomp operator", err);
	*condition = (struct call_condition){ .argument = (uint8_t)index, .value = value,
					      .comparison = (uint8_t)op, .mask = UINT64_MAX };
	if (op == MASKED_EQ) {
		condition->comparison = CALL_EQ;
		condition->mask = value;
		condition->value = second;
	}
	return 0;
}

struct conditions {
	struct call_condition list[SECCOMP_ARGUMENTS];
	size_t count;
	bool share_argument; /* two of them ask for the same one */
};

static int read_conditions(const json_t *object, struct conditions *conditions, struct err *err)
{
	json_t *list, *item;
	unsigned int seen = 0;
	size_t i;
	int rc = json_get_array(object, "args", &list, err);

	*conditions = (struct conditions){ 0 };
	if (rc <= 0)
		return rc;
	json_array_foreach(list, i, item) {
		if (i == SECCOMP_ARGUMENTS)
			return err_set(err, -E2BIG, "args: more than %d", SECCOMP_ARGUMENTS);
		if (read_condition(item, &conditions->list[i], err) < 0)
			return err_context(err, "args[%zu]", i);
		conditions->share_argument |= seen >> conditions->list[i].argument & 1;
		seen |= 1u << conditions->list[i].argument;
	}
	conditions->count = json_array_size(list);
	return 0;
}

/* As runc: two conditions on one argument are two rules, of which one has to fit. */
static int add_rule(struct seccomp_profile *profile, int call, uint32_t action,
		    const struct conditions *conditions)
{
	int rc = 0;

	if (!conditions->share_argument)
		return seccomp_profile_add(profile, call, action, conditions->list,
					   conditions->count);
	for (size_t i = 0; i < conditions->count && !rc; i++)
		rc = seccomp_profile_add(profile, call, action, &conditions->list[i], 1);
	return rc;
}

static int read_rule(struct seccomp_profile *profile, const json_t *object,
		     const struct seccomp_situation *situation, struct err *err)
{
	struct conditions conditions;
	json_t *names, *name;
	uint32_t action;
	size_t i;
	int rc = seccomp_rule_applies(object, situation, err);

	if (rc <= 0)
		return rc;
	rc = json_get_array(object, "names", &names, err);

	if (!rc)
		rc = err_set(err, -EINVAL, "\"names\" is missing");
	if (rc < 0 || read_action(object, "action", "errnoRet", &action, err) < 0 ||
	    read_conditions(object, &conditions, err) < 0)
		return -EINVAL;
	json_array_foreach(names, i, name) {
		int call;

		if (!json_is_string(name))
			return err_set(err, -EINVAL, "names[%zu]: not a string", i);
		/* runc sends the listener with it. */
		if (action == SECCOMP_RET_USER_NOTIF && !strcmp(json_string_value(name), "write"))
			return err_set(err, -EINVAL,
				       "SCMP_ACT_NOTIFY is not possible for write, which the "
				       "runtime itself needs");
		/* A profile may know calls of other machines, and newer ones. */
		call = syscall_find(json_string_value(name));
		if (call >= 0 && add_rule(profile, call, action, &conditions) < 0)
			return err_set(err, -E2BIG, "more than %d system calls",
				       SECCOMP_RULES_MAX);
	}
	return 0;
}

static int read_rules(struct seccomp_profile *profile, const json_t *object,
		      const struct seccomp_situation *situation, struct err *err)
{
	json_t *list, *item;
	size_t i;
	int rc = json_get_array(object, "syscalls", &list, err);

	if (rc <= 0)
		return rc;
	json_array_foreach(list, i, item)
		if (read_rule(profile, item, situation, err) < 0)
			return err_context(err, "syscalls[%zu]", i);
	return 0;
}

/* --- all of it -------------------------------------------------------------------------------- */

static int read_listener(struct seccomp_profile *profile, const json_t *object, struct err *err)
{
	if (read_path(object, "listenerPath", &profile->listener_path, err) < 0 ||
	    read_copy(object, "listenerMetadata", &profile->listener_metadata, err) < 0)
		return -EINVAL;
	if (profile->default_action == SECCOMP_RET_USER_NOTIF)
		return err_set(err, -EINVAL, "SCMP_ACT_NOTIFY cannot be the default action");
	if (seccomp_profile_uses(profile, SECCOMP_RET_USER_NOTIF) && !profile->listener_path)
		return err_set(err, -EINVAL, "SCMP_ACT_NOTIFY needs a \"listenerPath\"");
	return 0;
}

static int read_named(struct seccomp_profile *profile, const json_t *object, const char *name,
		      const struct seccomp_situation *situation, struct err *err)
{
	bool is_required = false;

	if (strcmp(name, "docker"))
		return err_set(err, -EINVAL, "\"profile\" is \"%s\", not docker", name);
	if (json_get_bool(object, "required", &is_required, err) < 0)
		return -EINVAL;
	profile->is_optional = !is_required;
	seccomp_profile_docker(profile, situation->bounding, situation->kernel);
	return 0;
}

int seccomp_profile_parse(struct seccomp_profile *profile, const json_t *object, uint64_t bounding,
			  struct err *err)
{
	const struct seccomp_situation situation = seccomp_situation(bounding);
	const char *name;
	bool keeps_projects = false;
	int rc = json_get_string(object, "profile", &name, err);

	*profile = (struct seccomp_profile){ 0 };
	if (!rc)
		rc = read_action(object, "defaultAction", "defaultErrnoRet", &profile->default_action,
				 err);
	if (rc < 0 || json_get_bool(object, "keepProjects", &keeps_projects, err) < 0)
		return -EINVAL;
	if (keeps_projects)
		seccomp_profile_keep_projects(profile);
	if (rc)
		return read_named(profile, object, name, &situation, err);
	if (read_machines(profile, object, err) < 0 || read_flags(profile, object, err) < 0 ||
	    read_rules(profile, object, &situation, err) < 0)
		return -EINVAL;
	return read_listener(profile, object, err);
}
