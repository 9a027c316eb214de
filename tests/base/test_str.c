/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/testing.h"

#include "base/poison.h"

static void cut_visits_every_part(void **state)
{
	struct str rest = STR("a,,b,");
	const char *want[] = { "a", "", "b", "" };
	size_t n = 0;

	(void)state;
	while (rest.p != NULL) {
		assert_true(n < 4);
		assert_str(str_cut(&rest, ','), want[n]);
		n++;
	}
	assert_int_equal(n, 4);
}

static void slices_stay_inside(void **state)
{
	(void)state;
	assert_str(str_from(STR("abc"), 1), "bc");
	assert_str(str_from(STR("abc"), 3), "");
	assert_str(str_from(STR("abc"), 99), "");
	assert_str(str_upto(STR("abc"), 99), "abc");
	assert_str(str_trim(STR(" \ta b\t ")), "a b");
	assert_str(str_trim(STR(" \t ")), "");
	assert_str(str_of(NULL), "");
}

static void comparing_folds_ascii_only(void **state)
{
	(void)state;
	assert_true(str_eq_nocase(STR("MTA-STS"), STR("mta-sts")));
	assert_false(str_eq_nocase(STR("\xc4"), STR("\xe4")));
	assert_false(str_eq(STR("a\0b"), STR("a\0c")));
	assert_true(str_ends_nocase(STR("a.EXAMPLE"), STR(".example")));
	assert_false(str_ends(STR("x"), STR("xx")));
	assert_true(str_cmp(STR("a"), STR("ab")) < 0);
	assert_true(str_cmp(STR("b"), STR("ab")) > 0);
	assert_int_equal(str_cmp(STR(""), STR("")), 0);
}

static void lower_case_is_for_ascii_and_in_place(void **state)
{
	char text[] = "MX1.\xc4Z[\0A";

	(void)state;
	str_lower(text, (struct str){ text, 9 });
	assert_memory_equal(text, "mx1.\xc4z[\0a", 9);
	str_lower(text, STR(""));
	assert_memory_equal(text, "mx1", 3);
}

static void classes_are_ascii(void **state)
{
	const struct str digits = STR("0123456789abcdef");
	const struct str not_hex = STR("/:@G`g\xc1");

	(void)state;
	for (int i = 0; i < 16; i++)
		assert_int_equal(chr_hex(digits.p[i]), i);
	assert_int_equal(chr_hex('F'), 15);
	for (size_t i = 0; i < not_hex.n; i++)
		assert_int_equal(chr_hex(not_hex.p[i]), -1);
	assert_true(str_is_ascii(STR("a\0\x7f")));
	assert_false(str_is_ascii(STR("a\x80")));
	assert_true(str_list_has(STR("close, TE ,x"), STR("te")));
	assert_true(str_list_has(STR("x"), STR("X")));
	assert_false(str_list_has(STR("xx, x x"), STR("x")));
	assert_false(str_list_has((struct str){}, STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_visits_every_part),
		cmocka_unit_test(slices_stay_inside),
		cmocka_unit_test(comparing_folds_ascii_only),
		cmocka_unit_test(lower_case_is_for_ascii_and_in_place),
		cmocka_unit_test(classes_are_ascii),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
