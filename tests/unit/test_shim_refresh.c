/* What the shim makes of a copy that its container may have written anything to. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/helper/shim_parts.h"
#include "lib/fd.h"
#include "tests/unit/test.h"

#define OLD SHIM_BLOCK_BEGIN "10.0.0.1 old\n" SHIM_BLOCK_END
#define BLOCK SHIM_BLOCK_BEGIN "10.0.0.2 new\n" SHIM_BLOCK_END

static struct buf text_of(const char *text, size_t size)
{
	struct buf buf = BUF_INIT;

	buf_append(&buf, text, size);
	return buf;
}

static void replaced(const char *old, const char *wanted)
{
	struct buf before = text_of(old, strlen(old)), block = text_of(BLOCK, strlen(BLOCK)), after = BUF_INIT;

	CHECK_INT(shim_replace_block(&after, &before, &block), wanted != NULL);
	CHECK_TEXT(buf_text(&after), wanted ? wanted : "");
	buf_release(&before);
	buf_release(&block);
	buf_release(&after);
}

static void replaces_berths_lines(void)
{
	replaced(SHIM_BLOCK_BEGIN "10.0.0.2 old\n" SHIM_BLOCK_END, BLOCK);
	replaced(SHIM_BLOCK_BEGIN SHIM_BLOCK_END, BLOCK);
	replaced("1.1.1.1 mine\n" SHIM_BLOCK_BEGIN "x\n" SHIM_BLOCK_END "2.2.2.2 too", "1.1.1.1 mine\n" BLOCK "2.2.2.2 too");
	/* A second block is the container's. */
	replaced(SHIM_BLOCK_BEGIN SHIM_BLOCK_END SHIM_BLOCK_BEGIN SHIM_BLOCK_END, BLOCK SHIM_BLOCK_BEGIN SHIM_BLOCK_END);
}

static void leaves_alone_what_the_container_made(void)
{
	replaced("", NULL);
	replaced("1.1.1.1 mine\n", NULL);
	replaced(SHIM_BLOCK_BEGIN "x\n", NULL);
	replaced(SHIM_BLOCK_END SHIM_BLOCK_BEGIN, NULL);
	replaced("x" SHIM_BLOCK_BEGIN SHIM_BLOCK_END, NULL);
}

static void is_not_fooled_by_a_nul(void)
{
	static const char text[] = "a\0b\n" SHIM_BLOCK_BEGIN SHIM_BLOCK_END;
	struct buf old = text_of(text, sizeof(text) - 1), block = text_of(BLOCK, strlen(BLOCK)), after = BUF_INIT;

	CHECK(!shim_replace_block(&after, &old, &block));
	buf_release(&old);
	buf_release(&block);
	buf_release(&after);
}

static void check_copy(const char *wanted)
{
	BUF_CLEANUP struct buf text = BUF_INIT;

	CHECK_INT(fd_read_file(AT_FDCWD, SHIM_COPIES "/hosts", &text, 1024), 0);
	CHECK_TEXT(buf_text(&text), wanted);
}

/* The container's root may hold one on its copy; the kernel would let the shim wait for 45 s. */
static void a_lease_is_not_waited_for(void)
{
	char dir[] = "/tmp/test_refresh.XXXXXX";
	struct err err = ERR_INIT;
	FD_CLEANUP int at = -1, copies = -1, fd = -1;

	REQUIRE(mkdtemp(dir) && chdir(dir) == 0);
	at = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	copies = fd_open_dir(at, SHIM_COPIES, 0755);
	REQUIRE(at >= 0 && copies >= 0);
	REQUIRE(fd_replace_file(at, "hosts", BLOCK, strlen(BLOCK), 0644) == 0);
	REQUIRE(fd_replace_file(at, "resolv.conf", BLOCK, strlen(BLOCK), 0644) == 0);
	REQUIRE(fd_replace_file(copies, "resolv.conf", "", 0, 0644) == 0);
	REQUIRE(fd_replace_file(copies, "hosts", OLD, strlen(OLD), 0644) == 0);
	fd = open(SHIM_COPIES "/hosts", O_RDONLY | O_CLOEXEC);
	signal(SIGIO, SIG_IGN);
	REQUIRE(fcntl(fd, F_SETLEASE, F_RDLCK) == 0);
	alarm(10);
	CHECK_INT(shim_refresh(&err), 0);
	alarm(0);
	check_copy(OLD);
	fd_close(&fd);
	CHECK_INT(shim_refresh(&err), 0);
	check_copy(BLOCK);
	REQUIRE(chdir("/") == 0);
	fd_remove_tree(AT_FDCWD, dir);
}

int main(void)
{
	RUN(replaces_berths_lines);
	RUN(leaves_alone_what_the_container_made);
	RUN(is_not_fooled_by_a_nul);
	RUN(a_lease_is_not_waited_for);
	return test_end();
}
