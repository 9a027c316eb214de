/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The edge in this process, with a view made of a table and clients of OpenSSL
 * on the same loop.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tests/io/tmpdir.h"
#include "tests/testing.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "hosting/edge.h"
#include "io/fd.h"
#include "io/pki.h"

#include "base/poison.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define POLICY                                                                 \
	"version: STSv1\r\nmode: testing\r\nmx: mx.a.example\r\n"              \
	"max_age: 86400\r\n"
#define GET(path, host) "GET " path " HTTP/1.1\r\nHost: " host "\r\n\r\n"
#define WELL_KNOWN "/.well-known/mta-sts.txt"
#define TLSRPT "/v1/tlsrpt/abcdefgh23456777"

/* ---- the view ---- */

struct known {
	const char *name;
	struct view_host host;
};

static struct known known[4];
static struct view_http01 challenge = { { "tok-1", 5 }, { "tok-1.abc", 9 } };
static bool view_down;

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

struct fixture {
	char dir[64];
	struct arena *arena;
	struct loop *loop;
	struct crypto_key *seal;
	struct spool *spool;
	struct edge *edge;
	struct sockaddr_in https, http;
	SSL_CTX *client;
};

static const struct edge_options OPTIONS = {
	.max_connections = 100,
	.max_per_address = 50,
	.cert_cache = 2,
	.head_ms = 60000,
	.idle_ms = 60000,
	.body_ms = 60000,
	.report_bytes = 10000,
	.report_memory_bytes = 100000,
	.per_id = { 20, 100000 },
	.per_source = { 20, 100000 },
};

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

static void start_with(struct fixture *f, struct edge_options options)
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

static void start(struct fixture *f)
{
	start_with(f, OPTIONS);
}

static void finish(struct fixture *f)
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

struct client {
	struct fixture *f;
	int fd;
	SSL *ssl;
	char got[20000];
	size_t n;
	bool closed;
};

static void nothing(void *ctx)
{
	(void)ctx;
}

/* Lets the server work for a moment. */
static void turn(struct fixture *f)
{
	struct loop_timer t = {};

	loop_timer_start(&t, f->loop, 2, nothing, NULL);
	loop_turn(f->loop, true);
	loop_timer_stop(&t);
}

/* Turns until all that was said must have been heard. */
static void settle(struct fixture *f)
{
	for (int i = 0; i < 25; i++)
		turn(f);
}

static struct client *dial(struct fixture *f, bool secure)
{
	struct client *c = mem_must(sizeof(*c));
	struct sockaddr_in *to = secure ? &f->https : &f->http;

	c->f = f;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(c->fd, (void *)to, sizeof(*to)), 0);
	assert_int_equal(fd_nonblocking(c->fd, NULL), ST_OK);
	return c;
}

static void hang_up(struct client **c)
{
	SSL_free((*c)->ssl);
	fd_close(&(*c)->fd);
	turn((*c)->f);
	mem_free(*c);
	*c = NULL;
}

/* 0: established; else the number of the alert, or -1 */
static int handshake(struct client *c, const char *sni, const char *alpn)
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

static struct client *dial_as(struct fixture *f, const char *sni)
{
	struct client *c = dial(f, true);

	assert_int_equal(handshake(c, sni, NULL), 0);
	return c;
}

static void say(struct client *c, struct str text)
{
	if (c->ssl != NULL)
		assert_int_equal(
			SSL_write(c->ssl, text.p, (int)text.n), (int)text.n);
	else
		assert_int_equal(send(c->fd, text.p, text.n, MSG_NOSIGNAL),
			(ssize_t)text.n);
}

/* Reads what is there. */
static void hear(struct client *c)
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

static size_t times(const char *text, const char *what)
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

/* Waits for so many answers that begin like this. */
static void expect(struct client *c, const char *begin, size_t n)
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

static void expect_closed(struct client *c)
{
	int64_t end = wait_end();

	while (!c->closed && clock_mono(clock_system()).ms < end)
		hear(c);
	assert_true(c->closed);
}

/* One request over TLS; the answer must begin like this. */
static void ask(struct fixture *f, const char *host, const char *request,
	const char *answer)
{
	struct client *c = dial_as(f, host);

	say(c, str_of(request));
	expect(c, answer, 1);
	hang_up(&c);
}

/* ---- the tests ---- */

static void a_policy_is_served(void **state)
{
	struct fixture f;
	struct client *c;
	const char *body;

	(void)state;
	start(&f);
	c = dial_as(&f, "MTA-STS.a.example");
	say(c, STR(GET(WELL_KNOWN, "mta-sts.A.example:443")));
	expect(c, "HTTP/1.1 200 OK\r\n", 1);
	body = strstr(c->got, "\r\n\r\n") + 4;
	assert_string_equal(body, POLICY);
	assert_non_null(strstr(c->got, "\r\nContent-Type: text/plain\r\n"));
	assert_non_null(strstr(c->got, "\r\nCache-Control: no-cache\r\n"));
	assert_non_null(strstr(c->got, "\r\nDate: "));
	hang_up(&c);
	c = dial_as(&f, "mta-sts.a.example");
	say(c, STR("HEAD " WELL_KNOWN " HTTP/1.1\r\n"
		   "Host: mta-sts.a.example\r\n\r\n"));
	expect(c, "HTTP/1.1 200 OK\r\n", 1);
	assert_string_equal(strstr(c->got, "\r\n\r\n"), "\r\n\r\n");
	hang_up(&c);
	finish(&f);
}

static void everything_else_is_refused_in_text(void **state)
{
	static const struct {
		const char *host, *request, *answer;
	} rows[] = {
		{ "mta-sts.a.example", GET("/", "mta-sts.a.example"),
			"HTTP/1.1 404 " },
		{ "mta-sts.a.example", GET(WELL_KNOWN, "mta-sts.b.example"),
			"HTTP/1.1 404 " },
		{ "mta-sts.a.example", GET(WELL_KNOWN, "other.example"),
			"HTTP/1.1 404 " },
		{ "mta-sts.a.example", "GET " WELL_KNOWN " HTTP/1.0\r\n\r\n",
			"HTTP/1.1 404 " },
		{ "mta-sts.b.example", GET(WELL_KNOWN, "mta-sts.b.example"),
			"HTTP/1.1 404 " },
		{ "mta-sts.a.example",
			"POST " WELL_KNOWN " HTTP/1.1\r\n"
			"Host: mta-sts.a.example\r\nContent-Length: 0\r\n\r\n",
			"HTTP/1.1 405 " },
		{ "mta-sts.a.example", "GET / HTTP/1.1\r\n\r\n",
			"HTTP/1.1 400 " },
		{ "mta-sts.a.example", "GET / HTTP/3.1\r\n\r\n",
			"HTTP/1.1 505 " },
		{ "rua.example", GET(TLSRPT, "rua.example"), "HTTP/1.1 405 " },
		{ "rua.example", GET("/", "rua.example"), "HTTP/1.1 404 " },
		{ "rua.example", GET(WELL_KNOWN, "mta-sts.a.example"),
			"HTTP/1.1 404 " },
		{ "console.example", GET("/", "console.example"),
			"HTTP/1.1 404 " },
		{ "mta-sts.a.example",
			GET("/.well-known/acme-challenge/tok-1",
				"mta-sts.a.example"),
			"HTTP/1.1 404 " },
	};
	struct fixture f;

	(void)state;
	start(&f);
	for (size_t i = 0; i < COUNT(rows); i++)
		ask(&f, rows[i].host, rows[i].request, rows[i].answer);
	finish(&f);
}

/* Promise 5: an alert, never another's certificate. */
static void count_faults(void *ctx, struct str line)
{
	int *n = ctx;

	*n += memmem(line.p, line.n, "edge.certificate", 16) != NULL;
}

static void strangers_names_get_an_alert(void **state)
{
	static const char *const names[] = { NULL, "unknown.example",
		"a.example", "x.mta-sts.a.example", "mta-sts.a.example.",
		"192.0.2.1" };
	struct fixture f;
	int faults = 0;
	struct client *c;

	(void)state;
	start(&f);
	for (size_t i = 0; i < COUNT(names); i++) {
		c = dial(&f, true);
		assert_int_equal(
			handshake(c, names[i], NULL), SSL_AD_UNRECOGNIZED_NAME);
		hang_up(&c);
	}
	known[1].host.n_chain = 0; /* no certificate yet */
	c = dial(&f, true);
	assert_int_equal(handshake(c, "mta-sts.b.example", NULL),
		SSL_AD_UNRECOGNIZED_NAME);
	hang_up(&c);
	known[2].host.key_sealed = STR("rubbish");
	log_set_sink(count_faults, &faults);
	for (int i = 0; i < 3; i++) {
		c = dial(&f, true);
		assert_int_equal(handshake(c, "rua.example", NULL),
			SSL_AD_INTERNAL_ERROR);
		hang_up(&c);
	}
	log_set_sink(NULL, NULL);
	assert_int_equal(faults, 1); /* a stranger fills no log */
	log_set_level(LOG_ERROR + 1);
	view_down = true;
	c = dial(&f, true);
	assert_int_equal(
		handshake(c, "mta-sts.a.example", NULL), SSL_AD_INTERNAL_ERROR);
	hang_up(&c);
	finish(&f);
}

static void each_name_gets_its_own_certificate(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	/* more names than the cache holds, in turns */
	for (size_t i = 0; i < 3 * COUNT(known); i++) {
		struct known *k = &known[i * 3 % COUNT(known)];
		struct client *c = dial_as(&f, k->name);
		X509 *cert = SSL_get1_peer_certificate(c->ssl);
		unsigned char *der = NULL;
		int n = i2d_X509(cert, &der);

		assert_int_equal(n, k->host.chain[0].n);
		assert_memory_equal(der, k->host.chain[0].p, (size_t)n);
		assert_int_equal(
			sk_X509_num(SSL_get_peer_cert_chain(c->ssl)), 2);
		OPENSSL_free(der);
		X509_free(cert);
		hang_up(&c);
	}
	finish(&f);
}

static void acme_alpn_shows_the_challenge(void **state)
{
	struct fixture f;
	struct client *c;
	unsigned char *der = NULL;
	X509 *cert;
	int n;

	(void)state;
	start(&f);
	c = dial(&f, true);
	assert_int_equal(handshake(c, "mta-sts.a.example", "acme-tls/1"), 0);
	cert = SSL_get1_peer_certificate(c->ssl);
	n = i2d_X509(cert, &der);
	assert_int_equal(n, known[0].host.alpn_cert.n);
	assert_memory_equal(der, known[0].host.alpn_cert.p, (size_t)n);
	OPENSSL_free(der);
	X509_free(cert);
	expect_closed(c);
	hang_up(&c);
	known[0].host.alpn_cert = (struct str){};
	c = dial(&f, true);
	assert_int_equal(handshake(c, "mta-sts.a.example", "acme-tls/1"),
		SSL_AD_UNRECOGNIZED_NAME);
	hang_up(&c);
	c = dial(&f, true);
	assert_int_equal(handshake(c, "mta-sts.a.example", "h2"),
		SSL_AD_NO_APPLICATION_PROTOCOL);
	hang_up(&c);
	finish(&f);
}

static void port_80_answers_challenges_only(void **state)
{
	static const struct {
		const char *request, *answer;
	} rows[] = {
		{ GET("/.well-known/acme-challenge/tok-1", "mta-sts.a.example"),
			"HTTP/1.1 200 " },
		{ GET("/.well-known/acme-challenge/tok-2", "mta-sts.a.example"),
			"HTTP/1.1 404 " },
		{ GET("/.well-known/acme-challenge/tok-1", "mta-sts.b.example"),
			"HTTP/1.1 404 " },
		{ GET("/.well-known/acme-challenge/", "mta-sts.a.example"),
			"HTTP/1.1 404 " },
		{ GET(WELL_KNOWN, "mta-sts.a.example"), "HTTP/1.1 404 " },
		{ GET(TLSRPT, "rua.example"), "HTTP/1.1 404 " },
		{ GET("/.well-known/acme-challenge/tok-1", "nobody.example"),
			"HTTP/1.1 404 " },
	};
	struct fixture f;

	(void)state;
	start(&f);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct client *c = dial(&f, false);

		say(c, str_of(rows[i].request));
		expect(c, rows[i].answer, 1);
		if (i == 0)
			assert_non_null(strstr(c->got, "\r\n\r\ntok-1.abc"));
		hang_up(&c);
	}
	finish(&f);
}

static void requests_are_pipelined_and_split(void **state)
{
	static const char one[] = GET(WELL_KNOWN, "mta-sts.a.example");
	struct fixture f;
	struct client *c;

	(void)state;
	start(&f);
	c = dial_as(&f, "mta-sts.a.example");
	for (int i = 0; i < 40; i++)
		say(c, STR(GET(WELL_KNOWN, "mta-sts.a.example")));
	expect(c, "HTTP/1.1 200 OK\r\n", 40);
	for (size_t i = 0; i < sizeof(one) - 1; i++) {
		say(c, (struct str){ one + i, 1 });
		turn(&f);
	}
	expect(c, "HTTP/1.1 200 OK\r\n", 41);
	say(c, STR("GET / HTTP/1.1\r\nHost: mta-sts.a.example\r\n"
		   "Connection: close\r\n\r\n"));
	expect(c, "HTTP/1.1 404 Not Found\r\n", 1);
	expect_closed(c);
	hang_up(&c);
	finish(&f);
}

#define POST_HEAD                                                              \
	"POST " TLSRPT " HTTP/1.1\r\nHost: rua.example\r\n"                    \
	"Content-Type: application/tlsrpt+gzip\r\n"

static size_t stored(struct fixture *f, struct str *body)
{
	struct spool_names names;
	struct spool_meta meta;
	struct err e;

	assert_int_equal(
		spool_list(f->spool, SPOOL_NEW, 99, f->arena, &names, &e),
		ST_OK);
	if (names.n == 0)
		return 0;
	assert_int_equal(spool_read(f->spool, SPOOL_NEW, names.items[0],
				 f->arena, &meta, body, &e),
		ST_OK);
	assert_str(meta.id, "abcdefgh23456777");
	assert_str(meta.remote, "127.0.0.1");
	assert_str(meta.content_type, "application/tlsrpt+gzip");
	return names.n;
}

static void a_report_is_stored_before_201(void **state)
{
	static const char *const posts[] = {
		POST_HEAD "Content-Length: 5\r\n\r\nhello",
		POST_HEAD "Transfer-Encoding: chunked\r\n\r\n"
			  "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
		POST_HEAD "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"
			  "hello",
	};
	struct fixture f;
	struct client *c;
	struct str body;

	(void)state;
	start(&f);
	c = dial_as(&f, "rua.example");
	for (size_t i = 0; i < COUNT(posts); i++) {
		say(c, str_of(posts[i]));
		expect(c, "HTTP/1.1 201 Created\r\n", i + 1);
		assert_int_equal(stored(&f, &body), i + 1);
		assert_str(body, "hello");
	}
	assert_int_equal(times(c->got, "HTTP/1.1 100 Continue\r\n\r\n"), 1);
	hang_up(&c);
	finish(&f);
}

static void reports_are_refused_before_the_body(void **state)
{
	static const struct {
		const char *request, *answer;
	} rows[] = {
		{ "POST /v1/tlsrpt/unknownunknown22 HTTP/1.1\r\n"
		  "Host: rua.example\r\nContent-Length: 5\r\n\r\n",
			"HTTP/1.1 404 " },
		{ "POST /v1/tlsrpt/ HTTP/1.1\r\nHost: rua.example\r\n"
		  "Content-Length: 5\r\n\r\n",
			"HTTP/1.1 404 " },
		{ "POST " TLSRPT " HTTP/1.1\r\nHost: rua.example\r\n"
		  "Content-Length: 5\r\n\r\n",
			"HTTP/1.1 415 " },
		{ "POST " TLSRPT " HTTP/1.1\r\nHost: rua.example\r\n"
		  "Content-Type: text/html\r\nContent-Length: 5\r\n\r\n",
			"HTTP/1.1 415 " },
		{ POST_HEAD "\r\n", "HTTP/1.1 411 " },
		{ POST_HEAD "Content-Length: 0\r\n\r\n", "HTTP/1.1 400 " },
		{ POST_HEAD "Content-Length: 10001\r\n\r\n", "HTTP/1.1 413 " },
		{ POST_HEAD "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
			"HTTP/1.1 400 " },
		{ POST_HEAD "Content-Length: 1\r\n"
			    "Transfer-Encoding: chunked\r\n\r\n",
			"HTTP/1.1 400 " },
	};
	struct fixture f;
	struct client *c;
	struct str body;

	(void)state;
	start(&f);
	for (size_t i = 0; i < COUNT(rows); i++)
		ask(&f, "rua.example", rows[i].request, rows[i].answer);
	/* chunks that never end */
	c = dial_as(&f, "rua.example");
	say(c, STR(POST_HEAD "Transfer-Encoding: chunked\r\n\r\n"
			     "fffff\r\n"));
	for (int i = 0; i < 11; i++) {
		char junk[1000] = {};

		say(c, (struct str){ junk, sizeof(junk) });
		turn(&f);
	}
	expect(c, "HTTP/1.1 413 ", 1);
	expect_closed(c);
	hang_up(&c);
	assert_int_equal(stored(&f, &body), 0);
	finish(&f);
}

static void quotas_answer_429(void **state)
{
	struct edge_options options = OPTIONS;
	struct fixture f;
	struct client *c;

	(void)state;
	options.per_id.reports = 2 * SPOOL_QUOTA_SHARE_PART;
	start_with(&f, options);
	log_set_level(LOG_ERROR);
	c = dial_as(&f, "rua.example");
	for (int i = 0; i < 3; i++)
		say(c, STR(POST_HEAD "Content-Length: 1\r\n\r\nx"));
	expect(c, "HTTP/1.1 429 Too Many Requests\r\n", 1);
	assert_int_equal(times(c->got, "HTTP/1.1 201 "), 2);
	assert_non_null(strstr(c->got, "Retry-After: "));
	hang_up(&c);
	finish(&f);
}

/* Who announces much and goes away uses up nobody's quota. */
static void what_did_not_come_does_not_count(void **state)
{
	static const char *const begun[] = { POST_HEAD
		"Content-Length: 10000\r\n\r\nx",
		POST_HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
		POST_HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\nxyz" };
	struct edge_options options = OPTIONS;
	struct fixture f;
	struct client *c;

	(void)state;
	options.per_id.bytes = 10003 * SPOOL_QUOTA_SHARE_PART;
	start_with(&f, options);
	for (size_t i = 0; i < COUNT(begun); i++) {
		c = dial_as(&f, "rua.example");
		say(c, str_of(begun[i]));
		turn(&f);
		hang_up(&c);
		turn(&f);
	}
	ask(&f, "rua.example", POST_HEAD "Content-Length: 5\r\n\r\nhello",
		"HTTP/1.1 201 ");
	finish(&f);
}

/* Bodies begun while there was room must not take more than there is. */
static void bodies_share_their_memory(void **state)
{
	struct edge_options options = OPTIONS;
	struct client *first, *second;
	char part[5000] = {};
	struct fixture f;

	(void)state;
	options.report_memory_bytes = 12000;
	start_with(&f, options);
	first = dial_as(&f, "rua.example");
	second = dial_as(&f, "rua.example");
	say(first, STR(POST_HEAD "Content-Length: 9000\r\n\r\n"));
	say(second, STR(POST_HEAD "Content-Length: 9000\r\n\r\n"));
	settle(&f);
	say(first, (struct str){ part, sizeof(part) });
	settle(&f);
	say(second, (struct str){ part, sizeof(part) });
	expect(second, "HTTP/1.1 503 ", 1);
	expect_closed(second);
	say(first, (struct str){ part, 4000 });
	expect(first, "HTTP/1.1 201 ", 1);
	hang_up(&first);
	hang_up(&second);
	finish(&f);
}

/* 502: it got as far as the console, which is not there. */
static void slow_senders_leave_the_console_to_others(void **state)
{
	struct edge_options options = OPTIONS;
	struct client *slow[70];
	struct fixture f;

	(void)state;
	options.max_per_address = 100;
	options.console_socket = "/nonexistent/admin.sock";
	start_with(&f, options);
	for (size_t i = 0; i < COUNT(slow); i++) {
		slow[i] = dial_as(&f, "console.example");
		say(slow[i], STR("POST / HTTP/1.1\r\nHost: console.example\r\n"
				 "Content-Length: 5\r\n\r\nhe"));
		turn(&f);
	}
	ask(&f, "console.example", GET("/", "console.example"),
		"HTTP/1.1 502 ");
	for (size_t i = 0; i < COUNT(slow); i++)
		hang_up(&slow[i]);
	finish(&f);
}

static void slow_clients_run_out_of_time(void **state)
{
	static const char *const begun[] = { GET(WELL_KNOWN,
						     "mta-sts.a.example"),
		"GET / HT", POST_HEAD "Content-Length: 5\r\n\r\nhe" };
	struct edge_options options = OPTIONS;
	struct client *quiet, *idle, *head, *body;
	struct fixture f;

	(void)state;
	options.head_ms = options.idle_ms = options.body_ms = 1500;
	start_with(&f, options);
	quiet = dial(&f, true); /* no ClientHello */
	idle = dial_as(&f, "mta-sts.a.example");
	say(idle, str_of(begun[0]));
	head = dial_as(&f, "mta-sts.a.example");
	say(head, str_of(begun[1]));
	body = dial_as(&f, "rua.example");
	say(body, str_of(begun[2]));
	expect(idle, "HTTP/1.1 200 ", 1);
	expect(head, "HTTP/1.1 408 ", 1);
	expect(body, "HTTP/1.1 408 ", 1);
	expect_closed(idle);
	expect_closed(quiet);
	assert_int_equal(times(idle->got, "HTTP/1.1 "), 1);
	hang_up(&quiet);
	hang_up(&idle);
	hang_up(&head);
	hang_up(&body);
	finish(&f);
}

static void a_head_without_end_is_cut_off(void **state)
{
	char junk[1000];
	struct fixture f;
	struct client *c;

	(void)state;
	memset(junk, 'a', sizeof(junk));
	start(&f);
	c = dial_as(&f, "mta-sts.a.example");
	say(c, STR("GET / HTTP/1.1\r\nX: "));
	for (int i = 0; i < 9; i++)
		say(c, (struct str){ junk, sizeof(junk) });
	expect(c, "HTTP/1.1 431 ", 1);
	expect_closed(c);
	hang_up(&c);
	finish(&f);
}

/* Ending the server at every moment of a report leaks and crashes nothing. */
static void it_ends_at_any_moment(void **state)
{
	(void)state;
	for (int turns = 0; turns < 12; turns++) {
		struct fixture f;
		struct client *c;

		start(&f);
		c = dial_as(&f, "rua.example");
		say(c, STR(POST_HEAD "Content-Length: 5\r\n\r\nhello"));
		for (int i = 0; i < turns; i++)
			loop_turn(f.loop, false);
		edge_free(&f.edge);
		hang_up(&c);
		finish(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_is_served),
		cmocka_unit_test(everything_else_is_refused_in_text),
		cmocka_unit_test(strangers_names_get_an_alert),
		cmocka_unit_test(each_name_gets_its_own_certificate),
		cmocka_unit_test(acme_alpn_shows_the_challenge),
		cmocka_unit_test(port_80_answers_challenges_only),
		cmocka_unit_test(requests_are_pipelined_and_split),
		cmocka_unit_test(a_report_is_stored_before_201),
		cmocka_unit_test(reports_are_refused_before_the_body),
		cmocka_unit_test(quotas_answer_429),
		cmocka_unit_test(what_did_not_come_does_not_count),
		cmocka_unit_test(bodies_share_their_memory),
		cmocka_unit_test(slow_senders_leave_the_console_to_others),
		cmocka_unit_test(slow_clients_run_out_of_time),
		cmocka_unit_test(a_head_without_end_is_cut_off),
		cmocka_unit_test(it_ends_at_any_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
