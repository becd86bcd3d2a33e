/* Stands in for tls.c, verify.c and identity.c where CONFIG_TLS is off: tls_new() fails, so the rest is never reached. */
#include "net/failure.h"
#include "net/identity.h"
#include "net/tls.h"

struct tls *tls_new(const char *host, const struct tls_settings *settings, struct err *err)
{
	(void)settings;
	err_set(err, FAILURE_TLS,
		"https to %s: this berth was built without TLS (CONFIG_TLS; or set insecure = yes)", host);
	return NULL;
}

void tls_free(struct tls *tls)
{
	(void)tls;
}

void tls_get_session(const struct tls *tls, struct tls_session *session)
{
	(void)tls;
	*session = (struct tls_session){ .id_size = 0 };
}

unsigned tls_state(const struct tls *tls)
{
	(void)tls;
	return TLS_CLOSED;
}

unsigned char *tls_buffer(struct tls *tls, enum tls_door door, size_t *size)
{
	(void)tls, (void)door;
	*size = 0;
	return NULL;
}

void tls_moved(struct tls *tls, enum tls_door door, size_t count)
{
	(void)tls, (void)door, (void)count;
}

void tls_flush(struct tls *tls)
{
	(void)tls;
}

void tls_close(struct tls *tls)
{
	(void)tls;
}

int tls_reason(const struct tls *tls, struct err *err)
{
	(void)tls;
	return err_set(err, FAILURE_TLS, "this berth was built without TLS");
}

struct identity *identity_new(const char *certificate, const char *key, const char *setting,
			      struct err *err)
{
	(void)certificate, (void)key;
	err_set(err, FAILURE_TLS, "cert = %s: this berth was built without TLS (CONFIG_TLS)", setting);
	return NULL;
}

void identity_free(struct identity *identity)
{
	(void)identity;
}
