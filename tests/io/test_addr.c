/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/testing.h"

#include "io/addr.h"

#include "base/poison.h"

static void text_there_and_back(void **state)
{
	static const struct {
		const char *in;
		uint16_t port;
		const char *out; /* NULL: refused */
	} rows[] = {
		{ "192.0.2.1:53", 0, "192.0.2.1:53" },
		{ "192.0.2.1", 53, "192.0.2.1:53" },
		{ "[2001:DB8::1]:443", 0, "[2001:db8::1]:443" },
		{ "2001:db8::1", 80, "[2001:db8::1]:80" },
		{ "[::]", 80, "[::]:80" },
		{ "192.0.2.1", 0, NULL },
		{ "192.0.2.1:0", 53, NULL },
		{ "192.0.2.1:65536", 53, NULL },
		{ "192.0.2.1:", 53, NULL },
		{ "192.0.2.1:5 ", 53, NULL },
		{ "[::1", 53, NULL },
		{ "[::1]x", 53, NULL },
		{ "example.net:53", 0, NULL },
		{ "", 53, NULL },
		{ ":53", 53, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[80];
		struct sbuf b = sbuf_fixed(text, sizeof(text));
		struct addr a;
		enum status st = addr_parse(
			str_of(rows[i].in), rows[i].port, &a);

		assert_int_equal(st, rows[i].out != NULL ? ST_OK : ST_INVALID);
		if (st != ST_OK)
			continue;
		addr_write(&b, &a);
		assert_str(sbuf_str(&b), rows[i].out);
	}
}

static void only_the_public_internet_passes(void **state)
{
	static const struct {
		const char *ip;
		bool public;
	} rows[] = {
		{ "8.8.8.8", true },
		{ "9.255.255.255", true },
		{ "10.0.0.0", false },
		{ "11.0.0.0", true },
		{ "100.63.255.255", true },
		{ "100.64.0.1", false },
		{ "100.127.255.255", false },
		{ "100.128.0.0", true },
		{ "127.1.2.3", false },
		{ "169.254.169.254", false },
		{ "172.15.0.1", true },
		{ "172.31.0.1", false },
		{ "172.32.0.1", true },
		{ "192.168.1.1", false },
		{ "198.19.0.1", false },
		{ "198.20.0.1", true },
		{ "0.0.0.0", false },
		{ "224.0.0.1", false },
		{ "255.255.255.255", false },
		{ "::", false },
		{ "::1", false },
		{ "::ffff:127.0.0.1", false },
		{ "::ffff:8.8.8.8", true },
		{ "64:ff9b::10.0.0.1", false },
		{ "64:ff9b::8.8.8.8", true },
		{ "fe80::1", false },
		{ "fd00::1", false },
		{ "ff02::1", false },
		{ "2001:db8::1", false },
		{ "2002:7f00:1::", false },
		{ "2001::1", false },
		{ "2001:4860:4860::8888", true },
		{ "2a00:1450::1", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct addr a;

		assert_int_equal(addr_parse(str_of(rows[i].ip), 1, &a), ST_OK);
		if (addr_is_public(&a) != rows[i].public)
			fail_msg("%s", rows[i].ip);
	}
}

/* Whoever has one address of an IPv6 network has them all. */
static void a_client_is_a_network(void **state)
{
	static const struct {
		const char *one, *other;
		bool same;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "2001:db8::1", "2001:db8::ffff:1:2:3", true },
		{ "2001:db8::1", "2001:db8:0:1::1", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct addr a, b;

		assert_int_equal(addr_parse(str_of(rows[i].one), 1, &a), ST_OK);
		assert_int_equal(
			addr_parse(str_of(rows[i].other), 2, &b), ST_OK);
		if (str_eq(addr_client(&a), addr_client(&b)) != rows[i].same)
			fail_msg("%s %s", rows[i].one, rows[i].other);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_there_and_back),
		cmocka_unit_test(only_the_public_internet_passes),
		cmocka_unit_test(a_client_is_a_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
