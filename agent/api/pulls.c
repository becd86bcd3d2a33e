/*
 * POST /images/create: a pull, told in Docker's progress lines. The client's going away cancels it.
 * Progress has no back-pressure: what a slow client has no room for is left out, but not the end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/api/answer.h"
#include "agent/api/handlers.h"
#include "agent/api/request.h"
#include "agent/pull/pull.h"
#include "config/platform.h"
#include "lib/base64.h"
#include "lib/fd.h"
#include "lib/json.h"

#define AUTH_MAX 16384
#define SHORT_ID 12
#define LINE_ROOM 4096

struct puller {
	struct request *request;
	struct pull *pull; /* NULL: it has ended */
	struct reference ref;
	json_t *auth;
	json_t *complete; /* an object whose keys are the layers that have been told as such */
};

static void release_puller(struct request *request)
{
	struct puller *puller = request->data;

	if (puller->pull)
		pull_cancel(puller->pull);
	json_decref(puller->auth);
	json_decref(puller->complete);
	free(puller);
}

/* Once the head is out errors travel in the stream: so it waits until there is something to tell. */
static void begin(struct puller *puller)
{
	if (puller->request->replied)
		return;
	reply_begin(puller->request, 200, "application/json");
	reply_json_line(puller->request,
			answer_pack("{s:s+, s:s}", "status", "Pulling from ", puller->ref.repository,
				    "id", reference_selector(&puller->ref)));
}

/* The layer's name as docker shows it: the first digits. */
static json_t *short_id(const char *digest)
{
	const char *hex = strchr(digest, ':');
	char text[SHORT_ID + 1] = "";

	strncat(text, hex ? hex + 1 : digest, SHORT_ID);
	return answer_text(text);
}

/* It comes from another process than "complete", so it may come later. */
static void tell_progress(struct puller *puller, const json_t *progress)
{
	int64_t current = 0, total = 0;
	const char *layer = "";

	if (json_get_string(progress, "layer", &layer, NULL) <= 0 ||
	    json_get_int(progress, "current", &current, NULL) < 0 ||
	    json_get_int(progress, "total", &total, NULL) < 0 || json_object_get(puller->complete, layer))
		return;
	reply_json_line(puller->request, answer_pack("{s:s, s:{s:I, s:I}, s:o}", "status", "Downloading",
						     "progressDetail", "current", (json_int_t)current,
						     "total", (json_int_t)total, "id",
						     short_id(layer)));
}

static void tell_layer(struct puller *puller, const json_t *layer)
{
	const char *diff_id = "";

	if (json_get_string(layer, "diff_id", &diff_id, NULL) <= 0)
		return;
	json_object_set_new(puller->complete, diff_id, json_true());
	reply_json_line(puller->request, answer_pack("{s:s, s:{}, s:o}", "status", "Pull complete",
						     "progressDetail", "id", short_id(diff_id)));
}

static void on_progress(struct pull *pull, const json_t *line, void *data)
{
	struct puller *puller = data;
	const char *text;
	json_t *object;

	(void)pull;
	if (json_get_object(line, "progress", &object, NULL) > 0) {
		begin(puller);
		if (reply_room(puller->request) >= LINE_ROOM)
			tell_progress(puller, object);
	} else if (json_get_object(line, "layer", &object, NULL) > 0) {
		begin(puller);
		tell_layer(puller, object);
	} else if ((json_get_string(line, "status", &text, NULL) > 0 ||
		    json_get_string(line, "waiting", &text, NULL) > 0) &&
		   reply_room(puller->request) >= LINE_ROOM) {
		begin(puller);
		reply_json_line(puller->request, answer_pack("{s:o}", "status", answer_text(text)));
	}
}

static void tell_error(struct puller *puller, const struct err *err)
{
	if (!puller->request->replied) {
		reply_err(puller->request, err);
		return;
	}
	reply_json_line(puller->request,
			answer_pack("{s:{s:o}, s:o}", "errorDetail", "message", answer_text(err->text),
				    "error", answer_text(err->text)));
	reply_end(puller->request);
}

static void on_end(struct pull *pull, const struct pull_result *result, void *data)
{
	struct puller *puller = data;
	char name[REFERENCE_TEXT_SIZE];

	(void)pull;
	puller->pull = NULL;
	if (result->err.code) {
		tell_error(puller, &result->err);
		return;
	}
	begin(puller);
	reference_familiar(&puller->ref, name);
	reply_json_line(puller->request,
			answer_pack("{s:s+}", "status", "Digest: ", result->image.text));
	reply_json_line(puller->request,
			answer_pack("{s:s+}", "status",
				    result->was_present ? "Status: Image is up to date for " :
							  "Status: Downloaded newer image for ",
				    name));
	reply_end(puller->request);
}

/* X-Registry-Auth: base64url of {"username","password",...}; {} and no header are "none". */
static int read_auth(const char *header, json_t **out, struct err *err)
{
	struct buf BUF_CLEANUP text = BUF_INIT;
	json_t *json JSON_CLEANUP = NULL;
	const char *user = "", *password = "", *token = "";

	*out = NULL;
	if (!header || !*header)
		return 0;
	if (strlen(header) > AUTH_MAX || base64_decode(&text, header) < 0)
		return err_set(err, -EINVAL, "X-Registry-Auth is not base64");
	if (!text.size || (text.size == 4 && !memcmp(text.data, "null", 4)))
		return 0;
	if (json_parse(&json, text.data, text.size, "X-Registry-Auth", err) < 0 ||
	    json_get_string(json, "username", &user, err) < 0 ||
	    json_get_string(json, "password", &password, err) < 0 ||
	    json_get_string(json, "identitytoken", &token, err) < 0)
		return -EINVAL;
	if (*token)
		return err_set(err, -ENOTSUP,
			       "identity tokens are not supported: log in with a password or an access token");
	if (*user)
		*out = answer_pack("{s:s, s:s}", "username", user, "password", password);
	return 0;
}

static int check_platform(const char *text, struct err *err)
{
	char here[PLATFORM_TEXT_SIZE];
	struct platform platform;
	size_t size;

	if (!text || !*text)
		return 0;
	platform_current(&platform);
	platform_format(&platform, here);
	size = strlen(text);
	/* "linux/arm64" is fine for linux/arm64/v8. */
	if (!strncmp(here, text, size) && (!here[size] || here[size] == '/'))
		return 0;
	return err_set(err, -EINVAL, "platform %s: berth pulls for its own device only, which is %s", text,
		       here);
}

static int read_reference(const struct target *target, struct reference *ref, struct err *err)
{
	const char *image = target_get(target, "fromImage");
	const char *tag = target_get(target, "tag");
	bool has_tag = tag && *tag;

	if (target_get(target, "fromSrc"))
		return err_set(err, -ENOTSUP, "importing images is not supported");
	if (!image || !*image)
		return err_set(err, -EINVAL, "fromImage is missing");
	char *text FREE_CLEANUP = xasprintf("%s%s%s", image,
					    !has_tag ? "" : strchr(tag, ':') ? "@" : ":",
					    has_tag ? tag : "");

	return reference_parse(ref, text, err);
}

void on_image_create(struct request *request)
{
	struct pull_request pull = { .tag = true, .on_progress = on_progress, .on_end = on_end };
	struct puller *puller;
	struct err err = ERR_INIT;
	json_t *auth = NULL;

	if (read_reference(&request->target, &pull.reference, &err) < 0 ||
	    check_platform(target_get(&request->target, "platform"), &err) < 0 ||
	    read_auth(http_header(request->message, "X-Registry-Auth"), &auth, &err) < 0) {
		reply_err(request, &err);
		return;
	}
	puller = xcalloc(1, sizeof(*puller));
	puller->request = request;
	puller->ref = pull.reference;
	puller->auth = pull.auth = auth;
	puller->complete = json_object();
	request->data = pull.data = puller;
	request->release = release_puller;
	puller->pull = pull_start(request->agent, &pull);
}
