/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_client: the client side of TLS 1.2 and 1.3 on non-blocking sockets, with
 * certificates verified. One context and one trust store serve all connections:
 * with OpenSSL 3.0 reading a bundle of CAs takes 25 ms, and making a context a
 * fifth of a handshake.
 *
 * Nothing passes from one connection to another: no sessions, no tickets. What
 * is made here is used and freed with the tls_ calls of io/tls.h.
 */
#pragma once

#include "base/clock.h"
#include "base/err.h"
#include "base/status.h"
#include "io/tls.h"

/* Debian's, kept by ca-certificates. */
#define TLS_CLIENT_CA_FILE "/etc/ssl/certs/ca-certificates.crt"
#define TLS_ISSUER_MAX 200 /* bytes of its text that are kept */

struct tls_client;

/* Reads the CAs of a PEM file; NULL: TLS_CLIENT_CA_FILE. ST_PERM: the file
 * cannot be read, or there is no certificate in it. */
enum status tls_client_new(
	const char *ca_file, struct tls_client **out, struct err *e);
/* Connections must have been freed; clears *c; NULL is allowed. */
void tls_client_free(struct tls_client **c);

/*
 * Reads the file again if it has changed; connections that are being made are
 * held against the new CAs. ST_PERM as above: the old ones stay in force.
 */
enum status tls_client_refresh(struct tls_client *c, struct err *e);

/* What is wrong with a server's certificate. */
enum tls_cert {
	TLS_CERT_GOOD,
	TLS_CERT_EXPIRED, /* it, or one it hangs from */
	TLS_CERT_NOT_YET_VALID,
	TLS_CERT_SELF_SIGNED,
	TLS_CERT_UNKNOWN_CA,
	TLS_CERT_NAME, /* no name of its SAN covers the host */
	TLS_CERT_OTHER,
};

/* "good", "expired", "not-yet-valid", "self-signed", "unknown-ca",
 * "host-mismatch", "invalid". */
const char *tls_cert_name(enum tls_cert c);

/* What was seen of the server's certificate. */
struct tls_peer {
	enum tls_cert cert;
	const char *fault;	    /* static; NULL while GOOD */
	struct unix_time not_after; /* 0: no certificate was seen */
	char issuer[TLS_ISSUER_MAX];
};

/*
 * A connection to host (SNI, and the name its certificate must have, see
 * io/tls_names.h) on the connected socket fd, borrowed; offers http/1.1. peer
 * is filled during tls_handshake and must stay until tls_free; when that
 * fails, peer->cert tells whether the certificate is why. NULL when memory is
 * used up.
 */
struct tls *tls_client_connect(
	struct tls_client *c, int fd, const char *host, struct tls_peer *peer);

/*
 * No more than so many bytes are read from the server, handshake and all that
 * TLS sends beside data included; then the connection counts as broken.
 */
void tls_client_limit(struct tls *t, size_t max_bytes);
/* Is that why? */
bool tls_client_over(const struct tls *t);
