#include "agent/app/update.h"

#include <stdio.h>
#include <string.h>

#include "lib/utf8.h"

const char *const update_phase_names[PHASE_COUNT] = {
	[PHASE_IDLE] = "idle",
	[PHASE_STAGED] = "staged",
	[PHASE_SWITCHING] = "switching",
	[PHASE_PROBATION] = "probation",
	[PHASE_ROLLING_BACK] = "rolling-back",
};

const char *const update_last_names[LAST_COUNT] = {
	[LAST_NONE] = "none",
	[LAST_UPDATED] = "updated",
	[LAST_ROLLED_BACK] = "rolled-back",
	[LAST_FAILED] = "failed",
};

const char *const update_event_names[UPDATE_EVENT_COUNT] = {
	[UPDATE_BOOT] = "boot",
	[UPDATE_STAGE] = "stage",
	[UPDATE_APPLY] = "apply",
	[UPDATE_STARTED] = "started",
	[UPDATE_START_FAILED] = "start-failed",
	[UPDATE_NO_ROOM] = "no-room",
	[UPDATE_GOOD] = "good",
	[UPDATE_BAD] = "bad",
	[UPDATE_ROLLBACK] = "rollback",
	[UPDATE_STOP] = "stop",
	[UPDATE_START] = "start",
	[UPDATE_DROP] = "drop",
	[UPDATE_PARDON] = "pardon",
};

const char *const update_action_names[ACTION_COUNT] = {
	[ACTION_NONE] = "none",
	[ACTION_INSTALL] = "install",
	[ACTION_RUN_CURRENT] = "run-current",
	[ACTION_RUN_TRYING] = "run-trying",
	[ACTION_RETRY_TRYING] = "retry-trying",
	[ACTION_WATCH_TRYING] = "watch-trying",
	[ACTION_SETTLE] = "settle",
	[ACTION_STOP] = "stop",
};

bool generation_exists(const struct generation *generation)
{
	return generation->container[0];
}

bool generation_is(const struct generation *generation, const struct digest *image,
		   const struct digest *settings)
{
	return generation_exists(generation) && digest_equal(&generation->image, image) &&
	       digest_equal(&generation->settings, settings);
}

void generation_copy(struct generation *to, const struct generation *from)
{
	*to = *from;
	json_incref(to->settings_json);
}

void generation_release(struct generation *generation)
{
	json_decref(generation->settings_json);
	*generation = (struct generation){ 0 };
}

void record_init(struct record *record)
{
	*record = (struct record){ 0 };
}

void record_copy(struct record *to, const struct record *from)
{
	*to = *from;
	json_incref(to->current.settings_json);
	json_incref(to->previous.settings_json);
	json_incref(to->trying.settings_json);
}

void record_release(struct record *record)
{
	generation_release(&record->current);
	generation_release(&record->previous);
	generation_release(&record->trying);
	record_init(record);
}

static size_t find_refusal(const struct record *record, const struct digest *image,
			   const struct digest *settings)
{
	size_t i;

	for (i = 0; i < record->refused_count; i++)
		if (digest_equal(&record->refused[i].image, image) &&
		    digest_equal(&record->refused[i].settings, settings))
			break;
	return i;
}

bool update_is_refused(const struct record *record, const struct digest *image,
		       const struct digest *settings)
{
	return find_refusal(record, image, settings) < record->refused_count;
}

bool update_is_on_trial(const struct record *record)
{
	return record->phase == PHASE_SWITCHING || record->phase == PHASE_PROBATION;
}

static void forget_refusal(struct record *record, size_t at)
{
	record->refused_count--;
	memmove(&record->refused[at], &record->refused[at + 1],
		(record->refused_count - at) * sizeof(record->refused[0]));
}

static void pardon(struct record *record, const struct generation *generation)
{
	size_t at = find_refusal(record, &generation->image, &generation->settings);

	if (at < record->refused_count)
		forget_refusal(record, at);
}

static void refuse(struct record *record, const struct generation *generation)
{
	if (update_is_refused(record, &generation->image, &generation->settings))
		return;
	if (record->refused_count == UPDATE_REFUSED_MAX)
		forget_refusal(record, 0);
	record->refused[record->refused_count++] = (struct refusal){
		.image = generation->image,
		.settings = generation->settings,
	};
}

static void set_reason(struct record *record, const char *reason)
{
	snprintf(record->reason, sizeof(record->reason), "%s", reason ? reason : "");
	utf8_make_printable(record->reason); /* its end may be cut, and it goes into JSON */
}

static void drop_trying(struct record *record)
{
	generation_release(&record->trying);
	record->attempts = 0;
}

static enum update_action begin_switch(struct record *record)
{
	record->phase = PHASE_SWITCHING;
	record->attempts = 0;
	return ACTION_RUN_TRYING;
}

static enum update_action begin_rollback(struct record *record, const char *reason)
{
	set_reason(record, reason);
	record->phase = PHASE_ROLLING_BACK;
	return ACTION_RUN_CURRENT;
}

/* The candidate is bad. Without a current one there is nothing to go back to: keep trying it. */
static enum update_action fail_trying(struct record *record, const char *reason)
{
	if (generation_exists(&record->current))
		return begin_rollback(record, reason);
	record->last = LAST_FAILED;
	set_reason(record, reason);
	return ACTION_RETRY_TRYING;
}

/* A good version must not be refused for a full disk: it waits, and what ran before runs again meanwhile. */
static enum update_action put_back(struct record *record)
{
	if (!generation_exists(&record->current))
		return ACTION_RETRY_TRYING;
	record->phase = PHASE_STAGED;
	record->attempts = 0;
	return ACTION_RUN_CURRENT;
}

static enum update_action end_rollback(struct record *record)
{
	if (generation_exists(&record->trying))
		refuse(record, &record->trying);
	drop_trying(record);
	record->phase = PHASE_IDLE;
	record->last = LAST_ROLLED_BACK;
	return ACTION_SETTLE;
}

/* What ran before can't run any more: tried on, but a corrected image or agent.ini is looked at again. */
static enum update_action give_up_rollback(struct record *record)
{
	return record->phase == PHASE_ROLLING_BACK ? end_rollback(record) : ACTION_NONE;
}

static enum update_action accept_trying(struct record *record)
{
	generation_release(&record->previous);
	record->previous = record->current;
	record->current = record->trying;
	record->trying = (struct generation){ 0 };
	record->attempts = 0;
	record->phase = PHASE_IDLE;
	record->last = LAST_UPDATED;
	set_reason(record, "");
	return ACTION_SETTLE;
}

/* A new candidate replaces one that is staged, or one on trial that has nothing to go back to. */
static enum update_action stage(struct record *record, const struct update_event *event)
{
	bool can_replace = record->phase == PHASE_IDLE || record->phase == PHASE_STAGED ||
			   !generation_exists(&record->current);

	if (!can_replace)
		return ACTION_NONE;
	drop_trying(record);
	generation_copy(&record->trying, event->candidate);
	record->phase = PHASE_STAGED;
	if (event->apply && !record->stopped)
		return begin_switch(record);
	return ACTION_NONE;
}

/* With no trial under way the running generation takes the candidate's place and is rolled back. */
static enum update_action roll_back_by_user(struct record *record)
{
	const char *reason = "asked for by the user";

	if (update_is_on_trial(record))
		return generation_exists(&record->current) ? begin_rollback(record, reason) :
							     ACTION_NONE;
	if (record->phase == PHASE_ROLLING_BACK || !generation_exists(&record->previous))
		return ACTION_NONE;
	drop_trying(record);
	record->trying = record->current;
	record->current = record->previous;
	record->previous = (struct generation){ 0 };
	return begin_rollback(record, reason);
}

static enum update_action run_what_is_due(struct record *record)
{
	switch (record->phase) {
	case PHASE_SWITCHING:
	case PHASE_PROBATION:
		return ACTION_RUN_TRYING;
	case PHASE_IDLE:
	case PHASE_STAGED:
	case PHASE_ROLLING_BACK:
		return generation_exists(&record->current) ? ACTION_RUN_CURRENT : ACTION_INSTALL;
	case PHASE_COUNT:
		break;
	}
	return ACTION_NONE;
}

/* A board that reboots whenever the candidate runs never reports "bad": count the boots. */
static enum update_action boot_into_trial(struct record *record, bool running)
{
	if (running || !generation_exists(&record->current))
		return ACTION_RUN_TRYING;
	if (++record->attempts >= UPDATE_ATTEMPTS_MAX)
		return begin_rollback(record, "the device restarted too often during probation");
	return ACTION_RUN_TRYING;
}

static enum update_action boot(struct record *record, const struct update_event *event)
{
	if (record->stopped)
		return ACTION_STOP;
	switch (record->phase) {
	case PHASE_SWITCHING:
	case PHASE_PROBATION:
		return boot_into_trial(record, event->running);
	case PHASE_STAGED:
		if (event->apply || !generation_exists(&record->current))
			return begin_switch(record);
		return run_what_is_due(record);
	case PHASE_IDLE:
	case PHASE_ROLLING_BACK:
		return run_what_is_due(record);
	case PHASE_COUNT:
		break;
	}
	return ACTION_NONE;
}

/* What was staged while it was stopped waits for policy, unless there is nothing else to run. */
static enum update_action start(struct record *record)
{
	if (record->phase == PHASE_STAGED && !generation_exists(&record->current))
		return begin_switch(record);
	return run_what_is_due(record);
}

static enum update_action started(struct record *record)
{
	switch (record->phase) {
	case PHASE_SWITCHING:
	case PHASE_PROBATION:
		record->phase = PHASE_PROBATION;
		return ACTION_WATCH_TRYING;
	case PHASE_ROLLING_BACK:
		return end_rollback(record);
	case PHASE_IDLE:
	case PHASE_STAGED:
	case PHASE_COUNT:
		break;
	}
	return ACTION_NONE;
}


enum update_action update_next(struct record *record, const struct update_event *event)
{
	switch (event->kind) {
	case UPDATE_BOOT:
		return boot(record, event);
	case UPDATE_STAGE:
		return stage(record, event);
	case UPDATE_APPLY:
		return record->phase == PHASE_STAGED && !record->stopped ? begin_switch(record) :
									   ACTION_NONE;
	case UPDATE_STARTED:
		return started(record);
	case UPDATE_START_FAILED:
		return update_is_on_trial(record) ? fail_trying(record, event->reason) :
						    give_up_rollback(record);
	case UPDATE_BAD:
		/* Outside a trial the restart policy of the app decides, not the record. */
		return update_is_on_trial(record) ? fail_trying(record, event->reason) : ACTION_NONE;
	case UPDATE_NO_ROOM:
		return update_is_on_trial(record) ? put_back(record) : give_up_rollback(record);
	case UPDATE_GOOD:
		/* While switching: one that ran to its good end when no agent looked. */
		return update_is_on_trial(record) ? accept_trying(record) : ACTION_NONE;
	case UPDATE_ROLLBACK:
		return roll_back_by_user(record);
	case UPDATE_STOP:
		record->stopped = true;
		return ACTION_STOP;
	case UPDATE_START:
		record->stopped = false;
		return start(record);
	case UPDATE_PARDON:
		pardon(record, event->candidate);
		return ACTION_NONE;
	case UPDATE_DROP:
		if (record->phase != PHASE_STAGED)
			return ACTION_NONE;
		drop_trying(record);
		record->phase = PHASE_IDLE;
		return ACTION_NONE;
	case UPDATE_EVENT_COUNT:
		break;
	}
	return ACTION_NONE;
}
