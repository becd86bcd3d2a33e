/* A tar archive on a medium, of which only the headers are read: what it finds in there is in order, and can be read. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/helper/fetch_layout.h"
#include "lib/fd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count(const char *data, size_t size, void *arg)
{
	(void)data;
	*(int64_t *)arg += (int64_t)size;
	return 0;
}

static void check_file(const struct layout *layout, const struct layout_file *file)
{
	struct descriptor descriptor = { .size = file->size };
	struct digest digest;
	int64_t got = 0;

	if (file->offset < 0 || file->size < 0 || (*file->hex && digest_from_hex(&digest, file->hex) < 0))
		abort();
	if (!*file->hex || digest_from_hex(&descriptor.digest, file->hex) < 0)
		return;
	/* A later one of the same name may have another size. */
	if (layout_get_blob((struct layout *)(uintptr_t)layout, &descriptor, count, &got, NULL) == 0 && got != file->size)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct reference reference = { .repository = "/a.tar", .tag = "v1", .source = REFERENCE_ARCHIVE };
	struct layout layout = { .reference = &reference, .is_archive = true, .fd = memfd_create("archive", MFD_CLOEXEC) };
	struct digest digest;
	struct err err = ERR_INIT;
	int64_t bytes;

	if (layout.fd < 0 || fd_write_full(layout.fd, data, size) < 0)
		abort();
	if (layout_read_archive(&layout, &err) < 0 && !err.text[0])
		abort();
	if (layout.file_count > LAYOUT_FILES_MAX)
		abort();
	for (size_t i = 0; i < layout.file_count; i++)
		check_file(&layout, &layout.files[i]);
	layout_head(&layout, &digest, &bytes, &err);
	layout_close(&layout);
	return 0;
}
