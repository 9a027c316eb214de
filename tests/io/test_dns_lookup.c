/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_lookup keeps the contract of everything asynchronous: no call before
 * start returns, one call or none after cancel, free in any callback. What it
 * makes of real and hostile resolvers: tests/system/test_dns_lookup.py.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/testing.h"

#include "io/addr.h"
#include "io/dns_lookup.h"
#include "io/fd.h"
#include "proto/dns_msg.h"
#include "proto/dns_rr.h"
#include "tests/io/tmpdir.h"

#include "base/poison.h"

#define MANY 2000
#define TIMEOUT_MS 5000
#define QR 0x80
#define ANCHOR "example. IN DS 1 13 2 " ZEROS ZEROS "\n"
#define ZEROS "00000000000000000000000000000000"

struct fixture {
	struct loop *loop;
	struct dns_lookups *lookups;
	char folder[32], anchor[64], address[64];
	int fd; /* of a server that says: no such records */
	struct loop_io io;
	bool silent;
	unsigned char rcode;
	unsigned queries;
	unsigned calls;
	enum status st;
	struct dns_lookup a, b;
	struct dns_lookup many[MANY];
};

static void on_query(void *ctx, unsigned ready)
{
	struct fixture *f = ctx;
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	unsigned char buf[512];
	ssize_t n = recvfrom(
		f->fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);

	(void)ready;
	f->queries++;
	if (n < 12 || f->silent)
		return;
	buf[2] |= QR;
	buf[3] |= f->rcode;
	(void)sendto(f->fd, buf, (size_t)n, 0, (struct sockaddr *)&from, len);
}

static void serve(struct fixture *f)
{
	struct addr at;
	struct sbuf b = sbuf_fixed(f->address, sizeof(f->address) - 1);
	int bytes = 1 << 22;

	assert_int_equal(addr_parse(STR("127.0.0.1"), 1, &at), ST_OK);
	addr_set_port(&at, 0);
	at.len = sizeof(struct sockaddr_in);
	f->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->fd, (struct sockaddr *)&at.ss, at.len), 0);
	assert_int_equal(
		getsockname(f->fd, (struct sockaddr *)&at.ss, &at.len), 0);
	(void)setsockopt(f->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	addr_write(&b, &at);
	loop_io_start(&f->io, f->loop, f->fd, LOOP_READ, on_query, f);
}

static void write_anchor(struct fixture *f)
{
	struct sbuf b = sbuf_fixed(f->anchor, sizeof(f->anchor) - 1);
	FILE *file;

	memcpy(f->folder, "/tmp/moat-test-XXXXXX", 22);
	tmpdir_make(f->folder);
	sbuf_fmt(&b, "%s/anchor", f->folder);
	file = fopen(f->anchor, "w");
	assert_non_null(file);
	assert_true(fputs(ANCHOR, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void open_lookups(struct fixture *f, enum dns_lookup_mode mode)
{
	struct str server = str_of(f->address);
	struct dns_lookups_options o = { .mode = mode,
		.servers = &server,
		.n_servers = 1,
		.root_anchor = f->anchor };
	struct err e = {};

	assert_int_equal(dns_lookups_open(f->loop, &o, &f->lookups, &e), ST_OK);
}

static int set_up(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	f->loop = loop_new();
	serve(f);
	write_anchor(f);
	open_lookups(f, DNS_LOOKUP_TRUST);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	dns_lookups_close(&f->lookups);
	loop_io_stop(&f->io);
	fd_close(&f->fd);
	loop_free(&f->loop);
	tmpdir_remove(f->folder);
	test_free(f);
	return 0;
}

static void on_done(void *ctx, enum status st, const struct resolver_answer *a,
	const struct err *e)
{
	struct fixture *f = ctx;

	assert_true((st == ST_OK) == (a != NULL));
	assert_true(st == ST_OK || e->text[0] != '\0');
	f->calls++;
	f->st = st;
}

static void ask(struct fixture *f, struct dns_lookup *q, dns_lookup_fn *done)
{
	dns_lookup_start(q, f->lookups, STR("a.example"), DNS_TYPE_A,
		TIMEOUT_MS, done, f);
}

static void wait_calls(struct fixture *f, unsigned calls)
{
	while (f->calls < calls)
		loop_turn(f->loop, true);
}

static void an_answer_comes_once(void **state)
{
	struct fixture *f = *state;

	ask(f, &f->a, on_done);
	assert_int_equal(f->calls, 0);
	wait_calls(f, 1);
	assert_int_equal(f->st, ST_OK);
	assert_null(f->a.query);
	loop_turn(f->loop, false);
	assert_int_equal(f->calls, 1);
}

static void a_bad_name_is_told_later(void **state)
{
	struct fixture *f = *state;

	dns_lookup_start(&f->a, f->lookups, STR("a..example"), DNS_TYPE_A,
		TIMEOUT_MS, on_done, f);
	assert_int_equal(f->calls, 0);
	loop_turn(f->loop, false);
	assert_int_equal(f->calls, 1);
	assert_int_equal(f->st, ST_INVALID);
}

static void a_deadline_is_kept(void **state)
{
	struct fixture *f = *state;

	f->silent = true;
	dns_lookup_start(&f->a, f->lookups, STR("a.example"), DNS_TYPE_A, 20,
		on_done, f);
	wait_calls(f, 1);
	assert_int_equal(f->st, ST_TEMP);
}

static void without_servers_all_is_temporary(void **state)
{
	static const enum dns_lookup_mode modes[] = { DNS_LOOKUP_TRUST,
		DNS_LOOKUP_VALIDATE };
	struct fixture *f = *state;
	struct dns_lookups_options o = { .resolv_conf = "/nonexistent/conf",
		.root_anchor = f->anchor };
	struct err e = {};

	for (size_t i = 0; i < 2; i++) {
		dns_lookups_close(&f->lookups);
		o.mode = modes[i];
		assert_int_equal(
			dns_lookups_open(f->loop, &o, &f->lookups, &e), ST_OK);
		f->calls = 0;
		ask(f, &f->a, on_done);
		assert_int_equal(f->calls, 0);
		wait_calls(f, 1);
		assert_int_equal(f->st, ST_TEMP);
	}
}

static void cancelled_is_not_called(void **state)
{
	struct fixture *f = *state;

	dns_lookup_cancel(&f->a);
	ask(f, &f->a, on_done);
	dns_lookup_cancel(&f->a);
	ask(f, &f->a, on_done);
	wait_calls(f, 1);
	dns_lookup_start(
		&f->b, f->lookups, STR(""), DNS_TYPE_A, TIMEOUT_MS, on_done, f);
	dns_lookup_cancel(&f->b);
	dns_lookup_cancel(&f->b);
	loop_turn(f->loop, false);
	assert_int_equal(f->calls, 1);
}

static void cancel_the_other(void *ctx, enum status st,
	const struct resolver_answer *a, const struct err *e)
{
	struct fixture *f = ctx;

	on_done(ctx, st, a, e);
	dns_lookup_cancel(&f->a);
	dns_lookup_cancel(&f->b);
}

static void a_callback_may_cancel_others(void **state)
{
	struct fixture *f = *state;

	ask(f, &f->a, cancel_the_other);
	ask(f, &f->b, cancel_the_other);
	wait_calls(f, 1);
	ask(f, &f->many[0], on_done);
	wait_calls(f, 2);
	assert_null(f->a.query);
	assert_null(f->b.query);
}

static void close_all(void *ctx, enum status st,
	const struct resolver_answer *a, const struct err *e)
{
	struct fixture *f = ctx;

	on_done(ctx, st, a, e);
	dns_lookups_close(&f->lookups);
}

static void a_callback_may_close(void **state)
{
	struct fixture *f = *state;

	ask(f, &f->a, close_all);
	ask(f, &f->b, on_done);
	wait_calls(f, 1);
	loop_turn(f->loop, false);
	assert_int_equal(f->calls, 1);
	assert_null(f->b.query);
}

static void ask_again(void *ctx, enum status st,
	const struct resolver_answer *a, const struct err *e)
{
	struct fixture *f = ctx;

	on_done(ctx, st, a, e);
	if (f->calls < 100)
		ask(f, &f->a, ask_again);
}

static void a_callback_may_ask_again(void **state)
{
	struct fixture *f = *state;

	ask(f, &f->a, ask_again);
	wait_calls(f, 100);
	assert_int_equal(dns_lookups_counts(f->lookups).started, 100);
}

/* More than there are sockets. */
static void many_at_once(void **state)
{
	struct fixture *f = *state;
	struct dns_lookups_counts n;

	for (size_t i = 0; i < MANY; i++)
		ask(f, &f->many[i], on_done);
	wait_calls(f, MANY);
	n = dns_lookups_counts(f->lookups);
	assert_int_equal(n.started, MANY);
	assert_int_equal(n.failed, 0);
	assert_int_equal(n.ignored, 0);
}

static void libunbound_keeps_the_contract(void **state)
{
	struct fixture *f = *state;

	dns_lookups_close(&f->lookups);
	open_lookups(f, DNS_LOOKUP_VALIDATE);
	f->silent = true;
	ask(f, &f->a, on_done);
	ask(f, &f->b, on_done);
	while (f->queries == 0)
		loop_turn(f->loop, true);
	dns_lookup_cancel(&f->a);
	dns_lookup_cancel(&f->b);
	dns_lookup_start(&f->a, f->lookups, STR("b.example"), DNS_TYPE_A, 20,
		on_done, f);
	wait_calls(f, 1);
	assert_int_equal(f->st, ST_TEMP);
	/* libunbound answers these itself, while it is being asked. */
	dns_lookup_start(&f->a, f->lookups, STR("localhost"), DNS_TYPE_A,
		TIMEOUT_MS, on_done, f);
	assert_int_equal(f->calls, 1);
	wait_calls(f, 2);
	assert_int_equal(f->st, ST_OK);
	ask(f, &f->a, on_done);
	dns_lookup_start(&f->b, f->lookups, STR("c.example"), DNS_TYPE_A, 20,
		close_all, f);
	wait_calls(f, 3);
	loop_turn(f->loop, false);
	assert_int_equal(f->calls, 3);
}

/* libunbound remembers a failure, and tells it while it is being asked. */
static void a_remembered_failure_is_a_failure(void **state)
{
	struct fixture *f = *state;

	dns_lookups_close(&f->lookups);
	open_lookups(f, DNS_LOOKUP_VALIDATE);
	f->rcode = DNS_SERVFAIL;
	for (unsigned i = 1; i <= 3; i++) {
		dns_lookup_start(&f->a, f->lookups, STR("a.example.net"),
			DNS_TYPE_MX, TIMEOUT_MS, on_done, f);
		wait_calls(f, i);
		assert_int_equal(f->st, ST_TEMP);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_comes_once),
		TEST(a_bad_name_is_told_later),
		TEST(a_deadline_is_kept),
		TEST(without_servers_all_is_temporary),
		TEST(cancelled_is_not_called),
		TEST(a_callback_may_cancel_others),
		TEST(a_callback_may_close),
		TEST(a_callback_may_ask_again),
		TEST(many_at_once),
		TEST(libunbound_keeps_the_contract),
		TEST(a_remembered_failure_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
