/* What the shim makes of a copy that its container may have written anything to. */
#include "agent/helper/shim_parts.h"
#include "tests/unit/test.h"

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

int main(void)
{
	RUN(replaces_berths_lines);
	RUN(leaves_alone_what_the_container_made);
	RUN(is_not_fooled_by_a_nul);
	return test_end();
}
