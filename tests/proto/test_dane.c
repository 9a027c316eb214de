/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a domain that follows from its hosts. */
#include "tests/testing.h"

#include "proto/dane.h"

#include "base/poison.h"

#define HOSTS_MAX 3

/* u: usable, x: unusable, -: none, t: temp, b: broken, 0: no address */
static enum dane_host host_of(char c)
{
	switch (c) {
	case 'u':
		return DANE_HOST_USABLE;
	case 'x':
		return DANE_HOST_UNUSABLE;
	case '-':
		return DANE_HOST_NONE;
	case 't':
		return DANE_HOST_TEMP;
	case 'b':
		return DANE_HOST_BROKEN;
	case '0':
		return DANE_HOST_NO_ADDRESS;
	default:
		return DANE_HOST_UNKNOWN;
	}
}

static void state_follows_from_the_hosts(void **state)
{
	static const struct {
		const char *hosts, *want;
	} rows[] = {
		{ "u", "all" },
		{ "uu", "all" },
		{ "u-", "some" },
		{ "-u-", "some" },
		{ "x", "some" },
		{ "ux", "some" },
		{ "-", "absent" },
		{ "--", "absent" },
		{ "", "absent" },
		/* RFC 7672 section 2.1.2: what failed proves nothing */
		{ "t", "temp" },
		{ "tt", "temp" },
		{ "t-", "some" },
		{ "ut", "some" },
		/* one host that is out of reach does not hold up the rest */
		{ "ub", "all" },
		{ "u0", "all" },
		/* but may have TLSA records */
		{ "-b", "some" },
		{ "-0", "absent" },
		{ "tb0", "temp" },
		{ "b", "temp" },
		{ "b0", "temp" },
		{ "0", "absent" },
		{ "u?", "all" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct mx_host mx[HOSTS_MAX] = {};
		size_t n = strlen(rows[i].hosts);

		for (size_t k = 0; k < n; k++)
			mx[k].dane = host_of(rows[i].hosts[k]);
		assert_string_equal(
			dane_state_name(dane_state_of(mx, n)), rows[i].want);
	}
}

static void words_are_stable(void **state)
{
	(void)state;
	assert_string_equal(dane_host_name(DANE_HOST_NO_ADDRESS), "no-address");
	assert_string_equal(dane_host_name(DANE_HOST_UNKNOWN), "unknown");
	assert_string_equal(dane_outcome_name(DANE_LOOKUP_FAILED), "failed");
	assert_string_equal(dane_outcome_name(DANE_LOOKUP_FOUND), "found");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(state_follows_from_the_hosts),
		cmocka_unit_test(words_are_stable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
