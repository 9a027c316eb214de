/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls: the server side of TLS 1.2 and 1.3 on non-blocking sockets (RFC 8446).
 *
 * One shared context without sessions and tickets; who we are is chosen per
 * connection from the ClientHello. A client that names no server, or one that
 * is not ours, gets the alert unrecognized_name (RFC 6066 section 3), never
 * another's certificate. A client that offers only "acme-tls/1" is a CA that
 * checks tls-alpn-01 (RFC 8737).
 *
 * Every call runs to its end without waiting. ST_AGAIN: call again when the
 * socket is ready for *want (enum loop_ready of io/loop.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "io/pki.h"

#define TLS_NAME_MAX 255

/* A certificate chain with its key, ready to be shown. */
struct tls_identity;

/*
 * chain has the leaf first; all are shared by reference. ST_INVALID: the key
 * is not the leaf's.
 */
enum status tls_identity_new(struct pki_cert *const *chain, size_t n,
	struct pki_key *key, struct tls_identity **out, struct err *e);
/* Connections that use it go on; clears *id; NULL is allowed. */
void tls_identity_free(struct tls_identity **id);

/*
 * Who we are for name (lower case; empty when the client gave none). ctx is the
 * server's, conn the connection's. ST_OK with *out, borrowed until the call
 * returns; ST_NOTFOUND: the alert unrecognized_name; else internal_error. It is
 * written to: an identity counts how often it is given.
 */
typedef enum status tls_choose_fn(void *ctx, void *conn, struct str name,
	bool acme, struct tls_identity **out);

struct tls_server;

/* Aborts when OpenSSL cannot make a context. */
struct tls_server *tls_server_new(tls_choose_fn *choose, void *ctx);
/* Connections must have been freed; clears *s; NULL is allowed. */
void tls_server_free(struct tls_server **s);

struct tls;

/* A connection on fd (borrowed); NULL when memory is used up. */
struct tls *tls_new(struct tls_server *s, int fd, void *conn);
void tls_free(struct tls **t);

/* ST_OK: established. ST_INVALID: failed, e says why (an alert was sent). */
enum status tls_handshake(struct tls *t, unsigned *want, struct err *e);

/* After the handshake: it was a tls-alpn-01 check, there is nothing to say. */
bool tls_is_acme(const struct tls *t);

/*
 * ST_OK: *n > 0 bytes. ST_NOTFOUND: the peer has ended its side. ST_INVALID:
 * broken, close without more words.
 */
enum status tls_read(
	struct tls *t, void *buf, size_t cap, size_t *n, unsigned *want);

/*
 * ST_OK: *n bytes of the n_buf were taken. After ST_AGAIN the same bytes must
 * be offered again. ST_INVALID: broken.
 */
enum status tls_write(struct tls *t, const void *buf, size_t n_buf, size_t *n,
	unsigned *want);

/* To be told when the socket became readable: until then no read is tried. */
void tls_ready(struct tls *t);

/*
 * From now on what is written is held back, up to some kilobytes, so that an
 * answer and the close_notify behind it leave in one segment.
 */
void tls_hold(struct tls *t);

/* Says close_notify; again does nothing. */
void tls_bye(struct tls *t);

/* Sends what was held back. ST_OK: all; ST_INVALID: broken. */
enum status tls_flush(struct tls *t, unsigned *want);
