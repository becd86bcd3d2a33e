#include "config/image_config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "config/path.h"
#include "config/units.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/signame.h"

#define RETRIES_MAX 1000000

/* A string member; "" when absent. */
static int read_text(const json_t *object, const char *name, char **out, struct err *err)
{
	const char *text = "";

	if (json_get_string(object, name, &text, err) < 0)
		return -EINVAL;
	*out = xstrdup(text);
	return 0;
}

static int read_strings(const json_t *object, const char *name, char ***out, struct err *err)
{
	if (json_array_size(json_object_get(object, name)) > IMAGE_CONFIG_LIST_MAX)
		return err_set(err, -E2BIG, "%s has more than %d entries", name,
			       IMAGE_CONFIG_LIST_MAX);
	if (json_get_strings(object, name, out, err) < 0)
		return -EINVAL;
	if (!*out)
		*out = xcalloc(1, sizeof(**out));
	return 0;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The sorted names of an object's members: how volumes and ports are listed. */
static int read_names(const json_t *object, const char *name, char ***out, struct err *err)
{
	json_t *members = NULL;
	const char *key;
	json_t *value;
	size_t count = 0;

	if (json_get_object(object, name, &members, err) < 0)
		return -EINVAL;
	if (json_object_size(members) > IMAGE_CONFIG_LIST_MAX)
		return err_set(err, -E2BIG, "%s has more than %d entries", name,
			       IMAGE_CONFIG_LIST_MAX);
	*out = xcalloc(json_object_size(members) + 1, sizeof(**out));
	json_object_foreach (members, key, value)
		(*out)[count++] = xstrdup(key);
	qsort(*out, count, sizeof(**out), compare_texts);
	return 0;
}

static int read_volumes(struct image_config *config, const json_t *object, struct err *err)
{
	int rc = read_names(object, "Volumes", &config->volumes, err);

	for (char **volume = config->volumes; rc == 0 && *volume; volume++) {
		char *clean;

		if (path_clean(*volume, &clean, err) < 0)
			return err_context(err, "volume \"%.100s\"", *volume);
		free(*volume);
		*volume = clean;
	}
	return rc;
}

static int read_labels(struct image_config *config, const json_t *object, struct err *err)
{
	FREE_CLEANUP char **names = NULL; /* only the vector: its texts go into the config */
	json_t *labels = json_object_get(object, "Labels");
	int rc = read_names(object, "Labels", &names, err);
	size_t used = 0;

	config->labels = xcalloc(2 * count_strings(names) + 1, sizeof(*config->labels));
	for (size_t i = 0; rc == 0 && names[i]; i++) {
		const char *value = "";

		config->labels[used++] = names[i];
		rc = json_get_string(labels, names[i], &value, err) < 0 ? -EINVAL : 0;
		config->labels[used++] = xstrdup(value);
		if (rc < 0)
			for (i++; names[i]; i++)
				free(names[i]);
	}
	return rc;
}

static int check_env(const struct image_config *config, struct err *err)
{
	for (char **entry = config->env; *entry; entry++)
		if (!strchr(*entry, '=') || **entry == '=')
			return err_set(err, -EINVAL, "Env \"%.100s\" is not NAME=value", *entry);
	return 0;
}

/* Docker has durations in nanoseconds; what is no whole millisecond is rounded up. */
static int read_duration(const json_t *object, const char *name, int64_t *ms, struct err *err)
{
	int64_t ns = 0;

	if (json_get_int(object, name, &ns, err) < 0)
		return -EINVAL;
	if (ns < 0 || ns / 1000000 > UNITS_DURATION_MAX_MS)
		return err_set(err, -EINVAL, "Healthcheck %s is not from 0 to a year", name);
	*ms = ns / 1000000 + (ns % 1000000 > 0);
	return 0;
}

/* CMD-SHELL: the image's shell (Docker's SHELL, else /bin/sh -c) with the line behind it. */
static int shell_argv(char ***out, const json_t *config, const char *line, struct err *err)
{
	char **shell = NULL, **argv;
	size_t count;

	if (json_get_strings(config, "Shell", &shell, err) < 0)
		return -EINVAL;
	count = count_strings(shell);
	argv = xcalloc(count + 4, sizeof(*argv));
	if (count == 0) {
		argv[count++] = xstrdup("/bin/sh");
		argv[count++] = xstrdup("-c");
	} else {
		memcpy(argv, shell, count * sizeof(*argv));
	}
	argv[count] = xstrdup(line);
	free(shell); /* the vector; its texts are in argv, or there are none */
	*out = argv;
	return 0;
}

/* `test` is Healthcheck.Test: [], ["NONE"], ["CMD", args...] or ["CMD-SHELL", line]. */
static int read_test(struct healthcheck *check, char **test, const json_t *config, struct err *err)
{
	size_t count = count_strings(test);

	if (count == 0)
		return 0;
	if (!strcmp(test[0], "NONE")) {
		check->kind = HEALTHCHECK_NONE;
		return 0;
	}
	if (!strcmp(test[0], "CMD-SHELL") && count == 2) {
		check->kind = HEALTHCHECK_SHELL;
		return shell_argv(&check->test, config, test[1], err);
	}
	check->kind = HEALTHCHECK_CMD;
	if (strcmp(test[0], "CMD") || count < 2)
		return err_set(err, -EINVAL,
			       "Healthcheck Test is neither NONE, CMD with arguments nor CMD-SHELL "
			       "with one line");
	check->test = xcalloc(count, sizeof(*check->test));
	for (size_t i = 1; i < count; i++)
		check->test[i - 1] = xstrdup(test[i]);
	return 0;
}

static int read_healthcheck(struct healthcheck *check, const json_t *config, struct err *err)
{
	json_t *object = NULL;
	char **test = NULL;
	int64_t retries = 0;
	int rc = json_get_object(config, "Healthcheck", &object, err);

	if (rc <= 0)
		return rc;
	if (read_duration(object, "Interval", &check->interval_ms, err) < 0 ||
	    read_duration(object, "Timeout", &check->timeout_ms, err) < 0 ||
	    read_duration(object, "StartPeriod", &check->start_ms, err) < 0 ||
	    json_get_int(object, "Retries", &retries, err) < 0)
		return -EINVAL;
	if (retries < 0 || retries > RETRIES_MAX)
		return err_set(err, -EINVAL, "Healthcheck Retries is not from 0 to %d",
			       RETRIES_MAX);
	check->retries = (int)retries;
	if (read_strings(object, "Test", &test, err) < 0)
		return -EINVAL;
	rc = read_test(check, test, config, err);
	free_strings(test);
	return rc;
}

/* The member "config": how to run the image. All of it is optional. */
static int read_execution(struct image_config *config, const json_t *document, struct err *err)
{
	json_t *object = NULL;
	int rc = json_get_object(document, "config", &object, err);

	if (rc < 0 || (rc = read_strings(object, "Env", &config->env, err)) < 0 ||
	    (rc = check_env(config, err)) < 0 ||
	    (rc = read_strings(object, "Entrypoint", &config->entrypoint, err)) < 0 ||
	    (rc = read_strings(object, "Cmd", &config->cmd, err)) < 0 ||
	    (rc = read_names(object, "ExposedPorts", &config->exposed_ports, err)) < 0 ||
	    (rc = read_volumes(config, object, err)) < 0 ||
	    (rc = read_labels(config, object, err)) < 0 ||
	    (rc = read_text(object, "User", &config->user, err)) < 0 ||
	    (rc = read_text(object, "WorkingDir", &config->working_dir, err)) < 0 ||
	    (rc = read_text(object, "StopSignal", &config->stop_signal, err)) < 0)
		return rc;
	return read_healthcheck(&config->healthcheck, object, err);
}

static int read_platform(struct platform *platform, const json_t *document, struct err *err)
{
	const char *os = "linux", *architecture = "", *variant = "";

	if (json_get_string(document, "os", &os, err) < 0 ||
	    json_get_string(document, "architecture", &architecture, err) < 0 ||
	    json_get_string(document, "variant", &variant, err) < 0)
		return -EINVAL;
	if (!*architecture)
		return err_set(err, -EINVAL, "no \"architecture\" in it");
	if (strlen(os) > PLATFORM_WORD_MAX || strlen(architecture) > PLATFORM_WORD_MAX ||
	    strlen(variant) > PLATFORM_WORD_MAX)
		return err_set(err, -EINVAL,
			       "os, architecture or variant is longer than %d letters",
			       PLATFORM_WORD_MAX);
	strcpy(platform->os, os);
	strcpy(platform->architecture, architecture);
	strcpy(platform->variant, variant);
	return 0;
}

static int read_diff_ids(struct image_config *config, const json_t *document, struct err *err)
{
	json_t *rootfs = NULL, *list = NULL;
	size_t count;

	if (json_get_object(document, "rootfs", &rootfs, err) < 0 ||
	    json_get_array(rootfs, "diff_ids", &list, err) < 0)
		return -EINVAL;
	count = json_array_size(list);
	if (count > MANIFEST_LAYERS_MAX)
		return err_set(err, -E2BIG, "%zu diff IDs, at most %d layers are supported", count,
			       MANIFEST_LAYERS_MAX);
	config->diff_ids = xcalloc(count + 1, sizeof(*config->diff_ids));
	for (size_t i = 0; i < count; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text || digest_parse(&config->diff_ids[i], text) < 0)
			return err_set(err, -EINVAL, "diff ID %zu: %s", i,
				       text ? digest_fault(text) : "not a string");
	}
	config->diff_id_count = count;
	return 0;
}

int image_config_parse(struct image_config **out, const void *data, size_t size, struct err *err)
{
	JSON_CLEANUP json_t *document = NULL;
	struct image_config *config;
	int rc;

	if (size > MANIFEST_CONFIG_SIZE_MAX)
		return err_set(err, -E2BIG, "image config: longer than %u bytes",
			       MANIFEST_CONFIG_SIZE_MAX);
	rc = json_parse(&document, data, size, "image config", err);
	if (rc < 0)
		return rc;
	config = xcalloc(1, sizeof(*config));
	if ((rc = read_platform(&config->platform, document, err)) < 0 ||
	    (rc = read_text(document, "created", &config->created, err)) < 0 ||
	    (rc = read_text(document, "author", &config->author, err)) < 0 ||
	    (rc = read_diff_ids(config, document, err)) < 0 ||
	    (rc = read_execution(config, document, err)) < 0) {
		image_config_free(config);
		err_context(err, "image config");
		return rc;
	}
	*out = config;
	return 0;
}

void image_config_free(struct image_config *config)
{
	if (!config)
		return;
	free(config->created);
	free(config->author);
	free(config->diff_ids);
	free_strings(config->env);
	free_strings(config->entrypoint);
	free_strings(config->cmd);
	free_strings(config->exposed_ports);
	free_strings(config->volumes);
	free_strings(config->labels);
	free(config->user);
	free(config->working_dir);
	free(config->stop_signal);
	free_strings(config->healthcheck.test);
	free(config);
}

int image_config_check(const struct image_config *config, const struct manifest *manifest,
		       const struct platform *machine, struct err *err)
{
	char ours[PLATFORM_TEXT_SIZE], theirs[PLATFORM_TEXT_SIZE];

	if (config->diff_id_count != manifest->layer_count)
		return err_set(err, -EINVAL,
			       "the image config names %zu layers and the manifest %zu: build and "
			       "push the image again",
			       config->diff_id_count, manifest->layer_count);
	if (platform_rank(machine, &config->platform) > 0)
		return 0;
	platform_format(machine, ours);
	platform_format(&config->platform, theirs);
	return err_set(err, -ENOTSUP,
		       "the image is built for %s and this device is %s: push one built for it",
		       theirs, ours);
}

const char *image_config_label(const struct image_config *config, const char *name)
{
	for (char **label = config->labels; *label; label += 2)
		if (!strcmp(label[0], name))
			return label[1];
	return NULL;
}

int image_config_stop_signal(const struct image_config *config)
{
	int number = *config->stop_signal ? signal_parse(config->stop_signal) : SIGTERM;

	return number > 0 ? number : SIGTERM;
}
