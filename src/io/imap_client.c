/* SPDX-License-Identifier: Apache-2.0 */
/* imap_client: libcurl until the log-in, then its bare TLS connection. */
#include <poll.h>
#include <string.h>

#include "io/imap_client.h"

#include "base/bug.h"
#include "base/clock.h"
#include "base/mem.h"
#include "io/curl_peer.h"

#include "base/poison.h"

#define SAID_CAP 300
#define IN_BYTES 16384
#define TICK_MS 1000 /* between two looks at whether to stop */
#define SMALL_RESPONSE ((size_t)64 << 10)
#define WORDS_CAP 4096 /* of capabilities */
#define TAG_CAP 16
#define PATIENCE 10 /* times timeout_ms, for all answers to a command */

struct imap_client {
	const struct imap_client_options *o;
	struct curl_peer peer;
	char said[SAID_CAP]; /* the server's last refusal while logging in */
	char words[WORDS_CAP];
	size_t n_words;
	unsigned commands;
	struct mono end;  /* of the wait for the next answer */
	struct mono last; /* of the command */
	struct mono over; /* the session */
	size_t in_at, in_n;
	char in[IN_BYTES];
};

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

/* A URL that has nothing else but a port. */
static bool take_url(struct curl_peer *p, const char *url)
{
	return curl_peer_take_url(p, url) && p->bare && p->host[0] != '\0' &&
	       (strcmp(p->scheme, "imap") == 0 ||
		       strcmp(p->scheme, "imaps") == 0);
}

bool imap_client_is_url(const char *url)
{
	struct curl_peer p;

	return take_url(&p, url);
}

static void set_options(struct imap_client *c)
{
	CURL *h = c->peer.curl;

	curl_peer_demand(&c->peer, "imap,imaps");
	(void)curl_easy_setopt(h, CURLOPT_URL, c->o->url);
	(void)curl_easy_setopt(h, CURLOPT_CONNECT_ONLY, 1L);
	(void)curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_line);
	(void)curl_easy_setopt(h, CURLOPT_HEADERDATA, c);
	curl_peer_log_in(&c->peer, c->o->user, c->o->password);
}

static enum status log_in(struct imap_client *c, struct err *e)
{
	enum status st;
	CURLcode code;

	curl_peer_init(&c->peer);
	set_options(c);
	code = curl_peer_perform(&c->peer);
	if (code == CURLE_OK)
		return ST_OK;
	st = code == CURLE_LOGIN_DENIED ? ST_PERM : ST_TEMP;
	if (c->said[0] != '\0')
		return err_set(e, st, "%s said: %s", c->peer.host, c->said);
	return err_set(e, st, "%s: %s", c->peer.host,
		curl_peer_reason(&c->peer, code));
}

/* ---- the session */

/* As long as answers come it is not stuck, but a command has an end, and the
 * session. */
static void give_time(struct imap_client *c)
{
	c->end.ms = clock_mono(clock_system()).ms + c->o->timeout_ms;
	if (c->end.ms > c->last.ms)
		c->end = c->last;
	if (c->end.ms > c->over.ms)
		c->end = c->over;
}

static int64_t left_ms(const struct imap_client *c)
{
	return c->end.ms - clock_mono(clock_system()).ms;
}

static enum status late(const struct imap_client *c, struct err *e)
{
	return err_set(e, ST_TEMP, "%s: %s", c->peer.host,
		c->end.ms == c->over.ms ? "it takes too long"
					: "no answer in time");
}

static enum status wait_for(
	const struct imap_client *c, short what, struct err *e)
{
	struct pollfd p = { .fd = -1, .events = what };
	curl_socket_t fd = CURL_SOCKET_BAD;
	int64_t left = left_ms(c);

	if (left <= 0)
		return late(c, e);
	if (c->o->stop != NULL && c->o->stop(c->o->stop_ctx))
		return err_set(e, ST_TEMP, "%s: told to stop", c->peer.host);
	if (curl_easy_getinfo(c->peer.curl, CURLINFO_ACTIVESOCKET, &fd) ==
		CURLE_OK)
		p.fd = fd;
	(void)poll(&p, 1, left < TICK_MS ? (int)left : TICK_MS);
	return ST_OK;
}

static enum status broken(
	const struct imap_client *c, CURLcode code, struct err *e)
{
	return err_set(
		e, ST_TEMP, "%s: %s", c->peer.host, curl_easy_strerror(code));
}

static enum status send_all(
	struct imap_client *c, struct str data, struct err *e)
{
	enum status st = ST_OK;
	CURLcode code;
	size_t n;

	while (st == ST_OK && data.n > 0) {
		n = 0;
		code = curl_easy_send(c->peer.curl, data.p, data.n, &n);
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
		code = curl_easy_recv(c->peer.curl, c->in, sizeof(c->in), &n);
		if (code == CURLE_AGAIN)
			continue;
		if (code != CURLE_OK)
			return broken(c, code, e);
		if (n == 0)
			return err_set(e, ST_TEMP, "%s hung up", c->peer.host);
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
			c->peer.host, max);
	if (st != ST_OK)
		return err_set(
			e, st, "%s: an answer that is no IMAP", c->peer.host);
	st = imap_response_parse(a, sbuf_str(&r.text), out, e);
	if (st != ST_OK)
		err_prefix(e, "%s", c->peer.host);
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
				"%s: an answer to another command",
				c->peer.host);
		if (r->kind == IMAP_OK)
			return ST_OK;
		return err_set(e, ST_PERM, "%s said: %s %.*s", c->peer.host,
			r->kind == IMAP_NO ? "NO" : "BAD",
			STR_ARG(str_upto(r->text, SAID_CAP)));
	case IMAP_BYE:
		return err_set(e, ST_TEMP, "%s said: BYE %.*s", c->peer.host,
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
		/* One that never stops talking never has us wait. */
		st = left_ms(c) > 0 ? next(c, a, max, &r, e) : late(c, e);
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

	c->o = o;
	c->over.ms = clock_mono(clock_system()).ms + o->session_ms;
	c->peer = (struct curl_peer){ .ca_file = o->ca_file,
		.timeout_ms = o->timeout_ms,
		.allow_addr = o->allow_addr,
		.stop = o->stop,
		.stop_ctx = o->stop_ctx };
	if (!take_url(&c->peer, o->url))
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
	if (c->peer.curl != NULL && c->commands > 0)
		(void)curl_easy_send(c->peer.curl, "bye LOGOUT\r\n", 12, &n);
	curl_peer_fini(&c->peer);
	mem_free(c);
	*cp = NULL;
}
