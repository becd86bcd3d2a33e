#include "agent/container/labels.h"

#include <stdlib.h>
#include <string.h>

#include "lib/fd.h"
#include "lib/json.h"

static bool has(char *const *labels, size_t count, const char *name, size_t size)
{
	for (size_t i = 0; i < count; i += 2)
		if (strlen(labels[i]) == size && !strncmp(labels[i], name, size))
			return true;
	return false;
}

/* What is there already wins. */
static void add(char **labels, size_t *count, const char *name, size_t size, const char *value)
{
	if (has(labels, *count, name, size))
		return;
	labels[(*count)++] = xstrndup(name, size);
	labels[(*count)++] = xstrdup(value);
}

char **labels_merge(const struct app_config *settings, const struct image_config *image)
{
	char **given = settings->process.labels;
	size_t most = 2 + 2 * count_strings(given) + (image ? count_strings(image->labels) : 0);
	char **labels = xcalloc(most + 1, sizeof(*labels));
	size_t count = 0;

	add(labels, &count, LABEL_APP, strlen(LABEL_APP), settings->name);
	for (; given && *given; given++) {
		size_t size = strcspn(*given, "=");

		add(labels, &count, *given, size, *given + size + 1);
	}
	for (char **label = image ? image->labels : NULL; label && *label; label += 2)
		add(labels, &count, label[0], strlen(label[0]), label[1]);
	return labels;
}
