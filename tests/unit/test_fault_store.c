/*
 * Every system call of commits, repairs, records, tags, gc and opening fails once, or is the last one before the power goes.
 * After each: the store opens, images in it are whole, records and tags are the old or the new one, and doing it
 * again gets there.
 *
 * LDFLAGS: -Wl,--wrap=openat,--wrap=write,--wrap=pwrite,--wrap=fsync,--wrap=fdatasync,--wrap=ftruncate,--wrap=renameat,--wrap=unlinkat,--wrap=mkdirat,--wrap=sys_exchange
 */
#define SCRATCH_PARENT "/dev/shm"

#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/json.h"
#include "store/file.h"
#include "store/gc.h"
#include "store/record.h"
#include "store/suspect.h"
#include "store/sweep.h"
#include "store/unfinished.h"
#include "store/writable.h"
#include "tests/fault/inject.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/test.h"

#define CALLS_MAX 2000
#define TAG "docker.io/library/app:stable"

static struct scratch scratch;
static char path[128];
static struct fixture_image old, new;

/* --- the operations, from the same store each time --- */

static int open_store(struct store *store, struct err *err)
{
	return store_open(store, path, err);
}

static int do_pull(struct store *store, struct err *err)
{
	return fixture_pull(store, &new, "abc", err);
}

/* --- a damaged layer, and one that can't change places with its successor --- */

static bool cannot_exchange; /* the file system */
static bool may_be_absent;   /* after what comes: the layer */

int __real_sys_exchange(int dirfd, const char *a, const char *b);
int __wrap_sys_exchange(int dirfd, const char *a, const char *b);
int __wrap_sys_exchange(int dirfd, const char *a, const char *b)
{
	int rc = -1;

	if (inject_before("sys_exchange"))
		return -1;
	errno = EINVAL;
	if (!cannot_exchange)
		rc = __real_sys_exchange(dirfd, a, b);
	inject_after();
	return rc;
}

static void damage_layer(struct store *store)
{
	struct digest id;
	char name[PATH_MAX];

	fixture_diff_id('a', &id);
	snprintf(name, sizeof(name), "%.64s/fs", digest_hex(&id));
	FD_CLEANUP int fs = openat(store->layers, name, O_RDONLY | O_DIRECTORY);
	CHECK_INT(fd_replace_file_volatile(fs, "file", "damaged", 7, 0644), 0);
}

static const char *look_at_repaired(const struct store *store)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	struct digest id;
	char name[PATH_MAX], aside[LAYER_OLD_SIZE];

	fixture_diff_id('a', &id);
	snprintf(name, sizeof(name), "%.64s/fs/file", digest_hex(&id));
	layer_old_name(store, digest_hex(&id), aside);
	if (fd_read_file(store->layers, name, &text, 16) < 0 || strcmp(buf_text(&text), "content") != 0)
		return "the layer is not repaired";
	return strstr(aside, ".old1") ? NULL : "an old tree is left";
}

/* That it is suspect is the memory of one agent. */
static int do_repair(struct store *store, struct err *err)
{
	const char *wrong;
	struct digest id;
	int rc;

	fixture_diff_id('a', &id);
	suspect_add(store, &id);
	rc = fixture_pull(store, &old, "ad", err);
	suspect_clear(store, &id);
	if (rc >= 0)
		rc = layer_retire_old(store);
	if (rc < 0)
		return err->code ? rc : err_set(err, rc, "retire: %s", strerror(-rc));
	wrong = look_at_repaired(store);
	return wrong ? err_set(err, -EINVAL, "%s", wrong) : 0;
}

static int do_tag(struct store *store, struct err *err)
{
	return fixture_tag(store, &new, TAG, err);
}

static bool unsynced_record; /* counts: the next one would be written over what may be the record on the disk */

static int do_record(struct store *store, struct err *err)
{
	BUF_CLEANUP struct buf record = BUF_INIT;
	int rc = record_save(store, "app", "the new record", 14, err);

	if (rc < 0 && inject.kind == INJECT_FAIL && !strcmp(inject.last ?: "", "fdatasync"))
		unsynced_record = record_load(store, "app", &record, NULL) < 0 ||
				  strcmp(buf_text(&record), "the old record");
	return rc;
}

static int do_gc(struct store *store, struct err *err)
{
	struct gc_keep keep = { .configs = &new.config, .config_count = 1 };

	return gc(store, &keep, NULL, err);
}

/* The tag keeps the old image. */
static int do_gc_tagged(struct store *store, struct err *err)
{
	int rc = gc(store, &(struct gc_keep){ 0 }, NULL, err);

	if (rc == 0 && (!image_exists(store, &old.config) || image_exists(store, &new.config)))
		rc = err_set(err, -EINVAL, "the wrong image went");
	return rc;
}

static int do_volume(struct store *store, struct err *err)
{
	int rc = volume_remove(store, "data", err);

	return rc == -ENOENT ? 0 : rc;
}

static int do_container(struct store *store, struct err *err)
{
	struct container_dir dir;
	int rc = container_dir_remove(store, "c0", err);

	return rc ? rc : container_dir_open(store, "c1", 0, &dir, err);
}

/* A pull is begun, and nobody wants it any more. What gc makes of the record: test_gc. */
static int do_unfinished(struct store *store, struct err *err)
{
	struct unfinished *pulls, one = { .image = new.manifest, .reference = TAG };
	size_t count;
	int rc;

	fixture_diff_id('b', &one.layers[0]);
	one.layer_count = 1;
	rc = unfinished_save(store, &one, err) ?: unfinished_remove(store, &new.manifest, err) ?:
	     unfinished_list(store, &pulls, &count, err);
	if (rc < 0)
		return rc;
	free(pulls);
	return count ? err_set(err, -EINVAL, "the record of a pull is still there") : 0;
}

static int do_sweep(struct store *store, struct err *err)
{
	struct container_dir dir;
	int rc = container_dir_remove(store, "c0", err) ?: container_dir_open(store, "c0", 0, &dir, err);

	return rc ? rc : sweep(store->staging, err);
}

static int do_reopen(struct store *store, struct err *err)
{
	store_close(store);
	return open_store(store, err);
}

/* What was tried of the file system (store/trial.h) need not be tried a thousand times. */
static void remove_store(void)
{
	BUF_CLEANUP struct buf tried = BUF_INIT;
	int rc = fd_read_file(scratch.fd, "store/tried", &tried, 512);
	FD_CLEANUP int dir = -1;

	fd_remove_tree(scratch.fd, "store");
	dir = fd_open_dir(scratch.fd, "store", 0700);
	if (rc == 0)
		fd_replace_file_volatile(dir, "tried", tried.data, tried.size, 0600);
}

enum extra { NOTHING, NEW_IMAGE, NEW_IMAGE_NO_TAG, DAMAGED };

/* gc needs something to take. */
static void prepare(enum extra extra)
{
	struct err err = ERR_INIT;
	struct container_dir dir;
	struct store store;
	char volume[PATH_MAX];

	remove_store();
	CHECK_INT(open_store(&store, &err), 0);
	CHECK_INT(fixture_pull(&store, &old, "ad", &err), 0);
	CHECK_INT(fixture_tag(&store, &old, TAG, &err), 0);
	/* Which will be written over. */
	CHECK_INT(record_save(&store, "app", "the record before the old one", 29, &err), 0);
	CHECK_INT(record_save(&store, "app", "the old record", 14, &err), 0);
	CHECK_INT(container_dir_open(&store, "c0", 0, &dir, &err), 0);
	CHECK_INT(volume_open(&store, "data", volume, &err), 1);
	if (extra == DAMAGED)
		damage_layer(&store);
	else if (extra != NOTHING)
		CHECK_INT(fixture_pull(&store, &new, "abc", &err), 0);
	if (extra == NEW_IMAGE_NO_TAG)
		CHECK_INT(image_untag(&store, TAG, &err), 0);
	store_close(&store);
}

/* Something for the next store_open() to remove. */
static void leave_leftovers(void)
{
	struct store store;
	struct stage stage;
	struct err err = ERR_INIT;

	CHECK_INT(open_store(&store, &err), 0);
	CHECK_INT(stage_open(&stage, &store, &err), 0);
	fixture_stage_layer(&stage, 0);
	close(stage.dirfd);
	CHECK_INT(fd_replace_file_volatile(store.apps, ".web.new", "x", 1, 0600), 0);
	CHECK_INT(mkdirat(store.layers, "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
			  0700), 0);
	store_close(&store);
}

/* --- what must hold whenever the store is opened --- */

static bool is_whole(const struct store *store, const struct digest *config)
{
	struct image_config *image;
	int rc;

	if (!image_exists(store, config))
		return true;
	if (image_load(store, config, &image, NULL, NULL) < 0)
		return false;
	rc = image_check_layers(store, image, NULL);
	image_config_free(image);
	return rc == 0;
}

static bool is_empty(int dir)
{
	char **names;
	bool empty = file_names(dir, &names) == 0 && !*names;

	free_strings(names);
	return empty;
}

static const char *problem(const struct store *store)
{
	BUF_CLEANUP struct buf record = BUF_INIT;
	struct tag tag;
	int rc;

	if (!may_be_absent && (!is_whole(store, &old.config) || !is_whole(store, &new.config)))
		return "an image without its layers";
	if (record_load(store, "app", &record, NULL) < 0 ||
	    (strcmp(buf_text(&record), "the old record") != 0 &&
	     strcmp(buf_text(&record), "the new record") != 0))
		return "a record that is neither old nor new";
	if (unsynced_record)
		return "a record counts that is not on the disk";
	rc = tag_load(store, TAG, &tag, NULL);
	if (rc < 0 && rc != -ENOENT)
		return "a damaged tag";
	if (rc == 0 && digest_equal(&tag.config, &old.config) && !image_exists(store, &old.config))
		return "a tag without its image";
	return NULL;
}

/* --- running one operation with one fault --- */

struct operation {
	const char *name;
	int (*run)(struct store *store, struct err *err);
	enum extra extra;
	bool leftovers;
};

/* In a child: 0 all right, INJECT_DIED died as planned, 2 wrong, 3 there are fewer calls than that. */
static int run_child(const struct operation *operation, enum inject_kind kind, int error, int at)
{
	struct err err = ERR_INIT;
	struct store store;
	const char *wrong;
	bool hit;
	int rc;

	if (open_store(&store, &err) < 0) {
		fprintf(stderr, "open: %s\n", err.text);
		return 2;
	}
	if (operation->leftovers)
		store_close(&store), leave_leftovers(), open_store(&store, &err);
	inject_arm(kind, error, at);
	rc = operation->run(&store, &err);
	hit = inject_disarm();
	if (!hit)
		return rc == 0 ? 3 : 2;
	if (rc < 0 && !err.text[0]) {
		fprintf(stderr, "no reason was given\n");
		return 2;
	}
	if (store.dirfd < 0)
		open_store(&store, &err);
	wrong = problem(&store);
	if (!wrong && operation->run(&store, &err) < 0)
		wrong = err.text;
	if (!wrong)
		wrong = problem(&store);
	if (wrong)
		fprintf(stderr, "%s: %s\n", inject.last, wrong);
	store_close(&store);
	return wrong ? 2 : 0;
}

static int fork_child(const struct operation *operation, enum inject_kind kind, int error, int at)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid)
		_exit(run_child(operation, kind, error, at));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

/* After the fault, the next agent start. */
static void check_next_start(const struct operation *operation, const char *what)
{
	struct err err = ERR_INIT;
	struct store store;
	const char *wrong;

	if (open_store(&store, &err) < 0) {
		test_fail(__FILE__, __LINE__, "%s, %s: then %s\n", operation->name, what, err.text);
		return;
	}
	wrong = problem(&store);
	if (!wrong && (sweep(store.staging, &err) < 0 || !is_empty(store.staging)))
		wrong = "something is left in staging";
	if (!wrong && operation->run(&store, &err) < 0)
		wrong = err.text;
	if (!wrong)
		wrong = problem(&store);
	if (wrong)
		test_fail(__FILE__, __LINE__, "%s, %s: then %s\n", operation->name, what, wrong);
	store_close(&store);
}

static void try_all(const struct operation *operation, enum inject_kind kind, int error,
		    const char *kind_name)
{
	int at;

	/* Two renames instead of one exchange: between them it is not there, and is fetched (stage.c). */
	may_be_absent = cannot_exchange && kind != INJECT_FAIL;
	for (at = 1; at < CALLS_MAX; at++) {
		char what[64];
		int result;

		snprintf(what, sizeof(what), "%s at call %d", kind_name, at);
		prepare(operation->extra);
		result = fork_child(operation, kind, error, at);
		if (result == 3)
			break;
		if (result == 2)
			test_fail(__FILE__, __LINE__, "%s, %s\n", operation->name, what);
		check_next_start(operation, what);
	}
	/* An operation without any call would be a test of nothing. */
	CHECK(at > 1 && at < CALLS_MAX);
	printf("%s, %s: %d calls\n", operation->name, kind_name, at - 1);
}

static void try_operation(const struct operation *operation)
{
	try_all(operation, INJECT_FAIL, ENOSPC, "ENOSPC");
	try_all(operation, INJECT_FAIL, EIO, "EIO");
	/* Retried within, or harmless like the others. */
	try_all(operation, INJECT_FAIL, EINTR, "EINTR");
	try_all(operation, INJECT_FAIL_ONWARD, ENOSPC, "ENOSPC from then on");
	try_all(operation, INJECT_DIE_BEFORE, 0, "power cut before");
	try_all(operation, INJECT_DIE_AFTER, 0, "power cut after");
}

static void pulls_survive(void)
{
	try_operation(&(struct operation){ "pull", do_pull, NOTHING, false });
}

static void repairs_survive(void)
{
	try_operation(&(struct operation){ "repair", do_repair, DAMAGED, false });
	cannot_exchange = true;
	try_operation(&(struct operation){ "repair without exchange", do_repair, DAMAGED, false });
	cannot_exchange = false;
}

static void tags_survive(void)
{
	try_operation(&(struct operation){ "tag", do_tag, NOTHING, false });
}

static void records_survive(void)
{
	try_operation(&(struct operation){ "record", do_record, NOTHING, false });
}

static void gc_survives(void)
{
	try_operation(&(struct operation){ "gc with a tag", do_gc_tagged, NEW_IMAGE, false });
	try_operation(&(struct operation){ "gc", do_gc, NEW_IMAGE_NO_TAG, false });
}

static void unfinished_pulls_survive(void)
{
	try_operation(&(struct operation){ "unfinished", do_unfinished, NOTHING, false });
}

static void volumes_and_containers_survive(void)
{
	try_operation(&(struct operation){ "volume", do_volume, NOTHING, false });
	try_operation(&(struct operation){ "container", do_container, NOTHING, false });
	try_operation(&(struct operation){ "sweep", do_sweep, NOTHING, false });
}

static void opening_survives(void)
{
	try_operation(&(struct operation){ "open", do_reopen, NOTHING, true });
}

int main(void)
{
	scratch_open(&scratch);
	snprintf(path, sizeof(path), "%s/store", scratch.path);
	fixture_image(&old, "ad", "2024-01-01T00:00:00Z");
	fixture_image(&new, "abc", "2025-01-01T00:00:00Z");
	RUN(pulls_survive);
	RUN(repairs_survive);
	RUN(tags_survive);
	RUN(records_survive);
	RUN(gc_survives);
	RUN(unfinished_pulls_survive);
	RUN(volumes_and_containers_survive);
	RUN(opening_survives);
	fixture_image_release(&old);
	fixture_image_release(&new);
	scratch_close(&scratch);
	return test_end();
}
