#include "agent/run/seccomp_profile.h"

#include <errno.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <stdlib.h>

#include "lib/err.h"

/* Room for one item more behind `count` of them; it doubles, so that they aren't moved each time. */
static void *make_room(void *items, size_t count, size_t item_size)
{
	bool is_full = !(count & (count - 1)); /* 0 or a power of two */

	return is_full ? xrealloc(items, (count ? 2 * count : 1) * item_size) : items;
}

static void add_condition(struct seccomp_profile *profile, const struct call_condition *condition)
{
	profile->conditions = make_room(profile->conditions, profile->condition_count,
					sizeof(*condition));
	profile->conditions[profile->condition_count++] = *condition;
}

int seccomp_profile_add(struct seccomp_profile *profile, int call, uint32_t action,
			const struct call_condition *conditions, size_t count)
{
	/* Rules with conditions count in their order: after those that refuse. */
	static const struct call_condition always = { .comparison = CALL_GE };

	if (profile->rule_count == SECCOMP_RULES_MAX)
		return -E2BIG;
	if (profile->refusal && call == syscall_find("file_setattr"))
		action = profile->refusal;
	if (profile->refusal && !count && call == syscall_find("ioctl")) {
		conditions = &always;
		count = 1;
	}
	profile->rules = make_room(profile->rules, profile->rule_count, sizeof(*profile->rules));
	profile->rules[profile->rule_count++] = (struct call_rule){
		.call = (uint16_t)call,
		.action = action,
		.condition_count = (uint8_t)count,
		.first_condition = (uint32_t)profile->condition_count,
	};
	for (size_t i = 0; i < count; i++)
		add_condition(profile, &conditions[i]);
	return 0;
}

void seccomp_profile_keep_projects(struct seccomp_profile *profile)
{
	/* The flags, of both word sizes, have PROJINHERIT: without it what is new in a directory is of no project. */
	static const uint32_t requests[] = { FS_IOC_FSSETXATTR, _IOW('f', 2, int32_t), _IOW('f', 2, int64_t) };
	uint32_t refusal = SECCOMP_RET_ERRNO | EOPNOTSUPP;

	/* A rule that says the same as the default is none. */
	if (refusal == profile->default_action)
		refusal = SECCOMP_RET_ERRNO | EPERM;
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		const struct call_condition asks = { 1, CALL_EQ, UINT32_MAX, requests[i] };

		seccomp_profile_add(profile, syscall_find("ioctl"), refusal, &asks, 1);
	}
	profile->refusal = refusal;
	/* Where it is refused anyway it shall not be named, which would make known what comes before it. */
	if ((int32_t)profile->default_action > (int32_t)(SECCOMP_RET_ERRNO | SECCOMP_RET_DATA))
		seccomp_profile_add(profile, syscall_find("file_setattr"), refusal, NULL, 0);
}

bool seccomp_profile_uses(const struct seccomp_profile *profile, uint32_t action)
{
	for (size_t i = 0; i < profile->rule_count; i++)
		if ((profile->rules[i].action & SECCOMP_RET_ACTION_FULL) == action)
			return true;
	return (profile->default_action & SECCOMP_RET_ACTION_FULL) == action;
}

void seccomp_profile_release(struct seccomp_profile *profile)
{
	free(profile->listener_path);
	free(profile->listener_metadata);
	free(profile->rules);
	free(profile->conditions);
	*profile = (struct seccomp_profile){ 0 };
}
