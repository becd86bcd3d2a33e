/* The TLS client against BearSSL's own server in another process, over a socketpair. */
#include <bearssl.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base64.h"
#include "net/failure.h"
#include "net/stream.h"
#include "tests/unit/certificates.h"
#include "tests/unit/test.h"

#define NOW INT64_C(1900000000)	      /* 2030-03-17: the certificates are valid */
#define TOO_LATE INT64_C(5000000000)  /* 2128-06-11 */
#define TOO_EARLY INT64_C(1000000000) /* 2001-09-09 */
#define PEM(base64) "-----BEGIN CERTIFICATE-----\n" base64 "\n-----END CERTIFICATE-----\n"
#define CHAIN_MAX 3

/* What the server shows. */
struct server_identity {
	const char *chain[CHAIN_MAX];
	const char *key;
	unsigned version; /* 0: TLS 1.2 */
};

static struct err err;

static struct buf decode(const char *base64)
{
	struct buf out = BUF_INIT;

	if (base64_decode(&out, base64) < 0)
		abort();
	return out;
}

static int socket_read(void *arg, unsigned char *data, size_t size)
{
	ssize_t got = read(*(int *)arg, data, size);

	return got > 0 ? (int)got : -1;
}

static int socket_write(void *arg, const unsigned char *data, size_t size)
{
	ssize_t sent = send(*(int *)arg, data, size, MSG_NOSIGNAL);

	return sent > 0 ? (int)sent : -1;
}

/* Answers each byte with the next letter, an 'x' with a record that was altered on the way; runs in the child. */
static void serve(int fd, const struct server_identity *identity)
{
	static unsigned char buffer[BR_SSL_BUFSIZE_BIDI];
	static br_ssl_server_context server;
	static br_skey_decoder_context key;
	static br_sslio_context io;
	br_x509_certificate chain[CHAIN_MAX];
	unsigned char seed[32], byte;
	size_t count = 0;

	for (; count < CHAIN_MAX && identity->chain[count]; count++) {
		struct buf der = decode(identity->chain[count]);

		chain[count] = (br_x509_certificate){ (unsigned char *)der.data, der.size };
	}
	struct buf key_der = decode(identity->key);

	br_skey_decoder_init(&key);
	br_skey_decoder_push(&key, key_der.data, key_der.size);
	if (br_skey_decoder_get_ec(&key))
		br_ssl_server_init_full_ec(&server, chain, count, BR_KEYTYPE_EC,
					   br_skey_decoder_get_ec(&key));
	else
		br_ssl_server_init_full_rsa(&server, chain, count, br_skey_decoder_get_rsa(&key));
	if (identity->version)
		br_ssl_engine_set_versions(&server.eng, identity->version, identity->version);
	br_ssl_engine_set_buffer(&server.eng, buffer, sizeof(buffer), 1);
	(void)!getrandom(seed, sizeof(seed), 0);
	br_ssl_engine_inject_entropy(&server.eng, seed, sizeof(seed));
	br_ssl_server_reset(&server);
	br_sslio_init(&io, &server.eng, socket_read, &fd, socket_write, &fd);
	while (br_sslio_read(&io, &byte, 1) == 1) {
		if (byte == 'x')
			(void)!write(fd, "\x17\x03\x03\x00\x20 thirty-two bytes, nobody's MAC  ", 37);
		byte++;
		if (br_sslio_write(&io, &byte, 1) < 0 || br_sslio_flush(&io) < 0)
			break;
	}
	_exit(0);
}

static pid_t start_server(struct stream *stream, const struct server_identity *identity)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		abort();
	pid_t pid = fork();

	if (pid == 0) {
		close(ends[0]);
		serve(ends[1], identity);
	}
	close(ends[1]);
	stream_adopt(stream, ends[0], "peer:443", 20000);
	return pid;
}

static void echo(struct stream *stream)
{
	char letters[4] = "";
	size_t got = 0;

	CHECK_INT(stream_write(stream, "abc", 3, &err), 0);
	while (got < 3) {
		ssize_t ret = stream_read(stream, letters + got, 3 - got, &err);

		if (!CHECK(ret > 0))
			return;
		got += (size_t)ret;
	}
	CHECK_TEXT(letters, "bcd");
}

static int shake_at(const struct server_identity *identity, const char *pem, const char *host, struct tls_time time)
{
	const struct trust trust = { pem, strlen(pem), "ca = in [registry peer]" };
	struct stream stream;
	pid_t pid = start_server(&stream, identity);

	err = ERR_INIT;
	int ret = stream_start_tls(&stream, host, &(struct tls_settings){ .trust = &trust, .time = time }, &err);

	if (ret == 0)
		echo(&stream);
	stream_close(&stream);
	waitpid(pid, NULL, 0);
	return ret;
}

static int shake(const struct server_identity *identity, const char *pem, const char *host, int64_t now)
{
	return shake_at(identity, pem, host, (struct tls_time){ now, now });
}

static const struct server_identity leaf = { { CERT_LEAF, CERT_INTER }, KEY_SERVER, 0 };

static void speaks_to_a_good_server(void)
{
	CHECK_INT(shake(&leaf, PEM(CERT_ROOT), "a.example", NOW), 0);
	CHECK_TEXT(err.text, "");
	CHECK_INT(shake(&leaf, PEM(CERT_ROOT), "A.Example", NOW), 0);
	CHECK_INT(shake(&leaf, PEM(CERT_OTHER) "text between\n" PEM(CERT_ROOT), "x.b.example", NOW), 0);
	const struct server_identity rsa = { { CERT_RSA }, KEY_RSA, 0 };

	CHECK_INT(shake(&rsa, PEM(CERT_ROOT), "a.example", NOW), 0);
	const struct server_identity no_usage = { { CERT_PLAIN }, KEY_SERVER, 0 };

	CHECK_INT(shake(&no_usage, PEM(CERT_ROOT), "a.example", NOW), 0);
}

static void anchors_may_be_roots_intermediates_or_the_server(void)
{
	const struct server_identity direct = { { CERT_DIRECT }, KEY_SERVER, 0 };
	const struct server_identity alone = { { CERT_LEAF }, KEY_SERVER, 0 };

	CHECK_INT(shake(&alone, PEM(CERT_INTER), "a.example", NOW), 0);
	CHECK_INT(shake(&direct, PEM(CERT_DIRECT), "a.example", NOW), 0);
	CHECK_INT(shake(&alone, PEM(CERT_LEAF), "a.example", NOW), 0);
	/* An anchor is no way around the dates. */
	CHECK_INT(shake(&alone, PEM(CERT_LEAF), "a.example", TOO_LATE), FAILURE_TLS);
}

static void shuffled_chains_are_sorted(void)
{
	const struct server_identity extra = { { CERT_LEAF, CERT_OTHER, CERT_INTER }, KEY_SERVER, 0 };
	const struct server_identity root_first = { { CERT_LEAF, CERT_ROOT, CERT_INTER }, KEY_SERVER, 0 };

	CHECK_INT(shake(&extra, PEM(CERT_ROOT), "a.example", NOW), 0);
	CHECK_INT(shake(&root_first, PEM(CERT_ROOT), "a.example", NOW), 0);
}

static void unknown_cas_are_refused(void)
{
	const struct server_identity alone = { { CERT_LEAF }, KEY_SERVER, 0 };
	const struct server_identity direct = { { CERT_DIRECT }, KEY_SERVER, 0 };

	CHECK_INT(shake(&leaf, PEM(CERT_OTHER), "a.example", NOW), FAILURE_TLS);
	CHECK_TEXT(err.text, "peer:443: signed by an unknown CA (set ca = in [registry peer])");
	CHECK_INT(shake(&alone, PEM(CERT_ROOT), "a.example", NOW), FAILURE_TLS);
	CHECK_INT(shake(&direct, PEM(CERT_ROOT), "a.example", NOW), FAILURE_TLS);
	CHECK_INT(shake(&leaf, "", "a.example", NOW), FAILURE_TLS);
	/* What the server sends is no anchor, even when it is a root. */
	const struct server_identity own_root = { { CERT_LEAF, CERT_INTER, CERT_ROOT }, KEY_SERVER, 0 };

	CHECK_INT(shake(&own_root, PEM(CERT_OTHER), "a.example", NOW), FAILURE_TLS);
}

static void names_have_to_fit(void)
{
	CHECK_INT(shake(&leaf, PEM(CERT_ROOT), "c.example", NOW), FAILURE_TLS);
	CHECK_TEXT(err.text, "peer:443: certificate is for a.example, *.b.example, not c.example");
	CHECK_INT(shake(&leaf, PEM(CERT_ROOT), "b.example", NOW), FAILURE_TLS);
	CHECK_INT(shake(&leaf, PEM(CERT_ROOT), "x.y.b.example", NOW), FAILURE_TLS);
	CHECK_INT(shake(&leaf, PEM(CERT_ROOT), "10.0.0.1", NOW), FAILURE_TLS);
	/* A common name is no name of a host. */
	const struct server_identity only_cn = { { CERT_A_EXAMPLE }, KEY_SERVER, 0 };

	CHECK_INT(shake(&only_cn, PEM(CERT_ROOT), "a.example", NOW), FAILURE_TLS);
	CHECK_TEXT(err.text, "peer:443: certificate is for no name, not a.example");
}

static void addresses_are_names_too(void)
{
	const struct server_identity address = { { CERT_ADDRESS }, KEY_SERVER, 0 };

	CHECK_INT(shake(&address, PEM(CERT_ROOT), "10.0.0.1", NOW), 0);
	CHECK_INT(shake(&address, PEM(CERT_ROOT), "fd00::1", NOW), 0);
	CHECK_INT(shake(&address, PEM(CERT_ROOT), "fd00:0:0::0:1", NOW), 0);
	CHECK_INT(shake(&address, PEM(CERT_ROOT), "dual.example", NOW), 0);
	CHECK_INT(shake(&address, PEM(CERT_ROOT), "10.0.0.2", NOW), FAILURE_TLS);
	CHECK_TEXT(err.text, "peer:443: certificate is for 10.0.0.1, fd00::1, dual.example, not 10.0.0.2");
}

static void dates_are_told(void)
{
	CHECK_INT(shake(&leaf, PEM(CERT_ROOT), "a.example", TOO_LATE), FAILURE_TLS);
	CHECK_HAS(err.text, "certificate expired 21");
	CHECK_HAS(err.text, " (device clock says 2128-06-11)");
	CHECK_INT(shake(&leaf, PEM(CERT_ROOT), "a.example", TOO_EARLY), FAILURE_TLS);
	CHECK_HAS(err.text, "certificate is valid from 20");
	CHECK_HAS(err.text, " on (device clock says 2001-09-09)");
}

/* A clock at 1970 counts as what is known of the past; one that may be right is believed where the other date does not fit. */
static void clocks_that_are_behind(void)
{
	CHECK_INT(shake_at(&leaf, PEM(CERT_ROOT), "a.example", (struct tls_time){ .now_s = NOW, .clock_s = 0 }), 0);
	CHECK_INT(shake_at(&leaf, PEM(CERT_ROOT), "a.example", (struct tls_time){ .now_s = TOO_LATE, .clock_s = 0 }),
		  FAILURE_TLS);
	CHECK_HAS(err.text, "expired 21");
	CHECK_HAS(err.text, "(device clock says 1970-01-01, but it was 2128-06-11 already; set the clock)");
	CHECK_INT(shake_at(&leaf, PEM(CERT_ROOT), "a.example", (struct tls_time){ .now_s = TOO_LATE, .clock_s = NOW }), 0);
	CHECK_INT(shake_at(&leaf, PEM(CERT_ROOT), "a.example", (struct tls_time){ .now_s = TOO_LATE, .clock_s = TOO_EARLY }),
		  FAILURE_TLS);
}

static void purpose_and_strength_count(void)
{
	const struct server_identity client = { { CERT_CLIENT }, KEY_SERVER, 0 };
	const struct server_identity weak = { { CERT_WEAK }, KEY_WEAK, 0 };

	CHECK_INT(shake(&client, PEM(CERT_ROOT), "a.example", NOW), FAILURE_TLS);
	CHECK_HAS(err.text, "serverAuth");
	CHECK_INT(shake(&weak, PEM(CERT_ROOT), "a.example", NOW), FAILURE_TLS);
	CHECK_HAS(err.text, "less than 2048 bits");
}

static void a_server_without_the_key_is_refused(void)
{
	const struct server_identity thief = { { CERT_RSA }, KEY_WEAK, 0 };

	CHECK_INT(shake(&thief, PEM(CERT_ROOT), "a.example", NOW), FAILURE_TLS);
	CHECK_HAS(err.text, "peer:443: ");
}

static void old_versions_are_refused(void)
{
	const struct server_identity old = { { CERT_LEAF, CERT_INTER }, KEY_SERVER, BR_TLS11 };

	CHECK_INT(shake(&old, PEM(CERT_ROOT), "a.example", NOW), FAILURE_TLS);
	CHECK_HAS(err.text, "TLS 1.2");
}

/* The other end sends `bytes` and leaves. */
static int shake_with(const char *bytes, size_t size)
{
	const struct trust trust = { "", 0, "ca =" };
	struct stream stream;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		abort();
	(void)!write(ends[1], bytes, size);
	shutdown(ends[1], SHUT_WR);
	stream_adopt(&stream, ends[0], "peer:443", 50);
	err = ERR_INIT;
	int ret = stream_start_tls(&stream, "a.example", &(struct tls_settings){ .trust = &trust, .time = { NOW, NOW } }, &err);

	stream_close(&stream);
	close(ends[1]);
	return ret;
}

static void whatever_else_answers_is_told(void)
{
	CHECK_INT(shake_with("HTTP/1.1 400 Bad Request\r\n\r\n", 28), FAILURE_TLS);
	CHECK_HAS(err.text, "does not speak TLS");
	CHECK_INT(shake_with("\x15\x03\x03\x00\x02\x02\x28", 7), FAILURE_TLS);
	CHECK_HAS(err.text, "alert 40 (handshake failure");
	CHECK_INT(shake_with("\x15\x03\x03\x00\x02\x02\x46", 7), FAILURE_TLS);
	CHECK_HAS(err.text, "no TLS 1.2");
	CHECK_INT(shake_with("", 0), -EPIPE);
	CHECK_HAS(err.text, "the TLS handshake");
}

static void what_breaks_later_is_the_link(void)
{
	static const char pem[] = PEM(CERT_ROOT);
	const struct trust trust = { pem, strlen(pem), "ca = in [registry peer]" };
	struct stream stream;
	pid_t pid = start_server(&stream, &leaf);
	char letter;

	err = ERR_INIT;
	CHECK_INT(stream_start_tls(&stream, "a.example", &(struct tls_settings){ .trust = &trust, .time = { NOW, NOW } }, &err), 0);
	CHECK_INT(stream_write(&stream, "x", 1, &err), 0);
	CHECK_INT(stream_read(&stream, &letter, 1, &err), -ECONNRESET);
	CHECK_HAS(err.text, "peer:443: bytes were altered on the way");
	stream_close(&stream);
	waitpid(pid, NULL, 0);
}

static void broken_bundles_are_told(void)
{
	static const char empty[] = "nothing\n";
	static const char open[] = "-----BEGIN CERTIFICATE-----\nAAAA\n";
	static const char text[] = "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n";
	struct trust trust = { empty, strlen(empty), "ca = in [registry peer]" };

	CHECK_INT(trust_check(&trust, &err), -EINVAL);
	CHECK_HAS(err.text, "ca = in [registry peer]: no certificate");
	trust.pem = open, trust.size = strlen(open);
	CHECK_INT(trust_check(&trust, &err), -EINVAL);
	trust.pem = text, trust.size = strlen(text);
	CHECK_INT(trust_check(&trust, &err), -EINVAL);
	CHECK_HAS(err.text, "certificate 1");
	trust.pem = PEM(CERT_ROOT) PEM(CERT_INTER);
	trust.size = strlen(trust.pem);
	CHECK_INT(trust_check(&trust, &err), 2);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	RUN(speaks_to_a_good_server);
	RUN(anchors_may_be_roots_intermediates_or_the_server);
	RUN(shuffled_chains_are_sorted);
	RUN(unknown_cas_are_refused);
	RUN(names_have_to_fit);
	RUN(addresses_are_names_too);
	RUN(dates_are_told);
	RUN(clocks_that_are_behind);
	RUN(purpose_and_strength_count);
	RUN(a_server_without_the_key_is_refused);
	RUN(old_versions_are_refused);
	RUN(whatever_else_answers_is_told);
	RUN(what_breaks_later_is_the_link);
	RUN(broken_bundles_are_told);
	return test_end();
}
