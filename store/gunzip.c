#include "store/gunzip.h"

#include <errno.h>
#include <stdint.h>

/* Bits of the header's flag byte, RFC 1952 section 2.3.1. */
#define FLAG_HEADER_CRC 0x02
#define FLAG_EXTRA 0x04
#define FLAG_NAME 0x08
#define FLAG_COMMENT 0x10
#define FLAGS_RESERVED 0xe0

#define FIXED_SIZE 10
#define TRAILER_SIZE 8

int gunzip_init(struct gunzip *gunzip, struct err *err)
{
	*gunzip = (struct gunzip){ .part = GUNZIP_FIXED };
	if (inflateInit2(&gunzip->inflate, -MAX_WBITS) != Z_OK)
		return err_set(err, -ENOMEM, "gzip: no memory");
	return 0;
}

void gunzip_release(struct gunzip *gunzip)
{
	inflateEnd(&gunzip->inflate);
}

bool gunzip_is_between_members(const struct gunzip *gunzip)
{
	return gunzip->part == GUNZIP_FIXED && !gunzip->count;
}

/* Goes to the first part that the member has, from `part` on. */
static void enter(struct gunzip *gunzip, enum gunzip_part part)
{
	if (part == GUNZIP_EXTRA_SIZE && !(gunzip->flags & FLAG_EXTRA))
		part = GUNZIP_NAME;
	if (part == GUNZIP_EXTRA && !gunzip->extra)
		part = GUNZIP_NAME;
	if (part == GUNZIP_NAME && !(gunzip->flags & FLAG_NAME))
		part = GUNZIP_COMMENT;
	if (part == GUNZIP_COMMENT && !(gunzip->flags & FLAG_COMMENT))
		part = GUNZIP_HEADER_CRC;
	if (part == GUNZIP_HEADER_CRC && !(gunzip->flags & FLAG_HEADER_CRC))
		part = GUNZIP_BODY;
	gunzip->part = part;
	gunzip->count = 0;
}

static int take_fixed(struct gunzip *gunzip, unsigned char byte, struct err *err)
{
	static const unsigned char magic[] = { 0x1f, 0x8b, 8 };

	if (gunzip->count < sizeof(magic) && byte != magic[gunzip->count])
		return err_set(err, -EINVAL, "gzip: what follows here is no gzip member");
	if (gunzip->count == 3)
		gunzip->flags = byte;
	if (gunzip->count == 3 && (byte & FLAGS_RESERVED))
		return err_set(err, -EINVAL, "gzip: unknown flags 0x%02x in a header", byte);
	if (++gunzip->count == FIXED_SIZE)
		enter(gunzip, GUNZIP_EXTRA_SIZE);
	return 0;
}

static void take_trailer(struct gunzip *gunzip)
{
	if (++gunzip->count < TRAILER_SIZE)
		return;
	enter(gunzip, GUNZIP_FIXED);
	gunzip->extra = gunzip->flags = gunzip->header_size = 0;
}

/* One byte of anything but the body. */
static int take(struct gunzip *gunzip, unsigned char byte, struct err *err)
{
	if (gunzip->part != GUNZIP_TRAILER && ++gunzip->header_size > GUNZIP_HEADER_MAX)
		return err_set(err, -EINVAL, "gzip: a header of more than %d bytes",
			       GUNZIP_HEADER_MAX);
	switch (gunzip->part) {
	case GUNZIP_FIXED:
		return take_fixed(gunzip, byte, err);
	case GUNZIP_EXTRA_SIZE:
		gunzip->extra |= (unsigned int)byte << (8 * gunzip->count);
		if (++gunzip->count == 2)
			enter(gunzip, GUNZIP_EXTRA);
		break;
	case GUNZIP_EXTRA:
		if (++gunzip->count == gunzip->extra)
			enter(gunzip, GUNZIP_NAME);
		break;
	case GUNZIP_NAME:
		if (!byte)
			enter(gunzip, GUNZIP_COMMENT);
		break;
	case GUNZIP_COMMENT:
		if (!byte)
			enter(gunzip, GUNZIP_HEADER_CRC);
		break;
	case GUNZIP_HEADER_CRC:
		if (++gunzip->count == 2)
			enter(gunzip, GUNZIP_BODY);
		break;
	case GUNZIP_TRAILER:
		take_trailer(gunzip);
		break;
	case GUNZIP_BODY:
		break;
	}
	return 0;
}

static int take_body(struct gunzip *gunzip, const unsigned char **in, size_t *in_size,
		     struct err *err)
{
	z_stream *z = &gunzip->inflate;
	int rc;

	z->next_in = (unsigned char *)(uintptr_t)*in;
	z->avail_in = (unsigned int)*in_size;
	rc = inflate(z, Z_NO_FLUSH);
	*in = z->next_in;
	*in_size = z->avail_in;
	if (rc == Z_STREAM_END) {
		inflateReset(z);
		gunzip->part = GUNZIP_TRAILER;
		gunzip->count = 0;
		return 0;
	}
	if (rc != Z_OK && rc != Z_BUF_ERROR) /* Z_BUF_ERROR: it wants more of one or the other */
		return err_set(err, rc == Z_MEM_ERROR ? -ENOMEM : -EINVAL, "gzip: %s",
			       z->msg ? z->msg : "damaged data");
	return 0;
}

long gunzip_run(struct gunzip *gunzip, const unsigned char **in, size_t *in_size,
		unsigned char *out, size_t out_size, struct err *err)
{
	z_stream *z = &gunzip->inflate;
	int rc = 0;

	z->next_out = out;
	z->avail_out = (unsigned int)out_size;
	while (!rc && z->avail_out) {
		size_t before = *in_size + z->avail_out;

		if (gunzip->part == GUNZIP_BODY) {
			rc = take_body(gunzip, in, in_size, err);
			if (*in_size + z->avail_out == before && gunzip->part == GUNZIP_BODY)
				break;
		} else if (*in_size) {
			rc = take(gunzip, *(*in)++, err);
			--*in_size;
		} else {
			break;
		}
	}
	return rc ? rc : (long)(out_size - z->avail_out);
}
