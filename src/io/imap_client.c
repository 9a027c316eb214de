/* SPDX-License-Identifier: Apache-2.0 */
/* imap_client: libcurl until the log-in, then its bare TLS connection. */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "io/imap_client.h"

#include "base/bug.h"
#include "base/clock.h"
#include "base/mem.h"
#include "io/addr.h"
#include "io/crypto.h"
#include "io/tls_names.h"

#include "base/poison.h"

#define HOST_CAP 256
#define SAID_CAP 300
#define IN_BYTES 16384
#define TICK_MS 1000 /* between two looks at whether to stop */
#define SMALL_RESPONSE ((size_t)64 << 10)
#define WORDS_CAP 4096 /* of capabilities */
#define TAG_CAP 16
#define PATIENCE 10 /* times timeout_ms, for all answers to a command */

struct imap_client {
	const struct imap_client_options *o;
	CURL *curl;
	char host[HOST_CAP];
	char said[SAID_CAP]; /* the server's last refusal while logging in */
	char words[WORDS_CAP];
	size_t n_words;
	unsigned commands;
	struct mono end;  /* of the wait for the next answer */
	struct mono last; /* of the command */
	size_t in_at, in_n;
	char in[IN_BYTES];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_curl(void)
{
	BUG(curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK);
}

/* ---- until the log-in */

/* "A002 NO [X] text", "* BYE text": the refusal, without line end. */
static size_t on_line(char *p, size_t size, size_t n, void *ctx)
{
	struct imap_client *c = ctx;
	struct str line = { p, size * n }, rest, word;

	while (line.n > 0 && line.p[line.n - 1] < ' ')
		line.n--;
	rest = line;
	(void)str_cut(&rest, ' ');
	word = str_cut(&rest, ' ');
	if (str_eq_nocase(word, STR("NO")) || str_eq_nocase(word, STR("BAD")) ||
		str_eq_nocase(word, STR("BYE"))) {
		rest = str_upto(rest, sizeof(c->said) - 1);
		if (rest.n > 0)
			memcpy(c->said, rest.p, rest.n);
		c->said[rest.n] = '\0';
	}
	return size * n;
}

static CURLcode on_ssl_ctx(CURL *curl, void *ssl_ctx, void *ctx)
{
	struct imap_client *c = ctx;

	(void)curl;
	tls_names_require(ssl_ctx, c->host);
	return CURLE_OK;
}

static curl_socket_t on_socket(
	void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct imap_client *c = ctx;
	struct addr a = { .len = to->addrlen };

	(void)purpose;
	if (to->addrlen > sizeof(a.ss))
		return CURL_SOCKET_BAD;
	memcpy(&a.ss, &to->addr, to->addrlen);
	if (c->o->allow_addr != NULL && !c->o->allow_addr(&a))
		return CURL_SOCKET_BAD;
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static int on_progress(void *ctx, curl_off_t dl_total, curl_off_t dl,
	curl_off_t ul_total, curl_off_t ul)
{
	struct imap_client *c = ctx;

	(void)dl_total;
	(void)dl;
	(void)ul_total;
	(void)ul;
	return c->o->stop != NULL && c->o->stop(c->o->stop_ctx);
}

/* The host of a URL that has nothing else but a port. */
static bool host_of(const char *url, char host[HOST_CAP])
{
	static const CURLUPart others[] = { CURLUPART_USER, CURLUPART_PASSWORD,
		CURLUPART_OPTIONS, CURLUPART_QUERY, CURLUPART_FRAGMENT };
	CURLU *u = curl_url();
	char *scheme = NULL, *name = NULL, *path = NULL, *other = NULL;
	struct str h;
	bool ok;

	BUG(u == NULL);
	ok = curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	     curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	     curl_url_get(u, CURLUPART_HOST, &name, 0) == CURLUE_OK &&
	     curl_url_get(u, CURLUPART_PATH, &path, 0) == CURLUE_OK &&
	     strlen(name) < HOST_CAP && strcmp(path, "/") == 0 &&
	     (strcmp(scheme, "imap") == 0 || strcmp(scheme, "imaps") == 0);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		ok &= curl_url_get(u, others[i], &other, 0) != CURLUE_OK;
		curl_free(other);
		other = NULL;
	}
	/* An IPv6 address stands in brackets in a URL, not in a certificate. */
	h = str_of(ok ? name : "");
	if (str_starts(h, STR("[")) && str_ends(h, STR("]"))) {
		h = str_from(h, 1);
		h.n--;
	}
	memcpy(host, h.p, h.n);
	host[h.n] = '\0';
	curl_free(scheme);
	curl_free(name);
	curl_free(path);
	curl_url_cleanup(u);
	return ok && h.n > 0;
}

bool imap_client_is_url(const char *url)
{
	char host[HOST_CAP];

	return host_of(url, host);
}

static void set_login(CURL *h, const struct imap_client_options *o)
{
	struct str secret = crypto_secret_bytes(o->password);
	char *password = mem_must(secret.n + 1);

	memcpy(password, secret.p, secret.n);
	(void)curl_easy_setopt(h, CURLOPT_USERNAME, o->user);
	(void)curl_easy_setopt(h, CURLOPT_PASSWORD, password);
	mem_wipe(password, secret.n);
	mem_free(password);
}

static void set_options(struct imap_client *c)
{
	const struct imap_client_options *o = c->o;
	CURL *h = c->curl;

	(void)curl_easy_setopt(h, CURLOPT_URL, o->url);
	(void)curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "imap,imaps");
	(void)curl_easy_setopt(h, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(h, CURLOPT_CONNECT_ONLY, 1L);
	(void)curl_easy_setopt(h, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
	(void)curl_easy_setopt(
		h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	(void)curl_easy_setopt(h, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
	(void)curl_easy_setopt(h, CURLOPT_SSL_CTX_DATA, c);
	if (o->ca_file != NULL) {
		(void)curl_easy_setopt(h, CURLOPT_CAINFO, o->ca_file);
		(void)curl_easy_setopt(h, CURLOPT_CAPATH, NULL);
	}
	(void)curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)o->timeout_ms);
	(void)curl_easy_setopt(
		h, CURLOPT_CONNECTTIMEOUT_MS, (long)o->timeout_ms);
	(void)curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, on_progress);
	(void)curl_easy_setopt(h, CURLOPT_XFERINFODATA, c);
	(void)curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
	(void)curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_line);
	(void)curl_easy_setopt(h, CURLOPT_HEADERDATA, c);
	(void)curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	(void)curl_easy_setopt(h, CURLOPT_OPENSOCKETDATA, c);
	set_login(h, o);
}

static enum status log_in(struct imap_client *c, struct err *e)
{
	char text[CURL_ERROR_SIZE] = "";
	CURLcode code;

	c->curl = curl_easy_init();
	BUG(c->curl == NULL);
	set_options(c);
	(void)curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, text);
	code = curl_easy_perform(c->curl);
	(void)curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, NULL);
	if (code == CURLE_OK)
		return ST_OK;
	if (c->said[0] != '\0')
		return err_set(e,
			code == CURLE_LOGIN_DENIED ? ST_PERM : ST_TEMP,
			"%s said: %s", c->host, c->said);
	return err_set(e, code == CURLE_LOGIN_DENIED ? ST_PERM : ST_TEMP,
		"%s: %s", c->host,
		text[0] != '\0' ? text : curl_easy_strerror(code));
}

/* ---- the session */

/* As long as answers come it is not stuck, but a command has an end. */
static void give_time(struct imap_client *c)
{
	c->end.ms = clock_mono(clock_system()).ms + c->o->timeout_ms;
	if (c->end.ms > c->last.ms)
		c->end = c->last;
}

static enum status wait_for(
	const struct imap_client *c, short what, struct err *e)
{
	struct pollfd p = { .fd = -1, .events = what };
	curl_socket_t fd = CURL_SOCKET_BAD;
	int64_t left = c->end.ms - clock_mono(clock_system()).ms;

	if (left <= 0)
		return err_set(e, ST_TEMP, "%s: no answer in time", c->host);
	if (c->o->stop != NULL && c->o->stop(c->o->stop_ctx))
		return err_set(e, ST_TEMP, "%s: told to stop", c->host);
	if (curl_easy_getinfo(c->curl, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK)
		p.fd = fd;
	(void)poll(&p, 1, left < TICK_MS ? (int)left : TICK_MS);
	return ST_OK;
}

static enum status broken(
	const struct imap_client *c, CURLcode code, struct err *e)
{
	return err_set(e, ST_TEMP, "%s: %s", c->host, curl_easy_strerror(code));
}

static enum status send_all(
	struct imap_client *c, struct str data, struct err *e)
{
	enum status st = ST_OK;
	CURLcode code;
	size_t n;

	while (st == ST_OK && data.n > 0) {
		n = 0;
		code = curl_easy_send(c->curl, data.p, data.n, &n);
		data = str_from(data, n);
		if (code == CURLE_AGAIN)
			st = wait_for(c, POLLOUT, e);
		else if (code != CURLE_OK)
			st = broken(c, code, e);
	}
	return st;
}

static enum status receive(struct imap_client *c, struct err *e)
{
	enum status st = ST_OK;
	CURLcode code;
	size_t n;

	for (; st == ST_OK; st = wait_for(c, POLLIN, e)) {
		n = 0;
		code = curl_easy_recv(c->curl, c->in, sizeof(c->in), &n);
		if (code == CURLE_AGAIN)
			continue;
		if (code != CURLE_OK)
			return broken(c, code, e);
		if (n == 0)
			return err_set(e, ST_TEMP, "%s hung up", c->host);
		c->in_at = 0;
		c->in_n = n;
		break;
	}
	return st;
}

/* The next response, in a. */
static enum status next(struct imap_client *c, struct arena *a, size_t max,
	struct imap_response *out, struct err *e)
{
	struct imap_reader r;
	enum status st = ST_AGAIN;
	struct str in;

	imap_reader_init(&r, a, max);
	while (st == ST_AGAIN) {
		if (c->in_n == 0) {
			st = receive(c, e);
			if (st != ST_OK)
				return st;
		}
		in = (struct str){ c->in + c->in_at, c->in_n };
		st = imap_reader_take(&r, &in);
		c->in_at += c->in_n - in.n;
		c->in_n = in.n;
	}
	if (st == ST_LIMIT)
		return err_set(e, st, "%s: an answer of more than %zu bytes",
			c->host, max);
	if (st != ST_OK)
		return err_set(e, st, "%s: an answer that is no IMAP", c->host);
	st = imap_response_parse(a, sbuf_str(&r.text), out, e);
	if (st != ST_OK)
		err_prefix(e, "%s", c->host);
	return st;
}

/* What the server says to the command; ST_AGAIN: there is more to come. */
static enum status judge(const struct imap_client *c, struct str tag,
	const struct imap_response *r, imap_client_fn *on, void *ctx,
	struct err *e)
{
	enum status st;

	switch (r->kind) {
	case IMAP_OK:
	case IMAP_NO:
	case IMAP_BAD:
		if (!str_eq(r->tag, tag))
			return err_set(e, ST_INVALID,
				"%s: an answer to another command", c->host);
		if (r->kind == IMAP_OK)
			return ST_OK;
		return err_set(e, ST_PERM, "%s said: %s %.*s", c->host,
			r->kind == IMAP_NO ? "NO" : "BAD",
			STR_ARG(str_upto(r->text, SAID_CAP)));
	case IMAP_BYE:
		return err_set(e, ST_TEMP, "%s said: BYE %.*s", c->host,
			STR_ARG(str_upto(r->text, SAID_CAP)));
	case IMAP_STATUS:
	case IMAP_GO_ON:
	case IMAP_CAPABILITY:
	case IMAP_EXISTS:
	case IMAP_FETCH:
	case IMAP_OTHER:
		break;
	}
	st = on != NULL ? on(ctx, r, e) : ST_OK;
	return st == ST_OK ? ST_AGAIN : st;
}

enum status imap_client_do(struct imap_client *c, struct str command,
	size_t max, imap_client_fn *on, void *ctx, struct err *e)
{
	struct arena *a = arena_must(0);
	struct imap_response r = {};
	char room[TAG_CAP];
	struct sbuf tag = sbuf_fixed(room, sizeof(room));
	struct str line;
	enum status st;

	sbuf_fmt(&tag, "m%u", ++c->commands);
	line = arena_fmt(
		a, "%.*s %.*s\r\n", STR_ARG(sbuf_str(&tag)), STR_ARG(command));
	BUG(line.p == NULL);
	c->last.ms = clock_mono(clock_system()).ms +
		     (int64_t)PATIENCE * c->o->timeout_ms;
	give_time(c);
	st = send_all(c, line, e);
	for (bool more = st == ST_OK; more; more = st == ST_AGAIN) {
		arena_reset(a);
		give_time(c);
		st = next(c, a, max, &r, e);
		if (st == ST_OK)
			st = judge(c, sbuf_str(&tag), &r, on, ctx, e);
	}
	arena_free(&a);
	return st;
}

static enum status on_capability(
	void *ctx, const struct imap_response *r, struct err *e)
{
	struct imap_client *c = ctx;
	struct str words = str_upto(r->text, sizeof(c->words));

	(void)e;
	if (r->kind != IMAP_CAPABILITY || words.n == 0)
		return ST_OK;
	memcpy(c->words, words.p, words.n);
	c->n_words = words.n;
	return ST_OK;
}

bool imap_client_can(const struct imap_client *c, struct str capability)
{
	return imap_has_word((struct str){ c->words, c->n_words }, capability);
}

enum status imap_client_open(const struct imap_client_options *o,
	struct imap_client **out, struct err *e)
{
	struct imap_client *c = mem_must(sizeof(*c));
	enum status st;

	(void)pthread_once(&once, init_curl);
	c->o = o;
	if (!host_of(o->url, c->host))
		st = err_set(e, ST_INVALID,
			"not imaps://HOST:PORT or imap://HOST:PORT: %.200s",
			o->url);
	else
		st = log_in(c, e);
	if (st == ST_OK)
		st = imap_client_do(c, STR("CAPABILITY"), SMALL_RESPONSE,
			on_capability, c, e);
	if (st == ST_OK) {
		*out = c;
		c = NULL;
	}
	imap_client_close(&c);
	return st;
}

void imap_client_close(struct imap_client **cp)
{
	struct imap_client *c = *cp;
	size_t n;

	if (c == NULL)
		return;
	if (c->curl != NULL && c->commands > 0)
		(void)curl_easy_send(c->curl, "bye LOGOUT\r\n", 12, &n);
	curl_easy_cleanup(c->curl);
	mem_free(c);
	*cp = NULL;
}
