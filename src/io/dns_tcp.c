/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_tcp: RFC 7766, RFC 1035 section 4.2.2.
 *
 * A connection is either sending (out has bytes left, or a transfer has more)
 * or reading: the next request is looked at when the last answer is gone.
 * The list of connections has in front the one that got on longest ago.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/mem.h"
#include "io/dns_tcp.h"
#include "io/fd.h"
#include "proto/dns_xfr.h"

#include "base/poison.h"

#define LENGTH_BYTES 2

struct conn {
	struct conn *next, *prev;
	struct dns_tcp *tcp;
	struct addr peer;
	int fd;
	struct loop_io io;
	struct loop_timer timer;
	bool eof; /* the client has said all it will */
	struct dns_xfr *xfr;
	unsigned char *out; /* the rest of an answer, or NULL */
	size_t out_n, out_at;
	size_t in_n;
	unsigned char in[LENGTH_BYTES + DNS_TCP_REQUEST_MAX];
};

struct dns_tcp {
	struct loop *loop;
	struct dns_tcp_options opt;
	struct listener *listeners[DNS_TCP_LISTENERS_MAX];
	size_t n_listeners;
	struct conn *oldest, *newest;
	struct arena *arena;
	unsigned char answer[LENGTH_BYTES + DNS_MSG_MAX]; /* being built */
};

static void conn_destroy(void *ctx)
{
	struct conn *c = ctx;

	mem_free(c);
}

static void list_leave(struct conn *c)
{
	*(c->prev != NULL ? &c->prev->next : &c->tcp->oldest) = c->next;
	*(c->next != NULL ? &c->next->prev : &c->tcp->newest) = c->prev;
}

static void list_enter(struct conn *c)
{
	c->next = NULL;
	c->prev = c->tcp->newest;
	*(c->prev != NULL ? &c->prev->next : &c->tcp->oldest) = c;
	c->tcp->newest = c;
}

static void conn_close(struct conn *c)
{
	loop_io_stop(&c->io);
	loop_timer_stop(&c->timer);
	fd_close(&c->fd);
	dns_xfr_free(&c->xfr);
	mem_free(c->out);
	c->out = NULL;
	gate_leave(c->tcp->opt.gate, &c->peer);
	list_leave(c);
	loop_defer(c->tcp->loop, conn_destroy, c);
}

static void on_deadline(void *ctx)
{
	conn_close(ctx);
}

/* It got on: the time begins anew, and others go before it. */
static void restart_timer(struct conn *c)
{
	list_leave(c);
	list_enter(c);
	loop_timer_start(
		&c->timer, c->tcp->loop, c->tcp->opt.idle_ms, on_deadline, c);
}

/* Writes n bytes; *done of them went. false: the connection is dead. */
static bool write_some(int fd, const unsigned char *p, size_t n, size_t *done)
{
	ssize_t rc;

	do {
		rc = send(fd, p, n, MSG_NOSIGNAL);
	} while (rc < 0 && errno == EINTR);
	*done = rc > 0 ? (size_t)rc : 0;
	return rc >= 0 || errno == EAGAIN;
}

/* Sends the answer of n bytes in tcp->answer; what is left waits in out. */
static bool send_answer(struct conn *c, size_t n)
{
	unsigned char *p = c->tcp->answer;
	size_t done;

	p[0] = (unsigned char)(n >> 8);
	p[1] = (unsigned char)n;
	n += LENGTH_BYTES;
	if (!write_some(c->fd, p, n, &done))
		return false;
	restart_timer(c);
	if (done == n)
		return true;
	c->out_n = n - done;
	c->out_at = 0;
	c->out = mem_must(c->out_n);
	memcpy(c->out, p + done, c->out_n);
	return true;
}

/* Goes on with the rest in out. */
static bool flush(struct conn *c)
{
	size_t done;

	if (!write_some(c->fd, c->out + c->out_at, c->out_n - c->out_at, &done))
		return false;
	c->out_at += done;
	if (c->out_at < c->out_n)
		return true;
	mem_free(c->out);
	c->out = NULL;
	restart_timer(c);
	return true;
}

static uint64_t utc(const struct conn *c)
{
	return (uint64_t)clock_now(c->tcp->opt.clock).s;
}

/* The next message of the transfer; a failed one ends the connection. */
static bool send_transfer(struct conn *c)
{
	size_t n;

	switch (dns_xfr_next(
		c->xfr, c->tcp->answer + LENGTH_BYTES, utc(c), &n)) {
	case ST_OK:
		return send_answer(c, n);
	case ST_NOTFOUND:
		dns_xfr_free(&c->xfr);
		return true;
	case ST_AGAIN:
	case ST_TEMP:
	case ST_PERM:
	case ST_INVALID:
	case ST_LIMIT:
		break;
	}
	return false;
}

static struct ip_addr ip_of(const struct addr *a)
{
	struct str b = addr_bytes(a);
	struct ip_addr out = {};
	uint8_t v4[4] = {};

	if (b.n == sizeof(v4)) {
		memcpy(v4, b.p, sizeof(v4));
		return ip_addr_v4(v4);
	}
	memcpy(out.b, b.p, b.n < sizeof(out.b) ? b.n : sizeof(out.b));
	return out;
}

static bool handle(struct conn *c, struct str msg)
{
	struct dns_tcp *t = c->tcp;
	struct ip_addr peer = ip_of(&c->peer);
	struct dns_request request;
	struct dns_result r;

	arena_reset(t->arena);
	dns_handle(t->opt.handler, t->arena, DNS_TCP, &peer, utc(c), msg,
		t->answer + LENGTH_BYTES, &request, &r);
	switch (r.kind) {
	case DNS_RESULT_NONE:
		return false; /* whoever sends that speaks no DNS */
	case DNS_RESULT_ANSWER:
		return send_answer(c, r.n);
	case DNS_RESULT_TRANSFER:
		c->xfr = dns_xfr_new(t->opt.handler->source, &request, &r);
		return c->xfr != NULL;
	}
	return false;
}

/* Handles the first whole request in the buffer; *more: there was one. */
static bool take_request(struct conn *c, bool *more)
{
	size_t n;

	*more = false;
	if (c->in_n < LENGTH_BYTES)
		return true;
	n = (size_t)c->in[0] << 8 | c->in[1];
	if (n > DNS_TCP_REQUEST_MAX)
		return false;
	n += LENGTH_BYTES;
	if (c->in_n < n)
		return true;
	if (!handle(c, (struct str){ (char *)c->in + LENGTH_BYTES,
			       n - LENGTH_BYTES }))
		return false;
	memmove(c->in, c->in + n, c->in_n - n);
	c->in_n -= n;
	*more = true;
	return true;
}

/* Reads what there is room for. false: the connection is dead. */
static bool fill(struct conn *c)
{
	ssize_t rc;

	if (c->eof || c->in_n == sizeof(c->in))
		return true;
	do {
		rc = recv(c->fd, c->in + c->in_n, sizeof(c->in) - c->in_n, 0);
	} while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return errno == EAGAIN;
	c->eof = rc == 0;
	c->in_n += (size_t)rc;
	return true;
}

/* One step; *more: another one can follow at once. */
static bool step(struct conn *c, bool *more)
{
	if (c->out != NULL) {
		bool alive = flush(c);

		*more = c->out == NULL;
		return alive;
	}
	*more = true;
	if (c->xfr != NULL)
		return send_transfer(c);
	return take_request(c, more);
}

/* Moves the connection on; false: close it. */
static bool advance(struct conn *c)
{
	bool more = true;

	for (int i = 0; more && i < DNS_TCP_PER_TURN; i++)
		if (!step(c, &more))
			return false;
	if (more || c->out != NULL)
		loop_io_change(&c->io, LOOP_WRITE);
	else if (c->eof)
		return false;
	else
		loop_io_change(&c->io, LOOP_READ);
	return true;
}

static void on_ready(void *ctx, unsigned ready)
{
	struct conn *c = ctx;

	if ((ready & LOOP_READ) != 0 && !fill(c))
		conn_close(c);
	else if (!advance(c))
		conn_close(c);
}

/*
 * When nearly all places are taken, the connection that got on longest ago is
 * given up. Not a transfer: those are for whom the administrator named.
 */
static void make_room(struct dns_tcp *t)
{
	struct conn *c = t->oldest;

	if (!gate_is_near(t->opt.gate))
		return;
	while (c != NULL && c->xfr != NULL)
		c = c->next;
	if (c != NULL)
		conn_close(c);
}

static void on_accept(void *ctx, int fd, const struct addr *peer)
{
	struct dns_tcp *t = ctx;
	struct conn *c = mem_must(sizeof(*c));

	make_room(t);
	c->tcp = t;
	c->peer = *peer;
	c->fd = fd;
	list_enter(c);
	loop_io_start(&c->io, t->loop, fd, LOOP_READ, on_ready, c);
	restart_timer(c);
}

struct dns_tcp *dns_tcp_new(
	struct loop *l, const struct dns_tcp_options *options)
{
	struct dns_tcp *t = mem_must(sizeof(*t));

	t->loop = l;
	t->opt = *options;
	t->arena = arena_must(0);
	return t;
}

void dns_tcp_listen(struct dns_tcp *t, int fd)
{
	BUG(t->n_listeners == DNS_TCP_LISTENERS_MAX);
	t->listeners[t->n_listeners++] = listener_new(
		t->loop, fd, t->opt.gate, on_accept, t);
}

void dns_tcp_free(struct dns_tcp **t)
{
	if (*t == NULL)
		return;
	for (size_t i = 0; i < (*t)->n_listeners; i++)
		listener_free(&(*t)->listeners[i]);
	while ((*t)->oldest != NULL)
		conn_close((*t)->oldest);
	arena_free(&(*t)->arena);
	mem_free(*t);
	*t = NULL;
}
