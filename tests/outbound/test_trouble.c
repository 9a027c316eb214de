/* SPDX-License-Identifier: Apache-2.0 */
/* Which domains are in trouble: begun, ended, bounded. */
#include <stdio.h>

#include "outbound/trouble.h"
#include "tests/testing.h"

#include "base/poison.h"

static void begins_and_ends(void **state)
{
	struct trouble *t = trouble_new();
	char text[512];
	struct sbuf b = sbuf_fixed(text, sizeof(text));
	struct json_writer w = json_writer_of(&b, 0);

	(void)state;
	trouble_begin(t, STR("a.example"), "first", 100);
	trouble_begin(t, STR("b.example"), "why", 200);
	trouble_begin(t, STR("a.example"), "other", 300);
	assert_int_equal(trouble_count(t), 2);
	json_open_array(&w, NULL);
	trouble_json(t, &w);
	json_close_array(&w);
	assert_str(sbuf_str(&b),
		"[{\"domain\":\"a.example\",\"since\":100,\"why\":\"other\"},"
		"{\"domain\":\"b.example\",\"since\":200,\"why\":\"why\"}]");
	assert_true(trouble_end(t, STR("a.example")));
	assert_false(trouble_end(t, STR("a.example")));
	assert_int_equal(trouble_count(t), 1);
	trouble_free(&t);
	assert_null(t);
}

static void the_oldest_go_first(void **state)
{
	struct trouble *t = trouble_new();
	char name[32];

	(void)state;
	for (unsigned i = 0; i <= TROUBLE_MAX; i++) {
		(void)snprintf(name, sizeof(name), "d%u.example", i);
		trouble_begin(t, str_of(name), "why", i);
	}
	assert_int_equal(trouble_count(t), TROUBLE_MAX);
	assert_false(trouble_end(t, STR("d0.example")));
	assert_true(trouble_end(t, STR("d1.example")));
	trouble_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_and_ends),
		cmocka_unit_test(the_oldest_go_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
