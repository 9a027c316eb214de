/* SPDX-License-Identifier: Apache-2.0 */
/* Registrable domains by the list that is installed. */
#include "io/public_suffix.h"
#include "tests/testing.h"

#include "base/poison.h"

static void registrable(void **state)
{
	static const char *const rows[][2] = {
		{ "example.com", "example.com" },
		{ "a.b.example.com", "example.com" },
		{ "a.example.co.uk", "example.co.uk" },
		{ "co.uk", "co.uk" },
		{ "com", "com" },
		{ "a.b.c.kawasaki.jp", "b.c.kawasaki.jp" },
		{ "www.city.kawasaki.jp", "city.kawasaki.jp" },
		{ "no.such.toplevel", "such.toplevel" },
	};
	struct public_suffix *p = public_suffix_open();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_str(public_suffix_registrable(p, str_of(rows[i][0])),
			rows[i][1]);
	public_suffix_close(&p);
	assert_null(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(registrable) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
