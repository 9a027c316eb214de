/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "proto/sts_policy.h"
#include "tests/parser_laws.h"

#include "base/poison.h"

#define NAME32 "n123456789012345678901234567-._2"
/* A policy that is valid before and after the lines tested. */
#define TOP "version: STSv1\nmode: enforce\nmx: mx.moat.test\nmax_age: 60\n"

struct row {
	const char *text;
	const char *why; /* part of the sentence; NULL: valid */
	enum sts_mode mode;
	uint32_t max_age_s;
	size_t n_mx;
};

static void check(const struct row *row)
{
	struct arena *a = arena_must(0);
	struct sts_policy got;
	struct err why = {};

	assert_int_equal(
		sts_policy_parse(a, str_of(row->text), &got, &why), ST_OK);
	if (row->why != NULL) {
		if (got.outcome != STS_POLICY_INVALID ||
			strstr(why.text, row->why) == NULL ||
			strstr(why.text, "RFC 8461") == NULL)
			fail_msg("%s: wanted %s, got %d %s", row->text,
				row->why, got.outcome, why.text);
	} else {
		if (got.outcome != STS_POLICY_VALID)
			fail_msg("%s: %s", row->text, why.text);
		assert_int_equal(got.mode, row->mode);
		assert_int_equal(got.max_age_s, row->max_age_s);
		assert_int_equal(got.n_mx, row->n_mx);
	}
	arena_free(&a);
}

static void fields(void **state)
{
	static const struct row rows[] = {
		/* RFC 8461 section 3.2: the four fields */
		{ TOP, NULL, STS_MODE_ENFORCE, 60, 1 },
		{ "version:STSv1\nmode:testing\nmx:a\nmx:*.b.c\nmax_age:0",
			NULL, STS_MODE_TESTING, 0, 2 },
		{ "version: STSv1\nmode: none\nmax_age: 86400\n", NULL,
			STS_MODE_NONE, 86400, 0 },
		{ "max_age: 1\nmx: a.b\nmode: enforce\nversion: STSv1\n", NULL,
			STS_MODE_ENFORCE, 1, 1 },
		{ "", "version is missing" },
		{ "mode: none\nmax_age: 1\n", "version is missing" },
		{ "version: STSv1\nmax_age: 1\n", "mode is missing" },
		{ "version: STSv1\nmode: none\n", "max_age is missing" },
		{ "version: STSv1\nmode: testing\nmax_age: 1\n",
			"mx is missing" },
		{ "version: STSv1\nmode: enforce\nmax_age: 1\n",
			"mx is missing" },
		{ "version: STSv2\nmode: none\nmax_age: 1\n",
			"line 1: version" },
		{ "version: stsv1\nmode: none\nmax_age: 1\n",
			"line 1: version" },
		{ "Version: STSv1\nmode: none\nmax_age: 1\n",
			"version is missing" },
		{ "version: STSv1\nmode: Enforce\nmax_age: 1\n",
			"line 2: mode" },
		{ "version: STSv1\nmode: report\nmax_age: 1\n",
			"line 2: mode" },
		/* max_age: 1*10DIGIT (erratum 7282), at most 31557600 */
		{ "version: STSv1\nmode: none\nmax_age: 31557600", NULL,
			STS_MODE_NONE, 31557600, 0 },
		{ "version: STSv1\nmode: none\nmax_age: 0000000060", NULL,
			STS_MODE_NONE, 60, 0 },
		{ "version: STSv1\nmode: none\nmax_age: 00000000060",
			"line 3: max_age must be" },
		{ "version: STSv1\nmode: none\nmax_age: 31557601",
			"line 3: max_age is more" },
		{ "version: STSv1\nmode: none\nmax_age: 9999999999",
			"line 3: max_age is more" },
		{ "version: STSv1\nmode: none\nmax_age: -1",
			"line 3: max_age must be" },
		{ "version: STSv1\nmode: none\nmax_age: 6 0",
			"line 3: max_age must be" },
		{ "version: STSv1\nmode: none\nmax_age: 1d",
			"line 3: max_age must be" },
		/* "all entries except for the first SHALL be ignored" */
		{ TOP "mode: none\nmax_age: x\nversion: 7\n", NULL,
			STS_MODE_ENFORCE, 60, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i]);
}

static void patterns(void **state)
{
	static const char *const good[] = { "mx: a", "mx: MX.Moat.Test",
		"mx:*.moat.test", "mx: xn--bcher-kva.test", "mx: *.test" };
	static const char *const bad[] = { "mx:", "mx: *", "mx: *.",
		"mx: *.*.test", "mx: **.test", "mx: mx*.test", "mx: a.*.test",
		"mx: .test", "mx: a.test.", "mx: 192.0.2.1", "mx: *.192.0.2.1",
		"mx: [192.0.2.1]", "mx: 2001:db8::1", "mx: a.test b.test",
		"mx: a.test, b.test", "mx: b\xc3\xbc.test", "mx: a_b.test",
		"mx: -a.test", "mx: a.test:25", "mx: <a.test>" };
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		(void)snprintf(text, sizeof(text), TOP "%s\n", good[i]);
		check(&(struct row){ text, NULL, STS_MODE_ENFORCE, 60, 2 });
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(text, sizeof(text), TOP "%s\n", bad[i]);
		check(&(struct row){ text, "line 5: " });
	}
}

static void lines(void **state)
{
	static const struct row rows[] = {
		/* sts-policy-term = LF / CRLF (erratum 6253), both in one */
		{ "version: STSv1\r\nmode: none\nmax_age: 1\r\n", NULL,
			STS_MODE_NONE, 1, 0 },
		{ "version: STSv1 \t\nmode:\tnone\t\nmax_age:   1  \n", NULL,
			STS_MODE_NONE, 1, 0 },
		{ TOP "\n", "line 5: is blank" },
		{ "\n" TOP, "line 1: is blank" },
		{ TOP " \t\r\n", "line 5: is blank" },
		{ "\xef\xbb\xbf" TOP, "line 1: begins with a byte order mark" },
		{ TOP "x: a\rb\n", "line 5: has a CR" },
		{ TOP "x: a\r", "line 5: has a CR" },
		{ "version: STSv1\rmode: none\rmax_age: 1\r",
			"line 1: has a CR" },
		{ TOP "x\n", "line 5: has no \":\"" },
		{ TOP "x=1\n", "line 5: has no \":\"" },
		{ TOP ": 1\n", "line 5: has a name" },
		{ TOP " x: 1\n", "line 5: has a name" },
		{ TOP "x : 1\n", "line 5: has a name" },
		{ TOP "_x: 1\n", "line 5: has a name" },
		{ TOP NAME32 ": 1\n", NULL, STS_MODE_ENFORCE, 60, 1 },
		{ TOP NAME32 "3: 1\n", "line 5: has a name" },
		{ TOP "x:\n", "line 5: has no value" },
		{ TOP "x: \t\n", "line 5: has no value" },
		/* sts-policy-ext-value: UTF-8, spaces inside, no controls */
		{ TOP "x: a  b: c\n", NULL, STS_MODE_ENFORCE, 60, 1 },
		{ TOP "x: \xc3\xa9\n", NULL, STS_MODE_ENFORCE, 60, 1 },
		{ TOP "x: \xf0\x9f\x91\x8b\n", NULL, STS_MODE_ENFORCE, 60, 1 },
		{ TOP "x: \xc3\n", "line 5: is not UTF-8" },
		{ TOP "x: \xed\xa0\x80\n", "line 5: is not UTF-8" },
		{ TOP "x: a\tb\n", "line 5: has a tab" },
		{ TOP "x: a\x7f\n", "line 5: has a tab" },
		{ TOP "x: a\x1b[2J\n", "line 5: has a tab" },
	};
	struct arena *a = arena_must(0);
	struct sts_policy got;
	struct err why;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i]);
	assert_int_equal(
		sts_policy_parse(a, STR(TOP "x: a\0b\n"), &got, &why), ST_OK);
	assert_int_equal(got.outcome, STS_POLICY_INVALID);
	assert_non_null(strstr(why.text, "NUL"));
	arena_free(&a);
}

static void size_is_capped(void **state)
{
	static char text[65536 + 1];
	struct arena *a = arena_must(0);
	struct sts_policy got;
	struct err why = {};

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, TOP "x: ", strlen(TOP "x: "));
	assert_int_equal(
		sts_policy_parse(a, (struct str){ text, 65536 }, &got, &why),
		ST_OK);
	assert_int_equal(got.outcome, STS_POLICY_VALID);
	assert_int_equal(
		sts_policy_parse(a, (struct str){ text, 65537 }, &got, &why),
		ST_OK);
	assert_int_equal(got.outcome, STS_POLICY_INVALID);
	assert_non_null(strstr(why.text, "64 KiB"));
	arena_free(&a);
}

static enum status parse(struct arena *a, struct str text)
{
	struct sts_policy got;

	return sts_policy_parse(a, text, &got, NULL);
}

static void laws(void **state)
{
	(void)state;
	law_truncated(parse, STR("version: STSv1\r\n" TOP "mx: *.B.test\r\n"
				 "x-\xc3\xa9: \xf0\x9f\x91\x8b b\r\n"));
	law_no_memory(parse,
		STR(TOP "mx: a.test\nmx: b.test\nmx: c.test\nmx: d.test\n"));
}

static void writing_then_reading_is_identity(void **state)
{
	struct str mx[] = { STR("mx1.moat.test"), STR("*.mx.moat.test") };
	const struct sts_policy policies[] = {
		{ STS_POLICY_VALID, STS_MODE_NONE, 0, NULL, 0 },
		{ STS_POLICY_VALID, STS_MODE_TESTING, 86400, mx, 1 },
		{ STS_POLICY_VALID, STS_MODE_ENFORCE, 31557600, mx, 2 },
	};
	struct arena *a = arena_must(0);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct sbuf b = sbuf_arena(a, 1000), again;
		struct sts_policy got;

		sts_policy_write(&b, &policies[i]);
		assert_true(sbuf_ok(&b));
		assert_int_equal(
			sts_policy_parse(a, sbuf_str(&b), &got, NULL), ST_OK);
		assert_int_equal(got.outcome, STS_POLICY_VALID);
		assert_int_equal(got.mode, policies[i].mode);
		assert_int_equal(got.max_age_s, policies[i].max_age_s);
		assert_int_equal(got.n_mx, policies[i].n_mx);
		again = sbuf_arena(a, 1000);
		sts_policy_write(&again, &got);
		assert_true(str_eq(sbuf_str(&b), sbuf_str(&again)));
	}
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields),
		cmocka_unit_test(patterns),
		cmocka_unit_test(lines),
		cmocka_unit_test(size_is_capped),
		cmocka_unit_test(laws),
		cmocka_unit_test(writing_then_reading_is_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
