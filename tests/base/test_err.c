/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/err.h"
#include "tests/testing.h"

#include "base/poison.h"

static void texts(void **state)
{
	struct err e = {};

	(void)state;
	assert_int_equal(err_set(&e, ST_INVALID, "line %d", 3), ST_INVALID);
	assert_string_equal(e.text, "line 3");
	err_prefix(&e, "%s", "file");
	assert_string_equal(e.text, "file: line 3");
	assert_int_equal(err_sys(&e, ST_TEMP, ENOENT, "open %s", "x"), ST_TEMP);
	assert_string_equal(e.text, "open x: No such file or directory");
	assert_int_equal(err_set(NULL, ST_LIMIT, "x"), ST_LIMIT);
	assert_int_equal(err_sys(NULL, ST_PERM, ENOENT, "x"), ST_PERM);
	err_prefix(NULL, "x");
}

static void long_texts_are_cut(void **state)
{
	struct err e = {};

	(void)state;
	(void)err_set(&e, ST_INVALID, "%0600d", 1);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
	(void)err_sys(&e, ST_INVALID, ENOENT, "%0600d", 1);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
	err_prefix(&e, "%0600d", 1);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
}

static void every_status_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(status_name(ST_OK), "ok");
	for (int st = ST_OK; st <= ST_PERM; st++)
		assert_string_not_equal(status_name((enum status)st), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
		cmocka_unit_test(long_texts_are_cut),
		cmocka_unit_test(every_status_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
