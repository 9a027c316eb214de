/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/testing.h"

#include "proto/ip_net.h"

#include "base/poison.h"

static void prefixes_hold_addresses(void **state)
{
	static const struct {
		const char *net, *addr;
		bool want;
	} rows[] = {
		{ "192.0.2.0/24", "192.0.2.255", true },
		{ "192.0.2.0/24", "192.0.3.0", false },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "0.0.0.0/0", "203.0.113.1", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "::/0", "2001:db8::1", true },
		{ "192.0.2.0/24", "::ffff:192.0.2.7", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct ip_net net;
		struct ip_addr a;

		assert_int_equal(
			ip_net_parse(str_of(rows[i].net), &net), ST_OK);
		assert_int_equal(
			ip_addr_parse(str_of(rows[i].addr), &a), ST_OK);
		assert_int_equal(ip_net_has(&net, &a), rows[i].want);
	}
}

static void bad_text_is_refused(void **state)
{
	static const char *const bad[] = { "", "/", "192.0.2.0/33",
		"192.0.2.1/24", "192.0.2.0/", "192.0.2.0/24/1", "192.0.2",
		"2001:db8::/129", "2001:db8::1/64", "x", "::1%lo",
		"0192.0.2.1" };
	struct ip_net net = { .bits = 77 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(
			ip_net_parse(str_of(bad[i]), &net), ST_INVALID);
	assert_int_equal(net.bits, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes_hold_addresses),
		cmocka_unit_test(bad_text_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
