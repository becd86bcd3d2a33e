#include "agent/helper/lane.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/buf.h"
#include "lib/fd.h"
#include "lib/json.h"

json_t *lane_settings(const struct lane *lane)
{
	return json_pack("{s:i, s:i}", "number", (int)lane->number, "count", (int)lane->count);
}

int lane_read(struct lane *lane, const json_t *settings, struct err *err)
{
	json_t *object = NULL;
	int64_t number = 0, count = 1;
	int rc = json_get_object(settings, "lane", &object, err);

	if (rc > 0)
		rc = json_get_int(object, "number", &number, err);
	if (rc > 0)
		rc = json_get_int(object, "count", &count, err);
	if (rc < 0)
		return rc;
	if (count < 1 || count > LANES_MAX || number < 0 || number >= count)
		return err_set(err, -EINVAL, "lane %lld of %lld: there are 1 to %d", (long long)number,
			       (long long)count, LANES_MAX);
	*lane = (struct lane){ (unsigned int)number, (unsigned int)count };
	return 0;
}

static bool is_wanted(const struct image_config *config, const bool *has, size_t number)
{
	for (size_t i = 0; i < number; i++)
		if (digest_equal(&config->diff_ids[i], &config->diff_ids[number]))
			return false;
	return !has[number];
}

static size_t find_largest(const struct manifest *manifest, const bool *is_dealt)
{
	size_t largest = manifest->layer_count;

	for (size_t i = 0; i < manifest->layer_count; i++)
		if (!is_dealt[i] && (largest == manifest->layer_count ||
				     manifest->layers[i].size > manifest->layers[largest].size))
			largest = i;
	return largest;
}

void lane_deal(const struct lane *lane, const struct manifest *manifest,
	       const struct image_config *config, const bool *has, bool *mine)
{
	FREE_CLEANUP bool *is_dealt = xcalloc(manifest->layer_count + 1, sizeof(*is_dealt));
	int64_t bytes[LANES_MAX] = { 0 };
	size_t next;

	for (size_t i = 0; i < manifest->layer_count; i++) {
		mine[i] = false;
		is_dealt[i] = !is_wanted(config, has, i);
	}
	while ((next = find_largest(manifest, is_dealt)) < manifest->layer_count) {
		unsigned int to = 0;

		for (unsigned int i = 1; i < lane->count; i++)
			if (bytes[i] < bytes[to])
				to = i;
		/* Each layer costs a request, also an empty one. */
		bytes[to] += manifest->layers[next].size + 1;
		mine[next] = to == lane->number;
		is_dealt[next] = true;
	}
}
