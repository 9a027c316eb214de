/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls: a server, and what both sides share. The certificate is set in the
 * ClientHello callback, before anything else happens, so that no session or
 * default can stand in for it.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "io/tls.h"

#include "base/bug.h"
#include "base/mem.h"
#include "base/wire.h"
#include "io/loop.h"
#include "io/tls_own.h"

#include "base/poison.h"

/* AEAD with forward secrecy only (RFC 9325 section 4.2). */
#define TLS12_CIPHERS                                                          \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"           \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"           \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

struct tls_identity {
	X509 *leaf;
	STACK_OF(X509) * issuers;
	EVP_PKEY *key;
	unsigned uses; /* handshakes begun with it, up to KEY_SHARE_USES */
};

struct tls_server {
	SSL_CTX *ctx;
	BIO_METHOD *socket;
	tls_choose_fn *choose;
	void *choose_ctx;
};

/* ---- identities ---- */

/*
 * OpenSSL compares certificate and key at each handshake, number by number, for
 * some 2 % of its cost: not when they hold one and the same key object, which
 * also spares the memory of the second. Only for a key that encodes to the very
 * bytes of the certificate, for these are what is signed. To encode them costs
 * as much as KEY_SHARE_USES comparisons, so first that many are made.
 */
#define KEY_SHARE_USES 64u

static void key_share(X509 *leaf, EVP_PKEY *key)
{
	unsigned char *of_leaf = NULL, *of_key = NULL;
	int n_leaf = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &of_leaf);
	int n_key = i2d_PUBKEY(key, &of_key);

	if (n_leaf > 0 && n_leaf == n_key &&
		memcmp(of_leaf, of_key, (size_t)n_key) == 0)
		BUG(X509_set_pubkey(leaf, key) != 1);
	OPENSSL_free(of_leaf);
	OPENSSL_free(of_key);
	ERR_clear_error();
}

enum status tls_identity_new(struct pki_cert *const *chain, size_t n,
	struct pki_key *key, struct tls_identity **out, struct err *e)
{
	struct tls_identity *id = mem_must(sizeof(*id));

	BUG(n == 0);
	ERR_clear_error();
	id->leaf = pki_cert_x509(chain[0]);
	id->key = pki_key_evp(key);
	BUG(X509_up_ref(id->leaf) != 1 || EVP_PKEY_up_ref(id->key) != 1);
	id->issuers = sk_X509_new_reserve(NULL, (int)n);
	BUG(id->issuers == NULL);
	for (size_t i = 1; i < n; i++) {
		X509 *x = pki_cert_x509(chain[i]);

		BUG(X509_up_ref(x) != 1);
		BUG(sk_X509_push(id->issuers, x) <= 0);
	}
	if (X509_check_private_key(id->leaf, id->key) != 1) {
		tls_identity_free(&id);
		ERR_clear_error();
		return err_set(e, ST_INVALID,
			"the key does not belong to the certificate");
	}
	*out = id;
	return ST_OK;
}

void tls_identity_free(struct tls_identity **id)
{
	if (*id == NULL)
		return;
	sk_X509_pop_free((*id)->issuers, X509_free);
	X509_free((*id)->leaf);
	EVP_PKEY_free((*id)->key);
	mem_free(*id);
	*id = NULL;
}

/* ---- the ClientHello ---- */

static bool hello_extension(SSL *ssl, unsigned type, struct wire_in *out)
{
	const unsigned char *p;
	size_t n;

	if (SSL_client_hello_get0_ext(ssl, type, &p, &n) != 1)
		return false;
	*out = wire_in_of((struct str){ (const char *)p, n });
	return true;
}

/* server_name (RFC 6066 section 3): exactly one host_name, lower-cased. */
static bool hello_name(SSL *ssl, char name[TLS_NAME_MAX], size_t *n)
{
	struct wire_in in;
	struct str s;

	*n = 0;
	if (!hello_extension(ssl, TLSEXT_TYPE_server_name, &in))
		return true;
	if (wire_u16(&in) != wire_left(&in) ||
		wire_u8(&in) != TLSEXT_NAMETYPE_host_name)
		return false;
	s = wire_bytes(&in, wire_u16(&in));
	if (!wire_done(&in) || s.n > TLS_NAME_MAX)
		return false;
	str_lower(name, s);
	*n = s.n;
	return true;
}

/* RFC 8737 section 3: "acme-tls/1" and nothing else is offered. */
static bool hello_is_acme(SSL *ssl)
{
	struct wire_in in;

	if (!hello_extension(ssl,
		    TLSEXT_TYPE_application_layer_protocol_negotiation, &in))
		return false;
	return wire_u16(&in) == wire_left(&in) &&
	       str_eq(wire_bytes(&in, wire_u8(&in)), STR("acme-tls/1")) &&
	       wire_done(&in);
}

static int on_client_hello(SSL *ssl, int *alert, void *arg)
{
	struct tls *t = SSL_get_app_data(ssl);
	struct tls_identity *id = NULL;
	char name[TLS_NAME_MAX];
	enum status st;
	size_t n;

	(void)arg;
	*alert = SSL_AD_DECODE_ERROR;
	if (!hello_name(ssl, name, &n))
		return SSL_CLIENT_HELLO_ERROR;
	t->acme = hello_is_acme(ssl);
	st = t->server->choose(t->server->choose_ctx, t->conn,
		(struct str){ name, n }, t->acme, &id);
	*alert = st == ST_NOTFOUND ? SSL_AD_UNRECOGNIZED_NAME
				   : SSL_AD_INTERNAL_ERROR;
	if (st != ST_OK)
		return SSL_CLIENT_HELLO_ERROR;
	if (id->uses < KEY_SHARE_USES && ++id->uses == KEY_SHARE_USES)
		key_share(id->leaf, id->key);
	if (SSL_use_cert_and_key(ssl, id->leaf, id->key, id->issuers, 1) != 1)
		return SSL_CLIENT_HELLO_ERROR;
	return SSL_CLIENT_HELLO_SUCCESS;
}

/* The choice is made already; this only lets OpenSSL acknowledge the name. */
static int on_server_name(SSL *ssl, int *alert, void *arg)
{
	(void)ssl;
	(void)alert;
	(void)arg;
	return SSL_TLSEXT_ERR_OK;
}

/* want, as it stands in the client's list; p == NULL if it does not. */
static struct str protocol_find(struct str offered, struct str want)
{
	struct wire_in list = wire_in_of(offered);

	while (wire_left(&list) > 0) {
		struct str s = wire_bytes(&list, wire_u8(&list));

		if (str_eq(s, want))
			return s;
	}
	return (struct str){};
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *n_out,
	const unsigned char *in, unsigned n, void *arg)
{
	const struct tls *t = SSL_get_app_data(ssl);
	struct str offered = { (const char *)in, n };
	struct str s = protocol_find(
		offered, t->acme ? STR("acme-tls/1") : STR("http/1.1"));

	(void)arg;
	if (s.p == NULL && !t->acme)
		s = protocol_find(offered, STR("http/1.0"));
	if (s.p == NULL)
		return SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 7301 section 3.2 */
	*out = (const unsigned char *)s.p;
	*n_out = (unsigned char)s.n;
	return SSL_TLSEXT_ERR_OK;
}

/*
 * ---- the socket ----
 *
 * OpenSSL's own would try a read that must fail after each message, and send
 * each record by itself.
 */

static bool must_wait(int err)
{
	return err == EAGAIN || err == EINTR;
}

/* Sends what was held back; false with errno when some is left. */
static bool held_send(struct tls *t)
{
	ssize_t n;

	if (t->n_held == 0)
		return true;
	n = send(t->fd, t->held, t->n_held, MSG_NOSIGNAL);
	if (n < 0)
		return false;
	t->n_held -= (size_t)n;
	memmove(t->held, t->held + n, t->n_held);
	if (t->n_held > 0)
		errno = EAGAIN;
	return t->n_held == 0;
}

static int socket_write(BIO *b, const char *p, int n)
{
	struct tls *t = BIO_get_data(b);
	ssize_t sent = -1;

	BIO_clear_retry_flags(b);
	if (t->holding && (size_t)n <= sizeof(t->held) - t->n_held) {
		memcpy(t->held + t->n_held, p, (size_t)n);
		t->n_held += (size_t)n;
		return n;
	}
	if (held_send(t))
		sent = send(t->fd, p, (size_t)n, MSG_NOSIGNAL);
	if (sent < 0 && must_wait(errno))
		BIO_set_retry_write(b);
	return (int)sent;
}

static int socket_read(BIO *b, char *p, int n)
{
	struct tls *t = BIO_get_data(b);
	ssize_t got;

	BIO_clear_retry_flags(b);
	if (t->drained) {
		BIO_set_retry_read(b);
		return -1;
	}
	if (t->max_in > 0 && t->n_in >= t->max_in) {
		errno = EMSGSIZE;
		return -1;
	}
	got = recv(t->fd, p, (size_t)n, 0);
	t->n_in += got > 0 ? (size_t)got : 0;
	/* less than asked for: what comes later makes the socket ready again */
	t->drained = got > 0 && got < n;
	if (got < 0 && must_wait(errno))
		BIO_set_retry_read(b);
	return (int)got;
}

static long socket_ctrl(BIO *b, int cmd, long num, void *p)
{
	(void)b;
	(void)num;
	(void)p;
	return cmd == BIO_CTRL_FLUSH;
}

BIO_METHOD *tls_socket_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "socket");

	BUG(m == NULL || BIO_meth_set_write(m, socket_write) != 1 ||
		BIO_meth_set_read(m, socket_read) != 1 ||
		BIO_meth_set_ctrl(m, socket_ctrl) != 1);
	return m;
}

/* ---- server ---- */

struct tls_server *tls_server_new(tls_choose_fn *choose, void *ctx)
{
	struct tls_server *s = mem_must(sizeof(*s));
	SSL_CTX *c = SSL_CTX_new(TLS_server_method());
	char groups[] = TLS_GROUPS; /* the macro drops const */

	BUG(c == NULL);
	BUG(SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) != 1);
	(void)SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
					     SSL_OP_NO_RENEGOTIATION |
					     SSL_OP_IGNORE_UNEXPECTED_EOF);
	(void)SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	(void)SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	BUG(SSL_CTX_set_num_tickets(c, 0) != 1);
	BUG(SSL_CTX_set_cipher_list(c, TLS12_CIPHERS) != 1);
	BUG(SSL_CTX_set1_groups_list(c, groups) != 1);
	(void)SSL_CTX_set_read_ahead(c, 1);
	SSL_CTX_set_client_hello_cb(c, on_client_hello, NULL);
	(void)SSL_CTX_set_tlsext_servername_callback(c, on_server_name);
	SSL_CTX_set_alpn_select_cb(c, on_alpn, NULL);
	s->ctx = c;
	s->socket = tls_socket_method();
	s->choose = choose;
	s->choose_ctx = ctx;
	return s;
}

void tls_server_free(struct tls_server **s)
{
	if (*s == NULL)
		return;
	SSL_CTX_free((*s)->ctx);
	BIO_meth_free((*s)->socket);
	mem_free(*s);
	*s = NULL;
}

struct tls *tls_of_context(SSL_CTX *c, BIO_METHOD *socket, int fd)
{
	SSL *ssl = SSL_new(c);
	BIO *bio = BIO_new(socket);
	struct tls *t;

	if (ssl == NULL || bio == NULL) {
		SSL_free(ssl);
		(void)BIO_free(bio);
		ERR_clear_error();
		return NULL;
	}
	t = mem_must(sizeof(*t));
	t->ssl = ssl;
	t->fd = fd;
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	(void)SSL_set_app_data(ssl, t);
	return t;
}

struct tls *tls_new(struct tls_server *s, int fd, void *conn)
{
	struct tls *t = tls_of_context(s->ctx, s->socket, fd);

	if (t == NULL)
		return NULL;
	t->server = s;
	t->conn = conn;
	SSL_set_accept_state(t->ssl);
	return t;
}

void tls_free(struct tls **t)
{
	if (*t == NULL)
		return;
	SSL_free((*t)->ssl);
	mem_free(*t);
	*t = NULL;
}

/* ---- calls ---- */

static const char *reason_of(unsigned long code)
{
	const char *text = code == 0 ? NULL : ERR_reason_error_string(code);

	if (text != NULL)
		return text;
	return code == 0 ? "connection closed" : "TLS error";
}

/* What a call that did not succeed means; empties the error queue. */
static enum status outcome(
	struct tls *t, int ret, unsigned *want, struct err *e)
{
	unsigned long code;

	switch (SSL_get_error(t->ssl, ret)) {
	case SSL_ERROR_WANT_READ:
		*want = LOOP_READ;
		return ST_AGAIN;
	case SSL_ERROR_WANT_WRITE:
		*want = LOOP_WRITE;
		return ST_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return err_set(e, ST_NOTFOUND, "closed by the peer");
	default:
		code = ERR_peek_last_error();
		ERR_clear_error();
		return err_set(e, ST_INVALID, "%s", reason_of(code));
	}
}

static int capped(size_t n)
{
	return n > INT_MAX ? INT_MAX : (int)n;
}

enum status tls_handshake(struct tls *t, unsigned *want, struct err *e)
{
	enum status st;
	int ret;

	ERR_clear_error();
	ret = SSL_do_handshake(t->ssl);
	if (ret == 1) {
		/* not before: each of a handshake's messages would take anew */
		(void)SSL_set_mode(t->ssl, SSL_MODE_RELEASE_BUFFERS);
		return ST_OK;
	}
	st = outcome(t, ret, want, e);
	return st == ST_AGAIN ? ST_AGAIN : ST_INVALID;
}

bool tls_is_acme(const struct tls *t)
{
	return t->acme;
}

enum status tls_read(
	struct tls *t, void *buf, size_t cap, size_t *n, unsigned *want)
{
	int ret;

	ERR_clear_error();
	ret = SSL_read(t->ssl, buf, capped(cap));
	if (ret <= 0)
		return outcome(t, ret, want, NULL);
	*n = (size_t)ret;
	return ST_OK;
}

enum status tls_write(
	struct tls *t, const void *buf, size_t n_buf, size_t *n, unsigned *want)
{
	int ret;

	ERR_clear_error();
	ret = SSL_write(t->ssl, buf, capped(n_buf));
	if (ret <= 0)
		return outcome(t, ret, want, NULL);
	*n = (size_t)ret;
	return ST_OK;
}

void tls_ready(struct tls *t)
{
	t->drained = false;
}

void tls_hold(struct tls *t)
{
	t->holding = true;
}

void tls_bye(struct tls *t)
{
	if (SSL_get_shutdown(t->ssl) & SSL_SENT_SHUTDOWN)
		return;
	ERR_clear_error();
	(void)SSL_shutdown(t->ssl);
	ERR_clear_error();
}

enum status tls_flush(struct tls *t, unsigned *want)
{
	if (held_send(t))
		return ST_OK;
	*want = LOOP_WRITE;
	return must_wait(errno) ? ST_AGAIN : ST_INVALID;
}
