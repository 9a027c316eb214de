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
#include "proto/http_reader.h"

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

enum step { CONNECTING, SHAKING_HANDS, ASKING, READING };

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
	struct http_reader answer;
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
		LOG(LOG_WARN, "https.ca_file", KV_Z("why", e.text));
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
		[READING] = "no whole answer came in time",
	};
	struct https_get *g = ctx;

	fail(g, HTTPS_TIME, what[g->step]);
}

/* ---- the answer ---- */

static void end_done(struct https_get *g)
{
	tls_bye(g->tls);
	g->result.http_status = g->answer.code;
	g->result.content_type = g->answer.content_type;
	g->result.body = sbuf_str(&g->answer.body);
	end(g, HTTPS_DONE);
}

static void end_of_stream(struct https_get *g, bool clean)
{
	struct err e = {};

	if (http_reader_end(&g->answer, clean, &e) == ST_OK)
		end_done(g);
	else
		fail_broken(g, HTTPS_IO, e.text);
}

static void take_answer(
	struct https_get *g, enum status st, const struct err *e)
{
	if (st == ST_OK)
		end_done(g);
	else
		fail(g, st == ST_LIMIT ? HTTPS_TOO_BIG : HTTPS_PROTOCOL,
			e->text);
}

static void read_answer(struct https_get *g)
{
	unsigned want = LOOP_READ;
	char buf[READ_BYTES];
	struct err e = {};
	enum status st;
	size_t n;

	while ((st = tls_read(g->tls, buf, sizeof(buf), &n, &want)) == ST_OK) {
		st = http_reader_take(&g->answer, (struct str){ buf, n }, &e);
		if (st != ST_AGAIN) {
			take_answer(g, st, &e);
			return;
		}
	}
	if (st == ST_AGAIN)
		loop_io_change(&g->io, want);
	else
		end_of_stream(g, st == ST_NOTFOUND);
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
		g->step = READING;
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
	case READING:
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
	http_reader_init(&g->answer, g->a, r->max_bytes);
	loop_timer_start(&g->deadline, c->loop, r->deadline_ms, on_deadline, g);
	loop_task_start(&g->begin, c->loop, begin, g);
	*handle = g;
}

void https_get_cancel(struct https_get **handle)
{
	if (*handle != NULL)
		stop(*handle);
}
