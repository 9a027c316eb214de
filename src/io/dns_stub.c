/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_stub: connected UDP sockets, one question at a time on each while there
 * are enough of them, so that a forger has to guess port and id (RFC 5452
 * section 4). A socket is used a few times, because opening one costs more than
 * all the rest of a question.
 */
#include <errno.h>
#include <sys/socket.h>

#include "base/bug.h"
#include "base/mem.h"
#include "io/crypto.h"
#include "io/dns_stub.h"
#include "io/dns_stub_tcp.h"
#include "io/fd.h"

#include "base/poison.h"

#define UDP_BYTES_MAX 4096 /* more than we ask for does no harm */
#define RANDOMS 64

struct dns_stub_socket {
	struct dns_stub *stub;
	struct loop_io io;
	int fd;
	size_t server;
	size_t at; /* its place in stub->sockets */
	unsigned uses;
	bool retired; /* closed when its last question ends */
	struct dns_stub_ask *asks;
	struct dns_stub_socket *next_idle;
};

struct server {
	struct addr addr;
	struct mono down_until;
	struct dns_stub_socket *idle;
};

struct dns_stub {
	struct loop *loop;
	struct server servers[DNS_STUB_SERVERS_MAX];
	size_t n_servers;
	struct dns_stub_socket *sockets[DNS_STUB_SOCKETS_MAX];
	size_t n_sockets;
	uint16_t randoms[RANDOMS];
	size_t n_randoms;
	struct dns_stub_counts counts;
	unsigned char in[UDP_BYTES_MAX];
};

static void on_timer(void *ctx);
static void on_readable(void *ctx, unsigned ready);
static void send_try(struct dns_stub_ask *k);

/* Many at a time: each draw is a system call. */
static uint16_t next_random(struct dns_stub *s)
{
	if (s->n_randoms == 0) {
		crypto_random(s->randoms, sizeof(s->randoms));
		s->n_randoms = RANDOMS;
	}
	return s->randoms[--s->n_randoms];
}

/* ---- sockets ------------------------------------------------------------- */

static void socket_destroy(void *ctx)
{
	mem_free(ctx);
}

static void socket_close(struct dns_stub_socket *c)
{
	struct dns_stub *s = c->stub;

	s->sockets[c->at] = s->sockets[--s->n_sockets];
	s->sockets[c->at]->at = c->at;
	loop_io_stop(&c->io);
	fd_close(&c->fd);
	loop_defer(s->loop, socket_destroy, c);
}

static struct dns_stub_socket *socket_open(struct dns_stub *s, size_t server)
{
	const struct addr *to = &s->servers[server].addr;
	int fd = socket(
		to->ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct dns_stub_socket *c;

	/* The kernel gives it a random port. */
	if (fd < 0 ||
		connect(fd, (const struct sockaddr *)&to->ss, to->len) < 0) {
		fd_close(&fd);
		return NULL;
	}
	c = mem_must(sizeof(*c));
	c->stub = s;
	c->fd = fd;
	c->server = server;
	c->at = s->n_sockets;
	s->sockets[s->n_sockets++] = c;
	loop_io_start(&c->io, s->loop, fd, LOOP_READ, on_readable, c);
	return c;
}

/* A socket of the server that is in use already; NULL: there is none. */
static struct dns_stub_socket *socket_share(struct dns_stub *s, size_t server)
{
	size_t start = next_random(s);

	for (size_t i = 0; i < s->n_sockets; i++) {
		struct dns_stub_socket *c =
			s->sockets[(start + i) % s->n_sockets];

		if (c->server == server && !c->retired)
			return c;
	}
	return NULL;
}

static struct dns_stub_socket *socket_for(struct dns_stub *s, size_t server)
{
	struct dns_stub_socket *c = s->servers[server].idle;

	if (c != NULL) {
		s->servers[server].idle = c->next_idle;
		return c;
	}
	if (s->n_sockets < DNS_STUB_SOCKETS_MAX)
		c = socket_open(s, server);
	return c != NULL ? c : socket_share(s, server);
}

/* Is there a question with this id on it? */
static struct dns_stub_ask *socket_find(
	const struct dns_stub_socket *c, uint16_t id)
{
	for (struct dns_stub_ask *k = c->asks; k != NULL; k = k->next)
		if (k->id == id)
			return k;
	return NULL;
}

static void socket_enter(struct dns_stub_socket *c, struct dns_stub_ask *k)
{
	do {
		k->id = next_random(c->stub);
	} while (socket_find(c, k->id) != NULL);
	k->socket = c;
	k->prev = NULL;
	k->next = c->asks;
	if (c->asks != NULL)
		c->asks->prev = k;
	c->asks = k;
	c->retired |= ++c->uses >= DNS_STUB_SOCKET_USES;
}

static void socket_leave(struct dns_stub_ask *k)
{
	struct dns_stub_socket *c = k->socket;
	struct server *server;

	if (c == NULL)
		return;
	k->socket = NULL;
	*(k->prev != NULL ? &k->prev->next : &c->asks) = k->next;
	if (k->next != NULL)
		k->next->prev = k->prev;
	if (c->asks != NULL)
		return;
	if (c->retired) {
		socket_close(c);
		return;
	}
	server = &c->stub->servers[c->server];
	c->next_idle = server->idle;
	server->idle = c;
}

/* ---- one question -------------------------------------------------------- */

static void stop(struct dns_stub_ask *k)
{
	loop_timer_stop(&k->timer);
	socket_leave(k);
	dns_stub_tcp_cancel(&k->tcp);
	k->stub = NULL;
}

static void fail(struct dns_stub_ask *k)
{
	struct err e = {};

	if (k->stub->n_servers == 0)
		(void)err_set(&e, ST_TEMP, "there is no resolver to ask");
	else if (k->answered != 0 && k->rcode != DNS_NOERROR)
		(void)err_set(&e, ST_TEMP, "the resolver answers with rcode %u",
			k->rcode);
	else
		(void)err_set(&e, ST_TEMP, "no answer in time");
	stop(k);
	k->done(k->ctx, ST_TEMP, (struct str){}, NULL, &e);
}

static void set_timer(struct dns_stub_ask *k, int64_t ms)
{
	int64_t left = k->deadline.ms - loop_now(k->stub->loop).ms;

	if (ms > left)
		ms = left;
	loop_timer_start(
		&k->timer, k->stub->loop, ms < 0 ? 0 : ms, on_timer, k);
}

static bool has_answered(const struct dns_stub_ask *k, size_t server)
{
	return (k->answered >> server & 1) != 0;
}

/*
 * The server for the next try: in order, those that were silent lately last.
 * n_servers: none is left.
 */
static size_t pick_server(const struct dns_stub_ask *k)
{
	const struct dns_stub *s = k->stub;
	size_t n = s->n_servers, first = k->tries == 0 ? 0 : k->server + 1;
	size_t fallback = n;
	struct mono now = loop_now(s->loop);

	for (size_t i = 0; i < n; i++) {
		size_t at = (first + i) % n;

		if (has_answered(k, at))
			continue;
		if (s->servers[at].down_until.ms <= now.ms)
			return at;
		if (fallback == n)
			fallback = at;
	}
	return fallback;
}

static size_t write_query(
	const struct dns_stub_ask *k, unsigned char *buf, size_t cap)
{
	struct dns_writer w;

	dns_writer_request(&w, buf, cap, k->id,
		DNS_RD | (k->dnssec ? DNS_AD : 0), k->question, true);
	w.dnssec_ok = k->dnssec;
	return dns_writer_finish(&w);
}

static bool send_udp(struct dns_stub_ask *k)
{
	struct dns_stub_socket *c = socket_for(k->stub, k->server);
	unsigned char buf[DNS_STUB_QUERY_MAX];
	size_t n;

	if (c == NULL)
		return false;
	socket_enter(c, k);
	n = write_query(k, buf, sizeof(buf));
	k->stub->counts.sent++;
	return send(c->fd, buf, n, 0) == (ssize_t)n;
}

/* The server takes no packets: the next one at once, or all again later. */
static void server_refuses(struct dns_stub_ask *k)
{
	struct dns_stub *s = k->stub;

	s->servers[k->server].down_until.ms = loop_now(s->loop).ms +
					      DNS_STUB_DOWN_MS;
	socket_leave(k);
	set_timer(k, k->tries < s->n_servers ? 0 : DNS_STUB_REFUSED_MS);
}

static int64_t try_ms(const struct dns_stub_ask *k)
{
	size_t round = k->tries / k->stub->n_servers;

	return round >= 2 ? DNS_STUB_TRY_MAX_MS : DNS_STUB_TRY_MS << round;
}

static void send_try(struct dns_stub_ask *k)
{
	struct dns_stub *s = k->stub;
	size_t server = pick_server(k);
	int64_t ms;

	if (server == s->n_servers) {
		set_timer(k, 0); /* on_timer gives up */
		return;
	}
	s->counts.retried += k->tries > 0;
	ms = try_ms(k);
	k->server = server;
	k->tries++;
	if (send_udp(k))
		set_timer(k, ms);
	else
		server_refuses(k);
}

static void on_timer(void *ctx)
{
	struct dns_stub_ask *k = ctx;
	struct dns_stub *s = k->stub;
	struct mono now = loop_now(s->loop);

	if (k->tcp != NULL)
		k->answered |= 1u << k->server;
	else if (k->socket != NULL)
		s->servers[k->server].down_until.ms = now.ms + DNS_STUB_DOWN_MS;
	socket_leave(k);
	dns_stub_tcp_cancel(&k->tcp);
	if (now.ms >= k->deadline.ms || pick_server(k) == s->n_servers)
		fail(k);
	else
		send_try(k);
}

/* This server is of no use for this question; another may be. */
static void next_server(struct dns_stub_ask *k)
{
	k->answered |= 1u << k->server;
	if (pick_server(k) == k->stub->n_servers)
		fail(k);
	else
		send_try(k);
}

static void on_reply(
	struct dns_stub_ask *k, struct str msg, const struct dns_reply *reply)
{
	k->rcode = reply->rcode;
	if (reply->rcode != DNS_NOERROR && reply->rcode != DNS_NXDOMAIN) {
		next_server(k);
		return;
	}
	stop(k);
	k->done(k->ctx, ST_OK, msg, reply, NULL);
}

static void on_tcp(void *ctx, enum status st, struct str msg)
{
	struct dns_stub_ask *k = ctx;
	struct dns_reply reply = {};

	k->tcp = NULL;
	if (st == ST_OK && dns_reply_fits(msg, k->id, k->question, &reply) &&
		!reply.cut)
		on_reply(k, msg, &reply);
	else
		next_server(k);
}

static void ask_over_tcp(struct dns_stub_ask *k)
{
	struct dns_stub *s = k->stub;
	unsigned char buf[DNS_STUB_QUERY_MAX];
	size_t n;

	k->id = next_random(s);
	n = write_query(k, buf, sizeof(buf));
	s->counts.tcp++;
	k->tcp = dns_stub_tcp_start(s->loop, &s->servers[k->server].addr,
		(struct str){ (const char *)buf, n }, on_tcp, k);
	if (k->tcp == NULL)
		next_server(k);
	else
		set_timer(k, DNS_STUB_TRY_MAX_MS);
}

/* ICMP says that nobody listens there. */
static void socket_failed(struct dns_stub_socket *c)
{
	struct dns_stub_ask *k = c->asks, *next;

	c->retired = true;
	for (; k != NULL; k = next) {
		next = k->next;
		server_refuses(k);
	}
}

static void on_readable(void *ctx, unsigned ready)
{
	struct dns_stub_socket *c = ctx;
	struct dns_stub *s = c->stub;
	ssize_t n = recv(c->fd, s->in, sizeof(s->in), 0);
	struct str msg = { (const char *)s->in, n < 0 ? 0 : (size_t)n };
	struct dns_reply reply;
	struct dns_stub_ask *k;

	(void)ready;
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			socket_failed(c);
		return;
	}
	k = n < 2 ? NULL : socket_find(c, (uint16_t)(s->in[0] << 8 | s->in[1]));
	if (k == NULL || !dns_reply_fits(msg, k->id, k->question, &reply)) {
		s->counts.ignored++;
		return;
	}
	s->servers[k->server].down_until.ms = 0;
	socket_leave(k);
	if (reply.cut)
		ask_over_tcp(k);
	else
		on_reply(k, msg, &reply);
}

void dns_stub_ask_start(struct dns_stub_ask *k, struct dns_stub *s,
	const struct dns_question *question, bool dnssec, struct mono deadline,
	dns_stub_fn *done, void *ctx)
{
	BUG(k->stub != NULL);
	*k = (struct dns_stub_ask){ .stub = s,
		.question = question,
		.dnssec = dnssec,
		.deadline = deadline,
		.done = done,
		.ctx = ctx };
	send_try(k);
}

void dns_stub_ask_cancel(struct dns_stub_ask *k)
{
	if (k->stub != NULL)
		stop(k);
}

/* ---- the stub ------------------------------------------------------------ */

struct dns_stub *dns_stub_new(struct loop *l)
{
	struct dns_stub *s = mem_must(sizeof(*s));

	s->loop = l;
	return s;
}

void dns_stub_set_servers(
	struct dns_stub *s, const struct addr *servers, size_t n)
{
	BUG(n > DNS_STUB_SERVERS_MAX);
	for (size_t i = s->n_sockets; i-- > 0;) {
		struct dns_stub_socket *c = s->sockets[i];

		c->retired = true;
		for (struct dns_stub_ask *k = c->asks; k != NULL; k = k->next)
			k->answered = 0;
		if (c->asks == NULL)
			socket_close(c);
	}
	s->n_servers = n;
	for (size_t i = 0; i < DNS_STUB_SERVERS_MAX; i++)
		s->servers[i] = i < n ? (struct server){ .addr = servers[i] }
				      : (struct server){};
}

void dns_stub_free(struct dns_stub **s)
{
	if (*s == NULL)
		return;
	for (size_t i = (*s)->n_sockets; i-- > 0;) {
		BUG((*s)->sockets[i]->asks != NULL);
		socket_close((*s)->sockets[i]);
	}
	mem_free(*s);
	*s = NULL;
}

struct dns_stub_counts dns_stub_counts(const struct dns_stub *s)
{
	return s->counts;
}
