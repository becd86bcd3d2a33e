#include "lib/xxh64.h"
#include "tests/unit/test.h"

/* The specification's own buffer: its tests have these values for seed 0. */
static void fill(unsigned char *bytes, size_t size)
{
	uint32_t generator = 2654435761u;

	for (size_t i = 0; i < size; i++) {
		bytes[i] = (unsigned char)(generator >> 24);
		generator *= generator;
	}
}

static void has_the_values_of_the_specification(void)
{
	unsigned char bytes[101];

	fill(bytes, sizeof(bytes));
	CHECK(xxh64_of("", 0) == 0xEF46DB3751D8E999u);
	CHECK(xxh64_of(bytes, 1) == 0x4FCE394CC88952D8u);
	CHECK(xxh64_of(bytes, 14) == 0xCFFA8DB881BC3A3Du);
	CHECK(xxh64_of(bytes, 101) == 0x0EAB543384F878ADu);
	CHECK(xxh64_of("abc", 3) == 0x44BC2CF5AD770999u);
}

static void does_not_mind_in_which_pieces(void)
{
	unsigned char bytes[300];

	fill(bytes, sizeof(bytes));
	for (size_t piece = 1; piece < 70; piece++) {
		struct xxh64 hash;

		xxh64_init(&hash);
		for (size_t at = 0; at < sizeof(bytes); at += piece)
			xxh64_update(&hash, bytes + at,
				     sizeof(bytes) - at < piece ? sizeof(bytes) - at : piece);
		CHECK(xxh64_value(&hash) == xxh64_of(bytes, sizeof(bytes)));
	}
}

int main(void)
{
	RUN(has_the_values_of_the_specification);
	RUN(does_not_mind_in_which_pieces);
	return test_end();
}
