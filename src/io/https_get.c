/* SPDX-License-Identifier: Apache-2.0 */
/*
 * https_get: connect, handshake, one request, one answer; a step for each wait.
 * docs/decisions/0009-https-get.md says why this is not libcurl.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "io/https_get.h"

#include "base/arena.h"
#include "base/bug.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sbuf.h"
#include "io/fd.h"
#include "proto/http_chunked.h"
#include "proto/http_head.h"

#include "base/poison.h"

#define CA_LOOK_MS 60000
#define REQUEST_BYTES_MAX 2048u
#define USER_AGENT_MAX 1024u
#define READ_BYTES 16384
/* Certificates, heads, records and chunks, beside twice the body. */
#define OVERHEAD_BYTES_MAX (256u * 1024)

struct https_client {
	struct loop *loop;
	struct tls_client *tls;
	char *user_agent;
	struct mono looked; /* at the CA file */
};

enum step { CONNECTING, SHAKING_HANDS, ASKING, READING_HEAD, READING_BODY };

struct https_get {
	struct https_get **handle;
	struct https_client *client;
	https_get_fn *fn;
	void *ctx;
	struct arena *a;

	struct https_get_request r; /* its memory is in the arena */
	struct https_result result;
	struct tls_peer peer;

	enum step step;
	struct loop_task begin;
	struct loop_timer deadline, connect;
	struct loop_io io;
	struct tls *tls;
	int fd;
	size_t next; /* address to try */
	struct mono started, trying, connected;

	struct sbuf request;
	size_t sent;
	char head[HTTP_HEAD_BYTES_MAX];
	size_t n_head, looked; /* bytes there; and looked at */
	unsigned interim;      /* answers 1xx so far */
	enum http_framing framing;
	uint64_t left; /* with HTTP_BODY_LENGTH */
	struct http_chunked chunked;
	struct sbuf body;
};

/* ---- client ---- */

static bool is_header_text(const char *s)
{
	if (strlen(s) > USER_AGENT_MAX)
		return false;
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f)
			return false;
	return true;
}

enum status https_client_new(struct loop *l,
	const struct https_client_options *o, struct https_client **out,
	struct err *e)
{
	struct tls_client *tls = NULL;
	struct https_client *c;
	enum status st;

	if (!is_header_text(o->user_agent))
		return err_set(e, ST_INVALID,
			"a User-Agent is at most %u printable characters",
			USER_AGENT_MAX);
	st = tls_client_new(o->ca_file, &tls, e);
	if (st != ST_OK)
		return st;
	c = mem_must(sizeof(*c));
	c->loop = l;
	c->tls = tls;
	c->user_agent = strdup(o->user_agent);
	BUG(c->user_agent == NULL);
	c->looked = loop_now(l);
	*out = c;
	return ST_OK;
}

void https_client_free(struct https_client **c)
{
	if (*c == NULL)
		return;
	tls_client_free(&(*c)->tls);
	free((*c)->user_agent);
	mem_free(*c);
	*c = NULL;
}

static void look_at_ca_file(struct https_client *c)
{
	struct mono now = loop_now(c->loop);
	struct err e = {};

	if (now.ms - c->looked.ms < CA_LOOK_MS)
		return;
	c->looked = now;
	if (tls_client_refresh(c->tls, &e) != ST_OK)
		LOG(LOG_WARN, "https.ca_file", KV_Z("error", e.text));
}

/* ---- the end ---- */

static void free_get(void *ctx)
{
	struct https_get *g = ctx;

	arena_free(&g->a);
	mem_free(g);
}

static void close_connection(struct https_get *g)
{
	loop_timer_stop(&g->connect);
	loop_io_stop(&g->io);
	tls_free(&g->tls);
	fd_close(&g->fd);
}

static void stop(struct https_get *g)
{
	close_connection(g);
	loop_task_stop(&g->begin);
	loop_timer_stop(&g->deadline);
	*g->handle = NULL;
	loop_defer(g->client->loop, free_get, g);
}

static int64_t since(const struct https_get *g, struct mono t)
{
	return loop_now(g->client->loop).ms - t.ms;
}

/* "192.0.2.1: " and what happened there. */
static void say(struct https_get *g, const char *what)
{
	char ip[80] = "";
	struct sbuf b = sbuf_fixed(ip, sizeof(ip) - 1);

	addr_write_ip(&b, &g->result.from);
	(void)err_set(&g->result.why, ST_TEMP, "%s%s%s", ip,
		b.n > 0 ? ": " : "", what);
}

static void end(struct https_get *g, enum https_outcome outcome)
{
	struct https_result *r = &g->result;

	r->outcome = outcome;
	r->cert = g->peer.cert;
	r->not_after = g->peer.not_after;
	r->issuer = str_of(g->peer.issuer);
	r->total_ms = since(g, g->started);
	stop(g);
	g->fn(g->ctx, r);
}

static void fail(
	struct https_get *g, enum https_outcome outcome, const char *what)
{
	say(g, what);
	end(g, outcome);
}

/* The connection does not go on. */
static void fail_broken(
	struct https_get *g, enum https_outcome outcome, const char *what)
{
	if (tls_client_over(g->tls))
		fail(g, HTTPS_TOO_BIG, "it sends too much");
	else
		fail(g, outcome, what);
}

static void on_deadline(void *ctx)
{
	static const char *const what[] = {
		[CONNECTING] = "no time is left to connect",
		[SHAKING_HANDS] = "the TLS handshake takes too long",
		[ASKING] = "the request could not be sent in time",
		[READING_HEAD] = "no answer came in time",
		[READING_BODY] = "the answer takes too long",
	};
	struct https_get *g = ctx;

	fail(g, HTTPS_TIME, what[g->step]);
}

/* ---- the answer ---- */

static void end_done(struct https_get *g)
{
	tls_bye(g->tls);
	g->result.body = sbuf_str(&g->body);
	end(g, HTTPS_DONE);
}

static void fail_too_big(struct https_get *g)
{
	fail(g, HTTPS_TOO_BIG,
		arena_fmt(g->a, "the answer is larger than %zu bytes",
			g->r.max_bytes)
			.p);
}

/* The three below return true while more is wanted; false: it has ended. */

static bool add_body(struct https_get *g, struct str piece)
{
	sbuf_add(&g->body, piece);
	if (sbuf_ok(&g->body))
		return true;
	fail_too_big(g);
	return false;
}

static bool take_chunked(struct https_get *g, struct str in)
{
	struct str piece;
	enum status st;

	while ((st = http_chunked_take(&g->chunked, &in, &piece)) == ST_OK) {
		if (piece.n == 0) {
			end_done(g);
			return false;
		}
		if (!add_body(g, piece))
			return false;
	}
	if (st == ST_AGAIN)
		return true;
	fail(g, HTTPS_PROTOCOL, "the chunked body is broken");
	return false;
}

static bool take_body(struct https_get *g, struct str in)
{
	struct str piece = in;

	if (g->framing == HTTP_BODY_CHUNKED)
		return take_chunked(g, in);
	if (g->framing == HTTP_BODY_LENGTH)
		piece = str_upto(in, g->left);
	if (!add_body(g, piece))
		return false;
	g->left -= piece.n;
	if (g->framing == HTTP_BODY_TO_CLOSE || g->left > 0)
		return true;
	end_done(g);
	return false;
}

/* Is there a body we want? false: it has ended. */
static bool take_response(struct https_get *g, const struct http_response *h)
{
	struct str coding = http_field_get(&h->fields, STR("Content-Encoding"));

	g->result.http_status = h->code;
	g->result.content_type = arena_str(
		g->a, http_field_get(&h->fields, STR("Content-Type")));
	if (coding.n > 0 && !str_eq_nocase(coding, STR("identity"))) {
		fail(g, HTTPS_PROTOCOL,
			"the answer has a Content-Encoding, for which nobody "
			"asked");
		return false;
	}
	if (h->code != 200 || h->framing == HTTP_BODY_NONE) {
		end_done(g);
		return false;
	}
	if (h->framing == HTTP_BODY_LENGTH && h->length > g->r.max_bytes) {
		fail_too_big(g);
		return false;
	}
	g->framing = h->framing;
	g->left = h->framing == HTTP_BODY_LENGTH ? h->length : 0;
	g->step = READING_BODY;
	return true;
}

/* The head of n bytes is complete; true: read on. */
static bool take_head(struct https_get *g, size_t n)
{
	struct http_response h;
	struct err e = {};
	size_t rest = g->n_head - n;

	if (http_response_parse((struct str){ g->head, n }, false, &h, &e) !=
		ST_OK) {
		fail(g, HTTPS_PROTOCOL, e.text);
		return false;
	}
	if (h.code >= 200)
		return take_response(g, &h) &&
		       take_body(g, (struct str){ g->head + n, rest });
	if (h.code == 101 || ++g->interim > HTTPS_GET_INTERIM_MAX) {
		fail(g, HTTPS_PROTOCOL, "the answer is not one to a GET");
		return false;
	}
	memmove(g->head, g->head + n, rest);
	g->n_head = rest;
	g->looked = 0;
	return true;
}

static bool take_head_bytes(struct https_get *g)
{
	size_t n = 0;
	enum status st;

	while (g->step == READING_HEAD) {
		st = http_head_find(
			(struct str){ g->head, g->n_head }, &g->looked, &n);
		if (st == ST_AGAIN && g->n_head < sizeof(g->head))
			return true;
		if (st == ST_INVALID) {
			fail(g, HTTPS_PROTOCOL, "the answer is no HTTP");
			return false;
		}
		if (st != ST_OK) {
			fail(g, HTTPS_TOO_BIG,
				"the head of the answer is too large");
			return false;
		}
		if (!take_head(g, n))
			return false;
	}
	return true;
}

static bool read_some(struct https_get *g, unsigned *want, enum status *st)
{
	char buf[READ_BYTES];
	bool head = g->step == READING_HEAD;
	char *to = head ? g->head + g->n_head : buf;
	size_t cap = head ? sizeof(g->head) - g->n_head : sizeof(buf), n = 0;

	*st = tls_read(g->tls, to, cap, &n, want);
	if (*st != ST_OK)
		return false;
	if (!head)
		return take_body(g, (struct str){ buf, n });
	g->n_head += n;
	return take_head_bytes(g);
}

static void on_end_of_stream(struct https_get *g, enum status st)
{
	if (g->step == READING_HEAD)
		fail_broken(g, HTTPS_IO,
			"the connection was closed without an answer");
	else if (st == ST_NOTFOUND && g->framing == HTTP_BODY_TO_CLOSE)
		end_done(g);
	else
		fail_broken(g, HTTPS_IO, "the answer was cut short");
}

static void read_answer(struct https_get *g)
{
	unsigned want = LOOP_READ;
	enum status st = ST_OK;

	while (read_some(g, &want, &st))
		;
	if (st == ST_AGAIN)
		loop_io_change(&g->io, want);
	else if (st != ST_OK)
		on_end_of_stream(g, st);
}

/* ---- the request ---- */

static void write_request(struct https_get *g)
{
	g->request = sbuf_arena(g->a, REQUEST_BYTES_MAX);
	sbuf_fmt(&g->request,
		"GET %.*s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: %s\r\n"
		"Accept: text/plain, */*\r\nConnection: close\r\n\r\n",
		STR_ARG(g->r.path), STR_ARG(g->r.host), g->client->user_agent);
	BUG(!sbuf_ok(&g->request));
}

static void ask(struct https_get *g)
{
	unsigned want = LOOP_WRITE;
	enum status st = ST_OK;
	size_t n;

	while (st == ST_OK && g->sent < g->request.n) {
		st = tls_write(g->tls, g->request.p + g->sent,
			g->request.n - g->sent, &n, &want);
		if (st == ST_OK)
			g->sent += n;
	}
	if (st == ST_AGAIN) {
		loop_io_change(&g->io, want);
	} else if (st != ST_OK) {
		fail_broken(g, HTTPS_IO, "the connection was closed");
	} else {
		g->step = READING_HEAD;
		read_answer(g); /* OpenSSL may hold some already */
	}
}

/* ---- the handshake ---- */

static void shake_hands(struct https_get *g)
{
	unsigned want = LOOP_READ;
	struct err e = {};
	enum status st = tls_handshake(g->tls, &want, &e);

	if (st == ST_AGAIN) {
		loop_io_change(&g->io, want);
		return;
	}
	g->result.handshake_ms = since(g, g->connected);
	if (g->peer.cert != TLS_CERT_GOOD) {
		fail(g, HTTPS_CERT, g->peer.fault);
	} else if (st != ST_OK) {
		err_prefix(&e, "TLS handshake");
		fail_broken(g, HTTPS_TLS, e.text);
	} else {
		g->step = ASKING;
		ask(g);
	}
}

/* ---- connecting ---- */

static void on_ready(void *ctx, unsigned ready);
static void on_connect_time(void *ctx);

/* Begins to connect to the next address; false with *errnum if it cannot. */
static bool connect_to(struct https_get *g, const struct addr *to, int *errnum)
{
	int one = 1;

	*errnum = 0;
	g->fd = socket(to->ss.ss_family,
		SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (g->fd < 0) {
		*errnum = errno;
		return false;
	}
	(void)setsockopt(g->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(g->fd, (const struct sockaddr *)&to->ss, to->len) == 0 ||
		errno == EINPROGRESS)
		return true;
	*errnum = errno;
	return false;
}

static void connect_next(struct https_get *g)
{
	struct loop *l = g->client->loop;
	int errnum;

	close_connection(g);
	while (g->next < g->r.n_addrs) {
		g->result.from = g->r.addrs[g->next++];
		g->trying = loop_now(l);
		if (connect_to(g, &g->result.from, &errnum)) {
			loop_io_start(
				&g->io, l, g->fd, LOOP_WRITE, on_ready, g);
			loop_timer_start(&g->connect, l, g->r.connect_ms,
				on_connect_time, g);
			return;
		}
		say(g, strerrordesc_np(errnum));
		fd_close(&g->fd);
	}
	end(g, HTTPS_CONNECT);
}

static void on_connect_time(void *ctx)
{
	struct https_get *g = ctx;

	say(g, "no connection in time");
	connect_next(g);
}

static void connected(struct https_get *g)
{
	socklen_t n = sizeof(int);
	int errnum = 0;

	if (getsockopt(g->fd, SOL_SOCKET, SO_ERROR, &errnum, &n) != 0)
		errnum = errno;
	if (errnum != 0) {
		say(g, strerrordesc_np(errnum));
		connect_next(g);
		return;
	}
	loop_timer_stop(&g->connect);
	g->connected = loop_now(g->client->loop);
	g->result.connect_ms = since(g, g->trying);
	g->tls = tls_client_connect(
		g->client->tls, g->fd, g->r.host.p, &g->peer);
	if (g->tls == NULL) {
		fail(g, HTTPS_TLS, "no memory for TLS");
		return;
	}
	tls_client_limit(g->tls, 2 * g->r.max_bytes + OVERHEAD_BYTES_MAX);
	g->step = SHAKING_HANDS;
	shake_hands(g);
}

static void on_ready(void *ctx, unsigned ready)
{
	struct https_get *g = ctx;

	if (g->tls != NULL && (ready & LOOP_READ))
		tls_ready(g->tls);
	switch (g->step) {
	case CONNECTING:
		connected(g);
		break;
	case SHAKING_HANDS:
		shake_hands(g);
		break;
	case ASKING:
		ask(g);
		break;
	case READING_HEAD:
	case READING_BODY:
		read_answer(g);
		break;
	}
}

/* ---- start ---- */

static void begin(void *ctx)
{
	struct https_get *g = ctx;

	if (g->r.n_addrs == 0) {
		fail(g, HTTPS_NO_ADDRESS, "there is no address to connect to");
		return;
	}
	look_at_ca_file(g->client);
	write_request(g);
	connect_next(g);
}

static void copy_request(struct https_get *g, const struct https_get_request *r)
{
	struct addr *to = arena_array(g->a, r->n_addrs + 1, sizeof(*to));

	BUG(to == NULL || r->path.n > HTTPS_GET_PATH_MAX);
	g->r = *r;
	if (r->n_addrs > 0)
		memcpy(to, r->addrs, r->n_addrs * sizeof(*to));
	g->r.addrs = to;
	g->r.host = arena_str(g->a, r->host);
	g->r.path = arena_str(g->a, r->path);
	BUG(g->r.host.p == NULL || g->r.path.p == NULL);
}

void https_get_start(struct https_get **handle, struct https_client *c,
	const struct https_get_request *r, https_get_fn *fn, void *ctx)
{
	struct https_get *g = mem_must(sizeof(*g));

	BUG(*handle != NULL);
	g->a = arena_must(0);
	g->handle = handle;
	g->client = c;
	g->fn = fn;
	g->ctx = ctx;
	g->fd = -1;
	g->started = loop_now(c->loop);
	copy_request(g, r);
	g->body = sbuf_arena(g->a, r->max_bytes);
	loop_timer_start(&g->deadline, c->loop, r->deadline_ms, on_deadline, g);
	loop_task_start(&g->begin, c->loop, begin, g);
	*handle = g;
}

void https_get_cancel(struct https_get **handle)
{
	if (*handle != NULL)
		stop(*handle);
}
