/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"
#include "tests/testing.h"

#include "base/poison.h"

#define SENTINEL 12345

struct row {
	const char *text;
	int64_t min, max;
	enum status want;
	int64_t value;
};

static void signed_numbers(void **state)
{
	static const struct row rows[] = {
		{ "0", 0, 0, ST_OK, 0 },
		{ "-0", 0, 0, ST_OK, 0 },
		{ "007", 0, 9, ST_OK, 7 },
		{ "-7", -7, 7, ST_OK, -7 },
		{ "-8", -7, 7, ST_LIMIT, 0 },
		{ "8", -7, 7, ST_LIMIT, 0 },
		{ "9223372036854775807", INT64_MIN, INT64_MAX, ST_OK,
			INT64_MAX },
		{ "9223372036854775808", INT64_MIN, INT64_MAX, ST_LIMIT, 0 },
		{ "-9223372036854775808", INT64_MIN, INT64_MAX, ST_OK,
			INT64_MIN },
		{ "-9223372036854775809", INT64_MIN, INT64_MAX, ST_LIMIT, 0 },
		{ "99999999999999999999999", INT64_MIN, INT64_MAX, ST_LIMIT,
			0 },
		{ "", INT64_MIN, INT64_MAX, ST_INVALID, 0 },
		{ "-", INT64_MIN, INT64_MAX, ST_INVALID, 0 },
		{ "--1", INT64_MIN, INT64_MAX, ST_INVALID, 0 },
		{ "+1", INT64_MIN, INT64_MAX, ST_INVALID, 0 },
		{ " 1", INT64_MIN, INT64_MAX, ST_INVALID, 0 },
		{ "1 ", INT64_MIN, INT64_MAX, ST_INVALID, 0 },
		{ "1.0", INT64_MIN, INT64_MAX, ST_INVALID, 0 },
		{ "0x1", INT64_MIN, INT64_MAX, ST_INVALID, 0 },
		{ "99999999999999999999999x", INT64_MIN, INT64_MAX, ST_INVALID,
			0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t got = SENTINEL;

		if (num_i64(str_of(rows[i].text), rows[i].min, rows[i].max,
			    &got) != rows[i].want)
			fail_msg("%s", rows[i].text);
		assert_int_equal(
			got, rows[i].want == ST_OK ? rows[i].value : SENTINEL);
	}
}

static void unsigned_numbers(void **state)
{
	uint64_t big = SENTINEL;
	uint32_t small = SENTINEL;

	(void)state;
	assert_int_equal(
		num_u64(STR("18446744073709551616"), 0, UINT64_MAX, &big),
		ST_LIMIT);
	assert_int_equal(num_u64(STR("-1"), 0, UINT64_MAX, &big), ST_INVALID);
	assert_int_equal(num_u64(STR("1\0"), 0, 9, &big), ST_INVALID);
	assert_int_equal(big, SENTINEL);
	assert_int_equal(
		num_u64(STR("18446744073709551615"), 0, UINT64_MAX, &big),
		ST_OK);
	assert_true(big == UINT64_MAX);
	assert_int_equal(
		num_u32(STR("4294967296"), 0, UINT32_MAX, &small), ST_LIMIT);
	assert_int_equal(num_u32(STR("4"), 5, 9, &small), ST_LIMIT);
	assert_int_equal(num_u32(STR(""), 0, 9, &small), ST_INVALID);
	assert_int_equal(small, SENTINEL);
	assert_int_equal(
		num_u32(STR("4294967295"), 0, UINT32_MAX, &small), ST_OK);
	assert_true(small == UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signed_numbers),
		cmocka_unit_test(unsigned_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
