/*
 * decode | unpack as the agent runs them: frames on stdin, settings on 6, the stage on 4, reports on 3.
 * Needs root.
 */
// QEMU: no, it enters namespaces
#include <errno.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agent/applets.h"
#include "agent/helper/frame.h"
#include "agent/helper/unpack_sandbox.h"
#include "agent/job.h"
#include "lib/json.h"
#include "tests/unit/image_builder.h"
#include "tests/unit/test.h"

static int stage_fd = -1;

/* What unpack said; `last` and `status` are decode's when unpack only says that decode has stopped. */
static struct buf reports;
static json_t *last;
static int status;

/* --- running unpack --- */

static const char settings[] = "{\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\","
			       "\"variant\":\"\"},\"have\":[%s],\"limits\":{\"window_log\":23}}";

struct run {
	pid_t decode, unpack;
	int frames; /* to decode */
	int decode_reports, unpack_reports;
};

static void become(const char *role, int input, int output, int report, const char *have)
{
	char text[1024];
	char *argv[] = { (char *)(uintptr_t)"test", (char *)(uintptr_t)role, image.asked.text,
			 (char *)(uintptr_t)(output < 0 ? "4" : NULL), NULL };
	int fds[] = { input, report, output < 0 ? stage_fd : output, 0 };

	snprintf(text, sizeof(text), settings, have);
	fds[3] = memory_file(text, strlen(text));
	for (int i = 0; i < 4; i++) /* out of the way of the numbers they are to have */
		fds[i] = fcntl(fds[i], F_DUPFD, 20);
	dup2(fds[0], 0);
	dup2(fds[1], 3);
	dup2(fds[2], output < 0 ? 4 : 1);
	dup2(fds[3], 6);
	for (int i = 7; i < 40; i++)
		close(i);
	/* Executed anew, as the agent does it: its memory is bounded, and ours would count. */
	execv("/proc/self/exe", argv);
	_exit(127);
}

static pid_t start_helper(const char *role, int input, int output, int *reports_fd, const char *have)
{
	int report[2];
	pid_t pid;

	CHECK_INT(pipe2(report, O_CLOEXEC), 0);
	pid = fork();
	if (!pid)
		become(role, input, output, report[1], have);
	close(report[1]);
	*reports_fd = report[0];
	return pid;
}

/* With stage_fd as the stage. */
static struct run start_there(const char *have)
{
	int blobs[2], plain[2];
	struct run run;

	CHECK_INT(pipe2(blobs, O_CLOEXEC), 0);
	CHECK_INT(pipe2(plain, O_CLOEXEC), 0);
	run.unpack = start_helper("unpack", plain[0], -1, &run.unpack_reports, have);
	run.decode = start_helper("decode", blobs[0], plain[1], &run.decode_reports, have);
	close(blobs[0]);
	close(plain[0]);
	close(plain[1]);
	run.frames = blobs[1];
	return run;
}

static struct run start(const char *have)
{
	CHECK_INT(fd_remove_tree(scratch.fd, "stage"), 0);
	stage_fd = fd_open_dir(scratch.fd, "stage", 0700);
	return start_there(have);
}

static void read_end(pid_t pid, int reports_fd)
{
	const char *line;

	buf_clear(&reports);
	CHECK_INT(fd_read_all(reports_fd, &reports, 1 << 20), 0);
	close(reports_fd);
	CHECK_INT(waitpid(pid, &status, 0), pid);
	REQUIRE(reports.size > 1);
	reports.data[reports.size - 1] = '\0';
	line = strrchr(reports.data, '\n');
	line = line ? line + 1 : reports.data;
	json_decref(last);
	last = json_loads(line, 0, NULL);
	CHECK(last);
}

static const char *word(const char *name);

/* Ends the stream and reads what both have said, as `last` has it. */
static void finish(struct run *run)
{
	struct buf of_unpack;

	close(run->frames);
	read_end(run->unpack, run->unpack_reports);
	close(stage_fd);
	of_unpack = reports;
	reports = BUF_INIT;
	if (!strcmp(word("code"), "incomplete")) {
		read_end(run->decode, run->decode_reports);
	} else {
		close(run->decode_reports);
		CHECK_INT(waitpid(run->decode, NULL, 0), run->decode);
	}
	buf_release(&reports);
	reports = of_unpack;
}

static const char *word(const char *name)
{
	return json_string_value(json_object_get(last, name)) ?: "(none)";
}

static void send_documents(const struct run *run)
{
	frame_write(run->frames, FRAME_INDEX, image.index.data, image.index.size);
	frame_write(run->frames, FRAME_MANIFEST, image.manifest.data, image.manifest.size);
	frame_write(run->frames, FRAME_CONFIG, image.config.data, image.config.size);
}

static void send_layer(const struct run *run, size_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%zu", number);
	frame_write(run->frames, FRAME_LAYER, text, strlen(text));
	for (size_t at = 0; at < image.blobs[number].size; at += 100) {
		size_t rest = image.blobs[number].size - at;

		frame_write(run->frames, FRAME_DATA, image.blobs[number].data + at,
			    rest < 100 ? rest : 100);
	}
	frame_write(run->frames, FRAME_LAYER_END, NULL, 0);
}

static void run_whole(void)
{
	struct run run = start("");

	send_documents(&run);
	for (size_t i = 0; i < LAYERS; i++)
		send_layer(&run, i);
	frame_write(run.frames, FRAME_END, NULL, 0);
	finish(&run);
}

static void check_failed(const char *code, const char *text)
{
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CHECK_TEXT(word("code"), code);
	CHECK_HAS(word("error"), text);
}

static const char *staged(const char *name)
{
	static struct buf text;
	char path[128];

	snprintf(path, sizeof(path), "stage/%s", name);
	buf_release(&text);
	if (fd_read_file(scratch.fd, path, &text, 1 << 20) < 0)
		return "(none)";
	return buf_text(&text);
}

/* --- tests --- */

static void an_image_is_unpacked_and_reported(void)
{
	char line[600];
	struct stat st;

	make_image();
	run_whole();
	CHECK_INT(status, 0);
	CHECK(json_is_true(json_object_get(last, "done")));
	CHECK_TEXT(staged("0/fs/file0"), "content 0");
	CHECK_TEXT(staged("1/fs/file1"), "content 1");
	CHECK_TEXT(staged("2/fs/file2"), "content 2");
	CHECK_INT(fstatat(scratch.fd, "stage/2/fs/etc/gone", &st, 0), 0);
	CHECK_TEXT(staged("config.json"), buf_text(&image.config));
	CHECK_TEXT(staged("manifest.json"), buf_text(&image.manifest));
	for (size_t i = 0; i < LAYERS; i++) {
		snprintf(line, sizeof(line), "{\"layer\":{\"number\":%zu,\"diff_id\":\"%s\","
			 "\"size\":9,\"files\":3,\"compressed\":%zu,\"index\":\"", i, image.diff_ids[i].text,
			 image.blobs[i].size);
		CHECK_HAS(reports.data, line);
		snprintf(line, sizeof(line), "%zu/index", i);
		CHECK_HAS(staged(line), "berth index 1\n");
		snprintf(line, sizeof(line), "%zu/meta", i);
		CHECK_HAS(staged(line), "\"index\":\"");
	}
	snprintf(line, sizeof(line), "{\"image\":{\"digest\":\"%s\",\"manifest\":\"sha256:",
		 image.asked.text);
	CHECK_HAS(reports.data, line);
}

static void without_an_index_the_manifest_was_asked_for(void)
{
	struct run run;

	make_image();
	digest_of(&image.asked, image.manifest.data, image.manifest.size);
	run = start("");
	frame_write(run.frames, FRAME_MANIFEST, image.manifest.data, image.manifest.size);
	frame_write(run.frames, FRAME_CONFIG, image.config.data, image.config.size);
	for (size_t i = 0; i < LAYERS; i++)
		send_layer(&run, i);
	frame_write(run.frames, FRAME_END, NULL, 0);
	finish(&run);
	CHECK_INT(status, 0);
}

static void layers_at_hand_need_not_be_sent(void)
{
	struct run run;
	char have[200];

	make_image();
	snprintf(have, sizeof(have), "\"%s\",\"%s\"", image.diff_ids[0].text,
		 image.diff_ids[2].text);
	run = start(have);
	send_documents(&run);
	send_layer(&run, 1);
	frame_write(run.frames, FRAME_END, NULL, 0);
	finish(&run);
	CHECK_INT(status, 0);

	run = start(have);
	send_documents(&run);
	frame_write(run.frames, FRAME_END, NULL, 0);
	finish(&run);
	check_failed("protocol", image.diff_ids[1].text);
}

static void a_stream_that_stops_is_incomplete(void)
{
	struct run run;

	make_image();
	run = start("");
	finish(&run);
	check_failed("incomplete", "has stopped");
	run = start("");
	send_documents(&run);
	send_layer(&run, 0);
	frame_write(run.frames, FRAME_LAYER, "1", 1);
	frame_write(run.frames, FRAME_DATA, image.blobs[1].data, 20);
	finish(&run);
	check_failed("incomplete", "layer 1");
	CHECK_HAS(reports.data, "{\"layer\":{\"number\":0");
	CHECK(!strstr(reports.data, "{\"layer\":{\"number\":1"));
	run = start("");
	send_documents(&run);
	for (size_t i = 0; i < LAYERS; i++)
		send_layer(&run, i);
	finish(&run);
	check_failed("incomplete", "has stopped");
}

static void damaged_blobs_are_noticed(void)
{
	for (size_t i = 0; i < LAYERS; i++)
		for (size_t at = 0; at < image.blobs[i].size; at += 97) {
			make_image();
			image.blobs[i].data[at] ^= 0x20;
			run_whole();
			check_failed("digest", "its digest is");
		}
	make_image();
	buf_append_text(&image.blobs[1], "more");
	run_whole();
	check_failed("digest", "more than its");
	make_image();
	image.blobs[0].size -= 10;
	run_whole();
	check_failed("digest", "layer 0");
}

static void content_that_is_not_the_diff_id_is_noticed(void)
{
	make_image();
	image.diff_ids[1] = image.diff_ids[0];
	make_config("amd64");
	make_manifest();
	make_index("amd64");
	run_whole();
	check_failed("digest", "diff ID");
	CHECK(!strstr(reports.data, "{\"layer\":{\"number\":1"));
}

static void damaged_documents_are_noticed(void)
{
	struct digest config;

	make_image();
	image.index.data[image.index.size - 1] = ' ';
	run_whole();
	check_failed("digest", "the index is damaged");
	make_image();
	image.manifest.data[image.manifest.size - 1] = ' ';
	run_whole();
	check_failed("digest", "the manifest is damaged");
	make_image();
	digest_of(&config, image.config.data, image.config.size);
	image.config.data[image.config.size - 1] = ' ';
	run_whole();
	check_failed("digest", "the image config is damaged");
	CHECK_HAS(word("error"), config.text);
}

static void other_machines_images_are_refused(void)
{
	make_image();
	make_index("arm64");
	run_whole();
	check_failed("platform", "arm64");
	make_image();
	make_config("s390x");
	make_manifest();
	make_index("amd64");
	run_whole();
	check_failed("platform", "s390x");
}

static void broken_formats_are_refused(void)
{
	make_image();
	buf_clear(&image.blobs[0]);
	for (int i = 0; i < 100; i++)
		buf_append_text(&image.blobs[0], "this is not a tar archive. ");
	make_manifest();
	make_index("amd64");
	run_whole();
	check_failed("format", "layer 0");
	make_image();
	buf_clear(&image.config);
	buf_append_text(&image.config, "[1,2");
	make_manifest();
	make_index("amd64");
	run_whole();
	check_failed("format", "config");
}

static void streams_out_of_order_are_refused(void)
{
	static const char *const numbers[] = { "3", "", "x", "-1", "0x1", "1 ", "00000" };
	struct run run;

	make_image();
	run = start("");
	frame_write(run.frames, FRAME_CONFIG, image.config.data, image.config.size);
	finish(&run);
	check_failed("protocol", "type 3");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		run = start("");
		send_documents(&run);
		frame_write(run.frames, FRAME_LAYER, numbers[i], strlen(numbers[i]));
		finish(&run);
		check_failed("protocol", "not wanted");
	}
	run = start("");
	send_documents(&run);
	send_layer(&run, 0);
	send_layer(&run, 0);
	finish(&run);
	check_failed("protocol", "not wanted");
	run = start("");
	send_documents(&run);
	frame_write(run.frames, FRAME_LAYER, "0", 1);
	frame_write(run.frames, FRAME_END, NULL, 0);
	finish(&run);
	check_failed("protocol", "type 7");
	run = start("");
	CHECK_INT(fd_write_full(run.frames, "GET / HTTP/1.1\r\n", 16), 0);
	finish(&run);
	check_failed("protocol", "no frame");
}

static void endless_documents_are_cut_off(void)
{
	char *spaces = xmalloc(FRAME_DOCUMENT_MAX + 1);
	struct run run;

	make_image();
	memset(spaces, ' ', FRAME_DOCUMENT_MAX + 1);
	run = start("");
	frame_write(run.frames, FRAME_INDEX, spaces, FRAME_DOCUMENT_MAX + 1);
	finish(&run);
	check_failed("limit", "4194304");
	free(spaces);
}

/* A stage on a file system of 1 MiB. */
static void a_full_disk_is_told_apart(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;
	const size_t size = 2 << 20;
	FREE_CLEANUP char *large = xcalloc(size, 1);
	char path[128];
	struct run run;

	make_image();
	tar_header(&tar, (struct tar_header){ .name = "large", .type = '0', .size = (long long)size });
	tar_content(&tar, large, size);
	digest_of(&image.diff_ids[1], tar.data, tar.size);
	buf_clear(&image.blobs[1]);
	compress_gzip(&tar, &image.blobs[1]);
	make_config("amd64");
	make_manifest();
	make_index("amd64");
	snprintf(path, sizeof(path), "%s/stage", scratch.path);
	CHECK_INT(mount("tmpfs", path, "tmpfs", 0, "size=1m"), 0);
	stage_fd = open(path, O_RDONLY | O_DIRECTORY);
	run = start_there("");
	send_documents(&run);
	send_layer(&run, 0);
	send_layer(&run, 1);
	finish(&run);
	check_failed("space", "No space left on device");
	CHECK_HAS(word("error"), "large");
	CHECK_INT(umount2(path, MNT_DETACH), 0);
}

/* A map of 400 000 holes that gzip makes small: libarchive keeps each, 40 bytes and more. */
static void endless_sparse_maps_take_bounded_memory(void)
{
	enum { HOLES = 400000 };
	BUF_CLEANUP struct buf tar = BUF_INIT, lines = BUF_INIT, map = BUF_INIT;

	make_image();
	tar_pax_line(&lines, "GNU.sparse.major", "1", 1);
	tar_pax_line(&lines, "GNU.sparse.minor", "0", 1);
	tar_pax_line(&lines, "GNU.sparse.realsize", "9999999", 7);
	buf_append_format(&map, "%d\n", HOLES);
	for (int i = 0; i < HOLES; i++)
		buf_append_format(&map, "%d\n0\n", i);
	tar_pad(&map);
	tar_pax(&tar, &lines);
	tar_header(&tar, (struct tar_header){ .name = "x", .type = '0', .size = (long long)map.size });
	tar_content(&tar, map.data, map.size);
	digest_of(&image.diff_ids[1], tar.data, tar.size);
	buf_clear(&image.blobs[1]);
	compress_gzip(&tar, &image.blobs[1]);
	make_config("amd64");
	make_manifest();
	make_index("amd64");
	run_whole();
	if (UNDER_SANITIZER) /* without a bound it is an odd but sound file */
		CHECK_INT(status, 0);
	else
		check_failed("limit", "memory");
}

int main(int argc, char **argv)
{
	if (argc > 1) /* no leak check at its end: that needs /proc */
		_exit((strcmp(argv[1], "decode") ? unpack_main : decode_main)(argc - 1, argv + 1));
	signal(SIGPIPE, SIG_IGN);
	scratch_open(&scratch);
	RUN(an_image_is_unpacked_and_reported);
	RUN(without_an_index_the_manifest_was_asked_for);
	RUN(layers_at_hand_need_not_be_sent);
	RUN(a_stream_that_stops_is_incomplete);
	RUN(damaged_blobs_are_noticed);
	RUN(content_that_is_not_the_diff_id_is_noticed);
	RUN(damaged_documents_are_noticed);
	RUN(other_machines_images_are_refused);
	RUN(broken_formats_are_refused);
	RUN(streams_out_of_order_are_refused);
	RUN(endless_documents_are_cut_off);
	RUN(a_full_disk_is_told_apart);
	RUN(endless_sparse_maps_take_bounded_memory);
	image_release();
	buf_release(&reports);
	json_decref(last);
	scratch_close(&scratch);
	return test_end();
}
