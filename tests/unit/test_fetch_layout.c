/* Images in files: what is read, and what somebody could put there instead. */
#include <errno.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "agent/helper/fetch_layout.h"
#include "net/failure.h"
#include "tests/unit/scratch.h"
#include "tests/unit/tar_builder.h"
#include "tests/unit/test.h"

#define BLOB "the bytes of a blob"

static struct scratch scratch;
static struct err err;
static struct reference ref;
static struct layout layout;

static struct descriptor blob(void)
{
	struct descriptor descriptor = { .size = (int64_t)strlen(BLOB) };

	digest_of(&descriptor.digest, BLOB, strlen(BLOB));
	return descriptor;
}

static void write_file(const char *name, const char *text)
{
	int fd = openat(scratch.fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static const char *blob_path(void)
{
	static char path[128];
	const struct descriptor descriptor = blob();

	snprintf(path, sizeof(path), "l/blobs/sha256/%s", digest_hex(&descriptor.digest));
	return path;
}

static const char *index_json(void)
{
	static char text[512];
	const struct descriptor descriptor = blob();

	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" MEDIA_OCI_MANIFEST "\","
		 "\"digest\":\"%s\",\"size\":%d,\"annotations\":{\"org.opencontainers.image.ref.name\":\"v1\"}}]}",
		 descriptor.digest.text, (int)descriptor.size);
	return text;
}

/* A good layout, to be broken. */
static void make_layout(void)
{
	CHECK_INT(fd_remove_tree(scratch.fd, "l"), 0);
	CHECK(mkdirat(scratch.fd, "l", 0755) == 0 && mkdirat(scratch.fd, "l/blobs", 0755) == 0 &&
	      mkdirat(scratch.fd, "l/blobs/sha256", 0755) == 0);
	write_file(blob_path(), BLOB);
	write_file("l/index.json", index_json());
}

static int open_at(const char *scheme, const char *name)
{
	char text[256];

	err = (struct err)ERR_INIT;
	layout_close(&layout);
	snprintf(text, sizeof(text), "%s:%s/%s:v1", scheme, scratch.path, name);
	if (reference_parse(&ref, text, &err) < 0)
		return -EINVAL;
	return layout_open(&layout, &ref, &err);
}

static int count(const char *data, size_t size, void *arg)
{
	buf_append(arg, data, size);
	return 0;
}

/* The blob as it is in there. */
static int get(struct buf *text)
{
	const struct descriptor descriptor = blob();

	buf_clear(text);
	err = (struct err)ERR_INIT;
	return layout_get_blob(&layout, &descriptor, count, text, &err);
}

static void check_is_read(void)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	const struct descriptor descriptor = blob();
	struct digest digest;
	int64_t size;

	CHECK_INT(layout_head(&layout, &digest, &size, &err), 0);
	CHECK_TEXT(digest.text, descriptor.digest.text);
	CHECK_INT(size, descriptor.size);
	CHECK_INT(get(&text), 0);
	CHECK_TEXT(buf_text(&text), BLOB);
	buf_clear(&text);
	CHECK_INT(layout_get_document(&layout, &descriptor.digest, &text, &err), 0);
	CHECK_TEXT(buf_text(&text), BLOB);
}

static void reads_a_directory(void)
{
	make_layout();
	CHECK_INT(open_at("oci", "l"), 0);
	check_is_read();
}

static void waits_for_what_is_not_there(void)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	struct digest digest;
	int64_t size;

	CHECK_INT(open_at("oci", "nowhere"), FAILURE_RETRY);
	CHECK_HAS(err.text, "waits for");
	CHECK_HAS(err.text, "plug in the medium");
	make_layout();
	CHECK_INT(open_at("oci", "l"), 0);
	CHECK(unlinkat(scratch.fd, blob_path(), 0) == 0 && unlinkat(scratch.fd, "l/index.json", 0) == 0);
	CHECK_INT(layout_head(&layout, &digest, &size, &err), FAILURE_RETRY);
	CHECK_INT(get(&text), FAILURE_RETRY);
	CHECK_HAS(err.text, "No such file");
}

static void half_a_copy_is_tried_again(void)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	struct digest digest;
	int64_t size;

	make_layout();
	write_file(blob_path(), "the bytes");
	write_file("l/index.json", "{\"schemaVersion\":");
	CHECK_INT(open_at("oci", "l"), 0);
	CHECK_INT(get(&text), FAILURE_RETRY);
	CHECK_HAS(err.text, "has 9 bytes instead of 19");
	CHECK_INT(layout_head(&layout, &digest, &size, &err), FAILURE_RETRY);
}

static void other_bytes_are_noticed(void)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	const struct descriptor descriptor = blob();

	make_layout();
	write_file(blob_path(), "THE BYTES OF A BLOB");
	CHECK_INT(open_at("oci", "l"), 0);
	CHECK_INT(layout_get_document(&layout, &descriptor.digest, &text, &err), FAILURE_DIGEST);
}

static void links_are_not_followed(void)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	struct digest digest;
	int64_t size;

	make_layout();
	CHECK(renameat(scratch.fd, blob_path(), scratch.fd, "l/elsewhere") == 0 &&
	      symlinkat("../../elsewhere", scratch.fd, blob_path()) == 0);
	CHECK_INT(open_at("oci", "l"), 0);
	CHECK_INT(get(&text), FAILURE_SERVER);
	CHECK_HAS(err.text, "symbolic link");
	make_layout();
	CHECK(renameat(scratch.fd, "l/blobs", scratch.fd, "l/moved") == 0 &&
	      symlinkat("moved", scratch.fd, "l/blobs") == 0);
	CHECK(get(&text) < 0);
	CHECK(unlinkat(scratch.fd, "l/index.json", 0) == 0 &&
	      symlinkat("/etc/passwd", scratch.fd, "l/index.json") == 0);
	CHECK_INT(open_at("oci", "l"), 0);
	CHECK(get(&text) < 0);
	CHECK_INT(layout_head(&layout, &digest, &size, &err), FAILURE_SERVER);
}

static void only_files_are_read(void)
{
	BUF_CLEANUP struct buf text = BUF_INIT;

	make_layout();
	CHECK(unlinkat(scratch.fd, blob_path(), 0) == 0 && mkfifoat(scratch.fd, blob_path(), 0666) == 0);
	CHECK_INT(open_at("oci", "l"), 0);
	CHECK_INT(get(&text), FAILURE_SERVER);
	CHECK(unlinkat(scratch.fd, blob_path(), 0) == 0 && mkdirat(scratch.fd, blob_path(), 0755) == 0);
	CHECK_INT(get(&text), FAILURE_SERVER);
	CHECK_HAS(err.text, "no regular file");
}

/* What happens when it is opened is the device's affair; a FIFO tells by inotify that it was. */
static void what_is_no_file_is_not_even_opened(void)
{
	FD_CLEANUP int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	char path[128], events[4096];

	snprintf(path, sizeof(path), "%s/device", scratch.path);
	CHECK(mkfifoat(scratch.fd, "device", 0666) == 0 && symlinkat("device", scratch.fd, "to-device") == 0);
	CHECK(inotify_add_watch(watch, path, IN_OPEN) >= 0);
	CHECK_INT(open_at("oci", "device"), FAILURE_RETRY);
	CHECK_HAS(err.text, "device is no directory");
	CHECK_INT(open_at("oci-archive", "to-device"), FAILURE_RETRY);
	CHECK_HAS(err.text, "to-device is no file");
	CHECK_INT(read(watch, events, sizeof(events)), -1);
}

static void a_large_index_is_refused(void)
{
	struct digest digest;
	int64_t size;

	make_layout();
	CHECK(truncate(strcat(strcpy((char[256]){ 0 }, scratch.path), "/l/index.json"), (4 << 20) + 1) == 0);
	CHECK_INT(open_at("oci", "l"), 0);
	CHECK_INT(layout_head(&layout, &digest, &size, &err), FAILURE_LIMIT);
	CHECK_HAS(err.text, "at most");
}

/* --- archives --- */

/* What comes first has a name that needs headers of its own: as pax or as GNU tar writes it. */
static void add_long_name(struct buf *out, bool is_pax)
{
	char name[300];

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	if (is_pax) {
		tar_pax_text(out, "path", name);
	} else {
		tar_header(out, (struct tar_header){ .name = "././@LongLink", .type = 'L', .size = sizeof(name) });
		tar_content(out, name, sizeof(name));
	}
	tar_file(out, "n", 0644, "something");
}

static void make_archive(const char *prefix, bool is_pax)
{
	BUF_CLEANUP struct buf out = BUF_INIT;
	char path[128], name[128];
	int fd = openat(scratch.fd, "a.tar", O_WRONLY | O_CREAT | O_TRUNC, 0644);

	snprintf(path, sizeof(path), "%s%s", prefix, blob_path() + 2);
	snprintf(name, sizeof(name), "%sindex.json", prefix);
	add_long_name(&out, is_pax);
	tar_file(&out, path, 0644, "an older one");
	tar_file(&out, path, 0644, BLOB);
	tar_file(&out, name, 0644, index_json());
	tar_link(&out, '2', name, "/etc/passwd");
	tar_link(&out, '1', path, "n");
	tar_file(&out, "blobs/sha256/short", 0644, "no digest");
	tar_end(&out);
	CHECK(write(fd, out.data, out.size) == (ssize_t)out.size);
	close(fd);
}

static void reads_archives_where_they_lie(void)
{
	for (int i = 0; i < 4; i++) {
		make_archive(i & 1 ? "./" : "", i & 2);
		CHECK_INT(open_at(i & 1 ? "oci" : "oci-archive", "a.tar"), 0);
		CHECK(layout.is_archive);
		CHECK_INT(layout_read_archive(&layout, &err), 0);
		CHECK_INT((long)layout.file_count, 3);
		check_is_read();
	}
}

static void an_archive_that_is_none_is_told(void)
{
	struct stat status;

	make_archive("", true);
	CHECK_INT(open_at("oci-archive", "l"), FAILURE_RETRY);
	CHECK_HAS(err.text, "is no file");
	CHECK(fstatat(scratch.fd, "a.tar", &status, 0) == 0);
	CHECK(truncate(strcat(strcpy((char[256]){ 0 }, scratch.path), "/a.tar"), 1200) == 0);
	CHECK_INT(open_at("oci-archive", "a.tar"), 0);
	CHECK_INT(layout_read_archive(&layout, &err), FAILURE_RETRY);
	CHECK_HAS(err.text, "no whole tar archive");
	write_file("a.tar", "\x1f\x8b\x08 and so on, which is no tar at all");
	CHECK_INT(open_at("oci-archive", "a.tar"), 0);
	CHECK_INT(layout_read_archive(&layout, &err), FAILURE_RETRY);
}

/* Sizes in headers are only claims. */
static void a_cut_archive_ends_in_an_error(void)
{
	BUF_CLEANUP struct buf text = BUF_INIT;

	make_archive("", false);
	CHECK_INT(open_at("oci-archive", "a.tar"), 0);
	CHECK_INT(layout_read_archive(&layout, &err), 0);
	CHECK(truncate(strcat(strcpy((char[256]){ 0 }, scratch.path), "/a.tar"), layout.files[1].offset + 5) == 0);
	CHECK_INT(get(&text), FAILURE_RETRY);
	CHECK_HAS(err.text, "shorter");
}

int main(void)
{
	layout.fd = -1;
	scratch_open(&scratch);
	RUN(reads_a_directory);
	RUN(waits_for_what_is_not_there);
	RUN(half_a_copy_is_tried_again);
	RUN(other_bytes_are_noticed);
	RUN(links_are_not_followed);
	RUN(only_files_are_read);
	RUN(what_is_no_file_is_not_even_opened);
	RUN(a_large_index_is_refused);
	RUN(reads_archives_where_they_lie);
	RUN(an_archive_that_is_none_is_told);
	RUN(a_cut_archive_ends_in_an_error);
	layout_close(&layout);
	scratch_close(&scratch);
	return test_end();
}
