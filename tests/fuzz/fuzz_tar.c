/*
 * Archives that are unpacked for real, below a directory on tmpfs with a file beside it that must stay as it is.
 * The input is the tar; pieces of several sizes are tried by its length.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "store/extract.h"
#include "tests/unit/memory_stream.h"
#include "tests/unit/scratch.h"

static struct scratch scratch;
static int outside = -1;

static void clean_up(void)
{
	umount2(scratch.path, MNT_DETACH);
	rmdir(scratch.path);
}

static void set_up(void)
{
	scratch_open(&scratch);
	close(scratch.fd);
	/* A sparse file takes no room there, but a real disk could be filled. */
	if (mount("tmpfs", scratch.path, "tmpfs", 0, "size=32m,nr_inodes=20k") < 0)
		abort();
	atexit(clean_up);
	scratch.fd = open(scratch.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	outside = fd_open_dir(scratch.fd, "outside", 0755);
	fd_replace_file_volatile(outside, "file", "untouched", 9, 0640);
}

static void check_outside(void)
{
	struct stat file, dir, above;

	if (fstatat(outside, "file", &file, AT_SYMLINK_NOFOLLOW) < 0 || file.st_size != 9 ||
	    file.st_nlink != 1 || file.st_mode != (S_IFREG | 0640) || file.st_uid ||
	    fstat(outside, &dir) < 0 || dir.st_nlink != 2 || dir.st_mode != (S_IFDIR | 0755) ||
	    fstat(scratch.fd, &above) < 0 || above.st_nlink != 4)
		abort();
}

/* Right checksums, so that changed headers get past that check. */
static void fix_checksums(uint8_t *data, size_t size)
{
	for (uint8_t *block = data; block + 512 <= data + size; block += 512) {
		unsigned int sum = 8 * ' ';

		if (memcmp(block + 257, "ustar", 5) != 0)
			continue;
		for (int i = 0; i < 512; i++)
			sum += i >= 148 && i < 156 ? 0 : block[i];
		snprintf((char *)block + 148, 8, "%06o", sum);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t pieces[] = { 0, 512, 1, 700 };
	struct memory_stream memory;
	struct extract_result result;
	struct err err = ERR_INIT;
	uint8_t *copy;
	int root;

	if (outside < 0)
		set_up();
	if (fd_remove_tree(scratch.fd, "tree") < 0)
		abort();
	root = fd_open_dir(scratch.fd, "tree", 0755);
	copy = malloc(size + 1);
	memcpy(copy, data, size);
	fix_checksums(copy, size);
	memory_stream_init(&memory, copy, size, pieces[size % 4]);
	if (extract(&memory.stream, root, NULL, NULL, &result, &err) < 0 && !err.text[0])
		abort();
	memory_stream_release(&memory);
	free(copy);
	close(root);
	check_outside();
	return 0;
}
