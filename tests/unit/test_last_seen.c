/* What the store knows of the time. */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/last_seen.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

#define LATE INT64_C(4000000000) /* 2096 */

static void set_date(int dirfd, const char *name, int64_t unix_s)
{
	const struct timespec times[2] = { { .tv_sec = (time_t)unix_s }, { .tv_sec = (time_t)unix_s } };

	CHECK_INT(utimensat(dirfd, name, times, AT_SYMLINK_NOFOLLOW), 0);
}

/* A clock at 1970 makes the directories look old; what was written before it still tells. */
static void the_newest_file_tells(void)
{
	struct scratch scratch;
	struct err err = ERR_INIT;
	struct store store;
	int64_t now_s = time(NULL);

	scratch_open(&scratch);
	REQUIRE(store_open(&store, scratch.path, &err) == 0);
	CHECK(store_last_seen(&store) >= now_s - 10 && store_last_seen(&store) <= now_s + 10);
	const int dirs[] = { store.apps, store.tags, store.images, store.manifests, store.layers };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		set_date(dirs[i], ".", 10);
	CHECK_INT(store_last_seen(&store), 10);
	close(openat(store.apps, "web", O_CREAT | O_WRONLY, 0600));
	set_date(store.apps, "web", LATE);
	set_date(store.apps, ".", 10);
	CHECK_INT(store_last_seen(&store), LATE);
	store_close(&store);
	scratch_close(&scratch);
}

int main(void)
{
	RUN(the_newest_file_tells);
	return test_end();
}
