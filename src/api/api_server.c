/* SPDX-License-Identifier: Apache-2.0 */
/* api_server: reading a request with deadlines, writing its answer. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/api_server.h"
#include "io/channel.h"
#include "io/worker_pool.h"
#include "proto/http_head.h"

#include "base/poison.h"

#define TALK_MS 30000
#define ARENA_BYTES_MAX (256u << 20)

struct talk {
	int fd;
	struct arena *a;
	struct mono deadline;
	struct http_request req;
	char *head;
	size_t n, head_n; /* bytes read into head; of which are the head */
};

static ssize_t read_some(struct talk *t, char *p, size_t n)
{
	struct pollfd w = { .fd = t->fd, .events = POLLIN };

	if (poll(&w, 1, channel_left_ms(t->deadline)) <= 0)
		return -1;
	return read(t->fd, p, n);
}

/* *code is what to answer unless ST_OK; 0: nobody is there. */
static enum status read_head(struct talk *t, int *code, struct err *e)
{
	size_t at = 0;
	enum status st;
	ssize_t n;

	*code = 400;
	t->head = arena_alloc(t->a, HTTP_HEAD_BYTES_MAX + 1);
	for (;;) {
		st = http_head_find(
			(struct str){ t->head, t->n }, &at, &t->head_n);
		if (st == ST_OK)
			break;
		if (st != ST_AGAIN || t->n == HTTP_HEAD_BYTES_MAX)
			return err_set(e, ST_INVALID, "no request head");
		n = read_some(t, t->head + t->n, HTTP_HEAD_BYTES_MAX - t->n);
		if (n <= 0) {
			*code = 0;
			return ST_NOTFOUND;
		}
		t->n += (size_t)n;
	}
	return http_request_parse(
		(struct str){ t->head, t->head_n }, &t->req, code, e);
}

static enum status read_body(
	struct talk *t, struct str *body, int *code, struct err *e)
{
	size_t have = t->n - t->head_n, want;
	char *p;

	*body = (struct str){};
	*code = 411;
	if (t->req.framing == HTTP_BODY_NONE)
		return ST_OK;
	if (t->req.framing != HTTP_BODY_LENGTH)
		return err_set(e, ST_INVALID, "Content-Length is missing");
	*code = 413;
	if (t->req.length > API_BODY_BYTES_MAX)
		return err_set(e, ST_LIMIT, "the body is over %u bytes",
			API_BODY_BYTES_MAX);
	want = (size_t)t->req.length;
	p = arena_alloc(t->a, want + 1);
	*code = 400;
	if (p == NULL || have > want)
		return err_set(e, ST_INVALID, "more than one request");
	memcpy(p, t->head + t->head_n, have);
	while (have < want) {
		ssize_t n = read_some(t, p + have, want - have);

		if (n <= 0)
			return err_set(e, ST_TEMP, "the body broke off");
		have += (size_t)n;
	}
	*body = (struct str){ p, want };
	return ST_OK;
}

/*
 * Whom the file mode lets in is an administrator; whoever comes through the
 * edge is a stranger, and there are no accounts yet by which to know him. The
 * edge writes that field anew on everything it forwards.
 */
static bool is_forwarded(const struct talk *t)
{
	return http_field_get(&t->req.fields, STR("x-forwarded-for")).p != NULL;
}

static struct str actor_of(struct arena *a, int fd)
{
	struct ucred cred;
	socklen_t n = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) < 0)
		return STR("admin socket");
	return arena_fmt(a, "admin socket uid %u", cred.uid);
}

static void write_all(struct talk *t, struct str s)
{
	struct pollfd w = { .fd = t->fd, .events = POLLOUT };
	ssize_t n;

	while (s.n > 0 && poll(&w, 1, channel_left_ms(t->deadline)) > 0) {
		n = send(t->fd, s.p, s.n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return;
		if (n > 0)
			s = str_from(s, (size_t)n);
	}
}

static void write_answer(struct talk *t, const struct api_call *c)
{
	struct sbuf head = sbuf_arena(t->a, HTTP_HEAD_BYTES_MAX);
	struct sbuf date = sbuf_arena(t->a, 64);
	struct http_answer answer = {
		.code = c->code,
		.content_type = c->problem ? STR("application/problem+json")
					   : STR("application/json"),
		.cache_control = STR("no-store"),
		.length = c->out.n,
		.minor = 1,
	};

	http_date_write(&date, (struct unix_time){ c->now });
	answer.date = sbuf_str(&date);
	http_answer_write(&head, &answer);
	write_all(t, sbuf_str(&head));
	write_all(t, sbuf_str(&c->out));
}

void api_server_serve(struct api_env *env, int fd)
{
	struct talk t = { .fd = fd, .a = arena_must(ARENA_BYTES_MAX) };
	struct api_call c = { .env = env, .a = t.a };
	struct err e = {};
	enum status st;
	int code;

	c.now = clock_now(clock_system()).s;
	t.deadline.ms = clock_mono(clock_system()).ms + TALK_MS;
	st = read_head(&t, &code, &e);
	if (st == ST_OK && is_forwarded(&t)) {
		code = 403;
		st = err_set(&e, ST_PERM,
			"the API answers on the admin socket only");
	}
	if (st == ST_OK)
		st = read_body(&t, &c.body, &code, &e);
	if (st == ST_OK) {
		c.method = t.req.method_text;
		c.path = t.req.path;
		c.query = t.req.query;
		c.content_type = http_field_get(
			&t.req.fields, STR("content-type"));
		c.actor = actor_of(t.a, fd);
		api_run(&c);
	} else if (code != 0) {
		api_problem(&c, code, "bad request", e.text, NULL, NULL);
	}
	if (c.code != 0 && !sbuf_ok(&c.out))
		api_problem(&c, 500, "the answer is too large", NULL, NULL,
			"ask for less at once");
	if (c.code != 0) {
		t.deadline.ms = clock_mono(clock_system()).ms + TALK_MS;
		write_answer(&t, &c);
	}
	arena_free(&t.a);
}

static void serve(void *worker, int fd)
{
	api_server_serve(worker, fd);
}

enum status api_server_run(
	struct api_env *envs, int listen_fd, int stop_fd, struct err *e)
{
	struct worker_pool pool = { listen_fd, stop_fd, serve };
	void *workers[API_THREADS];

	for (size_t i = 0; i < API_THREADS; i++)
		workers[i] = &envs[i];
	return worker_pool_run(&pool, workers, API_THREADS, e);
}
