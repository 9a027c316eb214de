/* SPDX-License-Identifier: Apache-2.0 */
/* The router, problem documents, and the OpenAPI file against the routes. */
#include "tests/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/api.h"
#include "api/api_server.h"
#include "api/settings.h"
#include "base/log.h"
#include "hosting/domain_ops.h"
#include "io/fd.h"
#include "tests/store/engines.h"

#include "base/poison.h"

#define FILE_BYTES_MAX (1u << 20)

static const struct json *read_openapi(struct arena *a)
{
	char *p = arena_alloc(a, FILE_BYTES_MAX);
	FILE *f = fopen(getenv("MOAT_OPENAPI"), "re");
	struct json *tree = NULL;
	struct err e = {};
	size_t n;

	assert_non_null(f);
	n = fread(p, 1, FILE_BYTES_MAX, f);
	assert_int_equal(fclose(f), 0);
	if (json_parse(a, (struct str){ p, n }, JSON_LIMITS_DEFAULT, &tree,
		    NULL, &e) != ST_OK)
		fail_msg("%s", e.text);
	return tree;
}

static const struct json *operation(
	const struct json *paths, const struct api_route *r)
{
	char method[16] = "";

	for (size_t i = 0; r->method[i] != '\0'; i++)
		method[i] = chr_lower(r->method[i]);
	return json_get(json_get(paths, r->path), method);
}

static void openapi_has_the_routes(void **state)
{
	struct arena *a = arena_must(0);
	const struct json *paths = json_get(read_openapi(a), "paths");
	size_t described = 0, routes = 0;

	(void)state;
	for (const struct api_route *r = api_routes; r->method != NULL; r++) {
		const struct json *o = operation(paths, r);

		routes++;
		if (o == NULL)
			fail_msg(
				"%s %s is not in the file", r->method, r->path);
		assert_str(json_get_str(o, "summary"), r->summary);
		assert_int_equal(json_get(o, "requestBody") != NULL,
			r->body != API_NO_BODY);
	}
	for (const struct json *p = paths->first; p != NULL; p = p->next)
		described += p->count;
	assert_int_equal(described, routes);
	arena_free(&a);
}

static struct api_call call_of(
	struct arena *a, const char *method, const char *path, const char *body)
{
	return (struct api_call){ .a = a,
		.method = str_of(method),
		.path = str_of(path),
		.body = str_of(body) };
}

static void faults_are_problem_documents(void **state)
{
	static const struct {
		const char *method, *path, *body;
		int code;
	} rows[] = {
		{ "GET", "/", NULL, 404 },
		{ "GET", "/api/v1/domains/", NULL, 404 },
		{ "GET", "/api/v1/domains/a/b", NULL, 404 },
		{ "GET", "/api/v1/domains/a/dns/", NULL, 404 },
		{ "GET", "", NULL, 404 },
		{ "PUT", "/api/v1/domains", NULL, 405 },
		{ "get", "/api/v1/domains", NULL, 405 },
		{ "POST", "/api/v1/domains", "{", 400 },
		{ "POST", "/api/v1/domains/a/mode", "{\"mode\":\"x\"}", 422 },
		{ "POST", "/api/v1/domains/a/mode", NULL, 422 },
		{ "POST", "/api/v1/reports/import", NULL, 422 },
		{ "GET", "/api/v1/reports/views/odd", NULL, 404 },
		{ "POST", "/api/v1/reports/erase", "{}", 422 },
		{ "POST", "/api/v1/reports/erase",
			"{\"all\":true,\"from\":\"2026-11-32\"}", 422 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena *a = arena_must(0);
		struct api_call c = call_of(
			a, rows[i].method, rows[i].path, rows[i].body);
		struct json *tree = NULL;
		struct err e = {};

		api_run(&c);
		if (c.code != rows[i].code || !c.problem)
			fail_msg("%s %s: %d", rows[i].method, rows[i].path,
				c.code);
		assert_int_equal(json_parse(a, sbuf_str(&c.out),
					 JSON_LIMITS_DEFAULT, &tree, NULL, &e),
			ST_OK);
		assert_true(json_get_str(tree, "title").n > 0);
		arena_free(&a);
	}
}

static void query_parameters(void **state)
{
	struct api_call c = { .query = STR("after=b.example&limit=3&force") };
	size_t limit = 7;

	(void)state;
	assert_str(api_query(&c, "after"), "b.example");
	assert_str(api_query(&c, "limit"), "3");
	assert_str(api_query(&c, "force"), "");
	assert_null(api_query(&c, "lim").p);
	assert_true(api_limit(&c, 2, 3, &limit));
	assert_int_equal(limit, 3);
	c.a = arena_must(0);
	assert_false(api_limit(&c, 1, 2, &limit));
	assert_int_equal(c.code, 422);
	assert_int_equal(limit, 3);
	c.query = STR("o=%3da%2C%zz%4&p=");
	assert_str(api_query_text(&c, "o"), "=a,%zz%4");
	assert_int_equal(api_query_text(&c, "p").n, 0);
	assert_int_equal(api_query_text(&c, "q").n, 0);
	assert_true(api_limit(&c, 5, 9, &limit));
	assert_int_equal(limit, 5);
	arena_free(&c.a);
	c.query = STR("after=b.example&limit=3&force");
	assert_false(api_force(&c));
	c.query = STR("force=yes");
	assert_true(api_force(&c));
	c.query = (struct str){};
	assert_false(api_force(&c));
}

#define BAD_MODE "POST /api/v1/domains/a/mode HTTP/1.1\r\nHost: a\r\n"

/* A stranger that the edge lets through is no administrator. */
static void what_the_edge_forwards_is_refused(void **state)
{
	static const struct {
		const char *request, *answer;
	} rows[] = {
		{ BAD_MODE "\r\n", "HTTP/1.1 422 " },
		{ BAD_MODE "X-Forwarded-For: 192.0.2.1\r\n\r\n",
			"HTTP/1.1 403 " },
		{ BAD_MODE "x-forwarded-for:\r\n\r\n", "HTTP/1.1 403 " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct str request = str_of(rows[i].request);
		struct api_env env = {};
		char got[4096] = "";
		int ends[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC,
					 0, ends),
			0);
		assert_int_equal(
			write(ends[0], request.p, request.n), request.n);
		api_server_serve(&env, ends[1]);
		assert_true(read(ends[0], got, sizeof(got) - 1) > 0);
		if (!str_starts(str_of(got), str_of(rows[i].answer)))
			fail_msg("%zu: %s", i, got);
		fd_close(&ends[0]);
		fd_close(&ends[1]);
	}
}

/* The path of an address may mean something in capitals; a host never does. */
static void addresses_keep_their_case(void **state)
{
	struct engine *t;
	void *engine = NULL;
	struct domain_request r = { .tenant = STORE_TENANT_DEFAULT,
		.name = STR("example.com"),
		.actor = STR("test"),
		.now = 1 };
	struct settings *set = settings_new();
	struct domain_wish wish = {};
	struct store_domain d;
	struct api_env env = { .settings = set };
	struct api_call c;

	(void)state;
	assert_int_equal(sqlite_setup(&engine), 0);
	t = engine;
	env.store = t->s;
	OK(domain_add(t->s, t->a, &r, &wish, &d, &t->e));
	c = call_of(t->a, "POST", "/api/v1/domains/example.com/options",
		"{\"rua_extra\":[\"https://r.example/In/Box\"]}");
	c.env = &env;
	api_run(&c);
	assert_int_equal(c.code, 200);
	OK(store_domain_get(t->s, t->a, r.tenant, r.name, &d, &t->e));
	assert_str(d.rua_extra.items[0], "https://r.example/In/Box");
	assert_int_equal(sqlite_teardown(&engine), 0);
	settings_free(&set);
}

static bool logged;

static void on_log(void *ctx, struct str line)
{
	(void)ctx;
	logged |= memmem(line.p, line.n, "api.failed", 10) != NULL;
}

/* Waiting mends no table that is not there: nobody is told to wait. */
static void what_lasts_is_no_matter_of_a_moment(void **state)
{
	struct engine *t;
	void *engine = NULL;
	struct api_env env = {};
	struct api_call c;

	(void)state;
	assert_int_equal(sqlite_setup(&engine), 0);
	t = engine;
	env.store = t->s;
	assert_int_equal(system(arena_fmt(t->a, "sqlite3 %s 'DROP TABLE audit'",
				 t->target)
					 .p),
		0);
	c = call_of(t->a, "GET", "/api/v1/audit", "");
	c.env = &env;
	log_set_sink(on_log, NULL);
	api_run(&c);
	log_set_sink(NULL, NULL);
	assert_int_equal(c.code, 500);
	assert_non_null(
		memmem(c.out.p, c.out.n, "the log of moatd says more", 26));
	assert_true(logged);
	assert_int_equal(sqlite_teardown(&engine), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(openapi_has_the_routes),
		cmocka_unit_test(faults_are_problem_documents),
		cmocka_unit_test(query_parameters),
		cmocka_unit_test(what_the_edge_forwards_is_refused),
		cmocka_unit_test(addresses_keep_their_case),
		cmocka_unit_test(what_lasts_is_no_matter_of_a_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
