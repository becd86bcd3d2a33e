/* image_builder - a small image as a registry has it: plain, gzip and zstd layers in `image`. Needs `scratch` open. */
#ifndef TESTS_UNIT_IMAGE_BUILDER_H
#define TESTS_UNIT_IMAGE_BUILDER_H

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "config/manifest.h"
#include "lib/fd.h"
#include "tests/unit/scratch.h"
#include "tests/unit/tar_builder.h"
#include "tests/unit/test.h"

#define LAYERS 3

static struct scratch scratch;

/* What the registry has. */
static struct {
	struct buf index, manifest, config, blobs[LAYERS];
	struct digest asked, diff_ids[LAYERS];
} image;

static void compress_gzip(const struct buf *in, struct buf *out)
{
	z_stream z = { 0 };

	deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
	z.next_in = (Bytef *)in->data;
	z.avail_in = (uInt)in->size;
	z.avail_out = (uInt)deflateBound(&z, in->size);
	z.next_out = (Bytef *)buf_reserve(out, z.avail_out);
	CHECK_INT(deflate(&z, Z_FINISH), Z_STREAM_END);
	buf_added(out, z.total_out);
	deflateEnd(&z);
}

static void compress_zstd(const struct buf *in, struct buf *out)
{
	char command[256];

	CHECK_INT(fd_replace_file_volatile(scratch.fd, "in", in->data, in->size, 0600), 0);
	snprintf(command, sizeof(command), "zstd -q <%s/in >%s/out", scratch.path, scratch.path);
	CHECK_INT(system(command), 0);
	CHECK_INT(fd_read_file(scratch.fd, "out", out, 1 << 20), 0);
}

static void make_layer(size_t number)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;
	char name[32], text[32];

	snprintf(name, sizeof(name), "file%zu", number);
	snprintf(text, sizeof(text), "content %zu", number);
	tar_dir(&tar, "etc", 0755);
	tar_file(&tar, name, 0644, text);
	tar_file(&tar, "etc/.wh.gone", 0644, "");
	tar_end(&tar);
	buf_append(&tar, "bytes behind the end are hashed too", 35);
	digest_of(&image.diff_ids[number], tar.data, tar.size);
	buf_clear(&image.blobs[number]);
	if (number == 0)
		buf_append(&image.blobs[0], tar.data, tar.size);
	else
		(number == 1 ? compress_gzip : compress_zstd)(&tar, &image.blobs[number]);
}

static void make_config(const char *architecture)
{
	buf_clear(&image.config);
	buf_append_format(&image.config, "{\"architecture\":\"%s\",\"os\":\"linux\",\"rootfs\":{"
			  "\"type\":\"layers\",\"diff_ids\":[", architecture);
	for (size_t i = 0; i < LAYERS; i++)
		buf_append_format(&image.config, "%s\"%s\"", i ? "," : "", image.diff_ids[i].text);
	buf_append_text(&image.config, "]}}");
}

static void make_manifest(void)
{
	struct digest digest;

	buf_clear(&image.manifest);
	digest_of(&digest, image.config.data, image.config.size);
	buf_append_format(&image.manifest, "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST
			  "\",\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG "\",\"digest\":\"%s\","
			  "\"size\":%zu},\"layers\":[", digest.text, image.config.size);
	for (size_t i = 0; i < LAYERS; i++) {
		digest_of(&digest, image.blobs[i].data, image.blobs[i].size);
		buf_append_format(&image.manifest, "%s{\"mediaType\":\"application/vnd.oci.image.layer."
				  "v1.tar+gzip\",\"digest\":\"%s\",\"size\":%zu}", i ? "," : "",
				  digest.text, image.blobs[i].size);
	}
	buf_append_text(&image.manifest, "]}");
}

static void make_index(const char *architecture)
{
	struct digest digest;

	buf_clear(&image.index);
	digest_of(&digest, image.manifest.data, image.manifest.size);
	buf_append_format(&image.index, "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX "\","
			  "\"manifests\":[{\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"digest\":\"%s\","
			  "\"size\":%zu,\"platform\":{\"os\":\"linux\",\"architecture\":\"%s\"}}]}",
			  digest.text, image.manifest.size, architecture);
	digest_of(&image.asked, image.index.data, image.index.size);
}

static void make_image(void)
{
	for (size_t i = 0; i < LAYERS; i++)
		make_layer(i);
	make_config("amd64");
	make_manifest();
	make_index("amd64");
}

static void image_release(void)
{
	buf_release(&image.index);
	buf_release(&image.manifest);
	buf_release(&image.config);
	for (size_t i = 0; i < LAYERS; i++)
		buf_release(&image.blobs[i]);
}

#endif
