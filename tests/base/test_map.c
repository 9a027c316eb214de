/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/map.h"
#include "tests/testing.h"

#include "base/poison.h"

static int values[5000];

static struct str key_of(char *p, size_t n, int i)
{
	return (struct str){ p, (size_t)snprintf(p, n, "key-%d", i) };
}

static void put_get_take(void **state)
{
	struct map *m = map_new();
	int a, b;

	(void)state;
	assert_null(map_get(m, STR("x")));
	assert_null(map_take(m, STR("x")));
	assert_null(map_put(m, STR("x"), &a));
	assert_ptr_equal(map_put(m, STR("x"), &b), &a);
	assert_int_equal(map_count(m), 1);
	assert_ptr_equal(map_get(m, STR("x")), &b);
	assert_null(map_put(m, STR(""), &a));
	assert_null(map_put(m, STR("x\0"), &a));
	assert_int_equal(map_count(m), 3);
	assert_ptr_equal(map_take(m, STR("x")), &b);
	assert_null(map_get(m, STR("x")));
	assert_ptr_equal(map_get(m, STR("")), &a);
	assert_int_equal(map_count(m), 2);
	map_free(&m);
	assert_null(m);
	map_free(&m);
}

static void many_come_and_go(void **state)
{
	struct map *m = map_new();
	char text[32];

	(void)state;
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 5000; i++)
			(void)map_put(
				m, key_of(text, sizeof(text), i), &values[i]);
		assert_int_equal(map_count(m), 5000);
		for (int i = 0; i < 5000; i++)
			assert_ptr_equal(
				map_get(m, key_of(text, sizeof(text), i)),
				&values[i]);
		for (int i = round; i < 5000; i++)
			assert_ptr_equal(
				map_take(m, key_of(text, sizeof(text), i)),
				&values[i]);
		assert_int_equal(map_count(m), round);
	}
	map_free(&m);
}

static void walking_sees_each_once(void **state)
{
	struct map *m = map_new();
	size_t at = 0, n = 0;
	struct str key;
	char text[32];
	void *value;

	(void)state;
	for (int i = 0; i < 100; i++) {
		values[i] = 0;
		(void)map_put(m, key_of(text, sizeof(text), i), &values[i]);
	}
	while (map_next(m, &at, &key, &value)) {
		++*(int *)value;
		assert_ptr_equal(map_take(m, key), value);
		n++;
	}
	assert_int_equal(n, 100);
	for (int i = 0; i < 100; i++)
		assert_int_equal(values[i], 1);
	assert_int_equal(map_count(m), 0);
	map_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(put_get_take),
		cmocka_unit_test(many_come_and_go),
		cmocka_unit_test(walking_sees_each_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
