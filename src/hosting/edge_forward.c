/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edge_forward: requests for the console's host name, passed on to its unix
 * socket. The request is read whole, written anew with its framing decided here
 * (so nothing can be smuggled through), and the answer is read whole before it
 * is given back: both are bounded.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "hosting/edge_own.h"

#include "base/bug.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/fd.h"

#include "base/poison.h"

#define REQUEST_BYTES_MAX (1u << 20)
#define ANSWER_BYTES_MAX (8u << 20)
#define FORWARDS_MAX 64
#define ANSWER_MS 30000

struct edge_forward {
	struct edge_conn *conn;
	int fd;
	struct loop_io io;
	struct arena *arena;
	struct sbuf request;
	size_t sent;
	struct sbuf answer;
	bool to_head;
	bool counted; /* in n_forwards */
};

/* Fields that speak of one connection only (RFC 9110 section 7.6.1), or that
 * are written anew. */
static bool is_hop_by_hop(struct str name)
{
	static const char *const names[] = { "connection", "keep-alive",
		"proxy-connection", "te", "trailer", "transfer-encoding",
		"upgrade", "content-length", "expect", "forwarded",
		"x-forwarded-for", "x-forwarded-proto", "x-real-ip" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_eq_nocase(name, str_of(names[i])))
			return true;
	return false;
}

static void fields_write(struct sbuf *b, const struct http_fields *f)
{
	for (size_t i = 0; i < f->n; i++) {
		if (is_hop_by_hop(f->items[i].name))
			continue;
		sbuf_add(b, f->items[i].name);
		sbuf_add(b, STR(": "));
		sbuf_add(b, f->items[i].value);
		sbuf_add(b, STR("\r\n"));
	}
}

static void head_write(struct edge_forward *f, const struct http_request *r)
{
	struct sbuf *b = &f->request;

	sbuf_add(b, r->method_text);
	sbuf_addc(b, ' ');
	sbuf_add(b, r->path);
	if (r->query.p != NULL) {
		sbuf_addc(b, '?');
		sbuf_add(b, r->query);
	}
	sbuf_add(b, STR(" HTTP/1.1\r\n"));
	fields_write(b, &r->fields);
	sbuf_add(b, STR("X-Forwarded-Proto: https\r\nX-Forwarded-For: "));
	addr_write_ip(b, &f->conn->peer);
	sbuf_add(b, STR("\r\nConnection: close\r\n"));
}

/* ---- the answer ---- */

static void give_back(
	struct edge_conn *c, const struct http_response *r, struct str body)
{
	struct arena *a = arena_must(0);
	struct sbuf extra = sbuf_arena(a, HTTP_HEAD_BYTES_MAX * 2);
	struct http_fields kept = { .n = 0 };
	struct str type = http_field_get(&r->fields, STR("content-type"));

	for (size_t i = 0; i < r->fields.n; i++) {
		struct str name = r->fields.items[i].name;

		if (!str_eq_nocase(name, STR("content-type")) &&
			!str_eq_nocase(name, STR("date")))
			kept.items[kept.n++] = r->fields.items[i];
	}
	fields_write(&extra, &kept);
	edge_reply(c, &(struct edge_reply){ .code = r->code,
			      .type = type,
			      .extra = sbuf_str(&extra),
			      .body = body });
	arena_free(&a);
}

static enum status chunks_join(struct str in, struct sbuf *out)
{
	struct http_chunked state = {};
	struct str piece;
	enum status st;

	do {
		st = http_chunked_take(&state, &in, &piece);
		sbuf_add(out, piece);
	} while (st == ST_OK && piece.n > 0);
	return st == ST_OK && sbuf_ok(out) ? ST_OK : ST_INVALID;
}

/* The console has closed: what it said must be whole. */
static enum status answer_take(struct edge_forward *f)
{
	struct str all = sbuf_str(&f->answer), body;
	struct sbuf joined = sbuf_arena(f->arena, ANSWER_BYTES_MAX);
	struct http_response r;
	struct err e;
	size_t at = 0, n = 0;

	if (!sbuf_ok(&f->answer) || http_head_find(all, &at, &n) != ST_OK ||
		http_response_parse(str_upto(all, n), f->to_head, &r, &e) !=
			ST_OK ||
		r.code < 200)
		return ST_INVALID;
	body = str_from(all, n);
	if (r.framing == HTTP_BODY_LENGTH && r.length != body.n)
		return ST_INVALID;
	if (r.framing == HTTP_BODY_CHUNKED) {
		if (chunks_join(body, &joined) != ST_OK)
			return ST_INVALID;
		body = sbuf_str(&joined);
	}
	if (r.framing == HTTP_BODY_NONE)
		body = (struct str){ "", 0 };
	give_back(f->conn, &r, body);
	return ST_OK;
}

static void finish(struct edge_conn *c, enum status st)
{
	if (st != ST_OK) {
		LOG(LOG_WARN, "edge.forward", KV_Z("reason", "no answer"));
		edge_refuse(c, 502);
	}
	edge_forward_free(c);
	edge_conn_run(c);
}

/* ---- the socket ---- */

static void send_some(struct edge_forward *f)
{
	struct str left = str_from(sbuf_str(&f->request), f->sent);
	ssize_t n = send(f->fd, left.p, left.n, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		finish(f->conn, ST_TEMP);
		return;
	}
	f->sent += n > 0 ? (size_t)n : 0;
	if (f->sent == f->request.n)
		loop_io_change(&f->io, LOOP_READ);
}

static void receive_some(struct edge_forward *f)
{
	char buf[16384];
	ssize_t n = recv(f->fd, buf, sizeof(buf), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		sbuf_add(&f->answer, (struct str){ buf, (size_t)n });
		if (sbuf_ok(&f->answer))
			return;
	}
	finish(f->conn, n == 0 ? answer_take(f) : ST_TEMP);
}

static void on_io(void *ctx, unsigned ready)
{
	struct edge_forward *f = ctx;

	if (f->sent < f->request.n)
		send_some(f);
	else if (ready & LOOP_READ)
		receive_some(f);
}

static bool dial(struct edge_forward *f, const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t n = strlen(path);

	if (n >= sizeof(to.sun_path))
		return false;
	memcpy(to.sun_path, path, n);
	f->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* a unix socket connects at once or not at all */
	return f->fd >= 0 &&
	       connect(f->fd, (struct sockaddr *)&to, sizeof(to)) == 0;
}

/*
 * The request is complete. Only now does it take one of the few places: slow
 * senders must not keep others from the console.
 */
static void on_body(struct edge_conn *c)
{
	struct edge_forward *f = c->forward;
	struct edge *e = c->edge;

	if (e->n_forwards >= FORWARDS_MAX) {
		edge_body_free(c);
		edge_forward_free(c);
		edge_refuse_retry(c, 503, 5);
		return;
	}
	f->counted = true;
	e->n_forwards++;
	sbuf_fmt(&f->request, "Content-Length: %zu\r\n\r\n", c->body.n);
	sbuf_add(&f->request, (struct str){ c->body.p, c->body.n });
	edge_body_free(c);
	if (!sbuf_ok(&f->request) || !dial(f, e->options.console_socket)) {
		edge_forward_free(c);
		edge_refuse_retry(c, 502, 5);
		return;
	}
	loop_io_start(&f->io, e->parts.loop, f->fd, LOOP_WRITE, on_io, f);
	edge_conn_enter(c, EDGE_FORWARD, ANSWER_MS);
}

void edge_forward_begin(
	struct edge_conn *c, const struct http_request *r, struct str head)
{
	struct edge_forward *f;

	if (r->framing == HTTP_BODY_LENGTH && r->length > REQUEST_BYTES_MAX) {
		edge_refuse(c, 413);
		return;
	}
	f = mem_must(sizeof(*f));
	f->conn = c;
	f->fd = -1;
	f->arena = arena_must(0);
	f->request = sbuf_arena(f->arena, REQUEST_BYTES_MAX + head.n * 2 + 512);
	f->answer = sbuf_arena(f->arena, ANSWER_BYTES_MAX);
	f->to_head = r->method == HTTP_HEAD;
	c->forward = f;
	head_write(f, r);
	edge_conn_receive(c, r, REQUEST_BYTES_MAX, on_body);
}

static void release(void *ctx)
{
	struct edge_forward *f = ctx;

	arena_free(&f->arena);
	mem_free(f);
}

void edge_forward_free(struct edge_conn *c)
{
	struct edge_forward *f = c->forward;

	if (f == NULL)
		return;
	loop_io_stop(&f->io);
	fd_close(&f->fd);
	c->edge->n_forwards -= f->counted;
	c->forward = NULL;
	loop_defer(c->edge->parts.loop, release, f);
}
