/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socketmap_server: socketmap_table(5).
 *
 * Bytes are read into one buffer and replies gathered in another that all
 * connections share; a connection owns memory only for what is left over: an
 * incomplete request, replies that the socket did not take, and questions, the
 * requests from the first one on whose answer is still to come.
 *
 * Deadlines are looked at a few times in their span instead of having a timer
 * each, so that a request costs no timer.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bug.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/fd.h"
#include "io/listener.h"
#include "outbound/socketmap_server.h"

#include "base/poison.h"

#define IN_BYTES 32768u /* more than a request */
#define OUT_BYTES (3 * SOCKETMAP_REPLY_WIRE_MAX)
#define SWEEPS 8 /* in the span of a deadline */
#define SWEEP_MS_MAX 1000

_Static_assert(IN_BYTES > SOCKETMAP_REQUEST_BYTES_MAX + NETSTRING_EXTRA_MAX,
	"a request must fit");

/* A request that waits for its answer, or for those before it. */
struct question {
	struct question *next;
	struct conn *conn;
	void *handle; /* of the source; NULL: reply is there */
	char *reply;  /* a netstring */
	size_t reply_n;
	size_t request_n;
	char request[];
};

/* What a connection waits for. */
enum wait {
	WAIT_REQUEST,
	WAIT_REST,   /* of a request */
	WAIT_ANSWER, /* the source has a deadline of its own */
	WAIT_TAKE,   /* the client to take replies */
};

/* What every request needs stands together. */
struct conn {
	struct socketmap_server *server;
	int fd;
	enum wait wait;
	bool eof; /* the client has said all it will */
	int64_t deadline_ms;
	struct question *first, *last;
	size_t n_questions;
	char *in; /* what was read and not yet taken, or NULL */
	size_t in_n;
	char *out; /* what was not yet sent, or NULL */
	size_t out_n, out_at;
	struct loop_io io;
	struct loop_task again;
	struct conn *next, *prev;
	struct addr peer;
};

struct socketmap_server {
	struct socketmap_server_options opt;
	struct gate *gate;
	struct listener *listeners[SOCKETMAP_LISTENERS_MAX];
	size_t n_listeners;
	struct loop_timer sweep;
	struct conn *conns;
	struct arena *arena; /* of one answer */
	struct socketmap_server_stats stats;
	char in[IN_BYTES];
	char out[OUT_BYTES];
};

/* ---- connections come and go ---- */

static void question_free(struct question *q)
{
	mem_free(q->reply);
	mem_free(q);
}

static void conn_close(struct conn *c)
{
	struct socketmap_server *s = c->server;

	loop_io_stop(&c->io);
	loop_task_stop(&c->again);
	fd_close(&c->fd);
	while (c->first != NULL) {
		struct question *q = c->first;

		c->first = q->next;
		if (q->handle != NULL)
			s->opt.source->cancel(s->opt.source->ctx, q->handle);
		question_free(q);
	}
	s->stats.waiting -= c->n_questions;
	mem_free(c->in);
	mem_free(c->out);
	*(c->prev != NULL ? &c->prev->next : &s->conns) = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	gate_leave(s->gate, &c->peer);
	loop_defer(s->opt.loop, mem_free, c);
}

/* Sets the deadline of what it waits for now, unless that did not change. */
static void conn_waits(struct conn *c, bool got_on)
{
	const struct socketmap_server_options *opt = &c->server->opt;
	enum wait w = c->out != NULL	 ? WAIT_TAKE
		      : c->first != NULL ? WAIT_ANSWER
		      : c->in_n > 0	 ? WAIT_REST
					 : WAIT_REQUEST;

	if (w == c->wait && !got_on)
		return;
	c->wait = w;
	c->deadline_ms = w == WAIT_ANSWER
				 ? INT64_MAX
				 : loop_now(opt->loop).ms +
					   (w == WAIT_REQUEST ? opt->idle_ms
							      : opt->slow_ms);
}

/* ---- output ---- */

/* Sends n bytes of the shared buffer; what the socket leaves is kept. */
static bool send_out(struct conn *c, size_t n)
{
	const char *p = c->server->out;
	ssize_t rc;

	if (n == 0)
		return true;
	do {
		rc = send(c->fd, p, n, MSG_NOSIGNAL);
	} while (rc < 0 && errno == EINTR);
	if (rc < 0 && errno != EAGAIN)
		return false;
	if (rc < 0)
		rc = 0;
	if ((size_t)rc == n)
		return true;
	c->out_at = 0;
	c->out_n = n - (size_t)rc;
	c->out = mem_must(c->out_n);
	memcpy(c->out, p + rc, c->out_n);
	return true;
}

/* Goes on with what was left; false: the connection is dead. */
static bool flush(struct conn *c)
{
	ssize_t rc;

	do {
		rc = send(c->fd, c->out + c->out_at, c->out_n - c->out_at,
			MSG_NOSIGNAL);
	} while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return errno == EAGAIN;
	c->out_at += (size_t)rc;
	if (c->out_at < c->out_n)
		return true;
	mem_free(c->out);
	c->out = NULL;
	return true;
}

static void work(struct conn *c, bool readable);

static void on_again(void *ctx)
{
	work(ctx, false);
}

static void go_on_later(struct conn *c)
{
	loop_task_start(&c->again, c->server->opt.loop, on_again, c);
}

/* ---- answers ---- */

static struct question *question_new(struct conn *c, struct str request)
{
	char *bytes = mem_must(sizeof(struct question) + request.n);
	struct question *q = (struct question *)(void *)bytes;

	q->conn = c;
	q->request_n = request.n;
	memcpy(q->request, request.p, request.n);
	*(c->first != NULL ? &c->last->next : &c->first) = q;
	c->last = q;
	c->n_questions++;
	c->server->stats.waiting++;
	return q;
}

static void question_reply(struct question *q, struct str content)
{
	size_t n = content.n + NETSTRING_EXTRA_MAX;
	struct sbuf b;

	q->reply = mem_must(n);
	b = sbuf_fixed(q->reply, n);
	netstring_write(&b, content);
	BUG(!sbuf_ok(&b));
	q->reply_n = b.n;
}

/* Replies with content, behind the questions there are. */
static void reply(struct conn *c, struct sbuf *out, struct str request,
	struct str content)
{
	if (c->first == NULL)
		netstring_write(out, content);
	else
		question_reply(question_new(c, request), content);
}

static void keep(struct socketmap_server *s, struct str request,
	const struct answer *answer)
{
	struct mono until = loop_now(s->opt.loop);

	until.ms += answer->valid_ms;
	if (answer->valid_ms > 0)
		answers_put(s->opt.answers, request, answer->domain,
			answer->reply, until);
}

static void on_answer(void *ctx, const struct answer *answer)
{
	struct question *q = ctx;

	q->handle = NULL;
	question_reply(q, answer->reply);
	keep(q->conn->server, (struct str){ q->request, q->request_n }, answer);
	go_on_later(q->conn);
}

/* A request that is not hot. */
static void ask(struct conn *c, struct sbuf *out, struct str content)
{
	struct socketmap_server *s = c->server;
	const struct answer_source *source = s->opt.source;
	struct socketmap_request request;
	struct answer answer;
	struct question *q;
	enum status st;

	if (socketmap_request_parse(content, &request) != ST_OK) {
		reply(c, out, content,
			STR("PERM a request is a name, a space "
			    "and a key"));
		return;
	}
	arena_reset(s->arena);
	st = source->now(source->ctx, s->arena, &request, &answer);
	if (st == ST_OK) {
		keep(s, content, &answer);
		reply(c, out, content, answer.reply);
	} else if (st == ST_AGAIN) {
		q = question_new(c, content);
		q->handle = source->ask(source->ctx, &request, on_answer, q);
	} else {
		reply(c, out, content, STR("TEMP no answer now"));
	}
}

static void take(struct conn *c, struct sbuf *out, struct str content)
{
	struct socketmap_server *s = c->server;
	struct str hot;

	s->stats.requests++;
	hot = answers_get(s->opt.answers, content, loop_now(s->opt.loop));
	if (hot.p == NULL) {
		ask(c, out, content);
		return;
	}
	s->stats.hot++;
	if (c->first == NULL) {
		sbuf_add(out, hot);
	} else {
		struct question *q = question_new(c, content);

		q->reply = mem_must(hot.n);
		memcpy(q->reply, hot.p, hot.n);
		q->reply_n = hot.n;
	}
}

/* ---- the connection's turn ---- */

static bool has_room(const struct sbuf *out)
{
	return out->max - out->n >= SOCKETMAP_REPLY_WIRE_MAX;
}

/* The replies at the front that are there. */
static void take_replies(struct conn *c, struct sbuf *out)
{
	while (c->first != NULL && c->first->handle == NULL && has_room(out)) {
		struct question *q = c->first;

		sbuf_add(out, (struct str){ q->reply, q->reply_n });
		c->first = q->next;
		c->n_questions--;
		c->server->stats.waiting--;
		question_free(q);
	}
}

/*
 * Takes requests off *in. ST_AGAIN: there is no whole one left; ST_OK: enough
 * for now; else: this is no client.
 */
static enum status take_requests(
	struct conn *c, struct str *in, struct sbuf *out, bool *got_on)
{
	for (int i = 0; i < SOCKETMAP_PER_TURN; i++) {
		struct str content;
		enum status st;
		size_t used;

		if (!has_room(out) || c->n_questions == SOCKETMAP_WAITING_MAX)
			return ST_OK;
		st = netstring_parse(
			*in, SOCKETMAP_REQUEST_BYTES_MAX, &content, &used);
		if (st != ST_OK)
			return st;
		take(c, out, content);
		*in = str_from(*in, used);
		*got_on = true;
	}
	return ST_OK;
}

/* What is left over, and what the socket has if it is readable. */
static bool read_in(struct conn *c, bool readable, struct str *in)
{
	char *p = c->server->in;
	ssize_t rc = 0;

	if (c->in_n > 0)
		memcpy(p, c->in, c->in_n);
	*in = (struct str){ p, c->in_n };
	if (!readable || c->eof || c->in_n == IN_BYTES)
		return true;
	do {
		rc = recv(c->fd, p + c->in_n, IN_BYTES - c->in_n, 0);
	} while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return errno == EAGAIN;
	c->eof = rc == 0;
	in->n += (size_t)rc;
	return true;
}

/* Keeps what is left of in; most often that is nothing. */
static void keep_in(struct conn *c, struct str in)
{
	if (in.n != c->in_n) {
		mem_free(c->in);
		c->in = in.n == 0 ? NULL : mem_must(in.n);
	}
	c->in_n = in.n;
	if (in.n > 0)
		memcpy(c->in, in.p, in.n);
}

/* Watches what it can go on with; false: there is nothing any more. */
static bool conn_watch(struct conn *c, bool more)
{
	unsigned want = 0;

	if (c->out != NULL)
		want = LOOP_WRITE;
	else if (more && c->n_questions < SOCKETMAP_WAITING_MAX)
		go_on_later(c);
	else if (!c->eof && c->n_questions < SOCKETMAP_WAITING_MAX)
		want = LOOP_READ;
	else if (c->eof && c->first == NULL)
		return false;
	loop_io_change(&c->io, want);
	return true;
}

static void malformed(struct conn *c)
{
	char text[INET6_ADDRSTRLEN + sizeof("[]:65535")];
	struct sbuf client = sbuf_fixed(text, sizeof(text));

	if (c->peer.ss.ss_family == AF_UNIX)
		sbuf_addz(&client, "unix");
	else
		addr_write(&client, &c->peer);
	c->server->stats.malformed++;
	LOG(LOG_WARN, "socketmap.malformed",
		KV_STR("client", sbuf_str(&client)),
		KV_Z("why", "the client sent no netstring of a legal size"));
	conn_close(c);
}

/* Reads, answers and sends what there is; everything goes through here. */
static void work(struct conn *c, bool readable)
{
	struct sbuf out = sbuf_fixed(c->server->out, OUT_BYTES);
	bool got_on = false;
	enum status st;
	struct str in;

	if (!read_in(c, readable, &in)) {
		conn_close(c);
		return;
	}
	take_replies(c, &out);
	st = take_requests(c, &in, &out, &got_on);
	keep_in(c, in);
	if (!send_out(c, out.n)) {
		conn_close(c);
		return;
	}
	if (st != ST_OK && st != ST_AGAIN) {
		malformed(c);
		return;
	}
	conn_waits(c, got_on || out.n > 0);
	if (!conn_watch(c, st == ST_OK && (in.n > 0 || !has_room(&out))))
		conn_close(c);
}

static void on_ready(void *ctx, unsigned ready)
{
	struct conn *c = ctx;

	if (c->out != NULL) {
		if (!flush(c))
			conn_close(c);
		else if (c->out == NULL)
			work(c, false);
		return;
	}
	work(c, (ready & LOOP_READ) != 0);
}

/* ---- the server ---- */

/* NULL: none waits so. */
static struct conn *longest(const struct socketmap_server *s, enum wait wait)
{
	struct conn *oldest = NULL;

	for (struct conn *c = s->conns; c != NULL; c = c->next)
		if (c->wait == wait &&
			(oldest == NULL ||
				c->deadline_ms < oldest->deadline_ms))
			oldest = c;
	return oldest;
}

/*
 * With nearly all places taken, one makes room: who began a request long ago
 * and did not complete it, or does not take replies, as no mail server does;
 * else who is idle, and will come again when it has something to ask.
 */
static void make_room(struct socketmap_server *s)
{
	static const enum wait order[] = { WAIT_REST, WAIT_TAKE, WAIT_REQUEST };
	struct conn *c = NULL;

	if (!gate_is_near(s->gate))
		return;
	for (size_t i = 0; c == NULL && i < sizeof(order) / sizeof(*order); i++)
		c = longest(s, order[i]);
	if (c != NULL)
		conn_close(c);
}

static void on_accept(void *ctx, int fd, const struct addr *peer)
{
	struct socketmap_server *s = ctx;
	struct conn *c = mem_must(sizeof(*c));

	make_room(s);
	c->server = s;
	c->peer = *peer;
	c->fd = fd;
	c->next = s->conns;
	if (s->conns != NULL)
		s->conns->prev = c;
	s->conns = c;
	loop_io_start(&c->io, s->opt.loop, fd, LOOP_READ, on_ready, c);
	conn_waits(c, true);
}

static void on_sweep(void *ctx)
{
	struct socketmap_server *s = ctx;
	struct conn *c = s->conns, *next;
	int64_t now = loop_now(s->opt.loop).ms;
	int64_t span = s->opt.idle_ms < s->opt.slow_ms ? s->opt.idle_ms
						       : s->opt.slow_ms;

	for (; c != NULL; c = next) {
		next = c->next;
		if (now < c->deadline_ms)
			continue;
		s->stats.timed_out += c->wait != WAIT_REQUEST;
		conn_close(c);
	}
	span = span / SWEEPS + 1;
	loop_timer_start(&s->sweep, s->opt.loop,
		span < SWEEP_MS_MAX ? span : SWEEP_MS_MAX, on_sweep, s);
}

struct socketmap_server *socketmap_server_new(
	const struct socketmap_server_options *options)
{
	struct socketmap_server *s = mem_must(sizeof(*s));

	s->opt = *options;
	if (s->opt.idle_ms == 0)
		s->opt.idle_ms = SOCKETMAP_IDLE_MS;
	if (s->opt.slow_ms == 0)
		s->opt.slow_ms = SOCKETMAP_SLOW_MS;
	s->gate = gate_new(s->opt.max_connections, s->opt.max_connections);
	s->arena = arena_must(0);
	on_sweep(s);
	return s;
}

void socketmap_server_listen(struct socketmap_server *s, int fd)
{
	int one = 1;

	/* what is accepted inherits it; a unix socket refuses, and needs not */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	BUG(s->n_listeners == SOCKETMAP_LISTENERS_MAX);
	s->listeners[s->n_listeners++] = listener_new(
		s->opt.loop, fd, s->gate, on_accept, s);
}

void socketmap_server_free(struct socketmap_server **sp)
{
	struct socketmap_server *s = *sp;

	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n_listeners; i++)
		listener_free(&s->listeners[i]);
	while (s->conns != NULL)
		conn_close(s->conns);
	loop_timer_stop(&s->sweep);
	gate_free(&s->gate);
	arena_free(&s->arena);
	mem_free(s);
	*sp = NULL;
}

void socketmap_server_stats(
	const struct socketmap_server *s, struct socketmap_server_stats *out)
{
	*out = s->stats;
	out->connections = gate_count(s->gate);
}
