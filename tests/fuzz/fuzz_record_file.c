/*
 * The file of a record with its two copies. First byte: which of them, where they are cut, have their checksums made right.
 * What is read is there, and what is written over it is what is read next.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/sha256.h"
#include "store/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD_SIZE (SHA256_HEX + 1 + 20 + 1 + 10 + 1)

static char folder[] = "/dev/shm/fuzz_record.XXXXXX";

static void remove_folder(void)
{
	fd_remove_tree(AT_FDCWD, folder);
}

static void open_folder(struct store *store)
{
	if (!mkdtemp(folder))
		abort();
	atexit(remove_folder);
	store->apps = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Over as much as the copy says that it has, if it has it. */
static void make_right(char *copy, size_t size)
{
	char hex[SHA256_HEX + 1], digits[11] = "";
	unsigned long content;

	if (size < HEAD_SIZE)
		return;
	memcpy(digits, copy + HEAD_SIZE - 11, 10);
	content = strtoul(digits, NULL, 10);
	if (content > size - HEAD_SIZE)
		return;
	sha256_hex(copy + SHA256_HEX + 1, HEAD_SIZE - SHA256_HEX - 1 + content, hex);
	memcpy(copy, hex, SHA256_HEX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct store store = { .apps = -1 };
	BUF_CLEANUP struct buf text = BUF_INIT, again = BUF_INIT;
	struct err err = ERR_INIT;
	char *copy;
	size_t half;

	if (store.apps < 0)
		open_folder(&store);
	if (!size)
		return 0;
	copy = malloc(size);
	memcpy(copy, data + 1, size - 1);
	half = (size - 1) / 2;
	if (data[0] & 1)
		make_right(copy, half);
	if (data[0] & 2)
		make_right(copy + half, half);
	if (fd_replace_file_volatile(store.apps, "app", copy, size - 1, 0600) < 0)
		abort();
	free(copy);
	if (record_load(&store, "app", &text, &err) < 0 && !err.text[0])
		abort();
	buf_append_text(&text, "and more");
	if (record_save(&store, "app", text.data, text.size, &err) < 0 || record_load(&store, "app", &again, &err) < 0 ||
	    again.size != text.size || memcmp(again.data, text.data, text.size) != 0)
		abort();
	return 0;
}
