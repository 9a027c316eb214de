/* SPDX-License-Identifier: Apache-2.0 */
/* tls_client: one SSL_CTX, one X509_STORE, and a look at each certificate. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "io/tls_client.h"

#include "base/bug.h"
#include "base/mem.h"
#include "io/tls_names.h"
#include "io/tls_own.h"

#include "base/poison.h"

/*
 * Not DHE: its group is the server's to choose, and the arithmetic in one of
 * 10,000 bits, which OpenSSL takes, would stop the loop for most of a second.
 */
#define TLS12_CIPHERS "DEFAULT:!kDHE"

/* By which a file is known to be the one that was read. */
struct stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
};

struct tls_client {
	SSL_CTX *ctx;
	BIO_METHOD *socket;
	char *ca_file;
	struct stamp read;
};

/* ---- the trust store ---- */

static enum status stamp_of(const char *file, struct stamp *out, struct err *e)
{
	struct stat st;

	if (stat(file, &st) != 0)
		return err_sys(e, ST_PERM, errno, "CA file %s", file);
	*out = (struct stamp){ .dev = st.st_dev,
		.ino = st.st_ino,
		.size = st.st_size,
		.changed = st.st_ctim };
	return ST_OK;
}

static bool stamp_eq(const struct stamp *a, const struct stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec &&
	       a->changed.tv_nsec == b->changed.tv_nsec;
}

static enum status store_read(const char *file, X509_STORE **out, struct err *e)
{
	X509_STORE *store = X509_STORE_new();

	BUG(store == NULL);
	ERR_clear_error();
	if (X509_STORE_load_file(store, file) != 1) {
		X509_STORE_free(store);
		ERR_clear_error();
		return err_set(e, ST_PERM,
			"CA file %s: there is no certificate in it", file);
	}
	*out = store;
	return ST_OK;
}

enum status tls_client_refresh(struct tls_client *c, struct err *e)
{
	struct stamp now;
	X509_STORE *store = NULL;
	enum status st = stamp_of(c->ca_file, &now, e);

	if (st != ST_OK || stamp_eq(&now, &c->read))
		return st;
	st = store_read(c->ca_file, &store, e);
	if (st != ST_OK)
		return st;
	SSL_CTX_set_cert_store(c->ctx, store); /* which takes it over */
	c->read = now;
	return ST_OK;
}

/* ---- certificates ---- */

const char *tls_cert_name(enum tls_cert c)
{
	static const char *const names[] = {
		[TLS_CERT_GOOD] = "good",
		[TLS_CERT_EXPIRED] = "expired",
		[TLS_CERT_NOT_YET_VALID] = "not-yet-valid",
		[TLS_CERT_SELF_SIGNED] = "self-signed",
		[TLS_CERT_UNKNOWN_CA] = "unknown-ca",
		[TLS_CERT_NAME] = "host-mismatch",
		[TLS_CERT_OTHER] = "invalid",
	};

	return names[c];
}

static enum tls_cert cert_of(int code)
{
	switch (code) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return TLS_CERT_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return TLS_CERT_NOT_YET_VALID;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return TLS_CERT_SELF_SIGNED;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_UNTRUSTED:
		return TLS_CERT_UNKNOWN_CA;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return TLS_CERT_NAME;
	default:
		return TLS_CERT_OTHER;
	}
}

static void look_at(struct tls_peer *peer, X509 *x)
{
	struct tm tm;

	if (x == NULL || peer->not_after.s != 0)
		return;
	if (ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) == 1)
		peer->not_after.s = (int64_t)timegm(&tm);
	(void)X509_NAME_oneline(
		X509_get_issuer_name(x), peer->issuer, sizeof(peer->issuer));
}

/* Called for each certificate, and for what is wrong: the first counts. */
static int on_verify(int good, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
		store, SSL_get_ex_data_X509_STORE_CTX_idx());
	const struct tls *t = SSL_get_app_data(ssl);
	struct tls_peer *peer = t->conn;
	int code = X509_STORE_CTX_get_error(store);

	look_at(peer, X509_STORE_CTX_get0_cert(store));
	if (!good && peer->cert == TLS_CERT_GOOD) {
		peer->cert = cert_of(code);
		peer->fault = X509_verify_cert_error_string(code);
	}
	return good;
}

/* ---- the client ---- */

static SSL_CTX *context(void)
{
	static const unsigned char protocols[] = "\x08http/1.1";
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());
	char groups[] = TLS_GROUPS; /* the macro drops const */

	BUG(c == NULL);
	BUG(SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) != 1);
	(void)SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
					     SSL_OP_NO_RENEGOTIATION);
	(void)SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	(void)SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	BUG(SSL_CTX_set_cipher_list(c, TLS12_CIPHERS) != 1);
	BUG(SSL_CTX_set1_groups_list(c, groups) != 1);
	/* this one returns 0 when all is well */
	BUG(SSL_CTX_set_alpn_protos(c, protocols, sizeof(protocols) - 1) != 0);
	(void)SSL_CTX_set_read_ahead(c, 1);
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER, on_verify);
	return c;
}

enum status tls_client_new(
	const char *ca_file, struct tls_client **out, struct err *e)
{
	struct tls_client *c = mem_must(sizeof(*c));
	enum status st;

	c->ca_file = strdup(ca_file == NULL ? TLS_CLIENT_CA_FILE : ca_file);
	BUG(c->ca_file == NULL);
	c->ctx = context();
	c->socket = tls_socket_method();
	st = tls_client_refresh(c, e);
	if (st == ST_OK) {
		*out = c;
		c = NULL;
	}
	tls_client_free(&c);
	return st;
}

void tls_client_free(struct tls_client **c)
{
	if (*c == NULL)
		return;
	SSL_CTX_free((*c)->ctx);
	BIO_meth_free((*c)->socket);
	free((*c)->ca_file);
	mem_free(*c);
	*c = NULL;
}

struct tls *tls_client_connect(
	struct tls_client *c, int fd, const char *host, struct tls_peer *peer)
{
	struct tls *t = tls_of_context(c->ctx, c->socket, fd);
	char name[TLS_NAME_MAX + 1]; /* the macro drops const */
	size_t n = strlen(host);

	if (t == NULL)
		return NULL;
	BUG(n > TLS_NAME_MAX);
	memcpy(name, host, n + 1);
	*peer = (struct tls_peer){};
	t->conn = peer;
	BUG(SSL_set_tlsext_host_name(t->ssl, name) != 1);
	tls_names_require_of(t->ssl, host);
	SSL_set_connect_state(t->ssl);
	return t;
}

void tls_client_limit(struct tls *t, size_t max_bytes)
{
	t->max_in = max_bytes;
}

bool tls_client_over(const struct tls *t)
{
	return t->max_in > 0 && t->n_in >= t->max_in;
}
