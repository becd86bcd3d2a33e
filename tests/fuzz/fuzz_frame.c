/* The stream between helpers, through a file in memory. */
#include <endian.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/helper/frame.h"
#include "lib/fd.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static size_t size_of(const unsigned char *header_end)
{
	uint32_t size;

	memcpy(&size, header_end, sizeof(size));
	return le32toh(size);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static int fd = -1;
	struct frame_reader reader;
	struct frame frame;
	struct err err = ERR_INIT;
	size_t total = 0, rest = 0; /* of the frame whose piece came last */
	int ret;

	if (fd < 0)
		fd = memfd_create("frames", MFD_CLOEXEC);
	if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0 || fd_write_full(fd, data, size) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0)
		abort();
	frame_reader_init(&reader, fd);
	while ((ret = frame_read(&reader, &frame, &err)) > 0) {
		if (frame.type < FRAME_INDEX || frame.type > FRAME_END ||
		    frame.size > FRAME_PAYLOAD_MAX)
			abort();
		if (!rest)
			total += FRAME_HEADER_SIZE, rest = size_of(data + total - 4);
		if (frame.size > rest ||
		    (frame.size && memcmp(frame.data, data + total, frame.size)))
			abort();
		rest -= frame.size;
		total += frame.size;
	}
	if (ret == 0 ? total != size || rest : !err.code)
		abort();
	frame_reader_release(&reader);
	return 0;
}
