/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "tests/testing.h"

#include "base/poison.h"

static char seen[8192];
static size_t n_seen;

static void keep(void *ctx, struct str line)
{
	++*(int *)ctx;
	memcpy(seen, line.p, line.n);
	seen[line.n] = '\0';
	n_seen = line.n;
}

static int lines;

static int set_up(void **state)
{
	(void)state;
	lines = 0;
	seen[0] = '\0';
	log_set_level(LOG_INFO);
	log_set_role(NULL);
	log_set_sink(keep, &lines);
	return 0;
}

static void events_are_lines(void **state)
{
	(void)state;
	LOG(LOG_WARN, "spool.full", KV_Z("id", "abc"), KV_INT("bytes", -7));
	assert_string_equal(seen, "warn  spool.full id=abc bytes=-7");
	log_set_role("edge");
	LOG(LOG_ERROR, "x.y", KV_STR("s", STR("a b=\"c\"\\")));
	assert_string_equal(
		seen, "error x.y role=edge s=\"a b=\\\"c\\\"\\\\\"");
	LOG(LOG_INFO, "x.y", KV_Z("s", ""));
	assert_string_equal(seen, "info  x.y role=edge s=\"\"");
}

static void nothing_forges_a_line(void **state)
{
	(void)state;
	LOG(LOG_INFO, "x.y", KV_Z("s", "a\nerror fake.event x=1"));
	assert_null(strchr(seen, '\n'));
	assert_string_equal(seen, "info  x.y s=\"a\\x0aerror fake.event x=1\"");
	LOG(LOG_INFO, "x.y", KV_Z("s", "\x1b[31m\xc3\xa9"));
	assert_string_equal(seen, "info  x.y s=\"\\x1b[31m\\xc3\\xa9\"");
}

static void levels_filter(void **state)
{
	(void)state;
	LOG(LOG_DEBUG, "x.y", KV_INT("n", 1));
	assert_int_equal(lines, 0);
	log_set_level(LOG_DEBUG);
	LOG(LOG_DEBUG, "x.y", KV_INT("n", 1));
	assert_int_equal(lines, 1);
	log_set_level(LOG_ERROR);
	LOG(LOG_WARN, "x.y", KV_INT("n", 1));
	assert_int_equal(lines, 1);
}

static void long_values_are_cut(void **state)
{
	static char big[20000];

	(void)state;
	memset(big, '\n', sizeof(big) - 1);
	LOG(LOG_INFO, "x.y", KV_Z("a", big), KV_Z("b", big), KV_Z("c", big));
	assert_int_equal(lines, 1);
	assert_true(n_seen <= 4096);
	assert_true(strncmp(seen, "info  x.y a=\"\\x0a", 16) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(events_are_lines, set_up),
		cmocka_unit_test_setup(nothing_forges_a_line, set_up),
		cmocka_unit_test_setup(levels_filter, set_up),
		cmocka_unit_test_setup(long_values_are_cut, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
