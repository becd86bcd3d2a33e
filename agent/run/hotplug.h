/*
 * hotplug - devices that come and go while a container runs: a node in its mount namespace and the rules of its
 * cgroup.
 *
 * The state keeps nothing of it: who asks hands in all rules there are beyond config.json's, and the
 * same call again changes nothing. On cgroup v1 the kernel keeps the others; on v2 the program is made anew
 * from config.json's rules and these.
 *
 * The path is walked as the container sees it, without following a link: the node can't come to lie in another
 * place than the path says. In a user namespace a node could not be used: there the host's one is mounted, with
 * its owner and mode (Linux 5.2).
 */
#ifndef AGENT_RUN_HOTPLUG_H
#define AGENT_RUN_HOTPLUG_H

#include "agent/run/bundle.h"
#include "agent/run/state.h"

#define HOTPLUG_RULES_MAX 512

struct hotplug {
	const char *path; /* in the container, absolute */
	const struct bundle_device *node; /* NULL: it is taken away */
	const char *source; /* the host's node, for user namespaces; NULL: not known */
	const struct device_rule *rules;
	size_t rule_count;
};

/* A device node in its place is replaced; -EEXIST for anything else. Not there when it shall go: success. */
int hotplug(const struct state *state, const struct hotplug *change, struct err *err);

/*
 * "+c:188:0:rwm,-b:7:1:rw" as rules, at most `max`; the count, or -EINVAL with the reason. What every container has
 * (null, tty and so on) is never taken away.
 */
int hotplug_parse_rules(const char *text, struct device_rule *rules, size_t max, struct err *err);

#endif
