/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edge_load: HTTPS clients in a closed loop against a policy host. Each
 * connection makes a full TLS 1.3 handshake, asks so many times for the policy
 * and closes. One thread; prints one JSON object, in which rate is answers per
 * second of the server's CPU time.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench/load.h"
#include "bench/tls13.h"

#include "base/bug.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/sbuf.h"
#include "io/fd.h"

#include "base/poison.h"

#define IN_BYTES (2 * TLS13_RECORD_MAX)
#define SAMPLES_MAX 4000000u
#define NAME_BYTES 64

struct load {
	struct sockaddr_in to;
	uint32_t connections, requests, names, seconds, warmup;
	uint32_t server; /* its process id, or 0 */
	bool each;	 /* every name once, in order, then stop */
	uint32_t next;
	int epoll;
	bool measuring;
	uint64_t handshakes, answers, errors, strange_names;
	uint32_t *samples; /* microseconds */
	size_t n_samples;
	uint64_t seed;
};

struct client {
	struct load *load;
	int fd; /* -1: to be opened */
	bool connected;
	struct tls13 tls;
	char name[NAME_BYTES];
	unsigned char in[IN_BYTES];
	size_t n_in;
	char answer[4096];
	size_t n_answer;
	uint32_t asked;
	uint64_t begun_us; /* the connection, then each request */
};

static uint64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static uint32_t pick(struct load *l)
{
	if (l->each)
		return l->next++ % l->names;
	l->seed ^= l->seed << 13;
	l->seed ^= l->seed >> 7;
	l->seed ^= l->seed << 17;
	return (uint32_t)(l->seed >> 11) % l->names;
}

static void client_close(struct client *c, bool failed)
{
	fd_close(&c->fd);
	if (failed && c->load->measuring)
		c->load->errors++;
}

static bool send_all(struct client *c, const unsigned char *p, size_t n)
{
	return send(c->fd, p, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static void client_open(struct client *c)
{
	struct load *l = c->load;
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET,
		.data.ptr = c };
	struct sbuf b = sbuf_fixed(c->name, sizeof(c->name));
	int one = 1;

	sbuf_fmt(&b, "mta-sts.h%06u.example", pick(l));
	c->tls.name = sbuf_str(&b);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	BUG(c->fd < 0);
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->connected = false;
	c->n_in = c->n_answer = 0;
	c->asked = 0;
	c->begun_us = now_us();
	if (connect(c->fd, (void *)&l->to, sizeof(l->to)) != 0 &&
		errno != EINPROGRESS) {
		client_close(c, true);
		return;
	}
	BUG(epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &ev) != 0);
}

static bool client_hello(struct client *c)
{
	unsigned char out[TLS13_HELLO_MAX];
	size_t n = tls13_start(&c->tls, c->tls.name, out);

	c->connected = true;
	return send_all(c, out, n);
}

/* Sends a request behind the n bytes that are in out already. */
static bool ask(struct client *c, unsigned char *out, size_t n)
{
	char text[256];
	struct sbuf b = sbuf_fixed(text, sizeof(text));

	c->asked++;
	c->n_answer = 0;
	sbuf_fmt(&b,
		"GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: %s\r\n"
		"User-Agent: edge_load\r\n%s\r\n",
		c->name,
		c->asked == c->load->requests ? "Connection: close\r\n" : "");
	n += tls13_say(&c->tls, sbuf_str(&b), out + n);
	return send_all(c, out, n);
}

/* The length of a whole answer in c->answer; 0: not yet, -1: a wrong one. */
static ssize_t answer_length(struct client *c)
{
	struct str text = { c->answer, c->n_answer };
	const char *end, *field;
	uint32_t n;

	c->answer[c->n_answer] = '\0';
	end = strstr(c->answer, "\r\n\r\n");
	if (end == NULL)
		return 0;
	field = strcasestr(c->answer, "content-length: ");
	if (!str_starts(text, STR("HTTP/1.1 200")) || field == NULL ||
		num_u32(str_upto(str_of(field + 16), strcspn(field + 16, "\r")),
			0, 4000, &n) != ST_OK)
		return -1;
	n += (uint32_t)(end + 4 - c->answer);
	if (c->n_answer < n)
		return 0;
	return strstr(end, "version: STSv1") == NULL ? -1 : (ssize_t)n;
}

/* false: the connection is over. */
static bool data(struct client *c, struct str piece)
{
	struct load *l = c->load;
	unsigned char out[512];
	uint64_t now;
	ssize_t n;

	if (piece.n >= sizeof(c->answer) - c->n_answer)
		return false;
	memcpy(c->answer + c->n_answer, piece.p, piece.n);
	c->n_answer += piece.n;
	n = answer_length(c);
	if (n <= 0)
		return n == 0;
	now = now_us();
	if (l->measuring) {
		l->answers++;
		if (l->n_samples < SAMPLES_MAX)
			l->samples[l->n_samples++] =
				(uint32_t)(now - c->begun_us);
	}
	c->begun_us = now;
	return c->asked == l->requests || ask(c, out, 0);
}

/* One record; false: the connection is over, and *failed says how. */
static bool record(struct client *c, struct str rec, bool *failed)
{
	unsigned char out[TLS13_RECORD_MAX + 512];
	size_t n = 0;

	*failed = true;
	switch (tls13_take(&c->tls, rec, out, &n)) {
	case TLS13_NOTHING:
		return true;
	case TLS13_READY:
		if (c->load->measuring) {
			c->load->handshakes++;
			c->load->strange_names += !c->tls.name_seen;
		}
		return ask(c, out, n);
	case TLS13_DATA:
		return data(c, (struct str){ (char *)out, n });
	case TLS13_CLOSED:
		*failed = c->asked < c->load->requests;
		return false;
	case TLS13_BROKEN:
		break;
	}
	return false;
}

/* false: closed */
static bool records(struct client *c)
{
	size_t at = 0, n;
	bool failed;

	while ((n = tls13_record((struct str){
			(char *)c->in + at, c->n_in - at })) > 0) {
		struct str rec = { (char *)c->in + at, n };

		if (!record(c, rec, &failed)) {
			client_close(c, failed);
			return false;
		}
		at += n;
	}
	c->n_in -= at;
	memmove(c->in, c->in + at, c->n_in);
	return true;
}

static void on_ready(struct client *c, uint32_t events)
{
	ssize_t n;

	if (!c->connected && (events & EPOLLOUT) && !client_hello(c)) {
		client_close(c, true);
		return;
	}
	while (c->connected) {
		size_t room = IN_BYTES - c->n_in;

		n = recv(c->fd, c->in + c->n_in, room, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			client_close(c, c->asked < c->load->requests);
			return;
		}
		c->n_in += (size_t)n;
		if (!records(c))
			return;
		if ((size_t)n < room && !(events & EPOLLRDHUP))
			return;
	}
}

static void print_result(
	struct load *l, double seconds, double cpu, double server)
{
	size_t n = l->n_samples;
	double answers = (double)l->answers;

	load_samples_sort(l->samples, n);
	(void)printf("{\"rate\": %.1f, \"wall\": %.1f, \"handshakes\": %llu, "
		     "\"errors\": %llu, \"strange_names\": %llu, "
		     "\"p50_ms\": %.3f, \"p99_ms\": %.3f, "
		     "\"client_cpu\": %.3f, \"server_cpu\": %.3f}\n",
		server > 0 ? answers / server : 0.0, answers / seconds,
		(unsigned long long)l->handshakes,
		(unsigned long long)l->errors,
		(unsigned long long)l->strange_names,
		load_sample(l->samples, n, 0.5) / 1e3,
		load_sample(l->samples, n, 0.99) / 1e3, cpu / seconds,
		server / seconds);
}

static void run(struct load *l, struct client *clients)
{
	uint64_t start = now_us(), from = start + l->warmup * UINT64_C(1000000);
	uint64_t to = from + l->seconds * UINT64_C(1000000), now;
	struct epoll_event ev[256];
	double cpu = 0, server = 0;

	while ((now = now_us()) < to && (!l->each || l->next < l->names)) {
		int n;

		if (!l->measuring && now >= from) {
			l->measuring = true;
			from = now;
			cpu = load_cpu_seconds();
			server = load_server_seconds(l->server);
		}
		for (uint32_t i = 0; i < l->connections; i++)
			if (clients[i].fd < 0)
				client_open(&clients[i]);
		n = epoll_wait(l->epoll, ev, 256, 100);
		for (int i = 0; i < n; i++)
			if (((struct client *)ev[i].data.ptr)->fd >= 0)
				on_ready(ev[i].data.ptr, ev[i].events);
	}
	print_result(l, (double)(now - from) / 1e6, load_cpu_seconds() - cpu,
		load_server_seconds(l->server) - server);
}

static bool read_options(struct load *l, int argc, char **argv)
{
	uint32_t port = 0;
	const struct load_option options[] = {
		{ 'p', "port", .number = &port, .min = 1, .max = 65535 },
		{ 's', "server-pid", .number = &l->server, .min = 1,
			.max = UINT32_MAX },
		{ 'c', "connections", .number = &l->connections, .min = 1,
			.max = 10000 },
		{ 'k', "requests-per-connection", .number = &l->requests,
			.min = 1, .max = 1000000 },
		{ 'n', "names", .number = &l->names, .min = 1, .max = 1000000 },
		{ 'd', "seconds", .number = &l->seconds, .min = 1,
			.max = 3600 },
		{ 'w', "warm-up-seconds", .number = &l->warmup, .max = 3600 },
		{ 'e', "each name once", .flag = &l->each },
	};
	bool good = load_options_read(argc, argv, "edge_load", options,
		sizeof(options) / sizeof(*options));

	l->to = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	return good;
}

int main(int argc, char **argv)
{
	struct load l = { .connections = 50,
		.requests = 1,
		.names = 1,
		.seconds = 5,
		.warmup = 1,
		.seed = now_us() | 1 };
	struct client *clients;

	if (!read_options(&l, argc, argv))
		return 64;
	tls13_setup();
	l.epoll = epoll_create1(EPOLL_CLOEXEC);
	l.samples = mem_must(SAMPLES_MAX * sizeof(*l.samples));
	clients = mem_must(l.connections * sizeof(*clients));
	for (uint32_t i = 0; i < l.connections; i++) {
		clients[i].load = &l;
		clients[i].fd = -1;
	}
	run(&l, clients);
	return l.errors > 0 || l.strange_names > 0;
}
