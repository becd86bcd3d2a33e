/*
 * Archives that try to leave the directory they are unpacked in (attack.h) by what their headers say, or by way of
 * the layers that unchanged files are taken from. Needs root.
 */
// QEMU: no, it makes devices as root
#include "tests/unit/attack.h"

static void pax_headers_that_override(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT, lines = BUF_INIT;

	tar_pax_text(&tar, "path", "../outside/secret");
	tar_file(&tar, "harmless", 0666, "evil");
	CHECK_INT(attack(&tar), -EINVAL);
	tar_pax_text(&tar, "path", absolute("outside/secret"));
	tar_file(&tar, "harmless", 0666, "evil");
	CHECK_INT(attack(&tar), 0);
	tar_pax_text(&tar, "path", "");
	tar_file(&tar, "harmless", 0666, "evil");
	CHECK(attack(&tar) <= 0);
	tar_pax_text(&tar, "linkpath", "../outside/secret");
	tar_link(&tar, '1', "h", "harmless");
	CHECK_INT(attack(&tar), -EINVAL);
	tar_pax_text(&tar, "linkpath", absolute("outside"));
	tar_link(&tar, '2', "l", "harmless");
	tar_file(&tar, "l/secret", 0666, "evil");
	CHECK_INT(attack(&tar), 0);
	/* The size decides where the next header is: what looks like content must not become one, or the other way round. */
	tar_pax_text(&tar, "size", "512");
	tar_header(&tar, (struct tar_header){ .name = "a", .type = '0', .mode = 0644, .size = 0 });
	tar_file(&tar, "../outside/secret", 0666, "evil");
	CHECK(attack(&tar) <= 0);
	tar_pax_text(&tar, "size", "-1");
	tar_file(&tar, "a", 0644, "x");
	CHECK(attack(&tar) < 0);
	tar_pax_text(&tar, "size", "99999999999999999999999");
	tar_file(&tar, "a", 0644, "x");
	CHECK(attack(&tar) < 0);
	/* Global ones too. */
	tar_pax_line(&lines, "path", "../outside/secret", 17);
	tar_header(&tar, (struct tar_header){ .name = "g", .type = 'g', .size = (long long)lines.size });
	tar_content(&tar, lines.data, lines.size);
	tar_file(&tar, "a", 0644, "x");
	CHECK(attack(&tar) <= 0);
}

static void add_sparse(struct buf *tar, const char *name, const char *map)
{
	BUF_CLEANUP struct buf lines = BUF_INIT;

	tar_pax_line(&lines, "GNU.sparse.major", "1", 1);
	tar_pax_line(&lines, "GNU.sparse.minor", "0", 1);
	tar_pax_line(&lines, "GNU.sparse.name", name, strlen(name));
	tar_pax_line(&lines, "GNU.sparse.realsize", "1000", 4);
	tar_pax(tar, &lines);
	tar_header(tar, (struct tar_header){ .name = "x", .type = '0', .mode = 0644, .size = 516 });
	tar_content(tar, map, strlen(map));
	tar_content(tar, "evil", 4);
}

static void sparse_names(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;

	add_sparse(&tar, "../outside/secret", "1\n0\n4\n");
	CHECK_INT(attack(&tar), -EINVAL);
	add_sparse(&tar, absolute("outside/secret"), "1\n0\n4\n");
	CHECK_INT(attack(&tar), 0);
	tar_link(&tar, '2', "l", "../outside");
	add_sparse(&tar, "l/secret", "1\n0\n4\n");
	CHECK_INT(attack(&tar), 0);
	add_sparse(&tar, "x", "1\n-4\n4\n");
	CHECK(attack(&tar) < 0);
	add_sparse(&tar, "x", "2\n900\n2\n100\n2\n");
	CHECK(attack(&tar) <= 0);
	add_sparse(&tar, "x", "99999999999999\n0\n4\n");
	CHECK(attack(&tar) < 0);
	add_sparse(&tar, "x", "1\n0\n99999999999999\n");
	CHECK(attack(&tar) <= 0);
}

/* The header's size as a binary number, with a checksum that is right. */
static void binary_size(struct buf *tar, unsigned char first, unsigned char rest)
{
	unsigned int sum = 8 * ' ';
	char *block;

	tar_header(tar, (struct tar_header){ .name = "a", .type = '0', .mode = 0644 });
	block = tar->data + tar->size - 512;
	memset(block + 124, rest, 12);
	block[124] = (char)first;
	for (int i = 0; i < 512; i++)
		sum += i >= 148 && i < 156 ? 0 : (unsigned char)block[i];
	snprintf(block + 148, 8, "%06o", sum);
	block[155] = ' ';
}

static void sizes_that_are_negative(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;

	binary_size(&tar, 0xff, 0xff); /* -1 */
	tar_file(&tar, "b", 0644, "x");
	CHECK(attack(&tar) <= 0);
	binary_size(&tar, 0x80, 0xff);
	CHECK(attack(&tar) < 0);
	binary_size(&tar, 0xc0, 0);
	CHECK(attack(&tar) <= 0);
	tar_header(&tar, (struct tar_header){ .name = "l", .type = '2', .link = "x", .size = 1024 });
	tar_file(&tar, "../outside/secret", 0666, "evil");
	CHECK(attack(&tar) <= 0);
}

static void names_with_control_characters(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT, lines = BUF_INIT;

	tar_pax_line(&lines, "path", "in\0/../../outside/secret", 24);
	tar_pax(&tar, &lines);
	tar_file(&tar, "a", 0666, "evil");
	CHECK(attack(&tar) <= 0);
	tar_file(&tar, "new\nline", 0644, "x");
	tar_file(&tar, "\033[2J", 0644, "x");
	CHECK_INT(attack(&tar), 0);
	CHECK(in_tree("new\nline"));
	tar_file(&tar, "../new\nline", 0644, "x");
	CHECK_INT(attack(&tar), -EINVAL);
	CHECK(!strchr(err.text, '\n'));
}

static void devices(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;

	/* The device is there, but its content is not reached by way of it: it is replaced. */
	tar_header(&tar, (struct tar_header){ .name = "null", .type = '3', .mode = 0666, .major = 1,
					      .minor = 3 });
	tar_file(&tar, "null", 0644, "x");
	tar_header(&tar, (struct tar_header){ .name = "disk", .type = '4', .mode = 0666, .major = 7,
					      .minor = 250 });
	tar_link(&tar, '1', "disk2", "disk");
	tar_file(&tar, "disk2", 0644, "x");
	tar_header(&tar, (struct tar_header){ .name = "odd", .type = '3', .mode = 0666,
					      .major = 07777777, .minor = 07777777 });
	CHECK(attack(&tar) <= 0);
	tar_header(&tar, (struct tar_header){ .name = "d", .type = '3', .mode = 0666 });
	tar_file(&tar, "d/x", 0644, "below a whiteout");
	CHECK(attack(&tar) < 0);
}

/* What the layers of the version before have under these names is theirs alone. */
static void unchanged_files_behind_links(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;

	tar_dir(&tar, "l", 0755);
	tar_file(&tar, "l/secret", 0666, "evil");
	tar_dir(&tar, "d", 0755);
	tar_file(&tar, "d/secret", 0666, "evil");
	tar_file(&tar, "secret", 0666, "evil");
	tar_link(&tar, '1', "same", "secret");
	tar_link(&tar, '2', "d", "../outside");
	tar_file(&tar, "d/secret", 0666, "evil");
	CHECK_INT(attack(&tar), 0);
	tar_file(&tar, "h", 0666, "evil");
	tar_link(&tar, '1', "h2", "h");
	tar_file(&tar, "h2", 0666, "other");
	tar_file(&tar, "x/f", 0666, "evil");
	tar_link(&tar, '2', "x", "../outside");
	CHECK_INT(attack(&tar), 0);
	tar_link(&tar, '2', "l", "d");
	tar_file(&tar, "l/secret", 0666, "evil");
	tar_link(&tar, '1', "out/secret", "l/secret");
	tar_file(&tar, "out/.wh.secret", 0644, "");
	CHECK_INT(attack(&tar), 0);
}

static void links_to_other_layers(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;

	tar_link(&tar, '1', "h", "/base/0/h");
	CHECK_INT(attack(&tar), -ENOENT);
	tar_link(&tar, '2', "b", "/base/0");
	tar_file(&tar, "b/h", 0666, "evil");
	CHECK_INT(attack(&tar), 0);
	CHECK(in_tree("base/0/h"));
	tar_link(&tar, '2', "b", "../../../base/0");
	tar_link(&tar, '1', "x", "b/h");
	CHECK(attack(&tar) < 0);
	tar_file(&tar, "../held/list", 0644, "x");
	CHECK_INT(attack(&tar), -EINVAL);
	tar_link(&tar, '1', "x", "../held/f0");
	CHECK_INT(attack(&tar), -EINVAL);
}

int main(void)
{
	attack_begin();
	RUN(pax_headers_that_override);
	RUN(sparse_names);
	RUN(sizes_that_are_negative);
	RUN(names_with_control_characters);
	RUN(devices);
	RUN(unchanged_files_behind_links);
	RUN(links_to_other_layers);
	attack_end();
	return test_end();
}
