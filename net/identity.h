/*
 * identity - this device's own certificate chain and private key, for servers that want to know whom they talk to.
 */
#ifndef NET_IDENTITY_H
#define NET_IDENTITY_H

#include <stddef.h>

#include "lib/err.h"

#define IDENTITY_CHAIN_MAX 8
#define IDENTITY_PEM_MAX (64u << 10) /* of either text */

struct identity;
struct br_ssl_client_context_;

/*
 * From PEM texts: the certificate first, then those of its CAs; the key in PKCS#8, PKCS#1 or SEC1, RSA of 2048 to 4096
 * bits or EC on P-256, P-384, P-521. Both may be the same text. `setting` names them in errors: "in [registry HOST]".
 * Copies what it needs. NULL with the reason: broken, encrypted, of a kind that berth lacks, or the two don't match.
 */
struct identity *identity_new(const char *certificate, const char *key, const char *setting,
			      struct err *err);
void identity_free(struct identity *identity);

/* For tls.c. The identity has to outlive the client. */
void identity_use(const struct identity *identity, struct br_ssl_client_context_ *client);

#endif
