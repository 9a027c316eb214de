/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A socketmap server on loopback and a source with a script: a key "now..." is
 * answered at once, "keep..." at once and for a while, "ask..." when the test
 * says so, "down..." never. The reply is "OK " and the key.
 */
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "outbound/socketmap_server.h"
#include "tests/testing.h"

#define ASKED_MAX 256
#define TEXT_MAX 400000

struct asked {
	char key[64];
	answer_fn *fn;
	void *arg;
	bool over; /* answered or cancelled */
};

struct fixture {
	struct loop *loop;
	struct answers *answers;
	struct answer_source source;
	struct socketmap_server *server;
	struct sockaddr_in where;
	struct asked asked[ASKED_MAX];
	size_t n_asked, n_now, n_cancelled;
	char reply[TEXT_MAX]; /* of what is answered now */
	size_t pad;	      /* bytes behind each of those */
};

static inline struct answer answer_of(struct fixture *f, struct str key)
{
	int n = snprintf(f->reply, sizeof(f->reply), "OK %.*s", STR_ARG(key));

	memset(f->reply + n, '.', f->pad);
	return (struct answer){ .reply = { f->reply, (size_t)n + f->pad },
		.domain = key };
}

static inline enum status now(void *ctx, struct arena *a,
	const struct socketmap_request *r, struct answer *out)
{
	struct fixture *f = ctx;

	(void)a;
	if (str_starts(r->key, STR("ask")))
		return ST_AGAIN;
	if (str_starts(r->key, STR("down")))
		return ST_TEMP;
	f->n_now++;
	*out = answer_of(f, r->key);
	if (str_starts(r->key, STR("keep")))
		out->valid_ms = 60000;
	return ST_OK;
}

static inline void *ask(
	void *ctx, const struct socketmap_request *r, answer_fn *fn, void *arg)
{
	struct fixture *f = ctx;
	struct asked *q = &f->asked[f->n_asked++];

	(void)snprintf(q->key, sizeof(q->key), "%.*s", STR_ARG(r->key));
	q->fn = fn;
	q->arg = arg;
	return q;
}

static inline void cancel(void *ctx, void *handle)
{
	struct fixture *f = ctx;
	struct asked *q = handle;

	assert_false(q->over);
	q->over = true;
	f->n_cancelled++;
}

static inline void answer(struct fixture *f, size_t i, int64_t valid_ms)
{
	struct answer a = answer_of(f, str_of(f->asked[i].key));

	a.valid_ms = valid_ms;
	assert_false(f->asked[i].over);
	f->asked[i].over = true;
	f->asked[i].fn(f->asked[i].arg, &a);
}

static inline void start_with(
	struct fixture *f, unsigned connections, int64_t idle, int64_t slow)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof(f->where);
	int small = 4096; /* so that a client that does not read is felt */

	memset(f, 0, sizeof(*f));
	f->loop = loop_new();
	f->answers = answers_new(1u << 20);
	f->source = (struct answer_source){ f, now, ask, cancel };
	f->where.sin_family = AF_INET;
	f->where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (void *)&f->where, n), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)),
		0);
	assert_int_equal(getsockname(fd, (void *)&f->where, &n), 0);
	f->server = socketmap_server_new(
		&(struct socketmap_server_options){ .loop = f->loop,
			.answers = f->answers,
			.source = &f->source,
			.max_connections = connections,
			.idle_ms = idle,
			.slow_ms = slow });
	socketmap_server_listen(f->server, fd);
}

static inline struct fixture *start(void)
{
	struct fixture *f = mem_must(sizeof(*f));

	start_with(f, 100, 60000, 60000);
	return f;
}

static inline void finish(struct fixture *f)
{
	socketmap_server_free(&f->server);
	answers_free(&f->answers);
	loop_free(&f->loop);
	mem_free(f);
}

static inline int dial(struct fixture *f)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int small = 4096, one = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	assert_int_equal(connect(fd, (void *)&f->where, sizeof(f->where)), 0);
	return fd;
}

static inline void on_time(void *ctx)
{
	*(bool *)ctx = true;
}

/* What was sent on loopback is there: enough turns to use it all up. */
static inline void settle(struct fixture *f)
{
	for (int i = 0; i < 20; i++)
		loop_turn(f->loop, false);
}

static inline void turn_for(struct fixture *f, int64_t ms)
{
	struct loop_timer t = {};
	bool over = false;

	loop_timer_start(&t, f->loop, ms, on_time, &over);
	while (!over)
		loop_turn(f->loop, true);
}

static inline void say(struct fixture *f, int fd, const char *text)
{
	assert_int_equal(
		send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	settle(f);
}

/* One request for each key, in one write. */
static inline void request(struct fixture *f, int fd, const char *const *keys)
{
	char text[65536];
	struct sbuf b = sbuf_fixed(text, sizeof(text) - 1);

	for (; *keys != NULL; keys++)
		socketmap_request_write(
			&b, &(struct socketmap_request){
				    STR("sts"), str_of(*keys) });
	assert_true(sbuf_ok(&b));
	text[b.n] = '\0';
	say(f, fd, text);
}

/* What has come; "EOF" behind it when the server closed. */
static inline const char *heard(int fd)
{
	static char text[65536];
	size_t n = 0;
	ssize_t rc;

	while ((rc = recv(fd, text + n, sizeof(text) - 8 - n, MSG_DONTWAIT)) >
		0)
		n += (size_t)rc;
	text[n] = '\0';
	if (rc == 0)
		(void)snprintf(text + n, 4, "EOF");
	return text;
}

#define KEYS(...) ((const char *const[]){ __VA_ARGS__, NULL })
