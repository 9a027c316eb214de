/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_load: mail servers that ask a socketmap server, in a closed loop: so
 * many connections, each with so many requests under way, for domains drawn at
 * random. One thread; prints one JSON object, in which rate is replies per
 * second of the server's CPU time and wall per second of the clock. A latency
 * is from the write of a request until its reply was read.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "bench/load.h"

#include "base/bug.h"
#include "base/mem.h"
#include "base/sbuf.h"
#include "io/fd.h"
#include "proto/socketmap.h"

#include "base/poison.h"

#define DEPTH_MAX 256u
#define REQUEST_BYTES_MAX 128u
#define IN_BYTES (2 * SOCKETMAP_REPLY_WIRE_MAX)
#define SAMPLES_MAX 20000000u
#define EVENTS 256

struct load {
	const char *path; /* a unix socket, or NULL: port */
	uint32_t port;
	const char *map, *before, *behind; /* domain: before, digits, behind */
	const char *expected;		   /* how a reply begins */
	uint32_t connections, depth, domains, first, seconds, warmup;
	uint32_t server; /* its process id, or 0 */
	bool each;	 /* every domain once, in order, then stop */
	uint32_t next;	 /* each: the next domain */
	int epoll;
	bool measuring;
	uint64_t replies, wrong, errors;
	uint32_t *samples; /* tenths of microseconds */
	size_t n_samples;
	uint64_t seed;
};

struct client {
	struct load *load;
	int fd;
	uint64_t sent_at[DEPTH_MAX]; /* a ring, the oldest at first */
	uint32_t first, under_way;
	char *in;
	size_t n_in;
};

static uint64_t now_tenths(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 10000000 + (uint64_t)ts.tv_nsec / 100;
}

static uint32_t pick(struct load *l)
{
	if (l->each)
		return l->first + l->next++;
	l->seed ^= l->seed << 13;
	l->seed ^= l->seed >> 7;
	l->seed ^= l->seed << 17;
	return l->first + (uint32_t)(l->seed >> 11) % l->domains;
}

static void add_request(struct load *l, struct sbuf *out)
{
	char text[REQUEST_BYTES_MAX];
	struct sbuf key = sbuf_fixed(text, sizeof(text));

	sbuf_fmt(&key, "%s%06u%s", l->before, pick(l), l->behind);
	socketmap_request_write(out,
		&(struct socketmap_request){ str_of(l->map), sbuf_str(&key) });
}

/* Fills the connection up with requests, in one write. */
static bool fill(struct client *c)
{
	struct load *l = c->load;
	char text[DEPTH_MAX * REQUEST_BYTES_MAX];
	struct sbuf out = sbuf_fixed(text, sizeof(text));
	uint64_t now = now_tenths();

	while (c->under_way < l->depth && (!l->each || l->next < l->domains)) {
		add_request(l, &out);
		c->sent_at[(c->first + c->under_way++) % DEPTH_MAX] = now;
	}
	BUG(!sbuf_ok(&out));
	return out.n == 0 ||
	       send(c->fd, text, out.n, MSG_NOSIGNAL) == (ssize_t)out.n;
}

static void count(struct client *c, struct str reply, uint64_t now)
{
	struct load *l = c->load;
	uint64_t took = now - c->sent_at[c->first];

	c->first = (c->first + 1) % DEPTH_MAX;
	c->under_way--;
	if (!l->measuring)
		return;
	l->replies++;
	l->wrong += !str_starts(reply, str_of(l->expected));
	if (l->n_samples < SAMPLES_MAX)
		l->samples[l->n_samples++] = took < UINT32_MAX ? (uint32_t)took
							       : UINT32_MAX;
}

/* false: the connection is broken. */
static bool on_ready(struct client *c)
{
	struct str in, reply;
	uint64_t now;
	size_t used;
	enum status st;
	ssize_t n = recv(c->fd, c->in + c->n_in, IN_BYTES - c->n_in, 0);

	if (n < 0 && errno == EAGAIN)
		return true;
	if (n <= 0)
		return false;
	now = now_tenths();
	in = (struct str){ c->in, c->n_in + (size_t)n };
	while ((st = netstring_parse(in, SOCKETMAP_REPLY_BYTES_MAX, &reply,
			&used)) == ST_OK &&
		c->under_way > 0) {
		count(c, reply, now);
		in = str_from(in, used);
	}
	memmove(c->in, in.p, in.n);
	c->n_in = in.n;
	return st == ST_AGAIN && (c->under_way > c->load->depth / 2 || fill(c));
}

static int dial_unix(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	BUG(strlen(path) >= sizeof(to.sun_path));
	memcpy(to.sun_path, path, strlen(path));
	return connect(fd, (void *)&to, sizeof(to)) == 0 ? fd : -1;
}

static int dial_port(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return connect(fd, (void *)&to, sizeof(to)) == 0 ? fd : -1;
}

static bool client_open(struct load *l, struct client *c)
{
	struct epoll_event ev = { EPOLLIN, { .ptr = c } };
	struct err e;

	c->load = l;
	c->fd = l->path != NULL ? dial_unix(l->path)
				: dial_port((uint16_t)l->port);
	c->in = mem_must(IN_BYTES);
	if (c->fd < 0 || fd_nonblocking(c->fd, &e) != ST_OK)
		return false;
	BUG(epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &ev) != 0);
	return fill(c);
}

static double sample_us(const struct load *l, double part)
{
	return load_sample(l->samples, l->n_samples, part) / 10;
}

static void print_result(
	struct load *l, double seconds, double cpu, double server)
{
	double replies = (double)l->replies;

	load_samples_sort(l->samples, l->n_samples);
	(void)printf("{\"rate\": %.1f, \"wall\": %.1f, \"replies\": %llu, "
		     "\"wrong\": %llu, \"errors\": %llu, \"p50_us\": %.1f, "
		     "\"p99_us\": %.1f, \"max_us\": %.1f, "
		     "\"client_cpu\": %.3f, \"server_cpu\": %.3f}\n",
		server > 0 ? replies / server : 0.0, replies / seconds,
		(unsigned long long)l->replies, (unsigned long long)l->wrong,
		(unsigned long long)l->errors, sample_us(l, 0.5),
		sample_us(l, 0.99), sample_us(l, 1), cpu / seconds,
		server / seconds);
}

static void turn(struct load *l)
{
	struct epoll_event ev[EVENTS];
	int n = epoll_wait(l->epoll, ev, EVENTS, 100);

	for (int i = 0; i < n; i++) {
		struct client *c = ev[i].data.ptr;

		if (on_ready(c))
			continue;
		l->errors++;
		fd_close(&c->fd);
	}
}

static void run(struct load *l)
{
	uint64_t start = now_tenths(), now;
	uint64_t from = start + l->warmup * UINT64_C(10000000);
	uint64_t to = from + l->seconds * UINT64_C(10000000);
	double cpu = 0, server = 0;

	l->measuring = l->each;
	if (l->each)
		from = start;
	while ((now = now_tenths()) < to && l->errors < l->connections &&
		(!l->each || l->replies < l->domains)) {
		if (!l->measuring && now >= from) {
			l->measuring = true;
			from = now;
			cpu = load_cpu_seconds();
			server = load_server_seconds(l->server);
		}
		turn(l);
	}
	print_result(l, (double)(now - from) / 1e7, load_cpu_seconds() - cpu,
		load_server_seconds(l->server) - server);
}

static bool read_options(struct load *l, int argc, char **argv)
{
	const struct load_option options[] = {
		{ 'p', "port", .number = &l->port, .min = 1, .max = 65535 },
		{ 'u', "unix-socket", .text = &l->path },
		{ 'm', "map", .text = &l->map },
		{ 'b', "domain-before", .text = &l->before },
		{ 'a', "domain-behind", .text = &l->behind },
		{ 'x', "expected-reply", .text = &l->expected },
		{ 'c', "connections", .number = &l->connections, .min = 1,
			.max = 10000 },
		{ 'q', "requests-under-way", .number = &l->depth, .min = 1,
			.max = DEPTH_MAX },
		{ 'n', "domains", .number = &l->domains, .min = 1,
			.max = 10000000 },
		{ 'f', "first", .number = &l->first, .max = 10000000 },
		{ 's', "server-pid", .number = &l->server, .min = 1,
			.max = UINT32_MAX },
		{ 'd', "seconds", .number = &l->seconds, .min = 1,
			.max = 3600 },
		{ 'w', "warm-up-seconds", .number = &l->warmup, .max = 3600 },
		{ 'e', "each domain once", .flag = &l->each },
	};

	return load_options_read(argc, argv, "policy_load", options,
		sizeof(options) / sizeof(*options));
}

int main(int argc, char **argv)
{
	struct load l = { .map = "sts",
		.before = "d",
		.behind = ".example",
		.expected = "OK secure ",
		.connections = 1,
		.depth = 1,
		.domains = 1,
		.seconds = 2,
		.warmup = 1,
		.seed = now_tenths() | 1 };
	struct client *clients;

	if (!read_options(&l, argc, argv))
		return 64;
	l.epoll = epoll_create1(EPOLL_CLOEXEC);
	l.samples = mem_must(SAMPLES_MAX * sizeof(*l.samples));
	clients = mem_must(l.connections * sizeof(*clients));
	for (uint32_t i = 0; i < l.connections; i++) {
		if (client_open(&l, &clients[i]))
			continue;
		perror("policy_load: connect");
		return 1;
	}
	run(&l);
	return l.errors > 0 || l.wrong > 0;
}
