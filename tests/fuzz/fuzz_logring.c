/* A container's log as a reader finds it. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/container/log_tail.h"
#include "agent/container/logring.h"
#include "lib/fd.h"
#include "lib/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/fuzz_logring.XXXXXX";

static void remove_folder(void)
{
	fd_remove_tree(AT_FDCWD, folder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int dir = -1;
	struct logring_reader reader;
	struct logring_record record;
	static struct log_tail tail;
	size_t total = 0;
	int rc;

	if (dir < 0) {
		if (!mkdtemp(folder))
			abort();
		atexit(remove_folder);
		dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd_replace_file_volatile(dir, "log", data, size, 0600) < 0 ||
	    logring_reader_open(&reader, dir) < 0)
		abort();
	while ((rc = logring_reader_next(&reader, &record)) > 0) {
		if (record.size > LOGRING_DATA_MAX || total > size ||
		    (record.size && !memmem(data, size, record.data, record.size)))
			abort();
		total += record.size;
	}
	logring_reader_close(&reader);
	if (log_tail_read(&tail, folder) < 0 && rc >= 0)
		abort();
	for (size_t i = 0; i < tail.count; i++)
		if (!utf8_is_valid(tail.lines[i].text))
			abort();
	return 0;
}
