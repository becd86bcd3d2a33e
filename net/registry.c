#include "net/registry.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/manifest.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "net/failure.h"
#include "net/http_value.h"
#include "net/registry_parts.h"

#define CONNECT_MS 10000
#define HEAD_MS 60000 /* a registry that is a cache asks another one first */
#define SLOW_MS 120000
#define ERROR_BODY_MAX 8192
#define ERROR_TEXT_MAX 160

bool registry_is_plain(const struct reference *reference, bool insecure, bool has_ca)
{
	return insecure || (!has_ca && reference_registry_is_local(reference->registry));
}

static void note_host(struct registry *registry)
{
	struct url url URL_CLEANUP = URL_NONE;

	/* What can't be a host fails with its reason at the first request. */
	if (url_from_authority(&url, !registry->plain, reference_host(registry->reference), "/", NULL) == 0)
		strcpy(registry->host, url.host);
}

void registry_open(struct registry *registry, const struct registry_settings *settings,
		   const struct reference *reference)
{
	bool plain = registry_is_plain(reference, settings->insecure, settings->has_ca);
	const struct client_settings client_settings = {
		.trust = settings->trust,
		.time_floor_s = settings->time_floor_s,
		.proxies = settings->proxies,
		.sessions = settings->sessions,
		.identity = settings->identity,
		.identity_host = registry->host,
		.allow_plain = plain,
		.connect_ms = CONNECT_MS,
		.head_ms = HEAD_MS,
		.stall_ms = settings->stall_ms > 0 ? (int)settings->stall_ms : REGISTRY_STALL_MS,
		.slow_ms = SLOW_MS,
		.bytes_per_s = settings->bytes_per_s,
	};

	*registry = (struct registry){
		.reference = reference,
		.plain = plain,
		.auth = {
			.registry = reference->registry,
			.repository = reference->repository,
			.username = settings->username,
			.password = settings->password,
			.allow_plain = plain,
		},
	};
	note_host(registry);
	client_init(&registry->client, &client_settings);
	auth_init(&registry->auth);
}

void registry_close(struct registry *registry)
{
	auth_release(&registry->auth);
	client_release(&registry->client);
}

/* What a status means. */

/* ": MESSAGE" out of {"errors":[{"code":..,"message":..}]}, or "". */
static void read_error_body(struct registry *registry, char text[static ERROR_TEXT_MAX])
{
	struct buf body BUF_CLEANUP = BUF_INIT;
	json_t *json JSON_CLEANUP = NULL;
	json_t *errors = NULL;
	const char *message = NULL;

	text[0] = '\0';
	if (client_read_all(&registry->client, &body, ERROR_BODY_MAX, NULL) < 0 || body.size == 0 ||
	    json_parse(&json, body.data, body.size, "error", NULL) < 0 ||
	    json_get_array(json, "errors", &errors, NULL) <= 0)
		return;
	if (json_get_string(json_array_get(errors, 0), "message", &message, NULL) > 0)
		snprintf(text, ERROR_TEXT_MAX, ": %s", message);
}

static int explain_absence(const struct registry *registry, const struct registry_want *want,
			   const char *said, struct err *err)
{
	const struct reference *reference = registry->reference;

	if (!strcmp(want->kind, "blobs"))
		return err_set(err, FAILURE_NOT_FOUND, "registry %s lacks blob %s of %s%s",
			       reference->registry, want->selector, reference->repository, said);
	return err_set(err, FAILURE_NOT_FOUND,
		       "registry %s: %s%c%s not found (no such tag or repository)%s",
		       reference->registry, reference->repository,
		       strchr(want->selector, ':') ? '@' : ':', want->selector, said);
}

static int explain_status(struct registry *registry, const struct registry_want *want, struct err *err)
{
	const struct reference *reference = registry->reference;
	const struct http_message *message = client_message(&registry->client);
	const char *name = reference->registry;
	int status = message->status;
	char said[ERROR_TEXT_MAX];

	registry->retry_after_s = http_retry_after_s(message, REGISTRY_RETRY_AFTER_MAX);
	read_error_body(registry, said);
	switch (status) {
	case 401:
		return auth_refused(&registry->auth, err);
	case 403:
		return err_set(err, FAILURE_DENIED, "registry %s denies access to %s%s", name,
			       reference->repository, said);
	case 404:
		return explain_absence(registry, want, said, err);
	case 429:
	case 503:
		return err_set(err, FAILURE_RETRY, "registry %s asks to come back later (%d %s)%s", name,
			       status, message->reason, said);
	case 416:
		return err_set(err, -ESPIPE, "registry %s has no byte %" PRIu64 " in blob %s%s", name,
			       want->range_from, want->selector, said);
	case 400:
		if (registry->plain)
			return err_set(err, FAILURE_SERVER,
				       "registry %s answers 400 to plain http (does it speak https? "
				       "then set ca = in [registry %s])%s", name, name, said);
		break;
	}
	return err_set(err, failure_of_status(status), "registry %s answers %d %s to %s %s of %s%s", name,
		       status, message->reason, want->method, want->kind, reference->repository, said);
}

/* Whoever the registry redirects to must not choose where its password is sent, as a challenge does. */
static int refuse_challenge(const struct registry *registry, const struct registry_want *want, struct err *err)
{
	return err_set(err, FAILURE_DENIED,
		       "%s, where registry %s redirects to for %s of %s, asks for a password: it gets none",
		       registry->client.url.host, registry->reference->registry, want->kind,
		       registry->reference->repository);
}

int registry_ask(struct registry *registry, const struct registry_want *want, struct err *err)
{
	const struct reference *reference = registry->reference;
	struct url url URL_CLEANUP = URL_NONE;
	char *target FREE_CLEANUP = xasprintf("/v2/%s/%s/%s", reference->repository, want->kind,
					      want->selector);
	int ret = url_from_authority(&url, !registry->plain, reference_host(reference), target, err);

	registry->retry_after_s = 0;
	for (bool answered = false; ret == 0; answered = true) {
		const struct client_request request = {
			.method = want->method,
			.url = &url,
			.accept = want->accept,
			.authorization = auth_value(&registry->auth),
			.range_from = want->range_from,
			.if_range = want->if_range,
			.if_range_origin = want->if_range_origin,
		};

		ret = client_send(&registry->client, &request, err);
		if (ret < 0)
			return ret;
		int status = client_message(&registry->client)->status;

		if (status >= 200 && status < 300)
			return 0;
		if (status != 401 || answered)
			return explain_status(registry, want, err);
		if (!url_same_origin(&registry->client.url, &url))
			return refuse_challenge(registry, want, err);
		ret = auth_answer(&registry->auth, &registry->client, err);
		if (ret == FAILURE_RETRY)
			registry->retry_after_s = http_retry_after_s(client_message(&registry->client),
								     REGISTRY_RETRY_AFTER_MAX);
	}
	return ret;
}

/* Manifests. */

static int get_document(struct registry *registry, const char *selector, struct buf *out,
			struct err *err)
{
	const struct registry_want want = {
		.method = "GET",
		.kind = "manifests",
		.selector = selector,
		.accept = MANIFEST_ACCEPT,
	};
	int ret = registry_ask(registry, &want, err);

	if (ret == 0)
		ret = client_read_all(&registry->client, out, MANIFEST_SIZE_MAX, err);
	return ret;
}

static int head_by_get(struct registry *registry, struct digest *digest, int64_t *size,
		       struct err *err)
{
	struct buf body BUF_CLEANUP = BUF_INIT;
	int ret = get_document(registry, reference_selector(registry->reference), &body, err);

	if (ret < 0)
		return ret;
	digest_of(digest, body.data ? body.data : "", body.size);
	*size = (int64_t)body.size;
	return 0;
}

static int head(struct registry *registry, struct digest *digest, int64_t *size, struct err *err)
{
	const struct registry_want want = {
		.method = "HEAD",
		.kind = "manifests",
		.selector = reference_selector(registry->reference),
		.accept = MANIFEST_ACCEPT,
	};
	int ret = registry_ask(registry, &want, err);

	if (ret < 0)
		return ret;
	const struct http_message *message = client_message(&registry->client);
	const char *text = http_header(message, "Docker-Content-Digest");

	if (!text || digest_parse(digest, text) < 0)
		return head_by_get(registry, digest, size, err);
	*size = message->content_length <= MANIFEST_SIZE_MAX ? (int64_t)message->content_length : 0;
	return 0;
}

int registry_head(struct registry *registry, struct digest *digest, int64_t *size, struct err *err)
{
	const struct digest *asked = &registry->reference->digest;
	int ret = head(registry, digest, size, err);

	if (ret == 0 && !digest_is_none(asked) && !digest_equal(asked, digest))
		return err_set(err, FAILURE_DIGEST, "registry %s names a manifest with digest %s when asked for %s",
			       registry->reference->registry, digest->text, asked->text);
	return ret;
}

int registry_get_manifest(struct registry *registry, const struct digest *digest, struct buf *out,
			  char media_type[static REGISTRY_MEDIA_TYPE_MAX + 1], struct err *err)
{
	struct digest found;
	int ret = get_document(registry, digest->text, out, err);

	if (ret < 0)
		return ret;
	const char *type = http_header(client_message(&registry->client), "Content-Type");
	size_t size = type ? strcspn(type, "; ") : 0;

	if (size > REGISTRY_MEDIA_TYPE_MAX)
		return err_set(err, FAILURE_SERVER, "registry %s sends a Content-Type of %zu bytes",
			       registry->reference->registry, size);
	memcpy(media_type, type ? type : "", size);
	media_type[size] = '\0';
	digest_of(&found, out->data ? out->data : "", out->size);
	if (!digest_equal(digest, &found))
		return err_set(err, FAILURE_DIGEST,
			       "registry %s sends a manifest with digest %s when asked for %s",
			       registry->reference->registry, found.text, digest->text);
	return 0;
}
