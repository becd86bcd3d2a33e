/* Every engine that the machine has, against the published answers and against BearSSL. */
#include <bearssl_hash.h>
#include <stdlib.h>

#include "lib/sha256.h"
#include "lib/sha256_engine.h"
#include "tests/unit/test.h"

#define DATA_SIZE 5000

static const struct sha256_engine *engine; /* the one that is tested */

static void start(struct sha256 *hash)
{
	sha256_init(hash);
	hash->engine = engine;
}

static void answer_of(const void *data, size_t size, char hex[static SHA256_HEX + 1])
{
	struct sha256 hash;

	start(&hash);
	sha256_update(&hash, data, size);
	sha256_final_hex(&hash, hex);
}

static void bearssl_answer_of(const void *data, size_t size, char hex[static SHA256_HEX + 1])
{
	br_sha256_context context;
	unsigned char bytes[SHA256_BYTES];

	br_sha256_init(&context);
	br_sha256_update(&context, data, size);
	br_sha256_out(&context, bytes);
	for (int i = 0; i < SHA256_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

/* The same bytes in every run: a failure can be looked at. */
static void fill(unsigned char *data, size_t size)
{
	srandom(256);
	for (size_t i = 0; i < size; i++)
		data[i] = (unsigned char)random();
}

/* NIST's examples for SHA-256, to which FIPS 180-4 refers: one and two blocks with the padding. */
static void published_answers(void)
{
	static const struct {
		const char *message, *answer;
	} known[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
		{ "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
		  "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
		  "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
	};
	char hex[SHA256_HEX + 1];

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		answer_of(known[i].message, strlen(known[i].message), hex);
		CHECK_TEXT(hex, known[i].answer);
	}
}

static void a_million_letters(void)
{
	char hex[SHA256_HEX + 1], letters[1000];
	struct sha256 hash;

	memset(letters, 'a', sizeof(letters));
	start(&hash);
	for (int i = 0; i < 1000; i++)
		sha256_update(&hash, letters, sizeof(letters));
	sha256_final_hex(&hash, hex);
	CHECK_TEXT(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* All places where the padding can begin, on all alignments that can matter. */
static void every_length_up_to_four_blocks(void)
{
	unsigned char data[4 * SHA256_BLOCK + 16];
	char hex[SHA256_HEX + 1], expected[SHA256_HEX + 1];

	fill(data, sizeof(data));
	for (size_t size = 0; size <= 4 * SHA256_BLOCK; size++) {
		answer_of(data + size % 16, size, hex);
		bearssl_answer_of(data + size % 16, size, expected);
		if (!CHECK_TEXT(hex, expected))
			fprintf(stderr, "of %zu bytes with %s\n", size, engine->name);
	}
}

/* Pieces from none to three blocks and a bit. */
static void update_in_pieces(struct sha256 *hash, const unsigned char *data, size_t size)
{
	while (size) {
		size_t piece = (size_t)random() % (3 * SHA256_BLOCK + 8);

		if (piece > size)
			piece = size;
		sha256_update(hash, data, piece);
		data += piece;
		size -= piece;
	}
}

static void any_bytes_in_any_pieces(void)
{
	static unsigned char data[DATA_SIZE];
	char hex[SHA256_HEX + 1], expected[SHA256_HEX + 1];

	fill(data, sizeof(data));
	for (int i = 0; i < 500; i++) {
		size_t from = (size_t)random() % DATA_SIZE;
		size_t size = (size_t)random() % (DATA_SIZE - from);
		struct sha256 hash;

		start(&hash);
		update_in_pieces(&hash, data + from, size);
		sha256_final_hex(&hash, hex);
		bearssl_answer_of(data + from, size, expected);
		if (!CHECK_TEXT(hex, expected))
			fprintf(stderr, "of %zu bytes in pieces with %s\n", size, engine->name);
	}
}

static void nothing_may_be_null(void)
{
	char hex[SHA256_HEX + 1];

	answer_of(NULL, 0, hex);
	CHECK_TEXT(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void the_first_there_is_chosen(void)
{
	const struct sha256_engine *const *first = sha256_engines;
	struct sha256 hash;

	while (!(*first)->is_there())
		first++;
	sha256_init(&hash);
	CHECK_TEXT(hash.engine->name, (*first)->name);
}

/* /proc/cpuinfo's names: `flags: ... sha_ni` on x86, `Features: ... sha2` on ARM. */
static void there_as_the_kernel_says(void)
{
#ifdef __x86_64__
	const char *line_name = "flags", *word = " sha_ni";
#else
	const char *line_name = "Features", *word = " sha2";
#endif
	FILE *cpuinfo = fopen("/proc/cpuinfo", "re");
	char line[8192];
	bool is_there = sha256_engines[0]->is_there() && sha256_engines[1];

	/* Under qemu-user it is the host's file, which has no such line. */
	while (cpuinfo && fgets(line, sizeof(line), cpuinfo))
		if (!strncmp(line, line_name, strlen(line_name))) {
			CHECK_INT(is_there, strstr(line, word) != NULL);
			break;
		}
	if (cpuinfo)
		fclose(cpuinfo);
}

int main(void)
{
	for (int i = 0; sha256_engines[i]; i++) {
		engine = sha256_engines[i];
		if (!engine->is_there()) {
			fprintf(stderr, "not tested, the processor lacks it: %s\n", engine->name);
			continue;
		}
		fprintf(stderr, "%s:\n", engine->name);
		RUN(published_answers);
		RUN(a_million_letters);
		RUN(every_length_up_to_four_blocks);
		RUN(any_bytes_in_any_pieces);
		RUN(nothing_may_be_null);
	}
	RUN(the_first_there_is_chosen);
	RUN(there_as_the_kernel_says);
	return test_end();
}
