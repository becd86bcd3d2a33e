#include "net/sources.h"

#include <string.h>

#include "net/failure.h"

void sources_open(struct sources *sources, const struct sources_settings *settings,
		  const struct reference *reference)
{
	size_t mirrors = settings->mirror_count;

	if (mirrors > SOURCES_MIRRORS_MAX)
		mirrors = SOURCES_MIRRORS_MAX;
	*sources = (struct sources){ .settings = settings, .reference = reference, .count = mirrors + 1 };
}

void sources_close(struct sources *sources)
{
	for (size_t i = 0; i < sources->count; i++)
		if (sources->all[i].is_open)
			registry_close(&sources->all[i].registry);
	sources->count = 0;
}

static bool is_registry(const struct sources *sources, const struct source *source)
{
	return source == &sources->all[sources->count - 1];
}

/* Connections and buffers only for those that are needed. */
static struct registry *registry_of(struct sources *sources, struct source *source)
{
	const struct sources_settings *all = sources->settings;

	if (source->is_open)
		return &source->registry;
	source->is_open = true;
	source->reference = *sources->reference;
	if (is_registry(sources, source)) {
		registry_open(&source->registry, &all->registry, &source->reference);
		return &source->registry;
	}
	const struct mirror *mirror = &all->mirrors[source - sources->all];
	struct registry_settings settings = mirror->settings;

	strcpy(source->reference.registry, mirror->host);
	/* The scheme was given: no guessing because of where it is. */
	settings.insecure = !mirror->https;
	settings.has_ca = mirror->https;
	registry_open(&source->registry, &settings, &source->reference);
	return &source->registry;
}

static bool is_out_of_reach(int code)
{
	return code != FAILURE_RETRY && failure_may_pass(code);
}

/* Notes how a request ended. When the registry fails too, whoever was passed over gets another chance. */
static void note(struct sources *sources, struct source *source, int code, const struct err *err)
{
	const struct sources_settings *settings = sources->settings;
	struct err text = ERR_INIT;

	if (is_registry(sources, source)) {
		sources->retry_after_s = source->registry.retry_after_s;
		for (size_t i = 0; code < 0 && i < sources->count; i++)
			sources->all[i].is_out = false;
		return;
	}
	source->is_out = code < 0 && code != FAILURE_NOT_FOUND;
	if (code == 0 || !settings->on_failure)
		return;
	err_set(&text, code, "mirror %s is passed over: %s", source->reference.registry, err->text);
	settings->on_failure(text.text, settings->arg);
}

int sources_head(struct sources *sources, struct digest *digest, int64_t *size, const char **mirror,
		 struct err *err)
{
	struct source *last = &sources->all[sources->count - 1];
	int ret = registry_head(registry_of(sources, last), digest, size, err);

	*mirror = NULL;
	note(sources, last, ret, err);
	if (ret == 0 || !is_out_of_reach(ret))
		return ret;
	for (struct source *source = sources->all; source < last; source++) {
		struct err own = ERR_INIT;
		int code = registry_head(registry_of(sources, source), digest, size, &own);

		note(sources, source, code, &own);
		*mirror = source->reference.registry;
		if (code == 0)
			return 0;
	}
	*mirror = NULL;
	return ret;
}

int sources_get_manifest(struct sources *sources, const struct digest *digest, struct buf *out,
			 char media_type[static REGISTRY_MEDIA_TYPE_MAX + 1], struct err *err)
{
	int ret = FAILURE_SERVER;

	for (struct source *source = sources->all; source < sources->all + sources->count; source++) {
		struct err own = ERR_INIT;

		if (source->is_out)
			continue;
		buf_clear(out);
		ret = registry_get_manifest(registry_of(sources, source), digest, out, media_type, &own);
		note(sources, source, ret, &own);
		if (ret == 0)
			return 0;
		if (is_registry(sources, source) && err)
			*err = own;
	}
	return ret;
}

/* Blobs. */

struct transfer {
	blob_sink *sink;
	void *arg;
	bool is_refused; /* by the sink: no source's fault */
};

static int pass_on(const char *data, size_t size, void *arg)
{
	struct transfer *transfer = arg;
	int ret = transfer->sink(data, size, transfer->arg);

	transfer->is_refused = ret < 0;
	return ret;
}

int sources_get_blob(struct sources *sources, struct registry_blob *blob, blob_sink *sink, void *arg,
		     struct err *err)
{
	struct transfer transfer = { .sink = sink, .arg = arg };
	bool is_unranged = blob->is_unranged; /* which is about the registry */
	int ret = FAILURE_SERVER;

	for (struct source *source = sources->all; source < sources->all + sources->count; source++) {
		struct err own = ERR_INIT;

		if (source->is_out)
			continue;
		blob->is_unranged = is_unranged && is_registry(sources, source);
		ret = registry_get_blob(registry_of(sources, source), blob, pass_on, &transfer, &own);
		if (ret < 0 && transfer.is_refused) /* who refused has said why */
			break;
		note(sources, source, ret, &own);
		if (ret == 0)
			break;
		if (is_registry(sources, source) && err)
			*err = own;
	}
	blob->is_unranged = is_unranged;
	return ret;
}
