/* SPDX-License-Identifier: Apache-2.0 */
/* Which domains are in trouble: begun, ended, bounded. */
#include <stdio.h>

#include "outbound/trouble.h"
#include "tests/testing.h"

#include "base/poison.h"

static struct policy_domain domain_of(const char *name)
{
	return (struct policy_domain){ str_of(name), false, SMTP_PORT };
}

static void begins_and_ends(void **state)
{
	const struct policy_domain a = domain_of("a.example");
	const struct policy_domain b = { STR("b.example"), true, 587 };
	struct trouble *t = trouble_new();
	char text[512];
	struct sbuf out = sbuf_fixed(text, sizeof(text));
	struct json_writer w = json_writer_of(&out, 0);

	(void)state;
	trouble_begin(t, &a, ENGINE_TROUBLE_GONE, "first", 100);
	trouble_begin(t, &b, ENGINE_TROUBLE_DANE, "why", 200);
	trouble_begin(t, &a, ENGINE_TROUBLE_GONE, "other", 300);
	assert_int_equal(trouble_count(t), 2);
	json_open_array(&w, NULL);
	trouble_json(t, &w);
	json_close_array(&w);
	assert_str(sbuf_str(&out),
		"[{\"domain\":\"a.example\",\"next_hop\":\"a.example\","
		"\"reason\":\"gone\",\"since\":100,\"why\":\"other\"},"
		"{\"domain\":\"b.example\",\"next_hop\":\"[b.example]:587\","
		"\"reason\":\"dane\",\"since\":200,\"why\":\"why\"}]");
	assert_true(trouble_end(t, &a, ENGINE_TROUBLE_GONE));
	assert_false(trouble_end(t, &a, ENGINE_TROUBLE_GONE));
	assert_int_equal(trouble_count(t), 1);
	trouble_free(&t);
	assert_null(t);
}

/* Each reason of each next hop is one of its own. */
static void reasons_are_apart(void **state)
{
	const struct policy_domain a = domain_of("a.example");
	const struct policy_domain host = { a.name, true, SMTP_PORT };
	struct trouble *t = trouble_new();

	(void)state;
	trouble_begin(t, &a, ENGINE_TROUBLE_GONE, "why", 100);
	trouble_begin(t, &a, ENGINE_TROUBLE_DANE, "why", 100);
	trouble_begin(t, &host, ENGINE_TROUBLE_DANE, "why", 100);
	assert_int_equal(trouble_count(t), 1);
	assert_true(trouble_end(t, &host, ENGINE_TROUBLE_DANE));
	assert_false(trouble_end(t, &host, ENGINE_TROUBLE_DANE));
	assert_true(trouble_end(t, &a, ENGINE_TROUBLE_GONE));
	assert_int_equal(trouble_count(t), 1);
	assert_true(trouble_end(t, &a, ENGINE_TROUBLE_DANE));
	assert_int_equal(trouble_count(t), 0);
	trouble_free(&t);
}

static void the_oldest_go_first(void **state)
{
	struct trouble *t = trouble_new();
	struct policy_domain domain;
	char name[32];

	(void)state;
	for (unsigned i = 0; i <= TROUBLE_MAX; i++) {
		(void)snprintf(name, sizeof(name), "d%u.example", i);
		domain = domain_of(name);
		trouble_begin(t, &domain, ENGINE_TROUBLE_ID, "why", i);
	}
	assert_int_equal(trouble_count(t), TROUBLE_MAX);
	domain = domain_of("d0.example");
	assert_false(trouble_end(t, &domain, ENGINE_TROUBLE_ID));
	domain = domain_of("d1.example");
	assert_true(trouble_end(t, &domain, ENGINE_TROUBLE_ID));
	trouble_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_and_ends),
		cmocka_unit_test(reasons_are_apart),
		cmocka_unit_test(the_oldest_go_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
