/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/sts_match.h"
#include "tests/testing.h"

#include "base/poison.h"

/* RFC 8461 section 4.1: "*" is the whole left-most label, and just one. */
static void one_label_is_one_label(void **state)
{
	static const struct {
		const char *host, *pattern;
		bool want;
	} rows[] = {
		{ "mx.moat.test", "mx.moat.test", true },
		{ "MX.Moat.Test", "mx.moat.test", true },
		{ "mx.moat.test", "*.moat.test", true },
		{ "MX.MOAT.TEST", "*.moat.test", true },
		{ "moat.test", "*.moat.test", false },
		{ "a.mx.moat.test", "*.moat.test", false },
		{ "a.mx.moat.test", "*.mx.moat.test", true },
		{ "mxmoat.test", "*.moat.test", false },
		{ "mx.moat.test.evil", "*.moat.test", false },
		{ "mx.moat.test", "moat.test", false },
		{ "test", "*.test", false },
		{ "a.test", "*.test", true },
		{ "localhost", "localhost", true },
		{ "", "", false },
		{ "", "*.test", false },
		{ ".test", "*.test", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (sts_match(str_of(rows[i].host), str_of(rows[i].pattern)) !=
			rows[i].want)
			fail_msg("%s %s", rows[i].host, rows[i].pattern);
}

static void the_first_match_is_told(void **state)
{
	const struct str all[] = { STR("a.test"), STR("*.b.test"),
		STR("*.b.test") };

	(void)state;
	assert_int_equal(sts_match_any(STR("x.b.test"), all, 3), 1);
	assert_int_equal(sts_match_any(STR("b.test"), all, 3), -1);
	assert_int_equal(sts_match_any(STR("a.test"), all, 0), -1);
}

static void patterns_are_checked(void **state)
{
	(void)state;
	assert_true(sts_pattern_valid(STR("*.moat.test")));
	assert_true(sts_pattern_valid(STR("moat.test")));
	assert_false(sts_pattern_valid(STR("*")));
	assert_false(sts_pattern_valid(STR("*.*.test")));
	assert_false(sts_pattern_valid(STR("a*.test")));
	assert_false(sts_pattern_valid(STR("*.10.0.0.1")));
	assert_false(sts_pattern_valid(STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_label_is_one_label),
		cmocka_unit_test(the_first_match_is_told),
		cmocka_unit_test(patterns_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
