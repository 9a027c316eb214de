/* SPDX-License-Identifier: Apache-2.0 */
/* edge_conn: one connection: bytes in, bytes out, and time. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hosting/edge_own.h"

#include "base/bug.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/fd.h"

#include "base/poison.h"

#define BODY_FIRST_BYTES 4096u
#define IN_BYTES HTTP_HEAD_BYTES_MAX

/* ---- the socket, with TLS or without ---- */

static enum status plain_result(
	ssize_t got, unsigned want, size_t *n, unsigned *wanted)
{
	if (got > 0) {
		*n = (size_t)got;
		return ST_OK;
	}
	if (got == 0)
		return ST_NOTFOUND;
	if (errno != EAGAIN && errno != EINTR)
		return ST_INVALID;
	*wanted = want;
	return ST_AGAIN;
}

static enum status conn_read(
	struct edge_conn *c, void *p, size_t cap, size_t *n)
{
	if (c->tls != NULL)
		return tls_read(c->tls, p, cap, n, &c->want);
	return plain_result(recv(c->fd, p, cap, 0), LOOP_READ, n, &c->want);
}

static enum status conn_write(
	struct edge_conn *c, const void *p, size_t n_p, size_t *n)
{
	if (c->tls != NULL)
		return tls_write(c->tls, p, n_p, n, &c->want);
	return plain_result(
		send(c->fd, p, n_p, MSG_NOSIGNAL), LOOP_WRITE, n, &c->want);
}

/* ---- idle connections, oldest first ---- */

static void idle_leave(struct edge_conn *c)
{
	struct edge *e = c->edge;

	if (!c->idle)
		return;
	*(c->idle_prev != NULL ? &c->idle_prev->idle_next
			       : &e->idle_first) = c->idle_next;
	*(c->idle_next != NULL ? &c->idle_next->idle_prev
			       : &e->idle_last) = c->idle_prev;
	c->idle = false;
}

static void idle_enter(struct edge_conn *c)
{
	struct edge *e = c->edge;

	if (c->idle)
		return;
	c->idle = true;
	c->idle_next = NULL;
	c->idle_prev = e->idle_last;
	*(e->idle_last != NULL ? &e->idle_last->idle_next : &e->idle_first) = c;
	e->idle_last = c;
}

/* ---- deadlines ---- */

static void on_timer(void *ctx);

/*
 * A later deadline only moves a number, and the timer looks at it when it
 * fires: a keep-alive connection does not touch the timer heap per request.
 */
static void deadline_set(struct edge_conn *c, int64_t ms)
{
	struct loop *l = c->edge->parts.loop;
	struct mono now = loop_now(l);

	c->deadline.ms = now.ms + ms;
	if (loop_timer_running(&c->timer) && c->fires.ms <= c->deadline.ms)
		return;
	c->fires = c->deadline;
	loop_timer_start(&c->timer, l, ms, on_timer, c);
}

void edge_conn_enter(struct edge_conn *c, enum edge_phase phase, int64_t ms)
{
	c->phase = phase;
	deadline_set(c, ms);
}

/* Time is up: a request that was begun gets an answer. */
static void expire(struct edge_conn *c)
{
	switch (c->phase) {
	case EDGE_HEAD:
		if (c->in_n == 0)
			break;
		edge_refuse_close(c, 408);
		edge_conn_run(c);
		return;
	case EDGE_BODY:
		edge_refuse_close(c, 408);
		edge_conn_run(c);
		return;
	case EDGE_SPOOL:
		edge_refuse_close(c, 503);
		edge_conn_run(c);
		return;
	case EDGE_FORWARD:
		edge_refuse_close(c, 504);
		edge_conn_run(c);
		return;
	case EDGE_HANDSHAKE:
	case EDGE_WRITE:
	case EDGE_LINGER:
		break;
	}
	edge_conn_free(c);
}

static void on_timer(void *ctx)
{
	struct edge_conn *c = ctx;
	struct loop *l = c->edge->parts.loop;
	int64_t left = c->deadline.ms - loop_now(l).ms;

	if (left <= 0) {
		expire(c);
		return;
	}
	c->fires = c->deadline;
	loop_timer_start(&c->timer, l, left, on_timer, c);
}

/* ---- phases ---- */

static enum edge_step handshake_step(struct edge_conn *c)
{
	struct err e = {};
	enum status st = tls_handshake(c->tls, &c->want, &e);

	if (st == ST_AGAIN)
		return STEP_WAIT;
	if (st != ST_OK) {
		LOG(LOG_DEBUG, "edge.handshake", KV_Z("reason", e.text));
		return STEP_END;
	}
	if (tls_is_acme(c->tls)) { /* RFC 8737 section 3: then close */
		LOG(LOG_INFO, "edge.acme_alpn",
			KV_STR("host", ((struct str){ c->name, c->n_name })));
		tls_bye(c->tls);
		(void)tls_flush(c->tls, &c->want);
		return STEP_END;
	}
	edge_conn_enter(c, EDGE_HEAD, c->edge->options.head_ms);
	return STEP_ON;
}

/* Reads into c->in behind what is there. */
static enum edge_step edge_conn_fill(struct edge_conn *c)
{
	enum status st;
	size_t n;

	if (c->in == NULL) {
		c->in = mem_grow(NULL, IN_BYTES); /* needs no zeros */
		BUG(c->in == NULL);
	}
	if (c->in_at > 0) {
		memmove(c->in, c->in + c->in_at, c->in_n);
		c->in_at = 0;
	}
	BUG(c->in_n >= IN_BYTES);
	st = conn_read(c, c->in + c->in_n, IN_BYTES - c->in_n, &n);
	if (st == ST_AGAIN)
		return STEP_WAIT;
	if (st != ST_OK)
		return STEP_END;
	c->in_n += n;
	return STEP_ON;
}

static struct str input(const struct edge_conn *c)
{
	return (struct str){ c->in == NULL ? "" : c->in + c->in_at, c->in_n };
}

static void input_consume(struct edge_conn *c, size_t n)
{
	c->in_at += n;
	c->in_n -= n;
	c->scanned = 0;
	if (c->in_n == 0)
		c->in_at = 0;
}

/* Waits for the first byte of the next request. */
static enum edge_step first_byte(struct edge_conn *c)
{
	enum edge_step step = edge_conn_fill(c);

	if (step == STEP_WAIT) {
		idle_enter(c);
		mem_free(c->in);
		c->in = NULL;
	}
	if (step == STEP_ON) {
		idle_leave(c);
		if (c->n_requests > 0)
			deadline_set(c, c->edge->options.head_ms);
	}
	return step;
}

static enum edge_step head_step(struct edge_conn *c)
{
	size_t n = 0;

	if (c->in_n == 0)
		return first_byte(c);
	switch (http_head_find(input(c), &c->scanned, &n)) {
	case ST_OK:
		c->n_requests++;
		edge_http_head(c, str_upto(input(c), n));
		input_consume(c, n);
		return STEP_ON;
	case ST_AGAIN:
		return edge_conn_fill(c);
	case ST_LIMIT:
		edge_refuse_close(c, 431);
		return STEP_ON;
	case ST_NOTFOUND:
	case ST_INVALID:
	case ST_TEMP:
	case ST_PERM:
		break;
	}
	edge_refuse_close(c, 400);
	return STEP_ON;
}

/* The last words: what was held back and close_notify in one segment. */
static enum edge_step farewell(struct edge_conn *c)
{
	enum status st;

	if (c->tls != NULL) {
		tls_bye(c->tls);
		st = tls_flush(c->tls, &c->want);
		if (st != ST_OK)
			return st == ST_AGAIN ? STEP_WAIT : STEP_END;
	}
	if (!c->linger)
		return STEP_END;
	(void)shutdown(c->fd, SHUT_WR);
	edge_conn_enter(c, EDGE_LINGER, EDGE_LINGER_MS);
	return STEP_ON;
}

static enum edge_step write_step(struct edge_conn *c)
{
	enum status st;
	size_t n;

	if (!c->keep_alive && c->tls != NULL)
		tls_hold(c->tls);
	while (c->out_at < c->out_n) {
		st = conn_write(
			c, c->out + c->out_at, c->out_n - c->out_at, &n);
		if (st == ST_AGAIN)
			return STEP_WAIT;
		if (st != ST_OK)
			return STEP_END;
		c->out_at += n;
	}
	c->out_at = c->out_n = 0;
	if (c->out_cap > EDGE_OUT_KEPT_BYTES) {
		mem_free(c->out);
		c->out = NULL;
		c->out_cap = 0;
	}
	c->to_head = false;
	if (c->keep_alive) {
		edge_conn_enter(c, EDGE_HEAD, c->edge->options.idle_ms);
		return STEP_ON;
	}
	return farewell(c);
}

/*
 * A refusal sent while the peer is still sending would be lost in the reset
 * that closing with unread bytes causes (RFC 9112 section 9.6): read on a bit.
 */
static enum edge_step linger_step(struct edge_conn *c)
{
	char waste[4096];
	ssize_t n = recv(c->fd, waste, sizeof(waste), 0);

	c->want = LOOP_READ;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return STEP_WAIT;
	if (n <= 0)
		return STEP_END;
	c->lingered += (size_t)n;
	return c->lingered > EDGE_LINGER_BYTES ? STEP_END : STEP_ON;
}

/* The disk thread or the console will call. */
static enum edge_step elsewhere_step(struct edge_conn *c)
{
	c->want = 0;
	return STEP_WAIT;
}

/* ---- bodies ---- */

void edge_body_free(struct edge_conn *c)
{
	c->edge->body_bytes -= c->body.cap;
	mem_free(c->body.p);
	c->body = (struct edge_body){};
}

/*
 * Grows with what really came, not with what was announced. ST_LIMIT: more than
 * it may be; ST_TEMP: all bodies together have used up their memory.
 */
static enum status body_add(struct edge_conn *c, struct str piece)
{
	struct edge_body *b = &c->body;
	struct edge *e = c->edge;

	if (piece.n == 0)
		return ST_OK;
	if (piece.n > b->max - b->n)
		return ST_LIMIT;
	if (b->n + piece.n > b->cap) {
		size_t cap = b->cap == 0 ? BODY_FIRST_BYTES : b->cap * 2;

		while (cap < b->n + piece.n)
			cap *= 2;
		if (cap > b->max)
			cap = b->max;
		if (e->body_bytes + (cap - b->cap) >
			e->options.report_memory_bytes)
			return ST_TEMP;
		b->p = mem_grow(b->p, cap);
		BUG(b->p == NULL);
		e->body_bytes += cap - b->cap;
		b->cap = cap;
	}
	memcpy(b->p + b->n, piece.p, piece.n);
	b->n += piece.n;
	return ST_OK;
}

/* ST_OK: complete. Takes what it needs of the input. */
static enum status body_take(struct edge_conn *c)
{
	struct edge_body *b = &c->body;
	struct str in = input(c), piece;
	enum status st = ST_OK;
	size_t had = in.n;

	if (b->framing == HTTP_BODY_LENGTH) {
		piece = str_upto(in, b->left > in.n ? in.n : (size_t)b->left);
		st = body_add(c, piece);
		if (st != ST_OK)
			return st;
		b->left -= piece.n;
		input_consume(c, piece.n);
		return b->left == 0 ? ST_OK : ST_AGAIN;
	}
	do {
		st = http_chunked_take(&b->chunked, &in, &piece);
		if (st == ST_OK)
			st = body_add(c, piece);
	} while (st == ST_OK && piece.n > 0);
	input_consume(c, had - in.n);
	return st;
}

static enum edge_step body_step(struct edge_conn *c)
{
	enum status st;

	/* 100 Continue waits to be written */
	while (c->out_at < c->out_n) {
		size_t n;

		st = conn_write(
			c, c->out + c->out_at, c->out_n - c->out_at, &n);
		if (st == ST_AGAIN)
			return STEP_WAIT;
		if (st != ST_OK)
			return STEP_END;
		c->out_at += n;
	}
	c->out_at = c->out_n = 0;
	st = body_take(c);
	if (st == ST_AGAIN)
		return edge_conn_fill(c);
	if (st == ST_OK)
		c->body.done(c);
	else
		edge_refuse_close(c, st == ST_LIMIT  ? 413
				     : st == ST_TEMP ? 503
						     : 400);
	return STEP_ON;
}

void edge_conn_receive(struct edge_conn *c, const struct http_request *r,
	uint64_t max, void (*done)(struct edge_conn *c))
{
	c->body = (struct edge_body){
		.max = (size_t)max,
		.framing = r->framing,
		.left = r->length,
		.done = done,
	};
	if (r->framing == HTTP_BODY_NONE)
		c->body.framing = HTTP_BODY_LENGTH;
	if (r->expect_continue && r->framing != HTTP_BODY_NONE) {
		static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

		memcpy(edge_conn_room(c, sizeof(go_on) - 1), go_on,
			sizeof(go_on) - 1);
	}
	edge_conn_enter(c, EDGE_BODY, c->edge->options.body_ms);
}

/* ---- the machine ---- */

static enum edge_step (*const steps[])(struct edge_conn *c) = {
	[EDGE_HANDSHAKE] = handshake_step,
	[EDGE_HEAD] = head_step,
	[EDGE_BODY] = body_step,
	[EDGE_SPOOL] = elsewhere_step,
	[EDGE_FORWARD] = elsewhere_step,
	[EDGE_WRITE] = write_step,
	[EDGE_LINGER] = linger_step,
};

static void on_again(void *ctx)
{
	edge_conn_run(ctx);
}

void edge_conn_run(struct edge_conn *c)
{
	unsigned n = 0;
	enum edge_step step;

	do {
		if (n++ >= EDGE_TURN_STEPS) {
			loop_task_start(
				&c->again, c->edge->parts.loop, on_again, c);
			return;
		}
		step = steps[c->phase](c);
	} while (step == STEP_ON);
	if (step == STEP_END)
		edge_conn_free(c);
	else
		loop_io_change(&c->io, c->want);
}

static void on_io(void *ctx, unsigned ready)
{
	struct edge_conn *c = ctx;

	if (c->tls != NULL && (ready & LOOP_READ))
		tls_ready(c->tls);
	edge_conn_run(c);
}

char *edge_conn_room(struct edge_conn *c, size_t n)
{
	size_t need = c->out_n + n;

	if (need > c->out_cap) {
		c->out_cap = need < 1024 ? 1024 : need;
		c->out = mem_grow(c->out, c->out_cap);
		BUG(c->out == NULL);
	}
	c->out_n = need;
	return c->out + need - n;
}

static bool host_is_fresh(const struct edge_conn *c, struct str name)
{
	struct mono now = loop_now(c->edge->parts.loop);

	return c->host_at.ms != 0 &&
	       now.ms - c->host_at.ms < EDGE_HOST_FRESH_MS &&
	       str_eq(name, (struct str){ c->name, c->n_name });
}

enum status edge_conn_host(struct edge_conn *c, struct str name)
{
	enum status st;

	if (host_is_fresh(c, name))
		return ST_OK;
	if (name.n == 0 || name.n > sizeof(c->name))
		return ST_NOTFOUND;
	c->host_at.ms = 0;
	if (c->arena == NULL)
		c->arena = arena_must(EDGE_HOST_BYTES_MAX);
	arena_reset(c->arena);
	st = view_host_get(c->edge->parts.view, c->arena, name, &c->host);
	if (st != ST_OK)
		return st;
	c->host_at = loop_now(c->edge->parts.loop);
	if (name.p != c->name)
		memcpy(c->name, name.p, name.n);
	c->n_name = name.n;
	return ST_OK;
}

void edge_conn_start(
	struct edge *e, int fd, const struct addr *peer, bool secure)
{
	struct edge_conn *c = mem_must(sizeof(*c));

	c->edge = e;
	c->fd = fd;
	c->peer = *peer;
	c->next = e->conns;
	if (e->conns != NULL)
		e->conns->prev = c;
	e->conns = c;
	c->want = LOOP_READ;
	loop_io_start(&c->io, e->parts.loop, fd, c->want, on_io, c);
	edge_conn_enter(
		c, secure ? EDGE_HANDSHAKE : EDGE_HEAD, e->options.head_ms);
	if (secure) {
		c->tls = tls_new(e->tls, fd, c);
		if (c->tls == NULL) {
			edge_conn_free(c);
			return;
		}
	}
	edge_conn_run(c);
}

void edge_conn_free(struct edge_conn *c)
{
	struct edge *e = c->edge;

	loop_io_stop(&c->io);
	loop_timer_stop(&c->timer);
	loop_task_stop(&c->again);
	idle_leave(c);
	*(c->prev != NULL ? &c->prev->next : &e->conns) = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	edge_report_abandon(c);
	edge_forward_free(c);
	edge_body_free(c);
	tls_free(&c->tls);
	fd_close(&c->fd);
	gate_leave(e->gate, &c->peer);
	arena_free(&c->arena);
	mem_free(c->in);
	mem_free(c->out);
	loop_defer(e->parts.loop, mem_free, c);
}
