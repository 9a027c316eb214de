/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dane_discover keeps the contract of the loop and its deadline. What it makes
 * of the DNS: tests/system/test_dane.py.
 */
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/testing.h"

#include "io/addr.h"
#include "io/fd.h"
#include "outbound/dane_discover.h"
#include "proto/dns_rr.h"

#include "base/poison.h"

#define SHORT_MS 30
#define MIDDLE_MS 500
#define LONG_MS 5000
#define QR_AD 0x20
#define OPT_BYTES 11

/* Behind the question: 10 mx.a.example., for 300 s; then 127.0.0.1. */
static const char mx_answer[] = "\xc0\x0c\0\x0f\0\1\0\0\1\x2c\0\x07"
				"\0\x0a\2mx\xc0\x0c";
static const char a_answer[] = "\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4\x7f\0\0\1";

struct fixture {
	struct loop *loop;
	struct dns_lookups *lookups;
	int fd; /* of a server that knows MX, and A if it is told to */
	struct loop_io io;
	bool knows_mx, knows_a;
	unsigned calls;
	struct dane_result r;
	struct arena *arena;
	struct dane_discover d;
};

static size_t answer(unsigned char *buf, size_t n, const char *rr, size_t rr_n)
{
	n -= OPT_BYTES;
	buf[2] |= 0x80;
	buf[3] |= QR_AD;
	buf[7] = 1; /* answers */
	buf[11] = 0;
	memcpy(buf + n, rr, rr_n);
	return n + rr_n;
}

static void on_query(void *ctx, unsigned ready)
{
	struct fixture *f = ctx;
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	unsigned char buf[512];
	ssize_t got = recvfrom(
		f->fd, buf, 400, 0, (struct sockaddr *)&from, &len);
	size_t n = got < OPT_BYTES + 16 ? 0 : (size_t)got;
	uint16_t type = n == 0 ? 0 : buf[n - OPT_BYTES - 3];

	(void)ready;
	if (type == DNS_TYPE_MX && f->knows_mx)
		n = answer(buf, n, mx_answer, sizeof(mx_answer) - 1);
	else if (type == DNS_TYPE_A && f->knows_a)
		n = answer(buf, n, a_answer, sizeof(a_answer) - 1);
	else
		return;
	(void)sendto(f->fd, buf, n, 0, (struct sockaddr *)&from, len);
}

static int set_up(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	char text[64];
	struct sbuf b = sbuf_fixed(text, sizeof(text));
	struct dns_lookups_options o = { .mode = DNS_LOOKUP_TRUST,
		.n_servers = 1 };
	struct addr at;
	struct str server;

	assert_int_equal(addr_parse(STR("127.0.0.1"), 1, &at), ST_OK);
	addr_set_port(&at, 0);
	f->loop = loop_new();
	f->arena = arena_must(0);
	f->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->fd, (struct sockaddr *)&at.ss, at.len), 0);
	assert_int_equal(
		getsockname(f->fd, (struct sockaddr *)&at.ss, &at.len), 0);
	addr_write(&b, &at);
	server = sbuf_str(&b);
	o.servers = &server;
	assert_int_equal(
		dns_lookups_open(f->loop, &o, &f->lookups, NULL), ST_OK);
	loop_io_start(&f->io, f->loop, f->fd, LOOP_READ, on_query, f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	dane_discover_cancel(&f->d);
	dns_lookups_close(&f->lookups);
	loop_io_stop(&f->io);
	fd_close(&f->fd);
	loop_free(&f->loop);
	arena_free(&f->arena);
	test_free(f);
	return 0;
}

static void on_result(void *ctx, const struct dane_result *r)
{
	struct fixture *f = ctx;

	f->r = *r;
	f->calls++;
}

static void start(struct fixture *f, const char *host, bool given, int ms)
{
	struct dane_discover_env env = { f->loop, f->lookups, ms };
	struct dane_target target = { .host = str_of(host),
		.given_host = given };

	f->calls = 0;
	dane_discover_start(&f->d, &env, f->arena, &target, on_result, f);
	assert_int_equal(f->calls, 0);
}

static void finish(struct fixture *f)
{
	while (f->calls == 0)
		loop_turn(f->loop, true);
	assert_int_equal(f->calls, 1);
	assert_null(f->d.run);
}

static void nothing_known_in_time_is_temporary(void **state)
{
	struct fixture *f = *state;

	start(f, "a.example", false, SHORT_MS);
	finish(f);
	assert_int_equal(f->r.state, DANE_TEMP);
	assert_false(f->r.mx_known);
	assert_int_equal(f->r.ttl_s, DANE_TTL_TEMP_S);
}

static void hosts_not_reached_in_time_are_temporary(void **state)
{
	struct fixture *f = *state;

	f->knows_mx = true;
	start(f, "a.example", false, MIDDLE_MS);
	finish(f);
	assert_int_equal(f->r.state, DANE_TEMP);
	assert_true(f->r.mx_known && f->r.mx_secure);
	assert_int_equal(f->r.mx[0].dane, DANE_HOST_BROKEN);
	f->knows_a = true;
	start(f, "a.example", false, MIDDLE_MS);
	finish(f);
	assert_int_equal(f->r.state, DANE_TEMP);
	assert_int_equal(f->r.mx[0].dane, DANE_HOST_TEMP);
	assert_str(f->r.mx[0].name, "mx.a.example");
}

static void a_given_host_is_told_later(void **state)
{
	struct fixture *f = *state;

	start(f, "mx.a.example", true, SHORT_MS);
	finish(f);
	assert_int_equal(f->r.state, DANE_TEMP);
	assert_true(f->r.mx_known && f->r.mx_secure);
}

static void cancelled_is_not_called(void **state)
{
	static const bool given[] = { false, true };
	struct fixture *f = *state;

	dane_discover_cancel(&f->d);
	for (size_t i = 0; i < 2; i++) {
		f->knows_mx = true;
		start(f, "a.example", given[i], LONG_MS);
		dane_discover_cancel(&f->d);
		loop_turn(f->loop, false);
		assert_int_equal(f->calls, 0);
		start(f, "a.example", given[i], LONG_MS);
		for (int k = 0; k < 3; k++) /* until a host is looked up */
			loop_turn(f->loop, true);
		dane_discover_cancel(&f->d);
		loop_turn(f->loop, false);
		assert_int_equal(f->calls, 0);
	}
}

/* Where there is no memory for evidence nothing is proven. */
static void a_small_arena_proves_nothing(void **state)
{
	struct fixture *f = *state;
	bool ended = false;

	f->knows_mx = f->knows_a = true;
	for (size_t bytes = 1024; !ended && bytes < 65536; bytes += 128) {
		arena_free(&f->arena);
		f->arena = arena_must(bytes);
		start(f, "mx.a.example", true, SHORT_MS);
		finish(f);
		assert_int_equal(f->r.state, DANE_TEMP);
		ended = !arena_full(f->arena);
	}
	assert_true(ended);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_known_in_time_is_temporary),
		TEST(hosts_not_reached_in_time_are_temporary),
		TEST(a_given_host_is_told_later),
		TEST(cancelled_is_not_called),
		TEST(a_small_arena_proves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
