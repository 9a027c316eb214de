/* SPDX-License-Identifier: Apache-2.0 */
/* dns_udp and dns_tcp over real sockets on loopback. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/dns_memory.h"
#include "tests/testing.h"

#include "io/dns_tcp.h"
#include "io/dns_udp.h"

#include "base/poison.h"

#define IDLE_MS 150

struct fixture {
	struct loop *loop;
	struct dns_handler handler;
	struct gate *gate;
	struct dns_tcp *tcp;
	struct dns_udp *udp;
	struct dns_rrl *rrl;
	struct ip_net all;
	struct sockaddr_in tcp_at, udp_at;
};

static const unsigned char query[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0"
				     "\3id1\3sts\7example\3net\0\0\1\0\1";
#define QUERY_N (sizeof(query) - 1)
#define ANSWER_N (QUERY_N + 16)

static const unsigned char axfr[] = "\x12\x34\0\0\0\1\0\0\0\0\0\0"
				    "\3sts\7example\3net\0\0\xfc\0\1";
#define AXFR_N (sizeof(axfr) - 1)

static int bind_loopback(int type, bool wildcard, struct sockaddr_in *at)
{
	socklen_t len = sizeof(*at);
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*at = (struct sockaddr_in){ .sin_family = AF_INET };
	at->sin_addr.s_addr = htonl(wildcard ? INADDR_ANY : INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)at, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)at, &len), 0);
	at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 16), 0);
	return fd;
}

static void serve_udp(struct fixture *f, bool wildcard)
{
	struct dns_udp_options opt = {
		.handler = &f->handler, .clock = clock_system(), .rrl = f->rrl
	};
	int fd = bind_loopback(SOCK_DGRAM, wildcard, &f->udp_at);

	assert_int_equal(dns_udp_new(f->loop, fd, &opt, &f->udp, NULL), ST_OK);
}

static int setup(void **state)
{
	static struct fixture f;
	struct dns_tcp_options opt = { .handler = &f.handler,
		.clock = clock_system(),
		.idle_ms = IDLE_MS };

	f = (struct fixture){ .loop = loop_new(), .gate = gate_new(4, 4) };
	f.handler.source = dns_memory_source();
	f.handler.transfer_allow = &f.all;
	f.handler.n_transfer_allow = 1;
	opt.gate = f.gate;
	f.tcp = dns_tcp_new(f.loop, &opt);
	dns_tcp_listen(f.tcp, bind_loopback(SOCK_STREAM, false, &f.tcp_at));
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	dns_udp_free(&f->udp);
	dns_tcp_free(&f->tcp);
	loop_free(&f->loop);
	gate_free(&f->gate);
	dns_rrl_free(&f->rrl);
	return 0;
}

static int client(int type, const struct sockaddr_in *at)
{
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc = connect(fd, (const struct sockaddr *)at, sizeof(*at));

	assert_true(rc == 0 || errno == EINPROGRESS);
	return fd;
}

/* Turns the loop until fd has n bytes; what came until EOF or 1 s. */
static size_t receive(struct fixture *f, int fd, unsigned char *p, size_t n)
{
	size_t got = 0;

	for (int i = 0; i < 1000 && got < n; i++) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		ssize_t rc;

		loop_turn(f->loop, false);
		(void)poll(&pfd, 1, 1);
		rc = recv(fd, p + got, n - got, 0);
		if (rc == 0)
			break;
		got += rc > 0 ? (size_t)rc : 0;
	}
	return got;
}

static void send_query(int fd, size_t times)
{
	unsigned char p[2 + QUERY_N] = { 0, QUERY_N };

	memcpy(p + 2, query, QUERY_N);
	while (times-- > 0)
		assert_int_equal(send(fd, p, sizeof(p), 0), sizeof(p));
}

static void udp_answers_batches(void **state)
{
	struct fixture *f = *state;

	for (int wildcard = 0; wildcard < 2; wildcard++) {
		unsigned char p[512];
		int fd;

		dns_udp_free(&f->udp);
		serve_udp(f, wildcard);
		fd = client(SOCK_DGRAM, &f->udp_at);
		for (int i = 0; i < 100; i++)
			assert_int_equal(send(fd, query, QUERY_N, 0), QUERY_N);
		for (int i = 0; i < 100; i++)
			assert_int_equal(receive(f, fd, p, 1) == 1, 1);
		assert_int_equal(send(fd, "x", 1, 0), 1);
		assert_int_equal(send(fd, query, QUERY_N, 0), QUERY_N);
		assert_int_equal(recv(fd, p, sizeof(p), MSG_DONTWAIT) < 0, 1);
		loop_turn(f->loop, false);
		assert_int_equal(recv(fd, p, sizeof(p), 0), ANSWER_N);
		assert_int_equal(p[3], 0);
		(void)close(fd);
	}
}

static void udp_is_rate_limited(void **state)
{
	static const uint64_t seed[2] = { 1, 2 };
	struct fixture *f = *state;
	unsigned char p[512];
	int fd, whole = 0, cut = 0;
	ssize_t n;

	f->rrl = dns_rrl_new(64, 5, 2, seed);
	serve_udp(f, false);
	fd = client(SOCK_DGRAM, &f->udp_at);
	for (int i = 0; i < 25; i++)
		assert_int_equal(send(fd, query, QUERY_N, 0), QUERY_N);
	loop_turn(f->loop, false);
	while ((n = recv(fd, p, sizeof(p), 0)) > 0) {
		whole += n == ANSWER_N;
		cut += n == QUERY_N && (p[2] & 2) != 0;
	}
	assert_int_equal(whole, 5);
	assert_int_equal(cut, 10);
	(void)close(fd);
}

/* RFC 7766 section 6.2.1.1. */
static void tcp_answers_pipelined_requests(void **state)
{
	struct fixture *f = *state;
	static unsigned char p[200 * (2 + ANSWER_N)];
	int fd = client(SOCK_STREAM, &f->tcp_at);

	send_query(fd, 200);
	assert_int_equal(receive(f, fd, p, sizeof(p)), sizeof(p));
	for (size_t i = 0; i < 200; i++)
		assert_memory_equal(
			p + i * (2 + ANSWER_N), "\0\x35\x12\x34", 4);
	(void)close(fd);
}

static void tcp_takes_one_byte_at_a_time(void **state)
{
	struct fixture *f = *state;
	unsigned char p[2 + ANSWER_N], q[2 + QUERY_N] = { 0, QUERY_N };
	int fd = client(SOCK_STREAM, &f->tcp_at);

	memcpy(q + 2, query, QUERY_N);
	for (size_t i = 0; i < sizeof(q); i++) {
		assert_int_equal(send(fd, q + i, 1, 0), 1);
		loop_turn(f->loop, false);
	}
	assert_int_equal(receive(f, fd, p, sizeof(p)), sizeof(p));
	(void)close(fd);
}

/* Slow bytes do not extend the time for a request. */
static void tcp_closes_the_idle_and_the_slow(void **state)
{
	struct fixture *f = *state;
	int64_t start = clock_mono(clock_system()).ms;
	int fd = client(SOCK_STREAM, &f->tcp_at);
	unsigned char c;

	while (gate_count(f->gate) == 0)
		loop_turn(f->loop, false);
	while (gate_count(f->gate) > 0) {
		struct pollfd none = { .fd = -1 };

		(void)send(fd, "\1", 1, MSG_NOSIGNAL);
		(void)poll(&none, 1, 10);
		loop_turn(f->loop, false);
	}
	assert_true(clock_mono(clock_system()).ms - start >= IDLE_MS - 20);
	assert_true(recv(fd, &c, 1, 0) <= 0);
	(void)close(fd);
}

static bool is_open(int fd)
{
	unsigned char c;

	return recv(fd, &c, 1, 0) < 0 && errno == EAGAIN;
}

/* RFC 7766 section 6.2.3: the one that was used last stays. */
static void tcp_gives_up_the_longest_idle_when_full(void **state)
{
	struct fixture *f = *state;
	unsigned char p[2 + ANSWER_N];
	int fd[5];

	for (size_t i = 0; i < 3; i++) {
		fd[i] = client(SOCK_STREAM, &f->tcp_at);
		while (gate_count(f->gate) <= i)
			loop_turn(f->loop, false);
	}
	send_query(fd[0], 1);
	assert_int_equal(receive(f, fd[0], p, sizeof(p)), sizeof(p));
	for (size_t i = 3; i < 5; i++) {
		fd[i] = client(SOCK_STREAM, &f->tcp_at);
		send_query(fd[i], 1);
		assert_int_equal(receive(f, fd[i], p, sizeof(p)), sizeof(p));
	}
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(is_open(fd[i]), i != 1 && i != 2);
		(void)close(fd[i]);
	}
}

static void tcp_ends_what_is_no_dns(void **state)
{
	static const struct {
		const char *p;
		size_t n;
	} rows[] = {
		{ "\x20\0", 2 },
		{ "\0\1x", 3 },
		{ "GET / HTTP/1.1\r\n\r\n", 18 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int fd = client(SOCK_STREAM, &f->tcp_at);
		unsigned char p[64];

		assert_int_equal(send(fd, rows[i].p, rows[i].n, 0), rows[i].n);
		assert_int_equal(receive(f, fd, p, sizeof(p)), 0);
		(void)close(fd);
	}
	assert_int_equal(gate_count(f->gate), 0);
}

/* A client that shuts its side down still gets what it asked for. */
static void tcp_transfers_after_half_close(void **state)
{
	struct fixture *f = *state;
	unsigned char p[8192], q[2 + AXFR_N] = { 0, AXFR_N };
	int fd = client(SOCK_STREAM, &f->tcp_at);
	size_t n;

	memcpy(q + 2, axfr, AXFR_N);
	assert_int_equal(send(fd, q, sizeof(q), 0), sizeof(q));
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	n = receive(f, fd, p, sizeof(p));
	assert_true(n > 1700);
	assert_int_equal((p[0] << 8 | p[1]) + 2, n);
	(void)close(fd);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(udp_answers_batches),
		TEST(udp_is_rate_limited),
		TEST(tcp_answers_pipelined_requests),
		TEST(tcp_takes_one_byte_at_a_time),
		TEST(tcp_closes_the_idle_and_the_slow),
		TEST(tcp_gives_up_the_longest_idle_when_full),
		TEST(tcp_ends_what_is_no_dns),
		TEST(tcp_transfers_after_half_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
