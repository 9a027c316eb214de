/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_load: mail servers that ask a socketmap server, in a closed loop: so
 * many connections, each with so many requests under way, for domains drawn at
 * random. One thread; prints one JSON object, in which rate is replies per
 * second of the server's CPU time and wall per second of the clock. A latency
 * is from the write of a request until its reply was read.
 */
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/mem.h"
#include "base/num.h"
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
	uint16_t port;
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
	c->fd = l->path != NULL ? dial_unix(l->path) : dial_port(l->port);
	c->in = mem_must(IN_BYTES);
	if (c->fd < 0 || fd_nonblocking(c->fd, &e) != ST_OK)
		return false;
	BUG(epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &ev) != 0);
	return fill(c);
}

static double cpu_seconds(void)
{
	struct rusage r;

	(void)getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* CPU time of one thread, in nanoseconds; 0 if not known. */
static uint64_t thread_ns(const char *folder, const char *id)
{
	char path[512], text[128] = "";
	uint64_t ns = 0;
	FILE *in;

	(void)snprintf(path, sizeof(path), "%s/%s/schedstat", folder, id);
	in = fopen(path, "re");
	if (in == NULL)
		return 0;
	if (fgets(text, sizeof(text), in) != NULL &&
		num_u64(str_upto(str_of(text), strcspn(text, " ")), 0,
			UINT64_MAX, &ns) != ST_OK)
		ns = 0;
	(void)fclose(in);
	return ns;
}

/* CPU time of the server so far, all its threads; 0 if not known. */
static double server_seconds(const struct load *l)
{
	struct dirent *ent;
	uint64_t ns = 0;
	char path[64];
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%u/task", l->server);
	d = l->server == 0 ? NULL : opendir(path);
	if (d == NULL)
		return 0;
	while ((ent = readdir(d)) != NULL)
		if (ent->d_name[0] != '.')
			ns += thread_ns(path, ent->d_name);
	(void)closedir(d);
	return (double)ns / 1e9;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static double sample_us(const struct load *l, double part)
{
	double at = part * (double)(l->n_samples - 1);

	return l->n_samples == 0 ? 0 : l->samples[(size_t)at] / 10.0;
}

static void print_result(
	struct load *l, double seconds, double cpu, double server)
{
	double replies = (double)l->replies;

	qsort(l->samples, l->n_samples, sizeof(*l->samples), by_value);
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
			cpu = cpu_seconds();
			server = server_seconds(l);
		}
		turn(l);
	}
	print_result(l, (double)(now - from) / 1e7, cpu_seconds() - cpu,
		server_seconds(l) - server);
}

static bool option(struct load *l, int c, const char *arg)
{
	struct str s = str_of(arg);
	uint32_t port;

	switch (c) {
	case 'u':
		l->path = arg;
		return true;
	case 'm':
		l->map = arg;
		return true;
	case 'b':
		l->before = arg;
		return true;
	case 'a':
		l->behind = arg;
		return true;
	case 'x':
		l->expected = arg;
		return true;
	case 'e':
		l->each = true;
		return true;
	case 'p':
		if (num_u32(s, 1, 65535, &port) != ST_OK)
			return false;
		l->port = (uint16_t)port;
		return true;
	case 'c':
		return num_u32(s, 1, 10000, &l->connections) == ST_OK;
	case 'q':
		return num_u32(s, 1, DEPTH_MAX, &l->depth) == ST_OK;
	case 'n':
		return num_u32(s, 1, 10000000, &l->domains) == ST_OK;
	case 'f':
		return num_u32(s, 0, 10000000, &l->first) == ST_OK;
	case 's':
		return num_u32(s, 1, UINT32_MAX, &l->server) == ST_OK;
	case 'd':
		return num_u32(s, 1, 3600, &l->seconds) == ST_OK;
	case 'w':
		return num_u32(s, 0, 3600, &l->warmup) == ST_OK;
	default:
		return false;
	}
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
	int c;

	while ((c = getopt(argc, argv, "eu:p:m:b:a:x:c:q:n:f:s:d:w:")) != -1) {
		if (option(&l, c, optarg))
			continue;
		(void)fprintf(stderr,
			"usage: policy_load -p PORT | -u PATH [-m map] "
			"[-b domain-before] [-a domain-behind] "
			"[-x expected-reply] [-c connections] [-q "
			"requests-under-way] [-n domains] [-f first] "
			"[-s server-pid] [-d seconds] [-w warm-up-seconds] "
			"[-e (each domain once)]\n");
		return 64;
	}
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
