/* SPDX-License-Identifier: Apache-2.0 */
/*
 * https_get: its contract as an asynchronous call, and the trust store. What it
 * makes of servers is in tests/system/test_fetch.py.
 */
#include "tests/testing.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/num.h"
#include "io/fd.h"
#include "io/https_get.h"

#include "base/poison.h"

#define HOST "mta-sts.a.test"
#define MANY 50
#define PATH_BYTES 128

static char dir[] = "/tmp/moat-test-XXXXXX";
static char cert[PATH_BYTES], key[PATH_BYTES], other[PATH_BYTES];
static char ca[PATH_BYTES];
static pid_t server;
static uint32_t port;
static struct loop *loop;

/* What the callback saw; one for each GET. */
struct seen {
	unsigned calls;
	enum https_outcome outcome;
	enum tls_cert cert;
	int status;
	struct https_get *g;
	unsigned *left; /* the loop stops with the last one */
};

static void shell(const char *command)
{
	assert_int_equal(system(command), 0);
}

static void make_cert(const char *name, char file[PATH_BYTES])
{
	char command[1024];

	(void)snprintf(file, PATH_BYTES, "%s/%s.pem", dir, name);
	(void)snprintf(command, sizeof(command),
		"openssl req -x509 -newkey ec -pkeyopt "
		"ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=%s -addext "
		"subjectAltName=DNS:" HOST " -keyout %s -out %s 2>/dev/null",
		name, key, file);
	shell(command);
}

static void start_server(void)
{
	char text[16] = "";
	int out[2];

	assert_int_equal(pipe(out), 0);
	server = fork();
	if (server == 0) {
		(void)dup2(out[1], STDOUT_FILENO);
		(void)close(out[0]);
		(void)execl("/usr/bin/python3", "python3", HTTPS_SERVER, cert,
			key, (char *)NULL);
		_exit(127);
	}
	(void)close(out[1]);
	assert_true(read(out[0], text, sizeof(text) - 1) > 0);
	(void)close(out[0]);
	text[strcspn(text, "\n")] = '\0';
	assert_int_equal(num_u32(str_of(text), 1, 65535, &port), ST_OK);
}

static int setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(key, sizeof(key), "%s/key", dir);
	(void)snprintf(ca, sizeof(ca), "%s/ca.pem", dir);
	make_cert("other", other);
	make_cert("good", cert);
	start_server();
	loop = loop_new();
	return 0;
}

static int teardown(void **state)
{
	const char *files[] = { cert, key, other, ca };

	(void)state;
	loop_free(&loop);
	(void)kill(server, SIGTERM);
	(void)waitpid(server, NULL, 0);
	for (size_t i = 0; i < 4; i++)
		(void)unlink(files[i]);
	(void)rmdir(dir);
	return 0;
}

static struct https_client *client(const char *ca_file)
{
	struct https_client_options o = { .ca_file = ca_file,
		.user_agent = "moat" };
	struct https_client *c = NULL;
	struct err e = {};

	assert_int_equal(https_client_new(loop, &o, &c, &e), ST_OK);
	return c;
}

static void on_done(void *ctx, const struct https_result *r)
{
	struct seen *s = ctx;

	s->calls++;
	s->outcome = r->outcome;
	s->cert = r->cert;
	s->status = r->http_status;
	assert_null(s->g);
	if (s->left == NULL || --*s->left == 0)
		loop_stop(loop);
}

static void start_at(struct https_client *c, struct seen *s, uint32_t to)
{
	const unsigned char ip[4] = { 127, 0, 0, 1 };
	struct addr a = addr_of_bytes(
		(struct str){ (const char *)ip, 4 }, (uint16_t)to);
	struct https_get_request r = { .host = STR(HOST),
		.path = STR("/hello"),
		.addrs = &a,
		.n_addrs = 1,
		.deadline_ms = 20000,
		.connect_ms = 20000,
		.max_bytes = 1000 };

	https_get_start(&s->g, c, &r, on_done, s);
	assert_non_null(s->g);
	assert_int_equal(s->calls, 0);
}

static void many_at_once(void **state)
{
	struct https_client *c = client(cert);
	struct seen s[MANY] = {};
	unsigned left = MANY;

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		s[i].left = &left;
		start_at(c, &s[i], port);
	}
	loop_run(loop);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(s[i].calls, 1);
		assert_int_equal(s[i].outcome, HTTPS_DONE);
		assert_int_equal(s[i].status, 200);
	}
	https_client_free(&c);
	https_client_free(&c);
}

/* A failure known at once is told later all the same. */
static void never_before_it_returns(void **state)
{
	struct https_client *c = client(cert);
	struct https_get_request r = { .host = STR(HOST),
		.path = STR("/"),
		.deadline_ms = 1000,
		.connect_ms = 1000 };
	struct seen s = {};

	(void)state;
	https_get_start(&s.g, c, &r, on_done, &s);
	assert_int_equal(s.calls, 0);
	loop_run(loop);
	assert_int_equal(s.calls, 1);
	assert_int_equal(s.outcome, HTTPS_NO_ADDRESS);
	https_client_free(&c);
}

/* Cancelled after any number of turns, it never calls back. */
static void cancel_at_any_time(void **state)
{
	struct https_client *c = client(cert);
	struct seen s = {};

	(void)state;
	for (unsigned turns = 0; s.calls == 0; turns++) {
		start_at(c, &s, port);
		for (unsigned i = 0; i < turns && s.calls == 0; i++)
			loop_turn(loop, true);
		https_get_cancel(&s.g);
		assert_null(s.g);
		https_get_cancel(&s.g);
		loop_turn(loop, false);
	}
	assert_int_equal(s.calls, 1);
	assert_int_equal(s.outcome, HTTPS_DONE);
	https_client_free(&c);
}

struct pair {
	struct seen first, second;
};

static void cancel_the_other(void *ctx, const struct https_result *r)
{
	struct pair *p = ctx;

	on_done(&p->first, r);
	https_get_cancel(&p->second.g);
}

static void cancel_in_a_callback(void **state)
{
	struct https_client *c = client(cert);
	struct https_get_request r = { .host = STR(HOST),
		.path = STR("/"),
		.deadline_ms = 1000,
		.connect_ms = 1000 };
	struct pair p = {};

	(void)state;
	https_get_start(&p.first.g, c, &r, cancel_the_other, &p);
	https_get_start(&p.second.g, c, &r, on_done, &p.second);
	loop_run(loop);
	loop_turn(loop, false);
	assert_int_equal(p.first.calls, 1);
	assert_int_equal(p.second.calls, 0);
	https_client_free(&c);
}

static void copy(const char *from, const char *to)
{
	char command[1024];

	(void)snprintf(command, sizeof(command), "cp %s %s.new && mv %s.new %s",
		from, to, to, to);
	shell(command);
}

/* A new bundle counts from the next look on; a broken one does not. */
static void bundle_is_read_again(void **state)
{
	struct tls_client *c = NULL;
	struct err e = {};

	(void)state;
	copy(other, ca);
	assert_int_equal(tls_client_new(ca, &c, &e), ST_OK);
	assert_int_equal(tls_client_refresh(c, &e), ST_OK);
	copy("/dev/null", ca);
	assert_int_equal(tls_client_refresh(c, &e), ST_PERM);
	assert_int_equal(tls_client_refresh(c, &e), ST_PERM);
	assert_int_equal(unlink(ca), 0);
	assert_int_equal(tls_client_refresh(c, &e), ST_PERM);
	copy(cert, ca);
	assert_int_equal(tls_client_refresh(c, &e), ST_OK);
	tls_client_free(&c);
	tls_client_free(&c);
	assert_int_equal(
		tls_client_new("/nonexistent/ca.pem", &c, &e), ST_PERM);
	assert_non_null(strstr(e.text, "/nonexistent/ca.pem"));
}

static void only_the_bundle_counts(void **state)
{
	struct https_client *c = client(other);
	struct seen s = {};

	(void)state;
	start_at(c, &s, port);
	loop_run(loop);
	assert_int_equal(s.outcome, HTTPS_CERT);
	assert_int_equal(s.cert, TLS_CERT_SELF_SIGNED);
	https_client_free(&c);
}

static void user_agent_is_one_line(void **state)
{
	struct https_client_options o = { .ca_file = cert,
		.user_agent = "moat\r\nHost: other" };
	struct https_client *c = NULL;
	struct err e = {};

	(void)state;
	assert_int_equal(https_client_new(loop, &o, &c, &e), ST_INVALID);
	assert_null(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_at_once),
		cmocka_unit_test(never_before_it_returns),
		cmocka_unit_test(cancel_at_any_time),
		cmocka_unit_test(cancel_in_a_callback),
		cmocka_unit_test(bundle_is_read_again),
		cmocka_unit_test(only_the_bundle_counts),
		cmocka_unit_test(user_agent_is_one_line),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
