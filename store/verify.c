#include "store/verify.h"

#include <errno.h>
#include <string.h>

static int check_end(struct verify *verify, struct err *err)
{
	char hex[SHA256_HEX + 1];

	if (verify->size != VERIFY_SIZE_UNKNOWN && verify->seen != verify->size)
		return err_set(err, -EBADMSG, "%s has %lld bytes instead of %lld", verify->what,
			       (long long)verify->seen, (long long)verify->size);
	sha256_final_hex(&verify->hash, hex);
	if (strcmp(hex, digest_hex(&verify->expected)) != 0)
		return err_set(err, -EBADMSG, "%s is damaged: its digest is sha256:%s instead of %s",
			       verify->what, hex, verify->expected.text);
	return 0;
}

static int check_size(const struct verify *verify, struct err *err)
{
	if (verify->size != VERIFY_SIZE_UNKNOWN && verify->seen > verify->size)
		return err_set(err, -EBADMSG, "%s has more than its %lld bytes", verify->what,
			       (long long)verify->size);
	if (verify->seen > verify->limit)
		return err_set(err, -EFBIG, "%s has more than %lld bytes, the most that is taken",
			       verify->what, (long long)verify->limit);
	return 0;
}

static ssize_t pull(struct verify *verify, const unsigned char **data, struct err *err)
{
	ssize_t got = stream_next(verify->from, data, err);
	int rc;

	if (got < 0)
		return got;
	if (!got) {
		verify->ended = true;
		return check_end(verify, err);
	}
	verify->seen += got;
	rc = check_size(verify, err);
	if (rc < 0)
		return rc;
	sha256_update(&verify->hash, *data, (size_t)got);
	return got;
}

static ssize_t verify_next(struct stream *stream, const unsigned char **data, struct err *err)
{
	struct verify *verify = (struct verify *)stream;
	ssize_t got;

	if (verify->failure.code)
		return err_set(err, verify->failure.code, "%s", verify->failure.text);
	if (verify->ended)
		return 0;
	got = pull(verify, data, &verify->failure);
	if (got < 0)
		return err_set(err, (int)got, "%s", verify->failure.text);
	return got;
}

void verify_init(struct verify *verify, struct stream *from, const char *what,
		 const struct digest *expected, int64_t size, int64_t limit)
{
	*verify = (struct verify){
		.stream.next = verify_next,
		.from = from,
		.what = what,
		.expected = *expected,
		.size = size,
		.limit = limit,
	};
	sha256_init(&verify->hash);
}

int verify_finish(struct verify *verify, struct err *err)
{
	const unsigned char *data;
	ssize_t got;

	do
		got = stream_next(&verify->stream, &data, err);
	while (got > 0);
	return (int)got;
}
