#include "agent/run/seccomp_profile.h"

#include <errno.h>
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
	if (profile->rule_count == SECCOMP_RULES_MAX)
		return -E2BIG;
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
