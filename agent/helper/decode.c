/*
 * decode - the helper between fetch and unpack: checks blobs and decompresses them.
 *
 *	berth decode DIGEST
 *
 * Reads frames (frame.h) from stdin and settings from descriptor 6 (unpack_input.h), writes frames
 * to stdout: the documents as they are, and layers as the uncompressed tar. LAYER_END follows only
 * when the blob was the one that the manifest names. On descriptor 3 (report.h):
 *
 *	{"done":true} or {"error":TEXT,"code":CODE}	codes: feed_code_name()
 *
 * Decompressors read foreign bytes with the most intricate code there is in a pull. So this process
 * can do nothing but read its input and write its output, and unpack checks again what comes out.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/applets.h"
#include "agent/helper/feed.h"
#include "agent/helper/report.h"
#include "agent/helper/sandbox.h"
#include "agent/helper/unpack_input.h"
#include "lib/sys.h"
#include "store/decompress.h"
#include "store/verify.h"

/* Besides zstd's window: 0.7 MiB is what it takes, the rest is for large documents. */
#define MEMORY_MAX ((size_t)4 << 20)

static int send_frame(enum frame_type type, const void *data, size_t size, struct err *err)
{
	int rc = frame_write(STDOUT_FILENO, type, data, size);

	if (rc == -EPIPE)
		return err_set(err, FEED_UNREAD, "unpack has gone while a layer was decompressed");
	return rc < 0 ? err_code(err, rc, "write to unpack") : 0;
}

/* `max`: unpack would take no more either, but then the time would have been spent. */
static int send_all(struct stream *plain, int64_t max, struct err *err)
{
	const unsigned char *data;
	int64_t sent = 0;
	ssize_t got;

	while ((got = stream_next(plain, &data, err)) > 0) {
		int rc = send_frame(FRAME_DATA, data, (size_t)got, err);

		sent += got;
		if (!rc && sent > max)
			return err_set(err, -EFBIG,
				       "it unpacks to more than %lld bytes, too many for its size: leave out large "
				       "files of zeros, or compress it with gzip", (long long)max);
		if (rc < 0)
			return rc;
	}
	return (int)got;
}

/*
 * When decompression fails, the blob may have been damaged on its way: then that is the reason to
 * tell, since trying again helps.
 */
static int blame(struct verify *blob, int rc, struct err *err)
{
	struct err damaged = ERR_INIT;

	if (rc == -EINVAL && verify_finish(blob, &damaged) == -EBADMSG) {
		*err = damaged;
		rc = -EBADMSG;
	}
	return rc;
}

static int decode_stream(struct feed *feed, size_t number, int window_log, struct err *err)
{
	const struct descriptor *layer = &feed->chain.manifest->layers[number];
	struct feed_layer source;
	struct verify blob;
	struct decompress plain;
	int rc;

	feed_open_layer(&source, feed);
	verify_init(&blob, &source.stream, "the blob", &layer->digest, layer->size, layer->size);
	decompress_init(&plain, &blob.stream, window_log);
	rc = send_all(&plain.stream, manifest_layer_unpacked_max(layer->size), err);
	if (!rc)
		rc = verify_finish(&blob, err);
	decompress_release(&plain);
	return blame(&blob, rc, err);
}

static int decode_layer(struct feed *feed, size_t number, int window_log, struct err *err)
{
	char text[24];
	int rc;

	snprintf(text, sizeof(text), "%zu", number);
	rc = send_frame(FRAME_LAYER, text, strlen(text), err);
	if (!rc)
		rc = decode_stream(feed, number, window_log, err);
	if (rc < 0)
		return err_context(err, "layer %zu (%s)", number,
				   feed->chain.manifest->layers[number].digest.text);
	return send_frame(FRAME_LAYER_END, NULL, 0, err);
}

static int run(struct feed *feed, int window_log, struct err *err)
{
	size_t number;
	int rc = sandbox_decode(((size_t)1 << window_log) + MEMORY_MAX, err);

	if (!rc)
		rc = feed_documents(feed, STDOUT_FILENO, err);
	if (rc < 0)
		return rc;
	while ((rc = feed_next_layer(feed, &number, err)) > 0) {
		rc = decode_layer(feed, number, window_log, err);
		if (rc < 0)
			return rc;
	}
	return rc ? rc : send_frame(FRAME_END, NULL, 0, err);
}

int decode_main(int argc, char **argv)
{
	struct unpack_input input;
	struct feed feed;
	struct err err = ERR_INIT;
	int rc;

	report_init();
	rc = unpack_input_read(&input, argc, argv, UNPACK_SETTINGS_FD, &err);
	sys_close_from(REPORT_FD + 1);
	feed_init(&feed, STDIN_FILENO, &input.digest, &input.platform);
	if (!rc)
		rc = run(&feed, input.window_log, &err);
	if (rc < 0)
		report_error(err.text, feed_code_name(rc), 0);
	else
		report_done();
	feed_release(&feed);
	unpack_input_release(&input);
	return rc < 0 ? 1 : 0;
}
