#include <errno.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/api/answer.h"
#include "agent/api/container_json.h"
#include "agent/api/filters.h"
#include "agent/api/handlers.h"
#include "agent/api/request.h"
#include "lib/fd.h"
#include "lib/glob.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/time.h"
#include "store/image.h"

/* "busybox:latest" of each tag that has one. */
static json_t *tags_json(const struct image *image)
{
	json_t *array = answer_pack("[]");

	for (size_t i = 0; i < image->tag_count; i++) {
		char text[REFERENCE_TEXT_SIZE];
		struct reference ref;

		if (reference_parse(&ref, image->tags[i].reference, NULL) < 0 || !ref.tag[0])
			continue;
		ref.digest = DIGEST_NONE;
		reference_familiar(&ref, text);
		json_array_append_new(array, answer_text(text));
	}
	return array;
}

static bool has_text(const json_t *array, const char *text)
{
	const json_t *item;
	size_t i;

	json_array_foreach(array, i, item)
		if (!strcmp(json_string_value(item), text))
			return true;
	return false;
}

/* "busybox@sha256:..." of each repository it was pulled from. */
static json_t *digests_json(const struct image *image)
{
	json_t *array = answer_pack("[]");

	for (size_t i = 0; i < image->tag_count; i++) {
		char name[REFERENCE_TEXT_SIZE];
		struct reference ref;

		if (reference_parse(&ref, image->tags[i].reference, NULL) < 0)
			continue;
		reference_familiar_name(&ref, name);
		char *text FREE_CLEANUP = xasprintf("%s@%s", name, image->tags[i].image.text);

		if (!has_text(array, text))
			json_array_append_new(array, answer_text(text));
	}
	return array;
}

/* docker's `reference`: a shell pattern for the name, or the name and tag. */
static bool matches_reference(const struct image *image, const json_t *filters)
{
	const json_t *patterns = json_object_get(filters, "reference"), *pattern;
	size_t i;

	if (!json_array_size(patterns))
		return true;
	for (size_t n = 0; n < image->tag_count; n++) {
		char name[REFERENCE_TEXT_SIZE], full[REFERENCE_TEXT_SIZE];
		struct reference ref;

		if (reference_parse(&ref, image->tags[n].reference, NULL) < 0)
			continue;
		reference_familiar_name(&ref, name);
		reference_familiar(&ref, full);
		json_array_foreach(patterns, i, pattern)
			if (glob_match(json_string_value(pattern), name) ||
			    glob_match(json_string_value(pattern), full))
				return true;
	}
	return false;
}

/* One entry; NULL when the filters leave it out or its config can't be read (image_list has logged that). */
static json_t *summary_json(const struct agent *agent, const struct image *image,
			    const json_t *filters)
{
	struct image_config *config;
	json_t *json = NULL;

	if (!filters_equal(filters, "dangling", image->tag_count ? "false" : "true") ||
	    !matches_reference(image, filters) ||
	    image_load(&agent->store, &image->config, &config, NULL, NULL) < 0)
		return NULL;
	if (filters_labels(filters, config->labels))
		json = answer_pack("{s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:i, s:o, s:i}", "Id",
				   image->config.text, "ParentId", "", "RepoTags", tags_json(image),
				   "RepoDigests", digests_json(image), "Created",
				   (json_int_t)(image->created_ns / NS_PER_S), "Size",
				   (json_int_t)image->size_bytes, "VirtualSize",
				   (json_int_t)image->size_bytes, "SharedSize", -1, "Labels",
				   image_labels_json(config), "Containers", -1);
	image_config_free(config);
	return json;
}

void on_image_list(struct request *request)
{
	static const char *const known[] = { "reference", "dangling", "label", NULL };
	json_t *filters JSON_CLEANUP = NULL;
	struct err err = ERR_INIT;
	struct image *images;
	size_t count;
	json_t *list;

	if (filters_parse(&filters, &request->target, known, &err) < 0 ||
	    image_list(&request->agent->store, &images, &count, &err) < 0) {
		reply_err(request, &err);
		return;
	}
	list = answer_pack("[]");
	for (size_t i = 0; i < count; i++) {
		json_t *entry = summary_json(request->agent, &images[i], filters);

		if (entry)
			json_array_append_new(list, entry);
	}
	image_list_free(images, count);
	reply_json(request, 200, list);
}

static json_t *layers_json(const struct image_config *config)
{
	json_t *array = answer_pack("[]");

	for (size_t i = 0; i < config->diff_id_count; i++)
		json_array_append_new(array, answer_text(config->diff_ids[i].text));
	return array;
}

static json_t *config_json(const struct image_config *config)
{
	return answer_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "User",
			   answer_text(config->user), "Env", answer_texts(config->env), "Cmd",
			   answer_texts_or_null(config->cmd), "Entrypoint",
			   answer_texts_or_null(config->entrypoint), "WorkingDir",
			   answer_text(config->working_dir), "StopSignal",
			   answer_text(config->stop_signal), "ExposedPorts",
			   answer_set(config->exposed_ports), "Volumes", answer_set(config->volumes),
			   "Labels", image_labels_json(config));
}

static json_t *inspect_json(const struct image *image, const struct image_config *config)
{
	return answer_pack(
		"{s:s, s:o, s:o, s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:{s:s, s:n}, s:{s:s, s:o}, s:{s:o}}",
		"Id", image->config.text, "RepoTags", tags_json(image), "RepoDigests",
		digests_json(image), "Parent", "", "Comment", "", "Created",
		answer_text(config->created), "DockerVersion", "", "Author",
		answer_text(config->author), "Architecture",
		answer_text(config->platform.architecture), "Variant",
		answer_text(config->platform.variant), "Os", answer_text(config->platform.os),
		"Config", config_json(config), "Size", (json_int_t)image->size_bytes, "VirtualSize",
		(json_int_t)image->size_bytes, "GraphDriver", "Name", "overlay2", "Data", "RootFS",
		"Type", "layers", "Layers", layers_json(config), "Metadata", "LastTagTime",
		answer_time(0));
}

/* What the list knows of one image; *images is to be freed when there is one. */
static const struct image *find_listed(const struct store *store, const struct digest *id,
				       struct image **images, size_t *count, struct err *err)
{
	if (image_list(store, images, count, err) < 0)
		return NULL;
	for (size_t i = 0; i < *count; i++)
		if (digest_equal(&(*images)[i].config, id))
			return &(*images)[i];
	image_list_free(*images, *count);
	err_set(err, -ENOENT, "image %s is damaged", id->text);
	return NULL;
}

void on_image_inspect(struct request *request)
{
	const struct store *store = &request->agent->store;
	struct image_config *config;
	const struct image *image;
	struct image *images;
	struct err err = ERR_INIT;
	struct digest id;
	struct tag tag;
	size_t count;

	if (image_find(store, request->name, &id, &tag, &err) < 0 ||
	    image_load(store, &id, &config, NULL, &err) < 0) {
		if (err.code == -ENOENT)
			reply_error(request, 404, "No such image: %s", request->name);
		else
			reply_err(request, &err);
		return;
	}
	image = find_listed(store, &id, &images, &count, &err);
	if (image) {
		reply_json(request, 200, inspect_json(image, config));
		image_list_free(images, count);
	} else {
		reply_err(request, &err);
	}
	image_config_free(config);
}
