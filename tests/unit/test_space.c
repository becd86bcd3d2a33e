/* How much is free, how much has to stay so, and a stream that ends when it would not. */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "store/space.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

static struct scratch scratch;
static int disk = -1;

/* A file system of 1 MiB and 64 inodes. */
static void mount_disk(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/disk", scratch.path);
	CHECK_INT(mkdirat(scratch.fd, "disk", 0700), 0);
	REQUIRE(mount("none", path, "tmpfs", 0, "size=1m,nr_inodes=64") == 0);
	disk = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void unmount_disk(void)
{
	char path[128];

	fd_close(&disk);
	snprintf(path, sizeof(path), "%s/disk", scratch.path);
	CHECK_INT(umount(path), 0);
	CHECK_INT(unlinkat(scratch.fd, "disk", AT_REMOVEDIR), 0);
}

static void fill(size_t bytes)
{
	FD_CLEANUP int fd = openat(disk, "filler", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (bytes)
		CHECK_INT(posix_fallocate(fd, 0, (off_t)bytes), 0);
}

static void the_floor_is_what_was_asked_for_or_a_share(void)
{
	struct space available, floor;

	mount_disk();
	CHECK_INT(space_read(disk, 5000, &available, &floor), 0);
	CHECK_INT(available.bytes, 1 << 20);
	CHECK_INT(floor.bytes, 5000);
	CHECK_INT(floor.inodes, 64 / 20);
	CHECK(available.inodes < 64 && available.inodes > 50);
	CHECK_INT(space_read(disk, -1, &available, &floor), 0);
	CHECK_INT(floor.bytes, (1 << 20) / 20);
	CHECK_INT(space_read(disk, 0, &available, &floor), 0);
	CHECK_INT(floor.bytes, 0);
	CHECK_INT(space_read(-1, 0, &available, &floor), -EBADF);
	unmount_disk();
}

static void wishes_count_above_the_floor(void)
{
	struct space available = { 1000, 100 }, floor = { 200, 10 };

	CHECK(space_has(&available, &floor, &(struct space){ 800, 90 }));
	CHECK(!space_has(&available, &floor, &(struct space){ 801, 90 }));
	CHECK(!space_has(&available, &floor, &(struct space){ 800, 91 }));
	available.inodes = SPACE_UNLIMITED;
	CHECK(space_has(&available, &floor, &(struct space){ 800, 1 << 30 }));
	CHECK(space_is_full(-ENOSPC) && space_is_full(-EDQUOT) && !space_is_full(-EIO));
}

static ssize_t endless(struct stream *stream, const unsigned char **data, struct err *err)
{
	static unsigned char zeros[4096];

	(void)stream;
	(void)err;
	*data = zeros;
	return sizeof(zeros);
}

static void a_stream_ends_at_the_floor(void)
{
	struct stream source = { .next = endless };
	struct space available, floor;
	struct space_guard guard;
	const unsigned char *data;
	struct err err = ERR_INIT;
	ssize_t got = 0;
	int before = 0;

	mount_disk();
	fill(900000);
	CHECK_INT(space_read(disk, 100000, &available, &floor), 0);
	space_guard_init(&guard, &source, disk, &floor);
	for (int i = 0; i < 64; i++)
		CHECK_INT(stream_next(&guard.stream, &data, &err), 4096);
	fill(1000000);
	while ((got = stream_next(&guard.stream, &data, &err)) > 0 && before < 1000000)
		before += (int)got;
	CHECK_INT(got, -ENOSPC);
	CHECK(before <= SPACE_GUARD_STEP);
	CHECK_HAS(err.text, "stopped with 45.1kB");
	/* It stays so, also when there is room again. */
	fill(0);
	CHECK_INT(stream_next(&guard.stream, &data, &err), -ENOSPC);
	unmount_disk();
}

static void inodes_count_as_well(void)
{
	struct stream source = { .next = endless };
	struct space available, floor;
	struct space_guard guard;
	const unsigned char *data;
	struct err err = ERR_INIT;
	char name[16];

	mount_disk();
	CHECK_INT(space_read(disk, 0, &available, &floor), 0);
	for (int i = 0; available.inodes > 1; i++) {
		snprintf(name, sizeof(name), "%d", i);
		close(openat(disk, name, O_WRONLY | O_CREAT, 0600));
		CHECK_INT(space_read(disk, 0, &available, &floor), 0);
	}
	space_guard_init(&guard, &source, disk, &floor);
	CHECK_INT(stream_next(&guard.stream, &data, &err), -ENOSPC);
	CHECK_HAS(err.text, "1 inodes left");
	unmount_disk();
}

int main(void)
{
	scratch_open(&scratch);
	RUN(the_floor_is_what_was_asked_for_or_a_share);
	RUN(wishes_count_above_the_floor);
	RUN(a_stream_ends_at_the_floor);
	RUN(inodes_count_as_well);
	scratch_close(&scratch);
	return test_end();
}
