/* A registry and its mirrors, each a scripted server: who is asked for what, and gets what. */
#include <errno.h>
#include <stdio.h>

#include "net/failure.h"
#include "net/sources.h"
#include "tests/unit/http_server.h"
#include "tests/unit/test.h"

#define DIGEST_OF_HELLO "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: a/b\r\n\r\nhello"
#define HEAD "HTTP/1.1 200 OK\r\nContent-Length: 720\r\nDocker-Content-Digest: " DIGEST_OF_HELLO "\r\n\r\n"
#define LACKS "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

static struct err err;
static struct server origin, servers[2];
static struct reference reference;
static struct mirror mirrors[2];
static struct sources_settings settings;
static struct sources sources;
static struct digest hello;
static struct buf body, told;

static void hear(const char *text, void *arg)
{
	(void)arg;
	buf_append_format(&told, "%s\n", text);
}

/* One answer each for the mirrors and the registry; the ones without a text are not there. */
static void begin(struct answer first, struct answer second, struct answer last)
{
	const struct answer answers[] = { first, second };
	char text[64];

	buf_clear(&told);
	buf_clear(&body);
	err = ERR_INIT;
	digest_parse(&hello, DIGEST_OF_HELLO);
	for (int i = 0; i < 2; i++) {
		mirrors[i] = (struct mirror){ .settings.trust = { "", 0, "ca =" } };
		server_start(&servers[i], &answers[i], 1);
		snprintf(mirrors[i].host, sizeof(mirrors[i].host), "127.0.0.1:%d", servers[i].port);
		if (!answers[i].text)
			free(server_stop(&servers[i]));
	}
	server_start(&origin, &last, 1);
	snprintf(text, sizeof(text), "127.0.0.1:%d/app:v1", origin.port);
	if (reference_parse(&reference, text, &err) < 0)
		abort();
	if (!last.text)
		free(server_stop(&origin));
	settings = (struct sources_settings){
		.registry = { .trust = { "", 0, "ca =" }, .username = "device", .password = "geheim" },
		.mirrors = mirrors,
		.mirror_count = 2,
		.on_failure = hear,
	};
	sources_open(&sources, &settings, &reference);
}

static int take(const char *data, size_t size, void *arg)
{
	buf_append(arg, data, size);
	return 0;
}

static int get_blob(void)
{
	struct registry_blob blob = { .digest = &hello, .size = 5 };

	return sources_get_blob(&sources, &blob, take, &body, &err);
}

static void a_mirror_is_asked_first_and_gets_no_password(void)
{
	begin((struct answer){ .text = HELLO }, (struct answer){ 0 }, (struct answer){ 0 });
	CHECK_INT(get_blob(), 0);
	CHECK_TEXT(buf_text(&body), "hello");
	CHECK_TEXT(buf_text(&told), "");
	sources_close(&sources);
	char *requests = server_stop(&servers[0]);

	CHECK_HAS(requests, "GET /v2/app/blobs/" DIGEST_OF_HELLO " HTTP/1.1\r\nHost: 127.0.0.1:");
	CHECK(!strstr(requests, "Authorization"));
	free(requests);
}

static void the_next_goes_on_at_the_same_byte(void)
{
	begin((struct answer){ .text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", .close = true },
	      (struct answer){ .text = LACKS },
	      (struct answer){ .text = "HTTP/1.1 206 P\r\nContent-Range: bytes 2-4/5\r\nContent-Length: 3\r\n\r\nllo" });
	CHECK_INT(get_blob(), 0);
	CHECK_TEXT(buf_text(&body), "hello");
	CHECK_HAS(buf_text(&told), "is passed over");
	CHECK(sources.all[0].is_out);
	CHECK(!sources.all[1].is_out); /* it just lacked this one */
	sources_close(&sources);
	free(server_stop(&servers[0]));
	free(server_stop(&servers[1]));
	char *requests = server_stop(&origin);

	CHECK_HAS(requests, "Range: bytes=2-\r\n");
	CHECK_HAS(requests, "Authorization: Basic");
	free(requests);
}

static void other_bytes_for_a_manifest_are_passed_over(void)
{
	char type[REGISTRY_MEDIA_TYPE_MAX + 1];

	begin((struct answer){ .text = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil" }, (struct answer){ .text = HELLO },
	      (struct answer){ 0 });
	CHECK_INT(sources_get_manifest(&sources, &hello, &body, type, &err), 0);
	CHECK_TEXT(buf_text(&body), "hello");
	CHECK_TEXT(type, "a/b");
	CHECK_HAS(buf_text(&told), "sends a manifest with digest");
	sources_close(&sources);
	free(server_stop(&servers[0]));
	free(server_stop(&servers[1]));
}

static void the_registrys_error_is_the_one_that_is_told(void)
{
	begin((struct answer){ 0 }, (struct answer){ 0 }, (struct answer){ .text = LACKS });
	CHECK_INT(get_blob(), FAILURE_NOT_FOUND);
	CHECK_HAS(err.text, "lacks blob");
	CHECK(!sources.all[0].is_out); /* another chance, now that all have failed */
	sources_close(&sources);
	free(server_stop(&origin));
}

static void tags_are_the_registrys(void)
{
	struct digest digest;
	const char *mirror;
	int64_t size;

	begin((struct answer){ 0 }, (struct answer){ 0 }, (struct answer){ .text = HEAD });
	CHECK_INT(sources_head(&sources, &digest, &size, &mirror, &err), 0);
	CHECK(!mirror);
	CHECK_TEXT(buf_text(&told), "");
	sources_close(&sources);
	free(server_stop(&origin));
	/* An answer of the registry's is one, even this. */
	begin((struct answer){ .text = HEAD }, (struct answer){ 0 }, (struct answer){ .text = LACKS });
	CHECK_INT(sources_head(&sources, &digest, &size, &mirror, &err), FAILURE_NOT_FOUND);
	sources_close(&sources);
	free(server_stop(&origin));
	free(server_stop(&servers[0]));
	/* Only when it is out of reach. */
	begin((struct answer){ 0 }, (struct answer){ .text = HEAD }, (struct answer){ 0 });
	CHECK_INT(sources_head(&sources, &digest, &size, &mirror, &err), 0);
	CHECK_TEXT(mirror, mirrors[1].host);
	CHECK_TEXT(digest.text, DIGEST_OF_HELLO);
	sources_close(&sources);
	free(server_stop(&servers[1]));
}

static int refuse(const char *data, size_t size, void *arg)
{
	(void)data, (void)size, (void)arg;
	return err_set(&err, -EPIPE, "nobody wants it");
}

static void nobody_else_is_asked_when_the_taker_fails(void)
{
	struct registry_blob blob = { .digest = &hello, .size = 5 };

	begin((struct answer){ .text = HELLO }, (struct answer){ 0 }, (struct answer){ 0 });
	CHECK_INT(sources_get_blob(&sources, &blob, refuse, NULL, &err), -EPIPE);
	CHECK_TEXT(err.text, "nobody wants it");
	CHECK_TEXT(buf_text(&told), "");
	sources_close(&sources);
	free(server_stop(&servers[0]));
}

int main(void)
{
	RUN(a_mirror_is_asked_first_and_gets_no_password);
	RUN(the_next_goes_on_at_the_same_byte);
	RUN(other_bytes_for_a_manifest_are_passed_over);
	RUN(the_registrys_error_is_the_one_that_is_told);
	RUN(tags_are_the_registrys);
	RUN(nobody_else_is_asked_when_the_taker_fails);
	buf_release(&body);
	buf_release(&told);
	return test_end();
}
