/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's socket over an engine whose world is a script. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/testing.h"

#include "base/num.h"
#include "io/http_server.h"
#include "outbound/policy_control.h"
#include "outbound/policy_metrics.h"
#include "tests/outbound/engine_fixture.h"

#include "base/poison.h"

struct control {
	struct fixture *t;
	struct gate *gate;
	struct http_server *http;
	struct policy_control *control;
	struct engine_profile profiles[2];
	struct sockaddr_un where;
	socklen_t where_n;
	char logged[4096];
	char answer[1 << 16];
	uint32_t code;
	const char *body;
	const struct json *json;
};

static struct control c;

static void write_status(void *ctx, struct json_writer *w)
{
	(void)ctx;
	json_put_z(w, "dnssec", "good");
}

static void write_metrics(void *ctx, struct sbuf *b)
{
	struct control *self = ctx;
	struct policy_metrics m = { .requests = 7 };

	engine_stats(self->t->e, &m.engine);
	policy_cache_stats(self->t->cache, &m.cache);
	policy_metrics_write(b, &m);
}

static int setup(void **state)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	c = (struct control){ .profiles = { profile_sts, profile_tlsrpt } };
	assert_int_equal(fixture_setup((void **)&c.t), 0);
	/* Without a name the kernel makes one up. */
	c.where.sun_family = AF_UNIX;
	c.where_n = sizeof(c.where.sun_family);
	assert_int_equal(bind(fd, (void *)&c.where, c.where_n), 0);
	assert_int_equal(listen(fd, 16), 0);
	c.where_n = sizeof(c.where);
	assert_int_equal(getsockname(fd, (void *)&c.where, &c.where_n), 0);
	c.gate = gate_new(8, 8);
	c.http = http_server_new(c.t->loop, clock_system(), c.gate);
	c.control = policy_control_new(&(struct policy_control_parts){
		.loop = c.t->loop,
		.engine = c.t->e,
		.cache = c.t->cache,
		.profiles = c.profiles,
		.n_profiles = 2,
		.status = write_status,
		.metrics = write_metrics,
		.ctx = &c,
	});
	http_server_listen(c.http, fd, policy_control_serve, c.control);
	*state = &c;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	http_server_free(&c.http);
	policy_control_free(&c.control);
	loop_turn(c.t->loop, false);
	gate_free(&c.gate);
	return fixture_teardown((void **)&c.t);
}

static int dial(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (void *)&c.where, c.where_n), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static void say(int fd, const char *method, const char *path, const char *body)
{
	char text[4096];
	int n = snprintf(text, sizeof(text),
		"%s %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n%s",
		method, path, strlen(body), body);

	assert_int_equal(send(fd, text, (size_t)n, 0), n);
}

/* One call from beginning to end; gives the status code. */
static int call(const char *method, const char *path, const char *body)
{
	int fd = dial();
	struct json *tree = NULL;
	size_t got = 0;
	ssize_t n;

	say(fd, method, path, body);
	do {
		run(c.t);
		n = recv(fd, c.answer + got, sizeof(c.answer) - 1 - got, 0);
		got += n > 0 ? (size_t)n : 0;
	} while (n != 0 && (n > 0 || errno == EAGAIN));
	(void)close(fd);
	c.answer[got] = '\0';
	assert_int_equal(strncmp(c.answer, "HTTP/1.1 ", 9), 0);
	assert_int_equal(
		num_u32(str_upto(str_of(c.answer + 9), 3), 200, 599, &c.code),
		ST_OK);
	c.body = strstr(c.answer, "\r\n\r\n") + 4;
	c.json = json_parse(c.t->a, str_of(c.body), JSON_LIMITS_DEFAULT, &tree,
			 NULL, &c.t->err) == ST_OK
			 ? tree
			 : NULL;
	return (int)c.code;
}

static const struct json *first(const char *name)
{
	const struct json *list = json_get(c.json, name);

	return list != NULL ? list->first : NULL;
}

/* A policy of that domain is known from now on. */
static void learn(const char *domain)
{
	c.t->id = "1";
	c.t->text = ENFORCE("86400");
	assert_int_equal(ask_by(c.t, domain, &profile_sts, ENGINE_USUAL),
		DECISION_SECURE);
}

static void what_is_refused(void **state)
{
	static const struct {
		const char *method, *path, *body;
		int code;
	} rows[] = {
		{ "GET", "/", "", 404 },
		{ "GET", "/v1", "", 404 },
		{ "GET", "/v1/cache/", "", 422 },
		{ "GET", "/v1/cache/a.example/x", "", 404 },
		{ "GET", "/v1/cache/a.example", "", 404 },
		{ "GET", "/v1/cache/a..example", "", 422 },
		{ "GET", "/v1/cache/%61.example", "", 422 },
		{ "GET", "/v1/cache?limit=0", "", 422 },
		{ "GET", "/v1/cache?limit=10001", "", 422 },
		{ "POST", "/v1/cache/a.example", "", 405 },
		{ "DELETE", "/v1/cache", "", 405 },
		{ "DELETE", "/v1/cache/a.example", "", 404 },
		{ "POST", "/metrics", "", 405 },
		{ "PUT", "/v1/rules/a.example", "", 400 },
		{ "PUT", "/v1/rules/a.example", "{", 400 },
		{ "PUT", "/v1/rules/a.example", "{}", 422 },
		{ "PUT", "/v1/rules/a.example", "{\"rule\":\"on\"}", 422 },
		{ "PUT", "/v1/rules/a.example",
			"{\"rule\":\"off\",\"profile\":\"other\"}", 422 },
		{ "PUT", "/v1/rules/a.example",
			"{\"rule\":\"off\",\"until\":1}", 422 },
		{ "PUT", "/v1/rules/a.example",
			"{\"rule\":\"off\",\"until\":\"x\"}", 422 },
		{ "PUT", "/v1/rules/a.example", "{\"rule\":\"pin\"}", 404 },
		{ "DELETE", "/v1/rules/a.example", "", 404 },
		{ "POST", "/v1/explain", "{}", 422 },
		{ "POST", "/v1/explain", "{\"next_hop\":\".example\"}", 422 },
		{ "POST", "/v1/explain", "{\"next_hop\":\"[192.0.2.1]\"}",
			422 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (call(rows[i].method, rows[i].path, rows[i].body) !=
			rows[i].code)
			fail_msg("%s %s %s: %s", rows[i].method, rows[i].path,
				rows[i].body, c.answer);
		assert_true(json_get_str(c.json, "title").n > 0);
		assert_true(json_get_str(c.json, "detail").n > 0);
	}
}

static void policies_come_in_pages(void **state)
{
	(void)state;
	learn("a.example");
	learn("b.example");
	learn("c.example");
	assert_int_equal(call("GET", "/v1/cache?limit=2", ""), 200);
	assert_int_equal(json_get(c.json, "policies")->count, 2);
	assert_str(json_get_str(first("policies"), "domain"), "a.example");
	assert_str(json_get_str(c.json, "after"), "b.example");
	assert_int_equal(
		call("GET", "/v1/cache?limit=2&after=b.example", ""), 200);
	assert_int_equal(json_get(c.json, "policies")->count, 1);
	assert_str(json_get_str(first("policies"), "mode"), "enforce");
	assert_null(json_get(c.json, "after"));
}

static void policies_of_the_domains_named(void **state)
{
	(void)state;
	learn("a.example");
	learn("b.example");
	assert_int_equal(call("POST", "/v1/cache",
				 "{\"domains\":[\"b.example\",\"c.example\"]}"),
		200);
	assert_str(json_get_str(first("policies"), "domain"), "b.example");
	assert_null(first("policies")->next);
	assert_int_equal(call("POST", "/v1/cache", "{}"), 200);
	assert_null(first("policies"));
}

static void one_policy_whole_and_forgotten(void **state)
{
	const struct json *p;
	int64_t n = 0;

	(void)state;
	learn("a.example");
	assert_int_equal(call("GET", "/v1/cache/A.example.", ""), 200);
	p = json_get(c.json, "policy");
	assert_str(json_get_str(p, "text"), ENFORCE("86400"));
	assert_int_equal(json_i64(json_get(p, "expires"), 0, INT64_MAX, &n), 0);
	assert_int_equal(n, NOW + 86400);
	assert_true(json_true(json_get(p, "in_force")));
	assert_int_equal(call("DELETE", "/v1/cache/a.example", ""), 200);
	assert_int_equal(call("GET", "/v1/cache/a.example", ""), 404);
}

static void a_rule_is_in_force_at_once(void **state)
{
	(void)state;
	learn("a.example");
	assert_int_equal(call("PUT", "/v1/rules/a.example",
				 "{\"rule\":\"off\",\"reason\":\"x\","
				 "\"profile\":\"sts\",\"until\":1800000060}"),
		200);
	assert_int_equal(ask_by(c.t, "a.example", &profile_sts, ENGINE_USUAL),
		DECISION_NOTFOUND);
	assert_int_equal(
		ask_by(c.t, "a.example", &profile_tlsrpt, ENGINE_USUAL),
		DECISION_SECURE);
	assert_int_equal(call("GET", "/v1/rules", ""), 200);
	assert_str(json_get_str(first("rules"), "reason"), "x");
	assert_true(json_true(json_get(first("rules"), "in_force")));
	pass(c.t, 120);
	assert_int_equal(ask_by(c.t, "a.example", &profile_sts, ENGINE_USUAL),
		DECISION_SECURE);
	assert_int_equal(call("GET", "/v1/rules", ""), 200);
	assert_false(json_true(json_get(first("rules"), "in_force")));
	assert_int_equal(call("DELETE", "/v1/rules/a.example", ""), 404);
	assert_int_equal(
		call("DELETE", "/v1/rules/a.example?profile=sts", ""), 200);
	assert_int_equal(call("GET", "/v1/rules", ""), 200);
	assert_null(first("rules"));
}

static bool shown_in_force(void)
{
	assert_int_equal(call("GET", "/v1/cache/a.example", ""), 200);
	return json_true(json_get(json_get(c.json, "policy"), "in_force"));
}

/* What is shown is what mail servers are told. */
static void keep_log(void *ctx, struct str line)
{
	size_t n = strlen(c.logged);

	(void)ctx;
	assert_true(n + line.n < sizeof(c.logged));
	memcpy(c.logged + n, line.p, line.n);
}

/* Several may have the socket: the log tells them apart. */
static void who_changes_is_logged(void **state)
{
	static const struct {
		const char *method, *path, *body, *event;
	} rows[] = {
		{ "PUT", "/v1/rules/a.example", "{\"rule\":\"pin\"}",
			"control.rule_set" },
		{ "DELETE", "/v1/rules/a.example", "", "control.rule_removed" },
		{ "POST", "/v1/cache/a.example/refresh", "",
			"control.refresh" },
		{ "DELETE", "/v1/cache/a.example", "", "control.purged" },
	};
	char uid[32];

	(void)state;
	(void)snprintf(uid, sizeof(uid), " by_uid=%u", getuid());
	learn("a.example");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		log_set_sink(keep_log, NULL);
		assert_int_equal(
			call(rows[i].method, rows[i].path, rows[i].body), 200);
		log_set_sink(fixture_no_log, NULL);
		assert_non_null(strstr(c.logged, rows[i].event));
		assert_non_null(strstr(c.logged, uid));
		memset(c.logged, 0, sizeof(c.logged));
	}
}

static void a_pinned_policy_is_in_force_after_its_max_age(void **state)
{
	(void)state;
	learn("a.example");
	c.t->text = NULL;
	assert_int_equal(
		call("PUT", "/v1/rules/a.example", "{\"rule\":\"pin\"}"), 200);
	pass(c.t, 2 * DAY);
	assert_int_equal(ask_by(c.t, "a.example", &profile_sts, ENGINE_USUAL),
		DECISION_SECURE);
	assert_true(shown_in_force());
	assert_int_equal(call("DELETE", "/v1/rules/a.example", ""), 200);
	assert_false(shown_in_force());
}

static void explain_shows_steps_and_each_profile(void **state)
{
	const struct json *v;

	(void)state;
	c.t->id = "7";
	c.t->text = ENFORCE("86400");
	assert_int_equal(call("POST", "/v1/explain",
				 "{\"next_hop\":\"[A.example]:587\"}"),
		200);
	assert_str(json_get_str(c.json, "domain"), "a.example");
	assert_true(json_true(json_get(c.json, "is_host")));
	assert_non_null(first("steps"));
	v = first("mx");
	assert_str(json_get_str(v, "host"), "mx.example.net");
	assert_str(json_get_str(v, "pattern"), "mx.example.net");
	v = first("answers");
	assert_str(json_get_str(v, "profile"), "sts");
	assert_str(json_get_str(v, "line"),
		"secure match=mx.example.net servername=hostname");
	v = v->next;
	assert_str(json_get_str(v, "profile"), "sts-tlsrpt");
	assert_non_null(strstr(c.body, "policy_type=sts"));
	assert_null(v->next);
}

static void a_refresh_that_fails_says_what_a_report_would(void **state)
{
	(void)state;
	learn("a.example");
	c.t->text = NULL;
	assert_int_equal(call("POST", "/v1/cache/a.example/refresh", ""), 200);
	assert_non_null(strstr(c.body, "\"failure\":\"sts-webpki-invalid\""));
	assert_non_null(strstr(c.body, "certificate-expired"));
	/* And the policy stays. */
	assert_str(json_get_str(first("answers"), "action"), "secure");
}

static void what_waits_ends_with_the_server(void **state)
{
	int fd = dial();

	(void)state;
	c.t->hold[CALL_RECORD] = true;
	say(fd, "POST", "/v1/explain", "{\"next_hop\":\"a.example\"}");
	while (c.t->asked[CALL_RECORD] == 0)
		run(c.t);
	http_server_free(&c.http);
	run(c.t);
	(void)close(fd);
}

static void metrics_are_prometheus_text(void **state)
{
	const char *line;

	(void)state;
	learn("a.example");
	assert_int_equal(call("GET", "/metrics", ""), 200);
	assert_non_null(strstr(c.body, "\nmoat_policy_requests_total 7\n"));
	assert_non_null(strstr(c.body, "\nmoat_policy_cache_entries 1\n"));
	assert_non_null(strstr(c.body,
		"\nmoat_policy_events_total{event=\"policy.new\"} 1\n"));
	assert_non_null(strstr(c.answer, "Content-Type: text/plain; version"));
	/* Each line is a comment, or a name and a number. */
	for (line = c.body; *line != '\0'; line = strchr(line, '\n') + 1) {
		size_t n = strcspn(line, "\n");
		size_t name = strspn(line, "abcdefghijklmnopqrstuvwxyz_");

		if (line[0] == '#')
			continue;
		assert_int_equal(strncmp(line, "moat_policy_", 12), 0);
		assert_true(line[name] == ' ' || line[name] == '{');
		assert_true(chr_is_digit(line[n - 1]));
	}
}

#undef TEST
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_refused),
		TEST(policies_come_in_pages),
		TEST(policies_of_the_domains_named),
		TEST(one_policy_whole_and_forgotten),
		TEST(a_rule_is_in_force_at_once),
		TEST(who_changes_is_logged),
		TEST(a_pinned_policy_is_in_force_after_its_max_age),
		TEST(explain_shows_steps_and_each_profile),
		TEST(a_refresh_that_fails_says_what_a_report_would),
		TEST(what_waits_ends_with_the_server),
		TEST(metrics_are_prometheus_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
