/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of reports: what is written is read again, and nothing else is. */
#include "tests/parser_laws.h"
#include "tests/testing.h"

#include <string.h>

#include "store/report_body.h"

#include "base/poison.h"

static struct str strings[] = { STR("version: STSv1"), STR("\xff\n"), STR("") };

static struct store_report_failure failures[] = {
	{ .result_type = STR("certificate-expired"),
		.sending_ip = STR("2001:db8::1"),
		.receiving_host = STR("mx.example"),
		.receiving_helo = STR("helo"),
		.receiving_ip = STR("192.0.2.1"),
		.reason_code = STR("b\xc3\xb6se"),
		.info_uri = STR("https://s.example/?a"),
		.sessions = INT64_MAX },
	{ .result_type = STR("odd"), .sessions = -1 },
};

static struct store_report_policy policies[] = {
	{ .type = STR("sts"),
		.domain = STR("a.example"),
		.strings = { strings, 3 },
		.mx = { strings, 1 },
		.ok = INT64_MAX,
		.failed = 7,
		.failures = failures,
		.n_failures = 2 },
	{ .type = STR("tlsa") },
};

static struct str body_of(struct arena *a, size_t n)
{
	struct str body = {};
	struct err e = {};

	assert_int_equal(report_body_write(a, policies, n, &body, &e), ST_OK);
	return body;
}

static void read_is_what_was_written(void **state)
{
	struct store_report_policy *got = NULL;
	struct arena *a = arena_must(0);
	struct str body, again;
	struct err e = {};
	size_t n = 9;

	(void)state;
	body = body_of(a, 2);
	assert_int_equal(report_body_read(a, body, &got, &n), ST_OK);
	assert_int_equal(n, 2);
	assert_str(got[0].type, "sts");
	assert_str(got[0].strings.items[1], "\xff\n");
	assert_int_equal(got[0].strings.n, 3);
	assert_int_equal(got[0].mx.n, 1);
	assert_int_equal(got[0].ok, INT64_MAX);
	assert_int_equal(got[0].n_failures, 2);
	assert_str(got[0].failures[0].info_uri, "https://s.example/?a");
	assert_int_equal(got[0].failures[0].sessions, INT64_MAX);
	assert_int_equal(got[0].failures[1].sessions, -1);
	assert_str(got[1].type, "tlsa");
	assert_int_equal(report_body_write(a, got, n, &again, &e), ST_OK);
	assert_true(str_eq(body, again));
	assert_int_equal(report_body_read(a, body_of(a, 0), &got, &n), ST_OK);
	assert_int_equal(n, 0);
	arena_free(&a);
}

static enum status parse(struct arena *a, struct str body)
{
	struct store_report_policy *got;
	size_t n;

	return report_body_read(a, body, &got, &n);
}

static void laws(void **state)
{
	struct arena *a = arena_must(0);
	struct str body = body_of(a, 2);

	(void)state;
	law_truncated(parse, body);
	law_no_memory(parse, body);
	for (size_t n = 0; n < body.n; n++)
		assert_int_equal(parse(a, str_upto(body, n)), ST_INVALID);
	assert_int_equal(parse(a, STR("")), ST_INVALID);
	assert_int_equal(parse(a, STR("\x02\0\0\0\0")), ST_INVALID);
	assert_int_equal(parse(a, STR("\x01\0\0\0\0more")), ST_INVALID);
	assert_int_equal(parse(a, STR("\x01\xff\xff\xff\xff")), ST_INVALID);
	arena_free(&a);
}

static void what_is_not_written(void **state)
{
	static char much[1 << 20];
	struct store_report_failure f[40] = {};
	struct store_report_policy p = { .failures = f, .n_failures = 1 };
	struct arena *a = arena_must(0);
	struct err e = {};
	struct str body;

	(void)state;
	f[0].reason_code = STR("not \xff UTF-8");
	assert_int_equal(report_body_write(a, &p, 1, &body, &e), ST_INVALID);
	f[0].reason_code = STR("nor 12345678 \0 this");
	assert_int_equal(report_body_write(a, &p, 1, &body, &e), ST_INVALID);
	memset(much, 'x', sizeof(much));
	p.n_failures = 40;
	for (size_t i = 0; i < 40; i++)
		f[i].reason_code = (struct str){ much, sizeof(much) };
	assert_int_equal(report_body_write(a, &p, 1, &body, &e), ST_LIMIT);
	p.n_failures = 30;
	assert_int_equal(report_body_write(a, &p, 1, &body, &e), ST_OK);
	arena_free(&a);
	a = arena_must(1000);
	assert_int_equal(report_body_write(a, &p, 1, &body, &e), ST_LIMIT);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_is_what_was_written),
		cmocka_unit_test(laws),
		cmocka_unit_test(what_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
