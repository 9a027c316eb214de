/* SPDX-License-Identifier: Apache-2.0 */
/* The edge: names and certificates, challenges, requests, slow clients. */
#include "tests/hosting/edge_fixture.h"

#include "base/poison.h"

static void a_policy_is_served(void **state)
{
	struct fixture f;
	struct client *c;
	const char *body;

	(void)state;
	start(&f);
	c = dial_as(&f, "MTA-STS.a.example");
	say(c, STR(GET(WELL_KNOWN, "mta-sts.A.example:443")));
	expect(c, "HTTP/1.1 200 OK\r\n", 1);
	body = strstr(c->got, "\r\n\r\n") + 4;
	assert_string_equal(body, POLICY);
	assert_non_null(strstr(c->got, "\r\nContent-Type: text/plain\r\n"));
	assert_non_null(strstr(c->got, "\r\nCache-Control: no-cache\r\n"));
	assert_non_null(strstr(c->got, "\r\nDate: "));
	hang_up(&c);
	c = dial_as(&f, "mta-sts.a.example");
	say(c, STR("HEAD " WELL_KNOWN " HTTP/1.1\r\n"
		   "Host: mta-sts.a.example\r\n\r\n"));
	expect(c, "HTTP/1.1 200 OK\r\n", 1);
	assert_string_equal(strstr(c->got, "\r\n\r\n"), "\r\n\r\n");
	hang_up(&c);
	finish(&f);
}

static void everything_else_is_refused_in_text(void **state)
{
	static const struct {
		const char *host, *request, *answer;
	} rows[] = {
		{ "mta-sts.a.example", GET("/", "mta-sts.a.example"),
			"HTTP/1.1 404 " },
		{ "mta-sts.a.example", GET(WELL_KNOWN, "mta-sts.b.example"),
			"HTTP/1.1 404 " },
		{ "mta-sts.a.example", GET(WELL_KNOWN, "other.example"),
			"HTTP/1.1 404 " },
		{ "mta-sts.a.example", "GET " WELL_KNOWN " HTTP/1.0\r\n\r\n",
			"HTTP/1.1 404 " },
		{ "mta-sts.b.example", GET(WELL_KNOWN, "mta-sts.b.example"),
			"HTTP/1.1 404 " },
		{ "mta-sts.a.example",
			"POST " WELL_KNOWN " HTTP/1.1\r\n"
			"Host: mta-sts.a.example\r\nContent-Length: 0\r\n\r\n",
			"HTTP/1.1 405 " },
		{ "mta-sts.a.example", "GET / HTTP/1.1\r\n\r\n",
			"HTTP/1.1 400 " },
		{ "mta-sts.a.example", "GET / HTTP/3.1\r\n\r\n",
			"HTTP/1.1 505 " },
		{ "rua.example", GET(TLSRPT, "rua.example"), "HTTP/1.1 405 " },
		{ "rua.example", GET("/", "rua.example"), "HTTP/1.1 404 " },
		{ "rua.example", GET(WELL_KNOWN, "mta-sts.a.example"),
			"HTTP/1.1 404 " },
		{ "console.example", GET("/", "console.example"),
			"HTTP/1.1 404 " },
		{ "mta-sts.a.example",
			GET("/.well-known/acme-challenge/tok-1",
				"mta-sts.a.example"),
			"HTTP/1.1 404 " },
	};
	struct fixture f;

	(void)state;
	start(&f);
	for (size_t i = 0; i < COUNT(rows); i++)
		ask(&f, rows[i].host, rows[i].request, rows[i].answer);
	finish(&f);
}

/* Promise 5: an alert, never another's certificate. */
static void count_faults(void *ctx, struct str line)
{
	int *n = ctx;

	*n += memmem(line.p, line.n, "edge.certificate", 16) != NULL;
}

static void strangers_names_get_an_alert(void **state)
{
	static const char *const names[] = { NULL, "unknown.example",
		"a.example", "x.mta-sts.a.example", "mta-sts.a.example.",
		"192.0.2.1" };
	struct fixture f;
	int faults = 0;
	struct client *c;

	(void)state;
	start(&f);
	for (size_t i = 0; i < COUNT(names); i++) {
		c = dial(&f, true);
		assert_int_equal(
			handshake(c, names[i], NULL), SSL_AD_UNRECOGNIZED_NAME);
		hang_up(&c);
	}
	known[1].host.n_chain = 0; /* no certificate yet */
	c = dial(&f, true);
	assert_int_equal(handshake(c, "mta-sts.b.example", NULL),
		SSL_AD_UNRECOGNIZED_NAME);
	hang_up(&c);
	known[2].host.key_sealed = STR("rubbish");
	log_set_sink(count_faults, &faults);
	for (int i = 0; i < 3; i++) {
		c = dial(&f, true);
		assert_int_equal(handshake(c, "rua.example", NULL),
			SSL_AD_INTERNAL_ERROR);
		hang_up(&c);
	}
	log_set_sink(NULL, NULL);
	assert_int_equal(faults, 1); /* a stranger fills no log */
	log_set_level(LOG_ERROR + 1);
	view_down = true;
	c = dial(&f, true);
	assert_int_equal(
		handshake(c, "mta-sts.a.example", NULL), SSL_AD_INTERNAL_ERROR);
	hang_up(&c);
	finish(&f);
}

static void each_name_gets_its_own_certificate(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	/* more names than the cache holds, in turns */
	for (size_t i = 0; i < 3 * COUNT(known); i++) {
		struct known *k = &known[i * 3 % COUNT(known)];
		struct client *c = dial_as(&f, k->name);
		X509 *cert = SSL_get1_peer_certificate(c->ssl);
		unsigned char *der = NULL;
		int n = i2d_X509(cert, &der);

		assert_int_equal(n, k->host.chain[0].n);
		assert_memory_equal(der, k->host.chain[0].p, (size_t)n);
		assert_int_equal(
			sk_X509_num(SSL_get_peer_cert_chain(c->ssl)), 2);
		OPENSSL_free(der);
		X509_free(cert);
		hang_up(&c);
	}
	finish(&f);
}

static void acme_alpn_shows_the_challenge(void **state)
{
	struct fixture f;
	struct client *c;
	unsigned char *der = NULL;
	X509 *cert;
	int n;

	(void)state;
	start(&f);
	c = dial(&f, true);
	assert_int_equal(handshake(c, "mta-sts.a.example", "acme-tls/1"), 0);
	cert = SSL_get1_peer_certificate(c->ssl);
	n = i2d_X509(cert, &der);
	assert_int_equal(n, known[0].host.alpn_cert.n);
	assert_memory_equal(der, known[0].host.alpn_cert.p, (size_t)n);
	OPENSSL_free(der);
	X509_free(cert);
	expect_closed(c);
	hang_up(&c);
	known[0].host.alpn_cert = (struct str){};
	c = dial(&f, true);
	assert_int_equal(handshake(c, "mta-sts.a.example", "acme-tls/1"),
		SSL_AD_UNRECOGNIZED_NAME);
	hang_up(&c);
	c = dial(&f, true);
	assert_int_equal(handshake(c, "mta-sts.a.example", "h2"),
		SSL_AD_NO_APPLICATION_PROTOCOL);
	hang_up(&c);
	finish(&f);
}

static void port_80_answers_challenges_only(void **state)
{
	static const struct {
		const char *request, *answer;
	} rows[] = {
		{ GET("/.well-known/acme-challenge/tok-1", "mta-sts.a.example"),
			"HTTP/1.1 200 " },
		{ GET("/.well-known/acme-challenge/tok-2", "mta-sts.a.example"),
			"HTTP/1.1 404 " },
		{ GET("/.well-known/acme-challenge/tok-1", "mta-sts.b.example"),
			"HTTP/1.1 404 " },
		{ GET("/.well-known/acme-challenge/", "mta-sts.a.example"),
			"HTTP/1.1 404 " },
		{ GET(WELL_KNOWN, "mta-sts.a.example"), "HTTP/1.1 404 " },
		{ GET(TLSRPT, "rua.example"), "HTTP/1.1 404 " },
		{ GET("/.well-known/acme-challenge/tok-1", "nobody.example"),
			"HTTP/1.1 404 " },
	};
	struct fixture f;

	(void)state;
	start(&f);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct client *c = dial(&f, false);

		say(c, str_of(rows[i].request));
		expect(c, rows[i].answer, 1);
		if (i == 0)
			assert_non_null(strstr(c->got, "\r\n\r\ntok-1.abc"));
		hang_up(&c);
	}
	finish(&f);
}

static void requests_are_pipelined_and_split(void **state)
{
	static const char one[] = GET(WELL_KNOWN, "mta-sts.a.example");
	struct fixture f;
	struct client *c;

	(void)state;
	start(&f);
	c = dial_as(&f, "mta-sts.a.example");
	for (int i = 0; i < 40; i++)
		say(c, STR(GET(WELL_KNOWN, "mta-sts.a.example")));
	expect(c, "HTTP/1.1 200 OK\r\n", 40);
	for (size_t i = 0; i < sizeof(one) - 1; i++) {
		say(c, (struct str){ one + i, 1 });
		turn(&f);
	}
	expect(c, "HTTP/1.1 200 OK\r\n", 41);
	say(c, STR("GET / HTTP/1.1\r\nHost: mta-sts.a.example\r\n"
		   "Connection: close\r\n\r\n"));
	expect(c, "HTTP/1.1 404 Not Found\r\n", 1);
	expect_closed(c);
	hang_up(&c);
	finish(&f);
}

/* 502: it got as far as the console, which is not there. */
static void slow_senders_leave_the_console_to_others(void **state)
{
	struct edge_options options = OPTIONS;
	struct client *slow[70];
	struct fixture f;

	(void)state;
	options.max_per_address = 100;
	options.console_socket = "/nonexistent/admin.sock";
	start_with(&f, options);
	for (size_t i = 0; i < COUNT(slow); i++) {
		slow[i] = dial_as(&f, "console.example");
		say(slow[i], STR("POST / HTTP/1.1\r\nHost: console.example\r\n"
				 "Content-Length: 5\r\n\r\nhe"));
		turn(&f);
	}
	ask(&f, "console.example", GET("/", "console.example"),
		"HTTP/1.1 502 ");
	for (size_t i = 0; i < COUNT(slow); i++)
		hang_up(&slow[i]);
	finish(&f);
}

static void slow_clients_run_out_of_time(void **state)
{
	static const char *const begun[] = { GET(WELL_KNOWN,
						     "mta-sts.a.example"),
		"GET / HT", POST_HEAD "Content-Length: 5\r\n\r\nhe" };
	struct edge_options options = OPTIONS;
	struct client *quiet, *idle, *head, *body;
	struct fixture f;

	(void)state;
	options.head_ms = options.idle_ms = options.body_ms = 1500;
	start_with(&f, options);
	quiet = dial(&f, true); /* no ClientHello */
	idle = dial_as(&f, "mta-sts.a.example");
	say(idle, str_of(begun[0]));
	head = dial_as(&f, "mta-sts.a.example");
	say(head, str_of(begun[1]));
	body = dial_as(&f, "rua.example");
	say(body, str_of(begun[2]));
	expect(idle, "HTTP/1.1 200 ", 1);
	expect(head, "HTTP/1.1 408 ", 1);
	expect(body, "HTTP/1.1 408 ", 1);
	expect_closed(idle);
	expect_closed(quiet);
	assert_int_equal(times(idle->got, "HTTP/1.1 "), 1);
	hang_up(&quiet);
	hang_up(&idle);
	hang_up(&head);
	hang_up(&body);
	finish(&f);
}

static void a_head_without_end_is_cut_off(void **state)
{
	char junk[1000];
	struct fixture f;
	struct client *c;

	(void)state;
	memset(junk, 'a', sizeof(junk));
	start(&f);
	c = dial_as(&f, "mta-sts.a.example");
	say(c, STR("GET / HTTP/1.1\r\nX: "));
	for (int i = 0; i < 9; i++)
		say(c, (struct str){ junk, sizeof(junk) });
	expect(c, "HTTP/1.1 431 ", 1);
	expect_closed(c);
	hang_up(&c);
	finish(&f);
}

/* Ending the server at every moment of a report leaks and crashes nothing. */
static void it_ends_at_any_moment(void **state)
{
	(void)state;
	for (int turns = 0; turns < 12; turns++) {
		struct fixture f;
		struct client *c;

		start(&f);
		c = dial_as(&f, "rua.example");
		say(c, STR(POST_HEAD "Content-Length: 5\r\n\r\nhello"));
		for (int i = 0; i < turns; i++)
			loop_turn(f.loop, false);
		edge_free(&f.edge);
		hang_up(&c);
		finish(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_is_served),
		cmocka_unit_test(everything_else_is_refused_in_text),
		cmocka_unit_test(strangers_names_get_an_alert),
		cmocka_unit_test(each_name_gets_its_own_certificate),
		cmocka_unit_test(acme_alpn_shows_the_challenge),
		cmocka_unit_test(port_80_answers_challenges_only),
		cmocka_unit_test(requests_are_pipelined_and_split),
		cmocka_unit_test(slow_senders_leave_the_console_to_others),
		cmocka_unit_test(slow_clients_run_out_of_time),
		cmocka_unit_test(a_head_without_end_is_cut_off),
		cmocka_unit_test(it_ends_at_any_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
