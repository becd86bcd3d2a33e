#include <errno.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/pull/pull_parts.h"
#include "config/manifest.h"
#include "lib/fd.h"

_Static_assert(AGENT_CONFIG_PARALLEL_MAX == LANES_MAX, "agent.ini's parallel is the number of lanes");

#define MEMORY_MIN (UINT64_C(512) << 20)    /* of the device, for more than one lane */
#define MEMORY_PLENTY (UINT64_C(1) << 30) /* for more than two */

#define LANE_MEMORY (INT64_C(16) << 20)

/* One lane keeps two processors busy, and takes up to 14 MiB. */
static unsigned int count_by_machine(void)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct sysinfo info;

	if (processors <= 2 || sysinfo(&info) < 0 || (uint64_t)info.totalram * info.mem_unit < MEMORY_MIN)
		return 1;
	return processors >= 4 && (uint64_t)info.totalram * info.mem_unit >= MEMORY_PLENTY ? 3 : 2;
}

unsigned int pull_count_lanes(const struct agent_config *config)
{
	unsigned int count;

	/* The cap is a connection's; under one, several would win nothing anyway. */
	if (config->bytes_per_s)
		return 1;
	count = config->parallel ? (unsigned int)config->parallel : count_by_machine();
	if (config->pull_memory_bytes && config->pull_memory_bytes / LANE_MEMORY < count)
		count = (unsigned int)(config->pull_memory_bytes / LANE_MEMORY);
	return count;
}

static size_t count_missing(const struct pull *pull)
{
	size_t missing = 0;

	for (size_t i = 0; i < pull->plan_count; i++) {
		bool is_known = false;
		json_t *item;
		size_t at;

		json_array_foreach(pull->have, at, item)
			is_known |= !strcmp(json_string_value(item), pull->plan[i].text);
		for (size_t before = 0; before < i; before++)
			is_known |= digest_equal(&pull->plan[before], &pull->plan[i]);
		missing += !is_known;
	}
	return missing;
}

int pull_start_lanes(struct pull *pull, const char *manifest_digest, struct err *err)
{
	BUF_CLEANUP struct buf manifest = BUF_INIT, config = BUF_INIT;
	struct digest asked;
	struct pull_lane lane = { .asked = &asked };
	size_t missing = count_missing(pull);
	int rc;

	if (missing < 2 || pull->lane_count < 2)
		return 0;
	if (digest_parse(&asked, manifest_digest) < 0)
		return err_set(err, -EINVAL, "the unpack helper announces a bad manifest");
	rc = stage_read_documents(&pull->stage, &manifest, &config, err);
	lane.manifest = buf_text(&manifest);
	lane.config = buf_text(&config);
	for (lane.number = 1; !rc && lane.number < pull->lane_count && lane.number < missing; lane.number++)
		rc = pull_start_lane(pull, &lane, err);
	return rc;
}
