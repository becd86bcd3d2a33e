#include "net/sessions.h"

#include <errno.h>
#include <string.h>

#include "lib/base64.h"
#include "lib/fd.h"

#define FORMAT 1

static struct session *find(const struct sessions *sessions, const char *host, uint16_t port)
{
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		const struct session *session = &sessions->all[i];

		if (session->tls.id_size && session->port == port && !strcmp(session->host, host))
			return (struct session *)session;
	}
	return NULL;
}

const struct tls_session *sessions_find(const struct sessions *sessions, const char *host, uint16_t port)
{
	const struct session *session = find(sessions, host, port);

	return session ? &session->tls : NULL;
}

static struct session *make_room(struct sessions *sessions)
{
	struct session *oldest = &sessions->all[sessions->next];

	for (size_t i = 0; i < SESSIONS_MAX; i++)
		if (!sessions->all[i].tls.id_size)
			return &sessions->all[i];
	sessions->next = (sessions->next + 1) % SESSIONS_MAX;
	return oldest;
}

void sessions_put(struct sessions *sessions, const char *host, uint16_t port, const struct tls_session *tls)
{
	struct session *session = find(sessions, host, port);

	if (strlen(host) > URL_HOST_MAX || (!session && !tls->id_size))
		return;
	if (!session)
		session = make_room(sessions);
	*session = (struct session){ .port = port, .tls = *tls };
	strcpy(session->host, host);
}

/* The text. */

static void append_number(struct buf *out, unsigned value, size_t bytes)
{
	for (size_t i = bytes; i-- > 0;)
		buf_append(out, &(unsigned char){ (unsigned char)(value >> (8 * i)) }, 1);
}

static void append_piece(struct buf *out, const void *data, size_t size)
{
	append_number(out, (unsigned)size, 1);
	buf_append(out, data, size);
}

static void append_session(struct buf *out, const struct session *session)
{
	append_piece(out, session->host, strlen(session->host));
	append_number(out, session->port, 2);
	append_piece(out, session->tls.id, session->tls.id_size);
	append_number(out, session->tls.version, 2);
	append_number(out, session->tls.suite, 2);
	buf_append(out, session->tls.secret, sizeof(session->tls.secret));
}

static void erase(struct buf *buf)
{
	if (buf->data)
		explicit_bzero(buf->data, buf->size);
	buf_release(buf);
}

void sessions_format(const struct sessions *sessions, struct buf *out)
{
	struct buf plain = BUF_INIT;

	append_number(&plain, FORMAT, 1);
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		if (sessions->all[i].tls.id_size)
			append_session(&plain, &sessions->all[i]);
	if (plain.size > 1)
		base64_encode(out, plain.data, plain.size);
	erase(&plain);
}

struct reader {
	const unsigned char *at;
	size_t left;
	bool is_short;
};

static void take(struct reader *in, void *out, size_t size)
{
	if (size > in->left) {
		in->is_short = true;
		return;
	}
	memcpy(out, in->at, size);
	in->at += size;
	in->left -= size;
}

static unsigned take_number(struct reader *in, size_t bytes)
{
	unsigned char raw[2] = { 0, 0 };

	take(in, raw, bytes);
	return bytes == 2 ? (unsigned)raw[0] << 8 | raw[1] : raw[0];
}

static int take_session(struct reader *in, struct session *session)
{
	size_t host = take_number(in, 1);

	_Static_assert(URL_HOST_MAX >= 255, "any length of one byte fits");
	take(in, session->host, host);
	session->port = (uint16_t)take_number(in, 2);
	session->tls.id_size = (unsigned char)take_number(in, 1);
	if (session->tls.id_size == 0 || session->tls.id_size > sizeof(session->tls.id))
		return -EINVAL;
	take(in, session->tls.id, session->tls.id_size);
	session->tls.version = (uint16_t)take_number(in, 2);
	session->tls.suite = (uint16_t)take_number(in, 2);
	take(in, session->tls.secret, sizeof(session->tls.secret));
	return in->is_short || strlen(session->host) != host ? -EINVAL : 0;
}

static int take_all(struct reader *in, struct sessions *sessions)
{
	if (take_number(in, 1) != FORMAT)
		return -EINVAL;
	for (size_t i = 0; in->left > 0; i++)
		if (i == SESSIONS_MAX || take_session(in, &sessions->all[i]) < 0)
			return -EINVAL;
	return 0;
}

int sessions_parse(struct sessions *sessions, const char *text, size_t size)
{
	struct buf plain = BUF_INIT;
	int ret = -EINVAL;

	*sessions = (struct sessions){ .next = 0 };
	if (size > SESSIONS_TEXT_MAX)
		return -EINVAL;
	FREE_CLEANUP char *copy = xstrndup(text, size);

	if (base64_decode(&plain, copy) == 0 && plain.size > 0)
		ret = take_all(&(struct reader){ (const unsigned char *)plain.data, plain.size, false }, sessions);
	erase(&plain);
	if (ret < 0)
		explicit_bzero(sessions, sizeof(*sessions));
	return ret;
}
