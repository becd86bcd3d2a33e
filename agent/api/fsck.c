/*
 * POST /berth/fsck[?repair=1]: looks through the store in a helper, told in lines of JSON: its reports as they
 * are (agent/helper/fsck.c); with repair, after a round of healing, all that is still damaged a second time; last
 * {"summary":{"found":n,"left":n,"why":TEXT}} or {"error":TEXT}.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/api/answer.h"
#include "agent/api/handlers.h"
#include "agent/api/request.h"
#include "agent/app/app.h"
#include "agent/upkeep/check.h"
#include "agent/upkeep/fsck_look.h"
#include "agent/upkeep/heal.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"
#include "store/tag.h"

#define LINE_ROOM 16384

struct checker {
	struct request *request;
	struct agent *agent;
	struct check *check;
	bool repair, is_second;
	int64_t found, left;
};

/* The client has gone: what is found and healed meanwhile stays so. */
static void release_checker(struct request *request)
{
	struct checker *checker = request->data;

	if (checker->check)
		check_stop(checker->check);
	if (checker->agent->heal.data == checker) {
		checker->agent->heal.on_round = NULL;
		checker->agent->heal.data = NULL;
	}
	free(checker);
}

/* What only the agent can write again, or has to forget. */
static void repair_file(struct checker *checker, const char *file)
{
	struct agent *agent = checker->agent;
	struct err err = ERR_INIT;
	struct app *app;

	if (!strncmp(file, "apps/", 5) && (app = app_find(agent, file + 5)))
		app_save(app);
	else if (!strncmp(file, "tags/", 5) && tag_remove_file(&agent->store, file + 5, &err) < 0)
		log_warn("fsck: %s", err.text);
}

static void take_damage(struct checker *checker, const json_t *damage)
{
	const char *kind = "", *file = "";

	json_get_string(damage, "kind", &kind, NULL);
	json_get_string(damage, "file", &file, NULL);
	if (!fsck_is_damage(kind))
		return;
	if (checker->is_second) {
		checker->left++;
		return;
	}
	checker->found++;
	if (checker->repair)
		repair_file(checker, file);
}

static void on_line(const json_t *line, void *data)
{
	struct checker *checker = data;
	json_t *damage;

	if (json_get_object(line, "damage", &damage, NULL) <= 0)
		return;
	take_damage(checker, damage);
	/* A slow client misses findings, not their number. */
	if (reply_room(checker->request) >= LINE_ROOM)
		reply_json_line(checker->request,
				answer_pack("{s:O, s:b}", "damage", damage, "left", checker->is_second));
}

static void end(struct checker *checker, const struct err *err)
{
	int64_t left = checker->is_second ? checker->left : checker->found;

	if (err->code)
		reply_json_line(checker->request, answer_pack("{s:o}", "error", answer_text(err->text)));
	else
		reply_json_line(checker->request,
				answer_pack("{s:{s:I, s:I, s:o}}", "summary", "found",
					    (json_int_t)checker->found, "left", (json_int_t)left, "why",
					    answer_text(left ? checker->agent->heal.err.text : "")));
	reply_end(checker->request);
}

static void look(struct checker *checker);

static void healed(struct agent *agent, void *data)
{
	struct checker *checker = data;

	agent->heal.data = NULL;
	checker->is_second = true;
	look(checker);
}

static void looked(const struct err *err, void *data)
{
	struct checker *checker = data;
	struct err busy = ERR_INIT;

	checker->check = NULL;
	if (err->code || !checker->found || !checker->repair || checker->is_second) {
		end(checker, err);
		return;
	}
	if (checker->agent->heal.on_round) { /* set while this one was looking */
		err_set(&busy, -EBUSY, "the store is being repaired already: try again when that has ended");
		end(checker, &busy);
		return;
	}
	checker->agent->heal.on_round = healed;
	checker->agent->heal.data = checker;
	heal_now(checker->agent);
}

static void look(struct checker *checker)
{
	const struct check_request request = {
		.depth = CHECK_CONTENT, .on_line = on_line, .on_end = looked, .data = checker,
	};
	struct err err = ERR_INIT;

	checker->check = check_start(checker->agent, &request, &err);
	if (!checker->check)
		end(checker, &err);
}

void on_berth_fsck(struct request *request)
{
	const char *repair = target_get(&request->target, "repair");
	struct checker *checker;

	if (request->agent->heal.on_round) {
		reply_error(request, 409, "the store is being repaired already: try again when that has ended");
		return;
	}
	checker = xcalloc(1, sizeof(*checker));
	checker->request = request;
	checker->agent = request->agent;
	checker->repair = repair && !strcmp(repair, "1");
	request->data = checker;
	request->release = release_checker;
	reply_begin(request, 200, "application/json");
	look(checker);
}
