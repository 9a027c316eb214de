/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of a result is what it said. */
#include "base/mem.h"
#include "outbound/dane_memo.h"
#include "proto/dns_name.h"
#include "tests/testing.h"

#include "base/poison.h"

/* Where a CNAME leads to may be any name, far longer as text than a host's. */
static void hosts_come_back(void **state)
{
	char text[DNS_NAME_TEXT_MAX];
	struct str longest = { text, sizeof(text) };
	struct mx_host mx[] = {
		{ STR("a.example"), 10, DANE_HOST_USABLE, longest },
		{ STR("b.example"), 20, DANE_HOST_NONE, { NULL, 0 } },
		{ STR("c.example"), 30, DANE_HOST_UNUSABLE, STR("d.example") },
	};
	struct dane_result in = { .state = DANE_SOME, .mx = mx, .n_mx = 3 };
	struct dane_result out;
	struct dane_memo *m;
	struct arena *a = arena_must(0);

	(void)state;
	memset(text, 'x', sizeof(text));
	m = dane_memo_of(&in);
	assert_int_equal(dane_memo_read(m, a, &out), ST_OK);
	assert_int_equal(out.state, DANE_SOME);
	assert_int_equal(out.n_mx, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_true(str_eq(out.mx[i].name, mx[i].name));
		assert_true(str_eq(out.mx[i].tlsa_base, mx[i].tlsa_base));
		assert_int_equal(out.mx[i].preference, mx[i].preference);
		assert_int_equal(out.mx[i].dane, mx[i].dane);
	}
	mem_free(m);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
