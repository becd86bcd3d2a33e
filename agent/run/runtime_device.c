/* The command that changes the devices of a running container; it is the agent's, no other runtime has it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/run/hotplug.h"
#include "agent/run/runtime.h"
#include "agent/run/state.h"

#define EXIT_FAILED 1

struct device_options {
	struct hotplug change;
	struct bundle_device node;
	struct device_rule rules[HOTPLUG_RULES_MAX];
};

/* "c:188:0:660:0:20": type, major, minor, mode in octal, owner, group. */
static int take_node(struct runtime *runtime, struct device_options *options, const char *text)
{
	struct bundle_device *node = &options->node;
	unsigned int mode;
	int end = 0;

	if (sscanf(text, "%c:%9u:%9u:%5o:%10u:%10u%n", &node->type, &node->major, &node->minor, &mode,
		   &node->uid, &node->gid, &end) != 6 ||
	    text[end] || !strchr("bc", node->type) || mode > 07777)
		return runtime_usage(runtime, "--node is TYPE:MAJOR:MINOR:MODE:UID:GID");
	node->mode = mode;
	options->change.node = node;
	return 0;
}

static int take_rules(struct runtime *runtime, struct device_options *options, const char *text)
{
	int count = hotplug_parse_rules(text, options->rules, HOTPLUG_RULES_MAX,
					&runtime->failure.err);

	if (count < 0)
		return runtime->failure.exit_code = EXIT_FAILED;
	options->change.rules = options->rules;
	options->change.rule_count = (size_t)count;
	return 0;
}

static int take_option(struct runtime *runtime, struct device_options *options, int option)
{
	switch (option) {
	case 'n':
		return take_node(runtime, options, optarg);
	case 's':
		options->change.source = optarg;
		return 0;
	case 'r':
		return take_rules(runtime, options, optarg);
	}
	return runtime->failure.exit_code;
}

static int change(struct runtime *runtime, const char *id, const struct hotplug *change)
{
	struct err *err = &runtime->failure.err;
	enum state_status status;
	struct state state;
	int rc = state_open(&state, runtime->root, id, err);

	if (!rc) {
		status = state_find_status(&state);
		if (status == STATE_CREATING || status == STATE_STOPPED)
			rc = err_set(err, -ESRCH, "container %s is %s, not running", id,
				     state_status_name(status));
	}
	if (!rc)
		rc = hotplug(&state, change, err);
	state_release(&state);
	return rc < 0 ? EXIT_FAILED : 0;
}

int runtime_device(struct runtime *runtime, int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "node", required_argument, NULL, 'n' },
		{ "source", required_argument, NULL, 's' },
		{ "rules", required_argument, NULL, 'r' },
		{ 0 },
	};
	struct device_options options = { .change.path = NULL };
	int option;

	while ((option = runtime_option(runtime, argc, argv, "", long_options)) != -1)
		if (take_option(runtime, &options, option))
			return runtime->failure.exit_code;
	if (argc - optind != 2)
		return runtime_usage(runtime, "a container id and a path are needed");
	options.change.path = argv[optind + 1];
	return change(runtime, argv[optind], &options.change);
}
