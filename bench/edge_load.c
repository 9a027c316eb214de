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
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

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

static double cpu_seconds(void)
{
	struct rusage r;

	(void)getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* CPU time of the server so far, all its threads; 0 if not known. */
static double server_seconds(const struct load *l)
{
	char path[64], text[1024] = "", *p;
	uint64_t ticks = 0, n;
	FILE *in;

	(void)snprintf(path, sizeof(path), "/proc/%u/stat", l->server);
	in = l->server == 0 ? NULL : fopen(path, "re");
	if (in == NULL)
		return 0;
	if (fread(text, 1, sizeof(text) - 1, in) == 0)
		text[0] = '\0';
	(void)fclose(in);
	p = strrchr(text, ')'); /* behind it: state is field 3 */
	for (int field = 3; p != NULL && field <= 15; field++) {
		p = strchr(p + 1, ' ');
		if (p == NULL || field < 14)
			continue;
		if (num_u64(str_upto(str_of(p + 1), strcspn(p + 1, " ")), 0,
			    UINT64_MAX, &n) != ST_OK)
			return 0;
		ticks += n;
	}
	return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void print_result(
	struct load *l, double seconds, double cpu, double server)
{
	size_t n = l->n_samples;
	double answers = (double)l->answers;

	qsort(l->samples, n, sizeof(*l->samples), by_value);
	(void)printf("{\"rate\": %.1f, \"wall\": %.1f, \"handshakes\": %llu, "
		     "\"errors\": %llu, \"strange_names\": %llu, "
		     "\"p50_ms\": %.3f, \"p99_ms\": %.3f, "
		     "\"client_cpu\": %.3f, \"server_cpu\": %.3f}\n",
		server > 0 ? answers / server : 0.0, answers / seconds,
		(unsigned long long)l->handshakes,
		(unsigned long long)l->errors,
		(unsigned long long)l->strange_names,
		n == 0 ? 0.0 : l->samples[n / 2] / 1e3,
		n == 0 ? 0.0 : l->samples[n * 99 / 100] / 1e3, cpu / seconds,
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
			cpu = cpu_seconds();
			server = server_seconds(l);
		}
		for (uint32_t i = 0; i < l->connections; i++)
			if (clients[i].fd < 0)
				client_open(&clients[i]);
		n = epoll_wait(l->epoll, ev, 256, 100);
		for (int i = 0; i < n; i++)
			if (((struct client *)ev[i].data.ptr)->fd >= 0)
				on_ready(ev[i].data.ptr, ev[i].events);
	}
	print_result(l, (double)(now - from) / 1e6, cpu_seconds() - cpu,
		server_seconds(l) - server);
}

static bool option(struct load *l, int c, const char *arg)
{
	struct str s = str_of(arg);
	uint32_t port;

	switch (c) {
	case 'e':
		l->each = true;
		return true;
	case 'p':
		if (num_u32(s, 1, 65535, &port) != ST_OK)
			return false;
		l->to.sin_port = htons((uint16_t)port);
		return true;
	case 'c':
		return num_u32(s, 1, 10000, &l->connections) == ST_OK;
	case 'k':
		return num_u32(s, 1, 1000000, &l->requests) == ST_OK;
	case 'n':
		return num_u32(s, 1, 1000000, &l->names) == ST_OK;
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
	struct load l = { .connections = 50,
		.requests = 1,
		.names = 1,
		.seconds = 5,
		.warmup = 1,
		.seed = now_us() | 1 };
	struct client *clients;
	int c;

	l.to = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	while ((c = getopt(argc, argv, "ep:s:c:k:n:d:w:")) != -1) {
		if (option(&l, c, optarg))
			continue;
		(void)fprintf(stderr, "usage: edge_load -p PORT [-s "
				      "server-pid] [-c connections] "
				      "[-k requests-per-connection] [-n names] "
				      "[-d seconds] [-w warm-up-seconds] [-e "
				      "(each name once)]\n");
		return 64;
	}
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
