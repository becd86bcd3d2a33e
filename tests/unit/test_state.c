#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/run/start.h"
#include "agent/run/state.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/sys.h"

static char root[] = "/tmp/test_state.XXXXXX";
static struct err err;

static void ids(void)
{
	char longest[STATE_ID_MAX + 2];

	memset(longest, 'a', sizeof(longest));
	longest[STATE_ID_MAX] = '\0';
	CHECK_INT(state_check_id("a", NULL), 0);
	CHECK_INT(state_check_id("A-b_c+d.9", NULL), 0);
	CHECK_INT(state_check_id(longest, NULL), 0);
	longest[STATE_ID_MAX] = 'a';
	longest[STATE_ID_MAX + 1] = '\0';
	CHECK_INT(state_check_id(longest, NULL), -EINVAL);
	CHECK_INT(state_check_id("", NULL), -EINVAL);
	CHECK_INT(state_check_id(".", NULL), -EINVAL);
	CHECK_INT(state_check_id("..", NULL), -EINVAL);
	CHECK_INT(state_check_id("a/b", NULL), -EINVAL);
	CHECK_INT(state_check_id("a b", NULL), -EINVAL);
}

static void what_is_saved_comes_back(void)
{
	struct state state, back;

	REQUIRE(state_create(&state, root, "one", &err) == 0);
	state.pid = 77;
	state.start_ticks = 123456789012345;
	free(state.bundle);
	free(state.cgroup_path);
	state.bundle = xstrdup("/a \"quoted\" place");
	state.cgroup_path = xstrdup("/berth/one");
	state.annotations = xstrdup("{\"k\":\"v\"}");
	REQUIRE(state_save(&state, &err) == 0);
	REQUIRE(state_open(&back, root, "one", &err) == 0);
	CHECK_TEXT(back.id, "one");
	CHECK_TEXT(back.bundle, state.bundle);
	CHECK_TEXT(back.cgroup_path, state.cgroup_path);
	CHECK_TEXT(back.annotations, state.annotations);
	CHECK_INT(back.pid, 77);
	CHECK(back.start_ticks == 123456789012345);
	state_release(&state);
	state_release(&back);
}

static void ids_are_taken_and_given_back(void)
{
	struct state state;

	CHECK_INT(state_create(&state, root, "one", &err), -EEXIST);
	CHECK_TEXT(err.text, "container one exists already");
	state_release(&state);
	CHECK_INT(state_remove(root, "one", &err), 0);
	CHECK_INT(state_open(&state, root, "one", &err), -ENOENT);
	CHECK_TEXT(err.text, "container one does not exist");
	state_release(&state);
}

static void a_broken_file_is_an_error(void)
{
	struct state state;

	REQUIRE(state_create(&state, root, "two", &err) == 0);
	CHECK_INT(fd_replace_file_volatile(state.dirfd, "state.json", "{\"pid\":\"x\"}", 11, 0600),
		  0);
	state_release(&state);
	CHECK(state_open(&state, root, "two", &err) < 0);
	CHECK_TEXT(err.text, "container two: \"pid\" is not an integer");
	state_release(&state);
	state_remove(root, "two", NULL);
}

/* A process that waits to be killed, as the state knows it. */
static pid_t become_container(struct state *state)
{
	pid_t pid = fork();

	if (!pid) {
		pause();
		_exit(0);
	}
	state->pid = pid;
	sys_process_start(pid, &state->start_ticks);
	return pid;
}

static void the_status_is_found_out(void)
{
	FD_CLEANUP int listener = -1, pidfd = -1;
	struct state state;
	pid_t pid;

	REQUIRE(state_create(&state, root, "three", &err) == 0);
	CHECK_INT(state_find_status(&state), STATE_CREATING);
	pid = become_container(&state);
	listener = start_listen(&state, &err);
	REQUIRE(listener >= 0);
	CHECK_INT(state_find_status(&state), STATE_CREATED);
	CHECK_INT(state_find_status(&state), STATE_CREATED); /* asking is no start */
	fd_close(&listener);
	CHECK_INT(state_find_status(&state), STATE_RUNNING);
	pidfd = state_pidfd(&state, &err);
	CHECK(pidfd >= 0);

	state.start_ticks++; /* the pid of another process */
	CHECK_INT(state_find_status(&state), STATE_STOPPED);
	CHECK_INT(state_pidfd(&state, &err), -ESRCH);
	state.start_ticks--;

	kill(pid, SIGKILL);
	for (int i = 0; i < 1000 && state_find_status(&state) == STATE_RUNNING; i++)
		usleep(1000);
	CHECK_INT(state_find_status(&state), STATE_STOPPED); /* a zombie */
	waitpid(pid, NULL, 0);
	CHECK_INT(state_find_status(&state), STATE_STOPPED);
	state_release(&state);
	state_remove(root, "three", NULL);
}

/* Plays init: waits for the start, answers with `first`, and if that is ready perhaps with more. */
static pid_t play_init(int listener, const struct failure *first, const struct failure *second)
{
	pid_t pid = fork();

	if (!pid) {
		int sock = start_await(listener, NULL);

		if (first)
			report_send(sock, first->exit_code ? first : NULL);
		if (second)
			report_send(sock, second);
		_exit(0);
	}
	return pid;
}

static int start_with(const struct failure *first, const struct failure *second,
		      struct failure *failure)
{
	FD_CLEANUP int listener = -1;
	struct state state;
	pid_t pid;
	int rc;

	state_create(&state, root, "four", NULL);
	listener = start_listen(&state, NULL);
	pid = play_init(listener, first, second);
	fd_close(&listener);
	rc = start_request(&state, failure);
	waitpid(pid, NULL, 0);
	state_release(&state);
	state_remove(root, "four", NULL);
	return rc;
}

static void start_tells_how_it_went(void)
{
	struct failure ready = { 0 }, wrong = { .exit_code = EXIT_NOT_FOUND }, failure;

	err_set(&wrong.err, -ENOENT, "exec foo: not found");
	CHECK_INT(start_with(&ready, NULL, &failure), 0);
	CHECK_INT(start_with(&ready, &wrong, &failure), -ENOENT);
	CHECK_INT(failure.exit_code, EXIT_NOT_FOUND);
	CHECK_TEXT(failure.err.text, "exec foo: not found");
	CHECK_INT(start_with(&wrong, NULL, &failure), -ENOENT);
	CHECK(start_with(NULL, NULL, &failure) < 0);
	CHECK_INT(failure.exit_code, EXIT_RUNTIME);
	CHECK_TEXT(failure.err.text, "container four ended before it was started");
}

static void the_spec_has_its_form(void)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	JSON_CLEANUP json_t *json = NULL;
	const char *status = "";
	struct state state;

	REQUIRE(state_create(&state, root, "five", &err) == 0);
	state.pid = 1;
	state.start_ticks = 1; /* not that of pid 1 */
	state_format(&state, &text);
	REQUIRE(json_parse(&json, buf_text(&text), text.size, "state", &err) == 0);
	CHECK_INT(json_get_string(json, "status", &status, NULL), 1);
	CHECK_TEXT(status, "stopped");
	CHECK(json_object_get(json, "ociVersion") && json_object_get(json, "bundle"));
	CHECK_INT(json_integer_value(json_object_get(json, "pid")), 0);
	state_release(&state);
	state_remove(root, "five", NULL);
}

int main(void)
{
	if (!mkdtemp(root))
		return 1;
	RUN(ids);
	RUN(what_is_saved_comes_back);
	RUN(ids_are_taken_and_given_back);
	RUN(a_broken_file_is_an_error);
	RUN(the_status_is_found_out);
	RUN(start_tells_how_it_went);
	RUN(the_spec_has_its_form);
	fd_remove_tree(AT_FDCWD, root);
	return test_end();
}
