/* The registry's pull protocol and its authorization against a scripted server. */
#include <errno.h>
#include <stdio.h>

#include "net/failure.h"
#include "net/registry.h"
#include "tests/unit/http_server.h"
#include "tests/unit/test.h"

#define DIGEST_OF_HELLO "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define DIGEST_ZERO "sha256:0000000000000000000000000000000000000000000000000000000000000000"
#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: a/b; charset=x\r\n\r\nhello"
#define UNAUTHORIZED(challenge) \
	"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: " challenge "\r\nContent-Length: 0\r\n\r\n"

static struct err err;
static struct server server;
static struct reference reference;
static struct registry registry;
static struct digest digest;
static int64_t size;

static void begin(const struct answer *answers, size_t count, const char *username)
{
	char text[64];
	const struct registry_settings settings = {
		.trust = { "", 0, "ca =" },
		.username = username,
		.password = username ? "secret" : NULL,
	};

	server_start(&server, answers, count);
	snprintf(text, sizeof(text), "127.0.0.1:%d/app:v1", server.port);
	if (reference_parse(&reference, text, &err) < 0)
		abort();
	err = ERR_INIT;
	digest = DIGEST_NONE;
	size = -1;
	registry_open(&registry, &settings, &reference);
}

static char *end(void)
{
	registry_close(&registry);
	return server_stop(&server);
}

static int count_of(const char *text, const char *part)
{
	int n = 0;

	for (; (text = strstr(text, part)); text++)
		n++;
	return n;
}

static void a_poll_is_one_small_request(void)
{
	static const struct answer answers[] = {
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 720\r\n"
			  "Docker-Content-Digest: " DIGEST_OF_HELLO "\r\n\r\n" },
	};

	begin(answers, 1, "device");
	CHECK_INT(registry_head(&registry, &digest, &size, &err), 0);
	CHECK_TEXT(digest.text, DIGEST_OF_HELLO);
	CHECK_INT(size, 720);
	char *requests = end();

	CHECK_HAS(requests, "HEAD /v2/app/manifests/v1 HTTP/1.1\r\n");
	CHECK_HAS(requests, "Authorization: Basic ZGV2aWNlOnNlY3JldA==\r\n");
	CHECK_HAS(requests, "application/vnd.oci.image.index.v1+json");
	CHECK_INT(count_of(requests, "\r\n\r\n"), 1);
	CHECK(strlen(requests) < 600);
	free(requests);
}

static void without_the_header_the_manifest_is_hashed(void)
{
	static const struct answer answers[] = {
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" },
		{ .text = HELLO },
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nDocker-Content-Digest: sha256:../..\r\n\r\n" },
		{ .text = HELLO },
	};

	begin(answers, 4, NULL);
	CHECK_INT(registry_head(&registry, &digest, &size, &err), 0);
	CHECK_TEXT(digest.text, DIGEST_OF_HELLO);
	CHECK_INT(size, 5);
	digest = DIGEST_NONE;
	CHECK_INT(registry_head(&registry, &digest, &size, &err), 0);
	CHECK_TEXT(digest.text, DIGEST_OF_HELLO);
	free(end());
}

/* Who asks by digest has to get that, whatever the registry says it is. */
static void a_digest_stands_for_itself(void)
{
	static const struct answer answers[] = {
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 720\r\nDocker-Content-Digest: " DIGEST_ZERO "\r\n\r\n" },
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 720\r\nDocker-Content-Digest: " DIGEST_OF_HELLO "\r\n\r\n" },
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" },
		{ .text = HELLO },
	};

	begin(answers, 4, NULL);
	digest_parse(&reference.digest, DIGEST_ZERO);
	CHECK_INT(registry_head(&registry, &digest, &size, &err), 0);
	CHECK_TEXT(digest.text, DIGEST_ZERO);
	CHECK_INT(registry_head(&registry, &digest, &size, &err), FAILURE_DIGEST);
	CHECK_HAS(err.text, DIGEST_OF_HELLO " when asked for " DIGEST_ZERO);
	CHECK_INT(registry_head(&registry, &digest, &size, &err), FAILURE_DIGEST);
	char *requests = end();

	CHECK_HAS(requests, "HEAD /v2/app/manifests/" DIGEST_ZERO);
	free(requests);
}

static void manifests_are_checked(void)
{
	static const struct answer answers[] = { { .text = HELLO }, { .text = HELLO } };
	char type[REGISTRY_MEDIA_TYPE_MAX + 1];
	struct buf text = BUF_INIT;

	begin(answers, 2, NULL);
	digest_parse(&digest, DIGEST_OF_HELLO);
	CHECK_INT(registry_get_manifest(&registry, &digest, &text, type, &err), 0);
	CHECK_TEXT(buf_text(&text), "hello");
	CHECK_TEXT(type, "a/b");
	buf_clear(&text);
	digest_parse(&digest, DIGEST_ZERO);
	CHECK_INT(registry_get_manifest(&registry, &digest, &text, type, &err), FAILURE_DIGEST);
	CHECK_HAS(err.text, DIGEST_OF_HELLO);
	buf_release(&text);
	char *requests = end();

	CHECK_HAS(requests, "GET /v2/app/manifests/" DIGEST_ZERO);
	free(requests);
}

static int keep(const char *data, size_t count, void *arg)
{
	buf_append(arg, data, count);
	return 0;
}

static int status_gives(const char *answer, const char *username)
{
	const struct answer answers[] = { { .text = answer } };

	begin(answers, 1, username);
	int ret = registry_head(&registry, &digest, &size, &err);

	free(end());
	return ret;
}

static void statuses_have_a_kind(void)
{
	CHECK_INT(status_gives("HTTP/1.1 404 Not Found\r\n\r\n", NULL), FAILURE_NOT_FOUND);
	CHECK_HAS(err.text, ": app:v1 not found ");
	CHECK_INT(status_gives("HTTP/1.1 403 Forbidden\r\n\r\n", NULL), FAILURE_DENIED);
	CHECK_INT(status_gives("HTTP/1.1 418 Teapot\r\n\r\n", NULL), FAILURE_SERVER);
	CHECK_INT(status_gives("HTTP/1.1 502 Gateway\r\nRetry-After: 3\r\n\r\n", NULL), FAILURE_RETRY);
	CHECK_INT(registry.retry_after_s, 3);
	CHECK_INT(status_gives("HTTP/1.1 500 Oops\r\n\r\n", NULL), FAILURE_RETRY);
	CHECK_HAS(err.text, "500 Oops");
	CHECK_INT(status_gives("HTTP/1.1 429 Slow\r\nRetry-After: 17\r\n\r\n", NULL), FAILURE_RETRY);
	CHECK_INT(registry.retry_after_s, 17);
	CHECK_INT(status_gives("HTTP/1.1 503 Later\r\nRetry-After: 99999999999999999999\r\n\r\n", NULL),
		  FAILURE_RETRY);
	CHECK_INT(registry.retry_after_s, REGISTRY_RETRY_AFTER_MAX);
	CHECK_INT(status_gives("HTTP/1.1 503 Later\r\nDate: Fri, 31 Dec 1999 23:59:58 GMT\r\n"
			       "Retry-After: Sat, 01 Jan 2000 00:00:00 GMT\r\n\r\n", NULL), FAILURE_RETRY);
	CHECK_INT(registry.retry_after_s, 2);
	CHECK_INT(status_gives("HTTP/1.1 400 Bad Request\r\n\r\n", NULL), FAILURE_SERVER);
	CHECK_HAS(err.text, "does it speak https?");
	CHECK_INT(status_gives(UNAUTHORIZED("Basic realm=\"x\""), NULL), FAILURE_UNAUTHORIZED);
	CHECK_HAS(err.text, "set auth = in [registry 127.0.0.1:");
	CHECK_INT(status_gives(UNAUTHORIZED("Basic realm=\"x\""), "device"), FAILURE_UNAUTHORIZED);
	CHECK_HAS(err.text, "refuses user 'device'");
}

static void the_registry_explains_itself(void)
{
	static const struct answer answers[] = {
		{ .text = "HTTP/1.1 403 Forbidden\r\nContent-Length: 60\r\n\r\n"
			  "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"quota is\\nused up\"}]}" },
		{ .text = "HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\n{{{{" },
	};
	char type[REGISTRY_MEDIA_TYPE_MAX + 1];
	struct buf text = BUF_INIT;

	begin(answers, 2, NULL);
	digest_parse(&digest, DIGEST_ZERO);
	CHECK_INT(registry_get_manifest(&registry, &digest, &text, type, &err), FAILURE_DENIED);
	CHECK_HAS(err.text, "denies access to app: quota is?used up");
	CHECK_INT(registry_get_manifest(&registry, &digest, &text, type, &err), FAILURE_DENIED);
	buf_release(&text);
	free(end());
}

/* The token service is a server of its own; the registry's answers name its port. */
static void begin_with_tokens(struct server *tokens, const struct answer *token_answers, size_t count,
			      const char *after, const char *username)
{
	static char challenge[300];
	struct answer answers[4];

	server_start(tokens, token_answers, count);
	snprintf(challenge, sizeof(challenge),
		 UNAUTHORIZED("Bearer realm=\"http://127.0.0.1:%d/token\",service=\"a b\""), tokens->port);
	answers[0] = (struct answer){ .text = challenge };
	answers[1] = (struct answer){ .text = after ? after : challenge };
	answers[2] = (struct answer){ .text = challenge };
	answers[3] = (struct answer){ .text = challenge };
	begin(answers, 4, username);
}

static void tokens_are_fetched(void)
{
	static const struct answer token_answers[] = {
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n{\"access_token\": \"t1\"}" },
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"token\":\"t2\"}" },
	};
	struct server tokens;

	begin_with_tokens(&tokens, token_answers, 2, HELLO, "device");
	struct buf text = BUF_INIT;

	digest_parse(&digest, DIGEST_OF_HELLO);
	struct registry_blob blob = { .digest = &digest, .size = 5 };

	CHECK_INT(registry_get_blob(&registry, &blob, keep, &text, &err), 0);
	CHECK_TEXT(buf_text(&text), "hello");
	buf_release(&text);
	/* The token has expired meanwhile: a new one is fetched, once. */
	registry_head(&registry, &digest, &size, &err);
	char *requests = end();

	CHECK_INT(count_of(requests, "Authorization: Bearer t1\r\n"), 2);
	CHECK_INT(count_of(requests, "Authorization: Bearer t2\r\n"), 1);
	free(requests);
	requests = server_stop(&tokens);
	CHECK_HAS(requests, "GET /token?service=a%20b&scope=repository:app:pull HTTP/1.1\r\n");
	CHECK_INT(count_of(requests, "Authorization: Basic ZGV2aWNlOnNlY3JldA==\r\n"), 2);
	free(requests);
}

static void a_token_that_does_not_help_is_told(void)
{
	static const struct answer token_answers[] = {
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"token\":\"t1\"}" },
	};
	struct server tokens;

	begin_with_tokens(&tokens, token_answers, 1, NULL, NULL);
	CHECK_INT(registry_head(&registry, &digest, &size, &err), FAILURE_UNAUTHORIZED);
	CHECK_HAS(err.text, "does not show app to anyone");
	char *requests = end();

	CHECK_INT(count_of(requests, "HEAD"), 2);
	free(requests);
	requests = server_stop(&tokens);
	CHECK_INT(count_of(requests, "Authorization"), 0);
	free(requests);
}

static int token_answer_gives(const char *text)
{
	const struct answer token_answers[] = { { .text = text } };
	struct server tokens;

	begin_with_tokens(&tokens, token_answers, 1, NULL, "device");
	int ret = registry_head(&registry, &digest, &size, &err);

	free(end());
	free(server_stop(&tokens));
	return ret;
}

static void bad_token_services_are_told(void)
{
	CHECK_INT(token_answer_gives("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"), FAILURE_UNAUTHORIZED);
	CHECK_INT(token_answer_gives("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"), FAILURE_SERVER);
	CHECK_INT(token_answer_gives("HTTP/1.1 500 No\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"),
		  FAILURE_RETRY);
	CHECK_INT(registry.retry_after_s, 7);
	CHECK_HAS(err.text, "token service 127.0.0.1 of registry");
	CHECK_INT(token_answer_gives("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), FAILURE_SERVER);
	CHECK_INT(token_answer_gives("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[["), FAILURE_SERVER);
	CHECK_INT(token_answer_gives("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"token\":1}"),
		  FAILURE_SERVER);
	CHECK_INT(token_answer_gives("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"), FAILURE_LIMIT);
	CHECK_INT(token_answer_gives("HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{\"token\":\"a\\r\\nb\"}"),
		  -EINVAL);
}

static void realms_of_other_protocols_are_refused(void)
{
	CHECK_INT(status_gives(UNAUTHORIZED("Bearer realm=\"file:///etc\""), NULL), FAILURE_SERVER);
	CHECK_INT(status_gives(UNAUTHORIZED("Bearer realm=\"\""), NULL), FAILURE_SERVER);
	CHECK_INT(status_gives(UNAUTHORIZED("Negotiate"), NULL), FAILURE_UNAUTHORIZED);
	CHECK_INT(status_gives(UNAUTHORIZED("Bearer realm=\"oops"), NULL), FAILURE_UNAUTHORIZED);
}

static void the_protocol_follows_the_rule(void)
{
	struct reference far;

	REQUIRE(reference_parse(&far, "fleet.example/a:b", &err) == 0);
	begin(NULL, 0, NULL);
	CHECK(registry_is_plain(&reference, false, false));
	CHECK(!registry_is_plain(&reference, false, true));
	CHECK(registry_is_plain(&reference, true, true));
	CHECK(!registry_is_plain(&far, false, false));
	CHECK(registry_is_plain(&far, true, false));
	free(end());
}

/* A CDN that asks for a password names a service of its own choice, which must not get the registry's. */
static void a_redirect_leads_to_no_token_service(void)
{
	static const struct answer token = { .text = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"token\":\"t\"}" };
	struct server service, cdn;
	char challenge[200], redirect[200];

	server_start(&service, &token, 1);
	snprintf(challenge, sizeof(challenge), UNAUTHORIZED("Bearer realm=\"http://127.0.0.1:%d/token\""), service.port);
	server_start(&cdn, &(struct answer){ .text = challenge }, 1);
	snprintf(redirect, sizeof(redirect), "HTTP/1.1 307 There\r\nLocation: http://127.0.0.1:%d/x\r\n"
		 "Content-Length: 0\r\n\r\n", cdn.port);
	begin(&(struct answer){ .text = redirect }, 1, "device");
	CHECK_INT(registry_head(&registry, &digest, &size, &err), FAILURE_DENIED);
	CHECK_HAS(err.text, "asks for a password: it gets none");
	free(end());
	char *asked = server_stop(&service), *seen = server_stop(&cdn);

	CHECK_TEXT(asked, "");
	CHECK_INT(count_of(seen, "Authorization"), 0);
	free(asked);
	free(seen);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	RUN(a_poll_is_one_small_request);
	RUN(without_the_header_the_manifest_is_hashed);
	RUN(a_digest_stands_for_itself);
	RUN(manifests_are_checked);
	RUN(statuses_have_a_kind);
	RUN(the_registry_explains_itself);
	RUN(tokens_are_fetched);
	RUN(a_token_that_does_not_help_is_told);
	RUN(bad_token_services_are_told);
	RUN(realms_of_other_protocols_are_refused);
	RUN(the_protocol_follows_the_rule);
	RUN(a_redirect_leads_to_no_token_service);
	return test_end();
}
