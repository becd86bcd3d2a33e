#include "agent/helper/fetch_input.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/json.h"
#include "net/failure.h"
#include "net/identity.h"
#include "version.h"

#define INPUT_MAX (16u << 20) /* with an image's documents */

static const char *const system_bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine, Buildroot */
	"/etc/ssl/cert.pem",		      /* Alpine, OpenWrt */
	"/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora */
};

static int map_bundle(struct fetch_input *input, const char *setting, struct err *err)
{
	int fd FD_CLEANUP = -1;
	struct stat status;

	for (size_t i = 0; i < sizeof(system_bundles) / sizeof(system_bundles[0]) && fd < 0; i++)
		fd = open(system_bundles[i], O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, FAILURE_TLS, "no trust anchors: the system has no %s (set %s)",
			       system_bundles[0], setting);
	if (fstat(fd, &status) < 0 || status.st_size == 0 || status.st_size > (off_t)TRUST_PEM_MAX)
		return err_set(err, FAILURE_TLS, "the system's bundle of CAs is empty or too large (set %s)",
			       setting);
	input->bundle_size = (size_t)status.st_size;
	input->bundle = mmap(NULL, input->bundle_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (input->bundle == MAP_FAILED) {
		input->bundle = NULL;
		return err_sys(err, "map the system's bundle of CAs");
	}
	return 0;
}

static int use_bundle(struct fetch_input *input, struct trust *trust, struct err *err)
{
	int ret = input->bundle ? 0 : map_bundle(input, trust->setting, err);

	trust->pem = input->bundle;
	trust->size = input->bundle_size;
	return ret;
}

/* "registry" and "auth" of `object`, for the registry or a mirror. Trust anchors are the next function's. */
static int take_registry(const json_t *object, struct registry_settings *settings, struct err *err)
{
	json_t *registry = NULL, *auth = NULL;
	const char *pem = NULL;
	int ret = json_get_object(object, "registry", &registry, err);

	if (ret > 0)
		ret = json_get_bool(registry, "insecure", &settings->insecure, err);
	if (ret >= 0 && registry)
		ret = json_get_string(registry, "ca_pem", &pem, err);
	if (ret >= 0)
		ret = json_get_object(object, "auth", &auth, err);
	if (ret > 0)
		ret = json_get_string(auth, "username", &settings->username, err);
	if (ret > 0)
		ret = json_get_string(auth, "password", &settings->password, err);
	settings->has_ca = pem;
	settings->trust.pem = pem;
	settings->trust.size = pem ? strlen(pem) : 0;
	return ret;
}

static int take_identity(struct fetch_input *input, size_t number, const json_t *object, const char *host,
			 struct registry_settings *settings, struct err *err)
{
	const json_t *registry = json_object_get(object, "registry");
	const char *certificate = NULL, *key = NULL;
	char setting[sizeof(input->settings[0])];

	if (json_get_string(registry, "cert_pem", &certificate, err) < 0 ||
	    json_get_string(registry, "key_pem", &key, err) < 0)
		return -EINVAL;
	if (!certificate || !key)
		return 0;
	snprintf(setting, sizeof(setting), "in [registry %s]", host);
	input->identities[number] = identity_new(certificate, key, setting, err);
	settings->identity = input->identities[number];
	return settings->identity ? 0 : FAILURE_TLS;
}

static int take_trust(struct fetch_input *input, size_t number, const char *host, bool is_plain,
		      struct registry_settings *settings, struct err *err)
{
	char *setting = input->settings[number];

	snprintf(setting, sizeof(input->settings[0]), "ca = in [registry %s]", host);
	settings->trust.setting = setting;
	settings->proxies = &input->proxies;
	settings->sessions = number < SOURCES_MIRRORS_MAX ? &input->mirror_sessions[number] : &input->sessions;
	if (settings->has_ca)
		return trust_check(&settings->trust, err) < 0 ? FAILURE_TLS : 0;
	return is_plain ? 0 : use_bundle(input, &settings->trust, err);
}

static int take_origin(struct fetch_input *input, struct err *err)
{
	struct registry_settings *settings = &input->sources.registry;
	int ret = take_registry(input->json, settings, err);
	bool is_plain = input->reference.source != REFERENCE_REGISTRY ||
			registry_is_plain(&input->reference, settings->insecure, settings->has_ca);

	if (ret < 0)
		return ret;
	ret = take_trust(input, SOURCES_MIRRORS_MAX, input->reference.registry, is_plain, settings, err);
	if (ret == 0 && !is_plain)
		ret = take_identity(input, SOURCES_MIRRORS_MAX, input->json, input->reference.registry, settings,
				    err);
	return ret;
}

static int take_mirror(struct fetch_input *input, const json_t *object, struct err *err)
{
	struct mirror *mirror = &input->mirrors[input->sources.mirror_count];
	const char *host = "";
	int ret = json_get_string(object, "host", &host, err);

	if (ret >= 0)
		ret = reference_parse_registry(mirror->host, host, err);
	if (ret >= 0)
		ret = json_get_bool(object, "https", &mirror->https, err);
	if (ret >= 0)
		ret = take_registry(object, &mirror->settings, err);
	if (ret >= 0)
		ret = take_trust(input, input->sources.mirror_count, mirror->host, !mirror->https,
				 &mirror->settings, err);
	if (ret >= 0 && mirror->https)
		ret = take_identity(input, input->sources.mirror_count, object, mirror->host,
				    &mirror->settings, err);
	input->sources.mirror_count++;
	return ret < 0 ? err_context(err, "mirror") : 0;
}

static int take_mirrors(struct fetch_input *input, struct err *err)
{
	json_t *list = NULL, *mirror;
	size_t i;
	int ret = json_get_array(input->json, "mirrors", &list, err);

	input->sources.mirrors = input->mirrors;
	if (ret <= 0)
		return ret;
	if (json_array_size(list) > SOURCES_MIRRORS_MAX)
		return err_set(err, -E2BIG, "settings for fetch: more than %d mirrors", SOURCES_MIRRORS_MAX);
	json_array_foreach(list, i, mirror) {
		ret = take_mirror(input, mirror, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int take_word(const json_t *object, const char *name, char word[static PLATFORM_WORD_MAX + 1],
		     struct err *err)
{
	const char *text = NULL;
	int ret = json_get_string(object, name, &text, err);

	if (ret <= 0)
		return ret;
	if (strlen(text) > PLATFORM_WORD_MAX)
		return err_set(err, -EINVAL, "settings for fetch: %s is too long", name);
	strcpy(word, text);
	return 0;
}

static int take_platform(struct fetch_input *input, struct err *err)
{
	json_t *object = NULL;
	int ret = json_get_object(input->json, "platform", &object, err);

	platform_current(&input->platform);
	if (ret <= 0)
		return ret;
	input->platform = (struct platform){ 0 };
	ret = take_word(object, "os", input->platform.os, err);
	if (ret >= 0)
		ret = take_word(object, "architecture", input->platform.architecture, err);
	if (ret >= 0)
		ret = take_word(object, "variant", input->platform.variant, err);
	return ret;
}

static int take_one_proxy(const json_t *object, const char *name, struct proxy *proxy, struct err *err)
{
	const char *text = NULL;
	int ret = json_get_string(object, name, &text, err);

	if (ret <= 0)
		return ret;
	ret = proxy_parse(proxy, text, strlen(text), err);
	return ret < 0 ? err_context(err, "the proxy for %s", name) : 0;
}

static int take_proxies(struct fetch_input *input, struct err *err)
{
	struct proxy_rules *rules = &input->proxies;
	json_t *object = NULL;
	int ret = json_get_object(input->json, "proxy", &object, err);

	if (ret <= 0)
		return ret;
	ret = take_one_proxy(object, "http", &rules->http, err);
	if (ret >= 0)
		ret = take_one_proxy(object, "https", &rules->https, err);
	if (ret >= 0)
		ret = json_get_string(object, "exempt", &rules->exempt, err);
	if (ret >= 0)
		ret = json_get_bool(object, "for_loopback", &rules->for_loopback, err);
	return ret;
}

static int take_clock(struct fetch_input *input, struct err *err)
{
	int64_t floor = BUILD_TIME;
	int ret = json_get_int(input->json, "clock_floor", &floor, err);

	if (floor < BUILD_TIME)
		floor = BUILD_TIME;
	input->sources.registry.time_floor_s = floor;
	for (size_t i = 0; i < input->sources.mirror_count; i++)
		input->mirrors[i].settings.time_floor_s = floor;
	return ret;
}

static int take_link(struct fetch_input *input, struct err *err)
{
	int64_t bytes_per_s = 0, stall_ms = 0;
	json_t *object = NULL;
	int ret = json_get_object(input->json, "link", &object, err);

	if (ret > 0)
		ret = json_get_int(object, "bytes_per_s", &bytes_per_s, err);
	if (ret >= 0 && object)
		ret = json_get_int(object, "stall_ms", &stall_ms, err);
	if (bytes_per_s < 0 || stall_ms < 0 || stall_ms > INT_MAX)
		return err_set(err, -EINVAL, "settings for fetch: a number in link is out of range");
	input->sources.registry.bytes_per_s = bytes_per_s;
	input->sources.registry.stall_ms = stall_ms;
	for (size_t i = 0; i < input->sources.mirror_count; i++) {
		input->mirrors[i].settings.bytes_per_s = bytes_per_s;
		input->mirrors[i].settings.stall_ms = stall_ms;
	}
	return ret;
}

/* Some that can't be read are none: a full handshake is always right. */
static int take_sessions(struct fetch_input *input, struct err *err)
{
	const char *text = NULL;
	int ret = json_get_string(input->json, "sessions", &text, err);

	if (ret > 0)
		(void)sessions_parse(&input->sessions, text, strlen(text));
	return ret;
}

static int take_settings(struct fetch_input *input, struct err *err)
{
	json_t *have = NULL;
	int ret = take_origin(input, err);

	if (ret >= 0)
		ret = take_mirrors(input, err);
	if (ret >= 0)
		ret = take_platform(input, err);
	if (ret >= 0)
		ret = take_proxies(input, err);
	if (ret >= 0)
		ret = json_get_array(input->json, "have", &have, err);
	if (ret >= 0)
		ret = lane_read(&input->lane, input->json, err);
	if (ret >= 0)
		ret = json_get_string(input->json, "manifest", &input->manifest_text, err);
	if (ret >= 0)
		ret = json_get_string(input->json, "config", &input->config_text, err);
	if (ret >= 0)
		ret = take_clock(input, err);
	if (ret >= 0)
		ret = take_sessions(input, err);
	if (ret >= 0)
		ret = take_link(input, err);
	return ret < 0 ? ret : 0;
}

static int take_arguments(struct fetch_input *input, int argc, char **argv, struct err *err)
{
	static const char usage[] = "usage: berth fetch head REF | berth fetch pull REF DIGEST "
				    "(started by the agent; settings as JSON on stdin)";

	if (argc < 3)
		return err_set(err, -EINVAL, "%s", usage);
	input->is_pull = !strcmp(argv[1], "pull");
	if (!input->is_pull && strcmp(argv[1], "head"))
		return err_set(err, -EINVAL, "%s", usage);
	if (argc != (input->is_pull ? 4 : 3))
		return err_set(err, -EINVAL, "%s", usage);
	if (input->is_pull && digest_parse(&input->digest, argv[3]) < 0)
		return err_set(err, -EINVAL, "'%s': %s", argv[3], digest_fault(argv[3]));
	return reference_parse(&input->reference, argv[2], err);
}

int fetch_input_read(struct fetch_input *input, int argc, char **argv, int fd, struct err *err)
{
	struct buf text BUF_CLEANUP = BUF_INIT;

	*input = (struct fetch_input){ 0 };
	int ret = take_arguments(input, argc, argv, err);

	if (ret < 0)
		return ret;
	ret = fd_read_all(fd, &text, INPUT_MAX);
	if (ret < 0)
		return err_code(err, ret, "read the settings for fetch");
	if (text.size == 0)
		buf_append_text(&text, "{}");
	ret = json_parse(&input->json, text.data, text.size, "settings for fetch", err);
	return ret < 0 ? ret : take_settings(input, err);
}

void fetch_input_release(struct fetch_input *input)
{
	for (size_t i = 0; i <= SOURCES_MIRRORS_MAX; i++)
		identity_free(input->identities[i]);
	json_decref(input->json);
	if (input->bundle)
		munmap(input->bundle, input->bundle_size);
	*input = (struct fetch_input){ 0 };
}

bool fetch_input_has(const struct fetch_input *input, const struct digest *diff_id)
{
	const json_t *have = json_object_get(input->json, "have"), *item;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)have, i, item) {
		const char *text = json_string_value(item);

		if (text && !strcmp(text, diff_id->text))
			return true;
	}
	return false;
}
