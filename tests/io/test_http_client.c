/* SPDX-License-Identifier: Apache-2.0 */
/* http_client against Python's TLS server, with certificates of openssl(1). */
#include "tests/testing.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/num.h"
#include "io/addr.h"
#include "io/http_client.h"

#include "base/poison.h"

#define HOST "mta-sts.a.test"
#define MAX_BYTES 10000

struct server {
	char cert[128], key[128];
	pid_t pid;
	uint32_t port;
};

static char dir[] = "/tmp/moat-test-XXXXXX";
static struct server good, only_cn, partial;
static struct arena *a;
static struct err e;

/* A certificate for the words given to openssl req, and a server with it. */
static void serve(struct server *s, const char *name, const char *words)
{
	char command[1024], text[16] = "";
	int out[2];

	(void)snprintf(s->cert, sizeof(s->cert), "%s/%s.pem", dir, name);
	(void)snprintf(s->key, sizeof(s->key), "%s/%s.key", dir, name);
	(void)snprintf(command, sizeof(command),
		"openssl req -x509 -newkey ec -pkeyopt "
		"ec_paramgen_curve:P-256 -nodes -days 2 %s -keyout %s -out %s "
		"2>/dev/null",
		words, s->key, s->cert);
	assert_int_equal(system(command), 0);
	assert_int_equal(pipe(out), 0);
	s->pid = fork();
	if (s->pid == 0) {
		(void)dup2(out[1], STDOUT_FILENO);
		(void)close(out[0]);
		(void)execl("/usr/bin/python3", "python3", HTTPS_SERVER,
			s->cert, s->key, (char *)NULL);
		_exit(127);
	}
	(void)close(out[1]);
	assert_true(read(out[0], text, sizeof(text) - 1) > 0);
	(void)close(out[0]);
	text[strcspn(text, "\n")] = '\0';
	assert_int_equal(num_u32(str_of(text), 1, 65535, &s->port), ST_OK);
}

static int setup(void **state)
{
	(void)state;
	a = arena_must(0);
	assert_non_null(mkdtemp(dir));
	serve(&good, "good",
		"-subj /CN=x -addext subjectAltName=DNS:" HOST ",IP:127.0.0.1");
	serve(&only_cn, "cn", "-subj /CN=" HOST);
	serve(&partial, "partial",
		"-subj /CN=x -addext subjectAltName=DNS:mta-*.a.test");
	return 0;
}

static int teardown(void **state)
{
	struct server *all[] = { &good, &only_cn, &partial };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		(void)kill(all[i]->pid, SIGTERM);
		(void)waitpid(all[i]->pid, NULL, 0);
		(void)unlink(all[i]->cert);
		(void)unlink(all[i]->key);
	}
	(void)rmdir(dir);
	arena_free(&a);
	return 0;
}

/* GET https://HOST/path from the server, trusting its certificate. */
static enum status get_some(struct http_client_options o,
	const struct server *s, const char *path, bool status_only,
	struct http_response *out)
{
	struct http_client *c;
	char url[256], to[64];
	enum status st;

	o.ca_file = o.ca_file == NULL ? s->cert : o.ca_file;
	o.timeout_ms = 5000;
	o.max_bytes = MAX_BYTES;
	(void)snprintf(url, sizeof(url), "https://" HOST "/%s", path);
	(void)snprintf(to, sizeof(to), HOST ":443:127.0.0.1:%u", s->port);
	c = http_client_new(&o);
	st = http_client_do(c, a,
		&(struct http_request){ .method = "GET",
			.url = url,
			.connect_to = to,
			.status_only = status_only },
		out, &e);
	http_client_free(&c);
	if (st != ST_OK)
		print_message("%s\n", e.text);
	return st;
}

static enum status get(struct http_client_options o, const struct server *s,
	const char *path, struct http_response *out)
{
	return get_some(o, s, path, false, out);
}

static void answer_is_taken_as_it_is(void **state)
{
	struct http_client_options o = {};
	struct http_response r;

	(void)state;
	assert_int_equal(setenv("https_proxy", "http://127.0.0.1:1", 1), 0);
	assert_int_equal(get(o, &good, "hello", &r), ST_OK);
	assert_int_equal(r.status, 200);
	assert_str(r.body, "hello");
	assert_int_equal(get(o, &good, "redirect", &r), ST_OK);
	assert_int_equal(r.status, 302);
	assert_str(http_response_header(&r, "location", 0), "/hello");
	assert_null(http_response_header(&r, "location", 1).p);
}

/* RFC 8461 section 4.1, RFC 9525 section 6: no CN, whole-label wildcards. */
static void only_names_of_the_san_count(void **state)
{
	struct http_client_options o = {},
				   stranger = { .ca_file = only_cn.cert };
	struct http_response r;

	(void)state;
	assert_int_equal(get(o, &only_cn, "hello", &r), ST_TEMP);
	assert_non_null(strstr(e.text, HOST));
	assert_int_equal(get(o, &partial, "hello", &r), ST_TEMP);
	assert_int_equal(get(stranger, &good, "hello", &r), ST_TEMP);
	stranger.ca_file = "/nonexistent";
	assert_int_equal(get(stranger, &good, "hello", &r), ST_PERM);
}

static void sizes_are_capped(void **state)
{
	struct http_client_options o = {};
	struct http_response r;

	(void)state;
	assert_int_equal(get(o, &good, "endless", &r), ST_LIMIT);
	assert_int_equal(get(o, &good, "heads", &r), ST_LIMIT);
}

static void a_body_cut_off_counts_where_nobody_reads_it(void **state)
{
	struct http_client_options o = {};
	struct http_response r;

	(void)state;
	assert_int_equal(get_some(o, &good, "cut", false, &r), ST_TEMP);
	assert_int_equal(get_some(o, &good, "cut", true, &r), ST_OK);
	assert_int_equal(r.status, 200);
	assert_str(r.body, "hello");
	assert_int_equal(get_some(o, &only_cn, "cut", true, &r), ST_TEMP);
	assert_int_equal(get_some(o, &good, "endless", true, &r), ST_LIMIT);
}

static bool always(void *ctx)
{
	(void)ctx;
	return true;
}

static void forbidden_addresses_and_schemes(void **state)
{
	struct http_client_options o = { .allow_addr = addr_is_public };
	struct http_client_options stop = { .stop = always };
	struct http_client_options plain = { .timeout_ms = 1000,
		.max_bytes = 10 };
	struct http_client *c = http_client_new(&plain);
	const char *urls[] = { "http://127.0.0.1/", "file:///etc/passwd",
		"ftp://a.test/", "nonsense", "" };
	struct http_response r;

	(void)state;
	assert_int_equal(get(o, &good, "hello", &r), ST_TEMP);
	assert_int_equal(get(stop, &good, "hello", &r), ST_TEMP);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(
			http_client_do(c, a,
				&(struct http_request){
					.method = "GET", .url = urls[i] },
				&r, &e),
			ST_INVALID);
	http_client_free(&c);
	http_client_free(&c);
}

/* A server named by its address: the SAN's addresses count. */
static void post_carries_body_and_headers(void **state)
{
	const char *headers[] = { "Content-Type: application/jose+json", NULL };
	struct http_client_options o = {
		.ca_file = good.cert, .timeout_ms = 5000, .max_bytes = MAX_BYTES
	};
	struct http_client *c = http_client_new(&o);
	struct http_request req = {
		.method = "POST", .headers = headers, .body = STR("{\"a\":1}")
	};
	struct http_response r;
	char url[64];

	(void)state;
	(void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/", good.port);
	req.url = url;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(http_client_do(c, a, &req, &r, &e), ST_OK);
		assert_int_equal(r.status, 201);
		assert_str(r.body, "{\"a\":1}");
		assert_str(http_response_header(&r, "X-Kind", 0),
			"application/jose+json");
	}
	http_client_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_is_taken_as_it_is),
		cmocka_unit_test(only_names_of_the_san_count),
		cmocka_unit_test(sizes_are_capped),
		cmocka_unit_test(a_body_cut_off_counts_where_nobody_reads_it),
		cmocka_unit_test(forbidden_addresses_and_schemes),
		cmocka_unit_test(post_carries_body_and_headers),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
