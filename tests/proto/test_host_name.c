/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/host_name.h"
#include "tests/testing.h"

#include "base/mem.h"

#include "base/poison.h"

#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void every_fault_has_its_name(void **state)
{
	static const struct {
		const char *name;
		enum host_fault want;
	} rows[] = {
		/* RFC 5321 section 4.1.2, Domain */
		{ "mx.moat.test", HOST_NAME_GOOD },
		{ "MX-1.Moat.TEST", HOST_NAME_GOOD },
		{ "localhost", HOST_NAME_GOOD },
		{ "a", HOST_NAME_GOOD },
		{ "", HOST_NAME_EMPTY },
		{ ".", HOST_NAME_EMPTY_LABEL },
		{ ".moat.test", HOST_NAME_EMPTY_LABEL },
		{ "mx..test", HOST_NAME_EMPTY_LABEL },
		{ "moat.test.", HOST_NAME_TRAILING_DOT },
		{ "-mx.test", HOST_NAME_HYPHEN },
		{ "mx-.test", HOST_NAME_HYPHEN },
		{ "mx.test-", HOST_NAME_HYPHEN },
		{ "m_x.test", HOST_NAME_BAD_BYTE },
		{ "m x.test", HOST_NAME_BAD_BYTE },
		{ "*.moat.test", HOST_NAME_BAD_BYTE },
		{ "mx.test:25", HOST_NAME_BAD_BYTE },
		{ "b\xc3\xbc"
		  "cher.test",
			HOST_NAME_NOT_ASCII },
		/* RFC 1035 section 2.3.4 */
		{ L63 ".test", HOST_NAME_GOOD },
		{ L63 "a.test", HOST_NAME_LABEL_TOO_LONG },
		{ L63 "." L63 "." L63 "." L63, HOST_NAME_TOO_LONG },
		/* RFC 1123 section 2.1 */
		{ "192.0.2.1", HOST_NAME_ADDRESS },
		{ "1.2.3", HOST_NAME_ADDRESS },
		{ "2001:db8::1", HOST_NAME_ADDRESS },
		{ "[192.0.2.1]", HOST_NAME_ADDRESS },
		{ "[IPv6:2001:db8::1]", HOST_NAME_ADDRESS },
		{ "3com.test", HOST_NAME_GOOD },
		/* RFC 3492: Punycode, and what only looks like it */
		{ "xn--bcher-kva.test", HOST_NAME_GOOD },
		{ "XN--BCHER-KVA.test", HOST_NAME_GOOD },
		{ "xn--p1ai", HOST_NAME_GOOD },
		{ "xn--wgbl6a", HOST_NAME_GOOD },
		{ "xn--80akhbyknj4f.test", HOST_NAME_GOOD },
		/* U+D7FF, and U+D800, which is no character */
		{ "xn--xda1911i", HOST_NAME_GOOD },
		{ "xn--xda3911i", HOST_NAME_BAD_ALABEL },
		{ "xn--.test", HOST_NAME_HYPHEN },
		{ "xn--bcher-9.test", HOST_NAME_BAD_ALABEL },
		{ "xn--99999999.test", HOST_NAME_BAD_ALABEL },
		{ "xn--a-.test", HOST_NAME_HYPHEN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum host_fault got = host_name_fault(str_of(rows[i].name));

		if (got != rows[i].want)
			fail_msg("%s %s", rows[i].name, host_fault_text(got));
	}
	assert_int_equal(host_name_fault(STR("mx\0.test")), HOST_NAME_BAD_BYTE);
}

static void parsing_normalises(void **state)
{
	struct arena *a = arena_must(0);
	struct str out = STR("untouched");
	struct err e = {};

	(void)state;
	assert_int_equal(
		host_name_parse(a, STR("no good"), &out, &e), ST_INVALID);
	assert_str(out, "untouched");
	assert_true(strlen(e.text) > 0);
	assert_int_equal(
		host_name_parse(a, STR("a.test.."), &out, NULL), ST_INVALID);
	assert_int_equal(
		host_name_parse(a, STR("Mx.Moat.Test."), &out, &e), ST_OK);
	assert_str(out, "mx.moat.test");
	assert_int_equal(host_name_parse(a, out, &out, &e), ST_OK);
	assert_str(out, "mx.moat.test");
	arena_free(&a);
}

static void parsing_survives_no_memory(void **state)
{
	struct arena *a = arena_must(0);
	struct str out = STR("untouched");

	(void)state;
	mem_fail_at(1);
	assert_int_equal(
		host_name_parse(a, STR("a.test"), &out, NULL), ST_LIMIT);
	mem_fail_at(0);
	assert_str(out, "untouched");
	arena_free(&a);
}

static void under_means_whole_labels(void **state)
{
	(void)state;
	assert_true(host_name_under(STR("a.b.Test"), STR("b.test")));
	assert_true(host_name_under(STR("b.test"), STR("B.test")));
	assert_false(host_name_under(STR("ab.test"), STR("b.test")));
	assert_false(host_name_under(STR("test"), STR("b.test")));
	assert_false(host_name_under(STR(""), STR("b.test")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_fault_has_its_name),
		cmocka_unit_test(parsing_normalises),
		cmocka_unit_test(parsing_survives_no_memory),
		cmocka_unit_test(under_means_whole_labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
