#include "agent/pull/fetch_settings.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/pull/fetch_proxy.h"
#include "config/platform.h"
#include "lib/base64.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/time.h"

#define CA_FILE_MAX (2 << 20)
#define IDENTITY_FILE_MAX (64 * 1024)
#define AUTH_FILE_MAX (256 * 1024)

static int read_file(const char *path, size_t limit, const char *key, struct buf *out,
		     struct err *err)
{
	int rc = fd_read_file(AT_FDCWD, path, out, limit);

	if (rc < 0)
		return err_code(err, rc, "%s = %s", key, path);
	return 0;
}

/* An empty one must not pass for "none given": the system's anchors would then do instead. */
static int read_anchors(const char *path, struct buf *out, struct err *err)
{
	int rc = read_file(path, CA_FILE_MAX, "ca", out, err);

	if (rc < 0)
		return rc;
	if (!strstr(buf_text(out), "-----BEGIN CERTIFICATE"))
		return err_set(err, -EINVAL, "ca = %s: there is no PEM certificate in it", path);
	return 0;
}

static json_t *credentials(const char *username, const char *password)
{
	return json_pack("{s:s, s:s}", "username", username, "password", password);
}

static int parse_entry(const json_t *entry, const char *registry, json_t **out, struct err *err)
{
	BUF_CLEANUP struct buf pair = BUF_INIT;
	const char *encoded = "", *username = NULL, *password = NULL;
	char *colon;

	json_get_string(entry, "username", &username, NULL);
	json_get_string(entry, "password", &password, NULL);
	if (username && password) {
		*out = credentials(username, password);
		return *out ? 1 : err_set(err, -EINVAL, "credentials of %s are not UTF-8", registry);
	}
	json_get_string(entry, "auth", &encoded, NULL);
	if (!*encoded)
		return 0;
	if (base64_decode(&pair, encoded) < 0 || !(colon = strchr(buf_text(&pair), ':')))
		return err_set(err, -EINVAL, "\"auth\" of %s is not base64 of user:password",
			       registry);
	*colon = '\0';
	*out = credentials(pair.data, colon + 1);
	return *out ? 1 : err_set(err, -EINVAL, "\"auth\" of %s is not UTF-8", registry);
}

/* docker writes plain hosts, and for docker.io an URL of old; others write URLs too. */
static bool names_registry(const char *key, const char *registry)
{
	char normal[REFERENCE_REGISTRY_MAX + 1];
	char host[REFERENCE_REGISTRY_MAX + 1];
	const char *scheme = strstr(key, "://");
	size_t size;

	key = scheme ? scheme + 3 : key;
	size = strcspn(key, "/");
	if (size >= sizeof(host))
		return false;
	memcpy(host, key, size);
	host[size] = '\0';
	return reference_parse_registry(normal, host, NULL) == 0 && !strcmp(normal, registry);
}

static bool has_helper(const json_t *json, const char *registry)
{
	const json_t *helpers = json_object_get(json, "credHelpers");

	return json_object_get(json, "credsStore") || json_object_get(helpers, registry);
}

int credentials_parse(const char *text, size_t size, const char *registry, json_t **out,
		      struct err *err)
{
	JSON_CLEANUP json_t *json = NULL;
	json_t *auths = NULL, *entry;
	const char *key;
	int rc = json_parse(&json, text, size, "docker config.json", err);

	if (rc < 0 || (rc = json_get_object(json, "auths", &auths, err)) < 0)
		return rc;
	json_object_foreach(auths, key, entry) {
		if (!names_registry(key, registry))
			continue;
		rc = parse_entry(entry, registry, out, err);
		if (rc)
			return rc;
	}
	if (has_helper(json, registry))
		return err_set(err, -EINVAL,
			       "%s: credential helpers are not supported: put \"auth\" below \"auths\"",
			       registry);
	return 0;
}

static int read_credentials(const struct registry_config *registry, json_t **out, struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	int rc;

	*out = NULL;
	if (!registry || !registry->auth)
		return 0;
	rc = read_file(registry->auth, AUTH_FILE_MAX, "auth", &text, err);
	if (rc < 0)
		return rc;
	rc = credentials_parse(buf_text(&text), text.size, registry->host, out, err);
	return rc < 0 ? err_context(err, "auth = %s", registry->auth) : 0;
}

static int add_file(const char *path, const char *key, const char *name, json_t *object, struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	int rc = read_file(path, IDENTITY_FILE_MAX, key, &text, err);

	if (rc == 0 && json_object_set_new(object, name, json_string(buf_text(&text))) < 0)
		rc = err_set(err, -EINVAL, "%s = %s: not a PEM text", key, path);
	if (text.data)
		explicit_bzero(text.data, text.size);
	return rc;
}

static int add_identity(const struct registry_config *registry, json_t *object, struct err *err)
{
	int rc = add_file(registry->cert, "cert", "cert_pem", object, err);

	return rc < 0 ? rc : add_file(registry->key, "key", "key_pem", object, err);
}

void fetch_settings_warn(const struct agent_config *config)
{
	for (size_t i = 0; i < config->registry_count; i++) {
		const struct registry_config *registry = &config->registries[i];
		struct stat status;

		if (registry->key && stat(registry->key, &status) == 0 && status.st_mode & 077)
			log_warn("registry %s: key = %s can be read by others than its owner: chmod 600 %s",
				 registry->host, registry->key, registry->key);
	}
}

/* What one server gets: "registry" and "auth" of agent/helper/fetch_input.h. `auth` (borrowed) goes before agent.ini's. */
static int server_settings(const struct registry_config *registry, const json_t *auth, json_t *out,
			   struct err *err)
{
	BUF_CLEANUP struct buf anchors = BUF_INIT;
	json_t *own_auth = NULL;
	int rc = 0;

	if (registry && registry->ca)
		rc = read_anchors(registry->ca, &anchors, err);
	if (!rc && !auth)
		rc = read_credentials(registry, &own_auth, err);
	if (rc < 0)
		return rc;
	json_t *object = json_pack("{s:s*, s:b}", "ca_pem", anchors.size ? anchors.data : NULL, "insecure",
				   registry && registry->insecure);

	json_object_set_new(out, "auth", auth ? json_incref((json_t *)(uintptr_t)auth) :
					 own_auth ? own_auth : json_null());
	if (json_object_set_new(out, "registry", object) < 0)
		return err_set(err, -EINVAL, "the CA file is not text");
	return registry && registry->cert ? add_identity(registry, object, err) : 0;
}

static int mirror_settings(const struct agent_config *config, const struct mirror_config *mirror,
			   json_t *list, struct err *err)
{
	json_t *object = json_pack("{s:s, s:b}", "host", mirror->host, "https", mirror->https);

	json_array_append_new(list, object);
	if (server_settings(agent_config_registry(config, mirror->host), NULL, object, err) < 0)
		return err_context(err, "mirror %s", mirror->host);
	return 0;
}

static int mirrors_settings(const struct agent_config *config, const struct registry_config *registry,
			    json_t *out, struct err *err)
{
	json_t *list = json_array();
	int rc = 0;

	json_object_set_new(out, "mirrors", list);
	for (size_t i = 0; registry && i < registry->mirror_count && !rc; i++)
		rc = mirror_settings(config, &registry->mirrors[i], list, err);
	return rc;
}

bool fetch_settings_have_mirrors(const struct agent_config *config, const struct reference *reference)
{
	const struct registry_config *registry = agent_config_registry(config, reference->registry);

	return registry && registry->mirror_count > 0;
}

/* Takes up a session that was made with exactly these settings so far. */
static void add_sessions(const struct fetch_request *request, json_t *out)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	char key[SHA256_HEX + 1];
	const char *found;

	buf_append_text(&text, request->reference->registry);
	json_append(&text, out);
	sha256_hex(text.data, text.size, key);
	explicit_bzero(text.data, text.size);
	if (request->session_key)
		memcpy(request->session_key, key, sizeof(key));
	found = request->sessions ? fetch_sessions_get(request->sessions, key, time_boot_ms()) : NULL;
	if (found)
		json_object_set_new(out, "sessions", json_string(found));
}

static void add_rest(const struct agent_config *config, const struct fetch_request *request, json_t *out)
{
	struct platform platform;

	platform_current(&platform);
	json_object_set_new(out, "platform", json_pack("{s:s, s:s, s:s}", "os", platform.os, "architecture",
						       platform.architecture, "variant", platform.variant));
	if (request->have)
		json_object_set(out, "have", request->have);
	json_object_set_new(out, "clock_floor", json_integer((json_int_t)request->last_seen_s));
	json_object_set_new(out, "link", json_pack("{s:I}", "bytes_per_s", (json_int_t)config->bytes_per_s));
	if (request->lane.count)
		json_object_set_new(out, "lane", lane_settings(&request->lane));
	if (request->manifest && request->config) {
		json_object_set_new(out, "manifest", json_string(request->manifest));
		json_object_set_new(out, "config", json_string(request->config));
	}
}

int fetch_settings(const struct agent_config *config, const struct fetch_request *request, json_t **out,
		   struct err *err)
{
	const char *host = request->reference->registry;
	const struct registry_config *registry = agent_config_registry(config, host);
	int rc;

	*out = json_pack("{s:o*}", "proxy", fetch_proxy(config, registry));
	rc = server_settings(registry, request->auth, *out, err);
	if (!rc && !request->without_mirrors)
		rc = mirrors_settings(config, registry, *out, err);
	if (!rc) {
		add_sessions(request, *out);
		add_rest(config, request, *out);
		return 0;
	}
	json_decref(*out);
	*out = NULL;
	return err_context(err, "registry %s", host);
}
