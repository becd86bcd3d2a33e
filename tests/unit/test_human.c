#include "lib/human.h"
#include "lib/time.h"
#include "tests/unit/test.h"

static const char *size_of(uint64_t bytes, int digits)
{
	static char text[HUMAN_TEXT_MAX];

	human_size(text, bytes, digits);
	return text;
}

static const char *duration_of(int64_t seconds)
{
	static char text[HUMAN_TEXT_MAX];

	human_duration(text, seconds * NS_PER_S);
	return text;
}

static void sizes_as_docker_images(void)
{
	CHECK_TEXT(size_of(0, 3), "0B");
	CHECK_TEXT(size_of(999, 3), "999B");
	CHECK_TEXT(size_of(1000, 3), "1kB");
	CHECK_TEXT(size_of(13256, 3), "13.3kB");
	CHECK_TEXT(size_of(7807232, 3), "7.81MB");
	CHECK_TEXT(size_of(116500000, 3), "116MB");
	CHECK_TEXT(size_of(1500000000, 3), "1.5GB");
	CHECK_TEXT(size_of(UINT64_MAX, 3), "18.4EB");
}

static void sizes_never_use_an_exponent(void)
{
	CHECK_TEXT(size_of(999900, 3), "1MB");
	CHECK_TEXT(size_of(999600000, 3), "1GB");
	CHECK_TEXT(size_of(999600, 4), "999.6kB");
}

static void durations_as_docker_ps(void)
{
	CHECK_TEXT(duration_of(0), "Less than a second");
	CHECK_TEXT(duration_of(-5), "Less than a second");
	CHECK_TEXT(duration_of(1), "1 second");
	CHECK_TEXT(duration_of(59), "59 seconds");
	CHECK_TEXT(duration_of(60), "About a minute");
	CHECK_TEXT(duration_of(119), "About a minute");
	CHECK_TEXT(duration_of(120), "2 minutes");
	CHECK_TEXT(duration_of(3599), "59 minutes");
	CHECK_TEXT(duration_of(3600), "About an hour");
	CHECK_TEXT(duration_of(47 * 3600), "47 hours");
	CHECK_TEXT(duration_of(48 * 3600), "2 days");
	CHECK_TEXT(duration_of(14 * 86400), "2 weeks");
	CHECK_TEXT(duration_of(61 * 86400), "2 months");
	CHECK_TEXT(duration_of(1000 * 86400), "2 years");
}

int main(void)
{
	RUN(sizes_as_docker_images);
	RUN(sizes_never_use_an_exponent);
	RUN(durations_as_docker_ps);
	return test_end();
}
