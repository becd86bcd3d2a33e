/* The stream from fetch to unpack, through a file in memory. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/helper/frame.h"
#include "lib/fd.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static int fd = -1;
	struct frame frame;
	struct err err = ERR_INIT;
	size_t total = 0;
	int ret;

	if (fd < 0)
		fd = memfd_create("frames", MFD_CLOEXEC);
	if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0 || fd_write_full(fd, data, size) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0)
		abort();
	frame_init(&frame);
	while ((ret = frame_read(fd, &frame, &err)) > 0) {
		if (frame.type < FRAME_INDEX || frame.type > FRAME_END ||
		    frame.size > FRAME_PAYLOAD_MAX || frame.data[frame.size] ||
		    (frame.size && memcmp(frame.data, data + total + FRAME_HEADER_SIZE, frame.size)))
			abort();
		total += FRAME_HEADER_SIZE + frame.size;
	}
	if (ret == 0 ? total != size : !err.code)
		abort();
	frame_release(&frame);
	return 0;
}
