/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_server: a connection reads a head, then a body, waits for its handler,
 * writes, and is closed. While the handler works nothing is watched.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bug.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/fd.h"
#include "io/http_server.h"

#include "base/poison.h"

struct source {
	struct http_server *server;
	struct listener *listener;
	http_server_fn *fn;
	void *ctx;
};

enum phase { READ_HEAD, READ_BODY, WORKING, WRITE };

struct conn {
	struct conn *next, *prev;
	struct source *source;
	struct addr peer;
	int fd;
	enum phase phase;
	struct loop_io io;
	struct loop_timer timer;
	struct http_call call;
	char *in; /* what has been read; first the head */
	size_t in_n, in_cap, head_at, head_n;
	struct str out; /* what is left to write */
};

struct http_server {
	struct loop *loop;
	const struct clock *clock;
	struct gate *gate;
	struct source sources[HTTP_SERVER_LISTENERS_MAX];
	size_t n_sources;
	struct conn *conns;
};

static struct conn *conn_of(struct http_call *call)
{
	return (struct conn *)(void *)((char *)call -
				       offsetof(struct conn, call));
}

static void conn_destroy(void *ctx)
{
	struct conn *c = ctx;

	arena_free(&c->call.arena);
	mem_free(c);
}

static void conn_close(struct conn *c)
{
	struct http_server *s = c->source->server;

	loop_io_stop(&c->io);
	loop_timer_stop(&c->timer);
	fd_close(&c->fd);
	gate_leave(s->gate, &c->peer);
	*(c->prev != NULL ? &c->prev->next : &s->conns) = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	loop_defer(s->loop, conn_destroy, c);
}

static void on_deadline(void *ctx)
{
	conn_close(ctx);
}

static void start_timer(struct conn *c)
{
	loop_timer_start(&c->timer, c->source->server->loop,
		HTTP_SERVER_TALK_MS, on_deadline, c);
}

/* ---- answers */

static void write_some(struct conn *c)
{
	ssize_t n;

	do {
		n = send(c->fd, c->out.p, c->out.n, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		c->out = str_from(c->out, (size_t)n);
	if (c->out.n == 0 || (n < 0 && errno != EAGAIN))
		conn_close(c);
}

void http_call_answer(
	struct http_call *call, int code, struct str type, struct str body)
{
	struct conn *c = conn_of(call);
	size_t max = HTTP_HEAD_BYTES_MAX + body.n;
	struct sbuf b = sbuf_arena(call->arena, max), date;
	struct http_answer answer = {
		.code = code,
		.content_type = type,
		.cache_control = STR("no-store"),
		.length = body.n,
		.minor = call->req.minor,
	};

	BUG(c->phase == WRITE);
	date = sbuf_arena(call->arena, 64);
	http_date_write(&date, clock_now(c->source->server->clock));
	answer.date = sbuf_str(&date);
	http_answer_write(&b, &answer);
	if (call->req.method != HTTP_HEAD)
		sbuf_add(&b, body);
	call->cancel = NULL;
	c->phase = WRITE;
	if (!sbuf_ok(&b)) { /* the arena's cap */
		LOG(LOG_ERROR, "http_server.answer_too_large",
			KV_INT("bytes", (int64_t)body.n));
		conn_close(c);
		return;
	}
	c->out = sbuf_str(&b);
	start_timer(c);
	loop_io_change(&c->io, LOOP_WRITE);
}

static void refuse(struct conn *c, int code)
{
	struct str text = arena_fmt(
		c->call.arena, "%d %s\n", code, http_reason(code));

	http_call_answer(&c->call, code, STR("text/plain"), text);
}

/* ---- requests */

static void run(struct conn *c)
{
	c->phase = WORKING;
	loop_timer_stop(&c->timer);
	loop_io_change(&c->io, 0);
	c->source->fn(c->source->ctx, &c->call);
}

static void take_body(struct conn *c)
{
	size_t want = (size_t)c->call.req.length;

	if (c->in_n - c->head_n < want)
		return;
	c->call.body = (struct str){ c->in + c->head_n, want };
	run(c);
}

/* The head is there: what does it announce? */
static void take_head(struct conn *c)
{
	struct http_request *r = &c->call.req;
	struct err e = {};
	int code;

	if (http_request_parse(
		    (struct str){ c->in, c->head_n }, r, &code, &e) != ST_OK) {
		LOG(LOG_DEBUG, "http_server.bad_request",
			KV_Z("reason", e.text));
		refuse(c, code);
	} else if (r->framing == HTTP_BODY_NONE) {
		run(c);
	} else if (r->framing != HTTP_BODY_LENGTH) {
		refuse(c, 411);
	} else if (r->length > HTTP_SERVER_BODY_BYTES_MAX) {
		refuse(c, 413);
	} else {
		c->phase = READ_BODY;
		take_body(c);
	}
}

static void find_head(struct conn *c)
{
	switch (http_head_find(
		(struct str){ c->in, c->in_n }, &c->head_at, &c->head_n)) {
	case ST_OK:
		take_head(c);
		break;
	case ST_AGAIN:
		break;
	case ST_LIMIT:
		refuse(c, 431);
		break;
	case ST_NOTFOUND:
	case ST_INVALID:
	case ST_TEMP:
	case ST_PERM:
		refuse(c, 400);
		break;
	}
}

static void read_some(struct conn *c)
{
	ssize_t n;

	do {
		n = recv(c->fd, c->in + c->in_n, c->in_cap - c->in_n, 0);
	} while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno != EAGAIN)) {
		conn_close(c);
		return;
	}
	c->in_n += n > 0 ? (size_t)n : 0;
	if (c->phase == READ_HEAD)
		find_head(c);
	else
		take_body(c);
}

static void on_ready(void *ctx, unsigned ready)
{
	struct conn *c = ctx;

	(void)ready;
	if (c->phase == WRITE)
		write_some(c);
	else
		read_some(c);
}

static int64_t uid_of(int fd, const struct addr *peer)
{
	struct ucred cred;
	socklen_t n = sizeof(cred);

	if (peer->ss.ss_family != AF_UNIX ||
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) < 0)
		return -1;
	return cred.uid;
}

static void on_accept(void *ctx, int fd, const struct addr *peer)
{
	struct source *source = ctx;
	struct http_server *s = source->server;
	struct conn *c = mem_must(sizeof(*c));

	c->source = source;
	c->peer = *peer;
	c->fd = fd;
	c->next = s->conns;
	if (c->next != NULL)
		c->next->prev = c;
	s->conns = c;
	c->call.uid = uid_of(fd, peer);
	c->call.arena = arena_must(HTTP_SERVER_ARENA_BYTES_MAX);
	c->in_cap = HTTP_HEAD_BYTES_MAX + HTTP_SERVER_BODY_BYTES_MAX;
	c->in = arena_alloc(c->call.arena, c->in_cap);
	BUG(c->in == NULL);
	loop_io_start(&c->io, s->loop, fd, LOOP_READ, on_ready, c);
	start_timer(c);
}

/* ---- the server */

struct http_server *http_server_new(
	struct loop *l, const struct clock *clock, struct gate *gate)
{
	struct http_server *s = mem_must(sizeof(*s));

	s->loop = l;
	s->clock = clock;
	s->gate = gate;
	return s;
}

void http_server_listen(
	struct http_server *s, int fd, http_server_fn *fn, void *ctx)
{
	struct source *source;

	BUG(s->n_sources == HTTP_SERVER_LISTENERS_MAX);
	source = &s->sources[s->n_sources++];
	*source = (struct source){ .server = s, .fn = fn, .ctx = ctx };
	source->listener = listener_new(
		s->loop, fd, s->gate, on_accept, source);
}

void http_server_free(struct http_server **sp)
{
	struct http_server *s = *sp;

	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n_sources; i++)
		listener_free(&s->sources[i].listener);
	while (s->conns != NULL) {
		struct conn *c = s->conns;

		if (c->phase == WORKING && c->call.cancel != NULL)
			c->call.cancel(c->call.cancel_ctx);
		conn_close(c);
	}
	mem_free(s);
	*sp = NULL;
}
