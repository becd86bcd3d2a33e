#include "net/auth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base64.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "net/challenge.h"
#include "net/failure.h"

static char *basic_value(const struct auth *auth)
{
	struct buf plain BUF_CLEANUP = BUF_INIT;
	struct buf value = BUF_INIT;

	if (!auth->username)
		return NULL;
	buf_append_format(&plain, "%s:%s", auth->username, auth->password ? auth->password : "");
	buf_append_text(&value, "Basic ");
	base64_encode(&value, plain.data, plain.size);
	return buf_steal(&value);
}

void auth_init(struct auth *auth)
{
	auth->value = basic_value(auth);
	auth->is_token = false;
}

void auth_release(struct auth *auth)
{
	free(auth->value);
	auth->value = NULL;
}

const char *auth_value(const struct auth *auth)
{
	return auth->value;
}

int auth_refused(const struct auth *auth, struct err *err)
{
	const char *registry = auth->registry;

	if (auth->username)
		return err_set(err, FAILURE_UNAUTHORIZED,
			       "registry %s refuses user '%s' or the password (see auth = in [registry %s])",
			       registry, auth->username, registry);
	if (auth->is_token)
		return err_set(err, FAILURE_UNAUTHORIZED,
			       "registry %s does not show %s to anyone: wrong name, or auth = in "
			       "[registry %s] is needed", registry, auth->repository, registry);
	return err_set(err, FAILURE_UNAUTHORIZED,
		       "registry %s asks for a user name and password (set auth = in [registry %s], to a "
		       "file with an entry for %s)", registry, registry, registry);
}

/* Bearer wins over Basic: who offers both prefers tokens. -ENOENT: neither is there. */
static int pick_challenge(const struct http_message *message, struct challenge *picked)
{
	struct challenge all[CHALLENGES_MAX];
	const char *field;
	int result = -ENOENT;

	for (size_t n = 0; (field = http_header_nth(message, "WWW-Authenticate", n)); n++) {
		int count = challenge_parse(all, CHALLENGES_MAX, field, strlen(field));

		for (int i = 0; i < count; i++) {
			if (result == 0 && all[i].scheme != CHALLENGE_BEARER)
				continue;
			*picked = all[i];
			result = 0;
			if (picked->scheme == CHALLENGE_BEARER)
				return 0;
		}
	}
	return result;
}

static void append_query(struct buf *url, const char *name, const char *value)
{
	buf_append_format(url, "%c%s=", strchr(buf_text(url), '?') ? '&' : '?', name);
	for (const unsigned char *c = (const unsigned char *)value; *c; c++) {
		if ((*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') ||
		    (*c >= 'a' && *c <= 'z') || strchr("-._~:/,", *c))
			buf_append(url, c, 1);
		else
			buf_append_format(url, "%%%02X", *c);
	}
}

static int token_url(const struct auth *auth, const struct challenge *challenge, struct url *url,
		     struct err *err)
{
	struct buf text BUF_CLEANUP = BUF_INIT;

	buf_append_text(&text, challenge->realm);
	if (*challenge->service)
		append_query(&text, "service", challenge->service);
	if (*challenge->scope) {
		append_query(&text, "scope", challenge->scope);
	} else {
		char *scope FREE_CLEANUP = xasprintf("repository:%s:pull", auth->repository);

		append_query(&text, "scope", scope);
	}
	if (url_parse(url, buf_text(&text), text.size, err) < 0) {
		err_context(err, "registry %s names a token service", auth->registry);
		return FAILURE_SERVER;
	}
	if (!url->https && !auth->allow_plain) {
		err_set(err, FAILURE_TLS,
			"registry %s wants its token fetched over plain http from %s, which needs "
			"insecure = yes", auth->registry, url->host);
		url_release(url);
		return FAILURE_TLS;
	}
	return 0;
}

/* {"token": "..."} or, as OAuth 2 has it, {"access_token": "..."}. */
static int parse_token(struct auth *auth, const struct buf *body, struct err *err)
{
	json_t *json JSON_CLEANUP = NULL;
	const char *token = "";
	int ret = json_parse(&json, body->data, body->size, "the token service's answer", err);

	if (ret >= 0)
		ret = json_get_string(json, "token", &token, err);
	if (ret >= 0 && !*token)
		ret = json_get_string(json, "access_token", &token, err);
	if (ret < 0)
		return FAILURE_SERVER;
	if (!*token)
		return err_set(err, FAILURE_SERVER, "the token service's answer has no token");
	if (strlen(token) > AUTH_TOKEN_MAX)
		return err_set(err, FAILURE_LIMIT, "the token has more than %d bytes", AUTH_TOKEN_MAX);
	free(auth->value);
	auth->value = xasprintf("Bearer %s", token);
	auth->is_token = true;
	return 0;
}

static int request_token(struct auth *auth, struct client *client, const struct url *url,
			 struct err *err)
{
	struct buf body BUF_CLEANUP = BUF_INIT;
	char *basic FREE_CLEANUP = basic_value(auth);
	const struct client_request request = { .method = "GET", .url = url, .authorization = basic };
	int ret = client_send(client, &request, err);

	if (ret < 0)
		return ret;
	int status = client_message(client)->status;

	if (status == 401 || status == 403)
		return auth_refused(auth, err);
	if (status != 200)
		return err_set(err, failure_of_status(status), "the token service answers %d %s", status, client_message(client)->reason);
	ret = client_read_all(client, &body, AUTH_RESPONSE_MAX, err);
	return ret < 0 ? ret : parse_token(auth, &body, err);
}

int auth_answer(struct auth *auth, struct client *client, struct err *err)
{
	struct challenge challenge;
	struct url url URL_CLEANUP = URL_NONE;

	if (pick_challenge(client_message(client), &challenge) < 0 ||
	    challenge.scheme == CHALLENGE_BASIC)
		return auth_refused(auth, err); /* Basic was sent, where there is anything to send */
	int ret = token_url(auth, &challenge, &url, err);

	if (ret == 0)
		ret = request_token(auth, client, &url, err);
	if (ret < 0 && ret != FAILURE_UNAUTHORIZED && url.target)
		err_context(err, "token service %s of registry %s", url.host, auth->registry);
	return ret;
}
