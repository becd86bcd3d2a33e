/* list: the containers that --root holds. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/run/runtime.h"
#include "agent/run/state.h"
#include "lib/fd.h"

#define EXIT_FAILED 1

struct listing {
	bool json, quiet;
	size_t shown;
};

static void show_row(const struct state *state)
{
	enum state_status status = state_find_status(state);
	int pid = status == STATE_STOPPED ? 0 : (int)state->pid;

	printf("%-20s  %-8d  %-8s  %-40s  %-30s  root\n", state->id, pid,
	       state_status_name(status), state->bundle, state->created);
}

static void show(struct listing *listing, const struct state *state)
{
	BUF_CLEANUP struct buf text = BUF_INIT;

	if (listing->quiet) {
		puts(state->id);
	} else if (listing->json) {
		state_format(state, &text);
		printf("%s%s", listing->shown ? "," : "[", buf_text(&text));
	} else {
		if (!listing->shown)
			printf("%-20s  %-8s  %-8s  %-40s  %-30s  OWNER\n", "ID", "PID", "STATUS",
			       "BUNDLE", "CREATED");
		show_row(state);
	}
	listing->shown++;
}

static int is_container(const struct dirent *entry)
{
	return state_check_id(entry->d_name, NULL) == 0;
}

static int list(const char *root, struct listing *listing, struct err *err)
{
	struct dirent **entries = NULL;
	int count = scandir(root, &entries, is_container, alphasort);

	/* Nothing was ever made there. */
	if (count < 0 && errno == ENOENT)
		return 0;
	if (count < 0)
		return err_sys(err, "list %s", root);
	for (int i = 0; i < count; i++) {
		struct state state;

		/* One that was deleted meanwhile is none. */
		if (state_open(&state, root, entries[i]->d_name, NULL) == 0)
			show(listing, &state);
		state_release(&state);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

int runtime_list(struct runtime *runtime, int argc, char **argv)
{
	static const struct option options[] = { { "format", required_argument, NULL, 'f' },
						 { "quiet", no_argument, NULL, 'q' },
						 { 0 } };
	struct listing listing = { 0 };
	int option;

	while ((option = runtime_option(runtime, argc, argv, "f:q", options)) != -1) {
		if (option == 'q')
			listing.quiet = true;
		else if (option != 'f' || runtime_format(runtime, optarg, &listing.json))
			return runtime->failure.exit_code;
	}
	if (optind < argc)
		return runtime_usage(runtime, "list takes no argument");
	if (list(runtime->root, &listing, &runtime->failure.err) < 0)
		return EXIT_FAILED;
	if (listing.json && !listing.quiet)
		puts(listing.shown ? "]" : "[]");
	return 0;
}
