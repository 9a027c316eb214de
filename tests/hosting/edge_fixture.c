/* SPDX-License-Identifier: Apache-2.0 */
/* edge_fixture: the view, the server and its clients. */
#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "tests/hosting/edge_fixture.h"
#include "tests/io/tmpdir.h"

#include "io/fd.h"
#include "io/pki.h"

#include "base/poison.h"

/* ---- the view ---- */

struct known known[HOSTS];
static struct view_http01 challenge = { { "tok-1", 5 }, { "tok-1.abc", 9 } };
bool view_down;

enum status view_host_get(
	struct view *v, struct arena *a, struct str host, struct view_host *out)
{
	(void)v;
	(void)a;
	if (view_down)
		return ST_TEMP;
	for (size_t i = 0; i < COUNT(known); i++) {
		if (!str_eq_nocase(host, str_of(known[i].name)))
			continue;
		*out = known[i].host;
		return ST_OK;
	}
	return ST_NOTFOUND;
}

enum status view_label_get(struct view *v, struct arena *a, struct str label,
	struct view_label *out)
{
	(void)v;
	(void)a;
	(void)out;
	return str_eq_nocase(label, STR("abcdefgh23456777")) ? ST_OK
							     : ST_NOTFOUND;
}

/* ---- the server ---- */

static struct str seal(
	struct fixture *f, const char *purpose, const struct pki_key *key)
{
	unsigned char plain[PKI_KEY_MAX];
	struct sbuf b = sbuf_arena(f->arena, PKI_KEY_MAX + CRYPTO_SEAL_EXTRA);
	size_t n;

	assert_int_equal(pki_key_write(key, plain, sizeof(plain), &n), ST_OK);
	crypto_seal(f->seal, str_of(purpose),
		(struct str){ (const char *)plain, n }, &b);
	assert_true(sbuf_ok(&b));
	return sbuf_str(&b);
}

static void give_certificate(
	struct fixture *f, const char *name, struct view_host *h)
{
	static const struct unix_time from = { 1700000000 };
	static const struct unix_time to = { 4000000000 };
	struct str san = str_of(name);
	unsigned char sum[CRYPTO_SHA256_BYTES];
	struct pki_key *ca_key = NULL, *key = NULL;
	struct pki_cert *ca = NULL, *leaf = NULL, *alpn = NULL;
	struct err e;

	assert_int_equal(pki_key_generate(PKI_P256, &ca_key, &e), ST_OK);
	assert_int_equal(pki_key_generate(PKI_P256, &key, &e), ST_OK);
	assert_int_equal(
		pki_ca_root(ca_key, STR("test CA"), from, to, &ca, &e), ST_OK);
	assert_int_equal(
		pki_ca_issue(ca, ca_key, key, &san, 1, from, to, &leaf, &e),
		ST_OK);
	h->chain = arena_array(f->arena, 2, sizeof(*h->chain));
	h->chain[0] = pki_cert_der(leaf, f->arena);
	h->chain[1] = pki_cert_der(ca, f->arena);
	h->n_chain = 2;
	crypto_sha256(h->chain[0], sum);
	h->cert_id = arena_str(
		f->arena, (struct str){ (const char *)sum, sizeof(sum) });
	h->key_sealed = seal(f, "cert", key);
	assert_int_equal(pki_alpn_cert(key, san, sum, from, &alpn, &e), ST_OK);
	h->alpn_cert = pki_cert_der(alpn, f->arena);
	h->alpn_key_sealed = seal(f, "alpn", key);
	pki_cert_free(&leaf);
	pki_cert_free(&alpn);
	pki_cert_free(&ca);
	pki_key_free(&key);
	pki_key_free(&ca_key);
}

static void fill_view(struct fixture *f)
{
	static const struct known names[] = {
		{ "mta-sts.a.example",
			{ .kind = VIEW_HOST_POLICY,
				.policy = { POLICY, sizeof(POLICY) - 1 },
				.http01 = &challenge,
				.n_http01 = 1 } },
		{ "mta-sts.b.example", { .kind = VIEW_HOST_POLICY } },
		{ "rua.example", { .kind = VIEW_HOST_REPORT } },
		{ "console.example", { .kind = VIEW_HOST_CONSOLE } },
	};

	for (size_t i = 0; i < COUNT(known); i++) {
		known[i] = names[i];
		give_certificate(f, known[i].name, &known[i].host);
	}
}

static void listen_on(struct fixture *f, bool secure, struct sockaddr_in *where)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof(*where);

	*where = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	assert_int_equal(bind(fd, (void *)where, n), 0);
	assert_int_equal(listen(fd, 100), 0);
	assert_int_equal(getsockname(fd, (void *)where, &n), 0);
	edge_listen(f->edge, fd, secure);
}

void start_with(struct fixture *f, struct edge_options options)
{
	static const unsigned char key[CRYPTO_KEY_BYTES] = { 7 };
	struct edge_parts parts;
	struct err e;

	*f = (struct fixture){ .dir = "/tmp/moat-test-edge-XXXXXX" };
	tmpdir_make(f->dir);
	log_set_level(LOG_ERROR);
	f->arena = arena_must(0);
	f->loop = loop_new();
	f->seal = crypto_key_of(key);
	view_down = false;
	fill_view(f);
	assert_int_equal(
		spool_open(f->dir, &SPOOL_LIMITS_DEFAULT, &f->spool, &e),
		ST_OK);
	parts = (struct edge_parts){ .loop = f->loop,
		.clock = clock_system(),
		.spool = f->spool,
		.seal = f->seal };
	f->edge = edge_new(&parts, &options);
	listen_on(f, true, &f->https);
	listen_on(f, false, &f->http);
	f->client = SSL_CTX_new(TLS_client_method());
}

void start(struct fixture *f)
{
	start_with(f, OPTIONS);
}

void finish(struct fixture *f)
{
	SSL_CTX_free(f->client);
	edge_free(&f->edge);
	spool_close(&f->spool);
	crypto_key_free(&f->seal);
	loop_free(&f->loop);
	arena_free(&f->arena);
	tmpdir_remove(f->dir);
}

/* ---- the client ---- */

static void nothing(void *ctx)
{
	(void)ctx;
}

void turn(struct fixture *f)
{
	struct loop_timer t = {};

	loop_timer_start(&t, f->loop, 2, nothing, NULL);
	loop_turn(f->loop, true);
	loop_timer_stop(&t);
}

void settle(struct fixture *f)
{
	for (int i = 0; i < 25; i++)
		turn(f);
}

struct client *dial(struct fixture *f, bool secure)
{
	struct client *c = mem_must(sizeof(*c));
	struct sockaddr_in *to = secure ? &f->https : &f->http;

	c->f = f;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(c->fd, (void *)to, sizeof(*to)), 0);
	assert_int_equal(fd_nonblocking(c->fd, NULL), ST_OK);
	return c;
}

void hang_up(struct client **c)
{
	SSL_free((*c)->ssl);
	fd_close(&(*c)->fd);
	turn((*c)->f);
	mem_free(*c);
	*c = NULL;
}

int handshake(struct client *c, const char *sni, const char *alpn)
{
	unsigned char list[32];
	int ret;

	c->ssl = SSL_new(c->f->client);
	assert_int_equal(SSL_set_fd(c->ssl, c->fd), 1);
	if (sni != NULL)
		assert_int_equal(SSL_ctrl(c->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME,
					 TLSEXT_NAMETYPE_host_name,
					 (void *)(uintptr_t)sni),
			1);
	if (alpn != NULL) {
		list[0] = (unsigned char)strlen(alpn);
		memcpy(list + 1, alpn, list[0]);
		assert_int_equal(
			SSL_set_alpn_protos(c->ssl, list, list[0] + 1u), 0);
	}
	for (int i = 0; i < 1000; i++) {
		ERR_clear_error();
		ret = SSL_connect(c->ssl);
		if (ret == 1)
			return 0;
		ret = SSL_get_error(c->ssl, ret);
		if (ret != SSL_ERROR_WANT_READ && ret != SSL_ERROR_WANT_WRITE) {
			int r = ERR_GET_REASON(ERR_peek_last_error());

			ERR_clear_error();
			return r > SSL_AD_REASON_OFFSET
				       ? r - SSL_AD_REASON_OFFSET
				       : -1;
		}
		turn(c->f);
	}
	return -1;
}

struct client *dial_as(struct fixture *f, const char *sni)
{
	struct client *c = dial(f, true);

	assert_int_equal(handshake(c, sni, NULL), 0);
	return c;
}

void say(struct client *c, struct str text)
{
	if (c->ssl != NULL)
		assert_int_equal(
			SSL_write(c->ssl, text.p, (int)text.n), (int)text.n);
	else
		assert_int_equal(send(c->fd, text.p, text.n, MSG_NOSIGNAL),
			(ssize_t)text.n);
}

void hear(struct client *c)
{
	int n;

	turn(c->f);
	if (c->ssl != NULL) {
		ERR_clear_error();
		n = SSL_read(c->ssl, c->got + c->n,
			(int)(sizeof(c->got) - 1 - c->n));
		c->closed |= n <= 0 &&
			     SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_READ;
	} else {
		n = (int)recv(
			c->fd, c->got + c->n, sizeof(c->got) - 1 - c->n, 0);
		c->closed |= n == 0 || (n < 0 && errno != EAGAIN);
	}
	if (n > 0)
		c->n += (size_t)n;
	c->got[c->n] = '\0';
}

size_t times(const char *text, const char *what)
{
	size_t n = 0;

	while ((text = strstr(text, what)) != NULL) {
		text += strlen(what);
		n++;
	}
	return n;
}

/* How long an answer is waited for, on a loaded machine too. */
static int64_t wait_end(void)
{
	return clock_mono(clock_system()).ms + 20000;
}

void expect(struct client *c, const char *begin, size_t n)
{
	int64_t end = wait_end();

	while (!c->closed && clock_mono(clock_system()).ms < end) {
		if (times(c->got, begin) >= n && strstr(c->got, "\r\n\r\n"))
			return;
		hear(c);
	}
	if (times(c->got, begin) != n)
		fail_msg("wanted %zu x %s, got: %s", n, begin, c->got);
}

void expect_closed(struct client *c)
{
	int64_t end = wait_end();

	while (!c->closed && clock_mono(clock_system()).ms < end)
		hear(c);
	assert_true(c->closed);
}

void ask(struct fixture *f, const char *host, const char *request,
	const char *answer)
{
	struct client *c = dial_as(f, host);

	say(c, str_of(request));
	expect(c, answer, 1);
	hang_up(&c);
}
