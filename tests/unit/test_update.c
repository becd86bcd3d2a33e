/* Runs the case files of tests/cases/update; their README has the grammar. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "agent/app/update.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "test.h"

#define CASE_DIR "tests/cases/update"
#define CASE_SIZE_MAX 65536

static void make_generation(const char *name, struct generation *generation)
{
	*generation = (struct generation){ 0 };
	memset(generation->container, name[0] - 'A' + 'a', CONTAINER_ID_SIZE - 1);
	if (name[1])
		generation->container[0] = name[1];
	digest_of(&generation->image, name, 1);
	generation->manifest = generation->config = generation->image;
	digest_of(&generation->settings, name + 1, strlen(name + 1));
	snprintf(generation->reference, sizeof(generation->reference), "%s", name);
	generation->settings_json = json_object();
}

/* The reference holds the name the case file used. */
static const char *generation_name(const struct generation *generation)
{
	return generation_exists(generation) ? generation->reference : "-";
}

static void put_refused(const struct record *record, char *text, size_t size)
{
	size_t used = 0;

	snprintf(text, size, "-");
	for (size_t i = 0; i < record->refused_count; i++)
		for (char letter = 'A'; letter <= 'Z'; letter++)
			for (char digit = '0'; digit <= '9'; digit++) {
				char name[3] = { letter, digit == '0' ? '\0' : digit };
				struct generation generation;

				make_generation(name, &generation);
				if (digest_equal(&generation.image, &record->refused[i].image) &&
				    digest_equal(&generation.settings, &record->refused[i].settings))
					used += (size_t)snprintf(text + used, size - used, "%s%s",
								 used ? "," : "", name);
				generation_release(&generation);
			}
}

static void put_field(const struct record *record, const char *name, char *text, size_t size)
{
	if (!strcmp(name, "phase"))
		snprintf(text, size, "%s", update_phase_names[record->phase]);
	else if (!strcmp(name, "current"))
		snprintf(text, size, "%s", generation_name(&record->current));
	else if (!strcmp(name, "previous"))
		snprintf(text, size, "%s", generation_name(&record->previous));
	else if (!strcmp(name, "trying"))
		snprintf(text, size, "%s", generation_name(&record->trying));
	else if (!strcmp(name, "last"))
		snprintf(text, size, "%s", update_last_names[record->last]);
	else if (!strcmp(name, "reason"))
		snprintf(text, size, "%s", record->reason[0] ? record->reason : "-");
	else if (!strcmp(name, "attempts"))
		snprintf(text, size, "%d", record->attempts);
	else if (!strcmp(name, "stopped"))
		snprintf(text, size, "%s", record->stopped ? "yes" : "no");
	else if (!strcmp(name, "refused"))
		put_refused(record, text, size);
	else
		snprintf(text, size, "(no such field)");
	for (char *p = text; *p; p++)
		if (*p == ' ')
			*p = '_';
}

static enum update_event_kind event_kind(const char *name)
{
	int kind;

	for (kind = 0; kind < UPDATE_EVENT_COUNT; kind++)
		if (!strcmp(name, update_event_names[kind]))
			break;
	return (enum update_event_kind)kind;
}

static void read_back(const struct record *record, struct record *out)
{
	JSON_CLEANUP json_t *json = record_to_json(record);
	BUF_CLEANUP struct buf text = BUF_INIT;
	struct err err = ERR_INIT;

	json_append(&text, json);
	if (!CHECK_INT(record_parse(out, text.data, text.size, &err), 0))
		fprintf(stderr, "%s\n", err.text);
}

static const struct generation *runs(const struct record *record, enum update_action action)
{
	switch (action) {
	case ACTION_RUN_CURRENT:
		return &record->current;
	case ACTION_RUN_TRYING:
	case ACTION_RETRY_TRYING:
	case ACTION_WATCH_TRYING:
		return &record->trying;
	default:
		return NULL;
	}
}

/* The power is cut right after `record` was written: does the device come up with one whole version? */
static void cut_power(const struct record *record)
{
	struct update_event boot = { .kind = UPDATE_BOOT }, started = { .kind = UPDATE_STARTED },
			    good = { .kind = UPDATE_GOOD };
	struct record after;
	enum update_action action;
	const struct generation *running;

	read_back(record, &after);
	CHECK_INT(after.phase, record->phase);
	CHECK_TEXT(generation_name(&after.current), generation_name(&record->current));
	CHECK_TEXT(generation_name(&after.trying), generation_name(&record->trying));
	CHECK_INT(after.refused_count, record->refused_count);
	action = update_next(&after, &boot);
	running = runs(&after, action);
	if (record->stopped)
		CHECK_INT(action, ACTION_STOP);
	else if (!generation_exists(&record->current) && !generation_exists(&record->trying))
		CHECK_INT(action, ACTION_INSTALL);
	else if (CHECK(running && generation_exists(running))) {
		action = update_next(&after, &started);
		if (action == ACTION_WATCH_TRYING)
			action = update_next(&after, &good);
		CHECK(after.phase == PHASE_IDLE || after.phase == PHASE_STAGED);
		CHECK(generation_exists(&after.current));
		CHECK(!strcmp(generation_name(&after.current), generation_name(&record->current)) ||
		      !strcmp(generation_name(&after.current), generation_name(&record->trying)));
	}
	record_release(&after);
}

static void check_fields(const struct record *record, char *expected)
{
	char *rest, actual[UPDATE_REASON_MAX];

	for (char *field = strtok_r(expected, " ", &rest); field; field = strtok_r(NULL, " ", &rest)) {
		char *value = strchr(field, '=');

		if (!CHECK(value))
			return;
		*value++ = '\0';
		put_field(record, field, actual, sizeof(actual));
		if (strcmp(actual, value))
			test_fail(CASE_DIR, 0, "%s is %s, not %s", field, actual, value);
	}
}

static char *trim(char *text)
{
	size_t size;

	text += strspn(text, " \t");
	size = strlen(text);
	while (size && strchr(" \t", text[size - 1]))
		text[--size] = '\0';
	return text;
}

/* "EVENT [GENERATION] [+apply] [+running]" */
static void read_event(char *text, struct update_event *event, struct generation *candidate)
{
	char *rest;

	event->kind = event_kind(strtok_r(text, " \t", &rest));
	CHECK(event->kind < UPDATE_EVENT_COUNT);
	for (char *word; (word = strtok_r(NULL, " \t", &rest));) {
		if (!strcmp(word, "+apply"))
			event->apply = true;
		else if (!strcmp(word, "+running"))
			event->running = true;
		else
			make_generation(word, candidate);
	}
	event->candidate = candidate;
}

/* `line` is "EVENT ... : REASON => ACTION FIELDS" and is taken apart in place. */
static void run_line(struct record *record, char *line)
{
	struct update_event event = { 0 };
	struct generation candidate = { 0 };
	char *arrow = strstr(line, "=>"), *colon, *rest, *expected;
	enum update_action action;

	if (!CHECK(arrow))
		return;
	*arrow = '\0';
	colon = strstr(line, " : ");
	if (colon) {
		*colon = '\0';
		event.reason = trim(colon + 3);
	}
	read_event(line, &event, &candidate);
	action = update_next(record, &event);
	expected = strtok_r(arrow + 2, " \t", &rest);
	CHECK_TEXT(update_action_names[action], expected);
	if (rest) /* behind the last word musl has NULL, glibc "" */
		check_fields(record, rest);
	generation_release(&candidate);
	cut_power(record);
}

static void run_text(const char *file, char *text)
{
	struct record record;
	char *rest, name[128] = "";
	int number = 0;

	record_init(&record);
	test_ok = true;
	for (char *line = text; line; line = rest) {
		rest = strchr(line, '\n');
		if (rest)
			*rest++ = '\0';
		number++;
		if (line[0] == '[') {
			record_release(&record);
			snprintf(name, sizeof(name), "%s", line);
		} else if (line[0] && line[0] != '#') {
			bool was_ok = test_ok;

			test_ok = true;
			run_line(&record, line);
			if (!test_ok)
				fprintf(stderr, "  at %s:%d %s\n", file, number, name);
			test_ok = test_ok && was_ok;
		}
	}
	record_release(&record);
}

static void run_file(const char *name)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	char path[300];

	snprintf(path, sizeof(path), CASE_DIR "/%s", name);
	test_ok = true;
	if (CHECK_INT(fd_read_file(AT_FDCWD, path, &text, CASE_SIZE_MAX), 0))
		run_text(name, text.data);
	if (test_ok)
		test_passed++;
	else
		test_failed++;
}

static void run_case_files(void)
{
	struct dirent *entry;
	DIR *dir = opendir(CASE_DIR);
	int count = 0;

	REQUIRE(dir);
	while ((entry = readdir(dir)))
		if (strstr(entry->d_name, ".case")) {
			run_file(entry->d_name);
			count++;
		}
	closedir(dir);
	test_ok = true;
	CHECK(count >= 4);
}

static void refusals_are_bounded(void)
{
	struct record record;

	record_init(&record);
	make_generation("A", &record.current);
	for (int i = 0; i < UPDATE_REFUSED_MAX + 3; i++) {
		struct update_event stage = { .kind = UPDATE_STAGE, .apply = true };
		struct generation candidate;
		char name[2] = { (char)('B' + i), '\0' };

		make_generation(name, &candidate);
		stage.candidate = &candidate;
		update_next(&record, &stage);
		update_next(&record, &(struct update_event){ .kind = UPDATE_BAD, .reason = "x" });
		update_next(&record, &(struct update_event){ .kind = UPDATE_STARTED });
		CHECK(update_is_refused(&record, &candidate.image, &candidate.settings));
		generation_release(&candidate);
	}
	CHECK_INT(record.refused_count, UPDATE_REFUSED_MAX);
	CHECK_INT(record.refused_count, UPDATE_REFUSED_MAX);
	record_release(&record);
}

/* The owners of an app's files must not change over a reboot, nor the records of apps without. */
static void own_ids_are_kept(void)
{
	struct record record, after;
	json_t *json;

	record_init(&record);
	json = record_to_json(&record);
	CHECK(!json_object_get(json, "first_id"));
	json_decref(json);
	record.first_id = 524288;
	read_back(&record, &after);
	CHECK_INT(after.first_id, 524288);
	record_release(&after);
	record_release(&record);
}

static void broken_records_are_told(void)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{ "", "not valid JSON" },
		{ "[]", "not a JSON object" },
		{ "{}", "\"phase\" is missing" },
		{ "{\"phase\":\"x\"}", "unknown value" },
		{ "{\"phase\":\"staged\",\"last\":\"none\",\"reason\":\"\",\"attempts\":0,\"stopped\":false}",
		  "without a candidate" },
		{ "{\"phase\":\"idle\",\"last\":\"none\",\"reason\":\"\",\"attempts\":9,\"stopped\":false}",
		  "out of range" },
		{ "{\"phase\":\"idle\",\"last\":\"none\",\"reason\":\"\",\"attempts\":0,\"stopped\":false,"
		  "\"first_id\":4294967290}",
		  "\"first_id\" is out of range" },
		{ "{\"phase\":\"idle\",\"last\":\"none\",\"reason\":\"\",\"attempts\":0,\"stopped\":false,"
		  "\"current\":{\"container\":\"../../etc\"}}",
		  "not a container ID" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_INIT;
		struct record record;

		CHECK_INT(record_parse(&record, cases[i].text, strlen(cases[i].text), &err), -EINVAL);
		CHECK_HAS(err.text, cases[i].reason);
	}
}

int main(void)
{
	RUN(run_case_files);
	RUN(refusals_are_bounded);
	RUN(own_ids_are_kept);
	RUN(broken_records_are_told);
	return test_end();
}
