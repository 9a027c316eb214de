/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sts_discover keeps the contract of everything asynchronous: no call before
 * the start returns, one call, or none after a cancel. What it makes of real
 * servers: tests/system/test_fetch.py.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/testing.h"

#include "io/dns_lookup.h"
#include "io/fd.h"
#include "outbound/sts_discover.h"
#include "proto/dns_rr.h"

#include "base/poison.h"

#define HEADER_BYTES 12
#define TURNS_MAX 1000

static const unsigned char answer_a[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0,
	4, 127, 0, 0, 1 };
static const unsigned char answer_txt[] = { 0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60,
	0, 16, 15, 'v', '=', 'S', 'T', 'S', 'v', '1', ';', ' ', 'i', 'd', '=',
	'a', '1', ';' };

struct fixture {
	struct loop *loop;
	struct sts_discover_env env;
	int dns, https; /* https lets connect, and says nothing */
	struct loop_io io;
	struct sts_record_lookup *record;
	struct sts_fetch *fetch;
	unsigned calls;
};

static struct sockaddr_in loopback(void)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int socket_on(int type, uint16_t *port)
{
	struct sockaddr_in at = loopback();
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, n), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
	*port = ntohs(at.sin_port);
	return fd;
}

/* One TXT record, one A record, and nothing else. */
static void on_query(void *ctx, unsigned ready)
{
	struct fixture *f = ctx;
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	unsigned char p[512] = {};
	ssize_t got = recvfrom(
		f->dns, p, 400, 0, (struct sockaddr *)&from, &len);
	const unsigned char *more = NULL;
	size_t n = HEADER_BYTES, n_more = 0;

	(void)ready;
	assert_true(got > HEADER_BYTES);
	while (p[n] != 0)
		n += p[n] + 1u;
	n += 5;
	if (p[n - 3] == DNS_TYPE_A) {
		more = answer_a;
		n_more = sizeof(answer_a);
	} else if (p[n - 3] == DNS_TYPE_TXT) {
		more = answer_txt;
		n_more = sizeof(answer_txt);
	}
	p[2] |= 0x80;
	p[7] = more != NULL;
	p[11] = 0; /* without the EDNS of the question */
	if (more != NULL)
		memcpy(p + n, more, n_more);
	(void)sendto(f->dns, p, n + n_more, 0, (struct sockaddr *)&from, len);
}

static int setup(void **state)
{
	static struct fixture f;
	struct https_client_options https = { .user_agent = "moat" };
	char text[32];
	struct str server = { text, 0 };
	struct dns_lookups_options dns = {
		.mode = DNS_LOOKUP_OFF, .servers = &server, .n_servers = 1
	};
	uint16_t port;
	struct err e = {};

	f = (struct fixture){};
	f.loop = f.env.loop = loop_new();
	f.dns = socket_on(SOCK_DGRAM, &port);
	server.n = (size_t)snprintf(text, sizeof(text), "127.0.0.1:%u", port);
	f.https = socket_on(SOCK_STREAM, &f.env.port);
	assert_int_equal(listen(f.https, 128), 0);
	f.env.allow_private = true;
	f.env.fetch_ms = 300;
	assert_int_equal(
		https_client_new(f.loop, &https, &f.env.https, &e), ST_OK);
	assert_int_equal(dns_lookups_open(f.loop, &dns, &f.env.dns, &e), ST_OK);
	loop_io_start(&f.io, f.loop, f.dns, LOOP_READ, on_query, &f);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	loop_io_stop(&f->io);
	fd_close(&f->dns);
	fd_close(&f->https);
	dns_lookups_close(&f->env.dns);
	https_client_free(&f->env.https);
	loop_free(&f->loop);
	return 0;
}

static void on_record(void *ctx, const struct sts_record_result *r)
{
	struct fixture *f = ctx;

	f->calls++;
	assert_null(f->record);
	assert_false(r->temp);
	assert_int_equal(r->outcome, STS_RECORD_VALID);
	assert_str(r->id, "a1");
	assert_int_equal(r->ttl_s, 60);
}

static void on_fetch(void *ctx, const struct sts_fetch_result *r)
{
	struct fixture *f = ctx;

	f->calls++;
	assert_null(f->fetch);
	assert_false(r->fetched);
	assert_str(r->reason, "timeout");
	assert_int_equal(r->failure, TLSRPT_STS_POLICY_FETCH_ERROR);
	assert_int_equal(r->n_addrs, 1);
}

static void start(struct fixture *f)
{
	sts_record_start(&f->record, &f->env, STR("a.example"), on_record, f);
	sts_fetch_start(&f->fetch, &f->env, STR("a.example"), on_fetch, f);
	assert_non_null(f->record);
	assert_non_null(f->fetch);
	assert_int_equal(f->calls, 0);
}

/* Silence ends at fetch_ms, whatever the addresses may do. */
static void one_call_each(void **state)
{
	struct fixture *f = *state;

	start(f);
	while (f->calls < 2)
		loop_turn(f->loop, true);
	assert_null(f->record);
	assert_null(f->fetch);
}

static void none_after_a_cancel(void **state)
{
	struct fixture *f = *state;
	unsigned turns = 0;

	for (; f->calls < 2 && turns < TURNS_MAX; turns++) {
		f->calls = 0;
		start(f);
		for (unsigned i = 0; i < turns && f->calls < 2; i++)
			loop_turn(f->loop, true);
		if (f->calls == 2)
			break;
		sts_record_cancel(&f->record);
		sts_fetch_cancel(&f->fetch);
		assert_null(f->record);
		assert_null(f->fetch);
		sts_fetch_cancel(&f->fetch);
		loop_turn(f->loop, false);
	}
	assert_in_range(turns, 3, TURNS_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_call_each, setup, teardown),
		cmocka_unit_test_setup_teardown(
			none_after_a_cancel, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
