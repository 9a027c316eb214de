/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses that cannot add a header or an SMTP command. */
#include "proto/mail_address.h"
#include "tests/testing.h"

#include "base/poison.h"

static void addresses(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
		{ "ops@example.com", true },
		{ "o'neill+tls@example.com", true },
		{ "", false },
		{ "example.com", false },
		{ "@example.com", false },
		{ "ops@", false },
		{ "a@b@c", false },
		{ "ops@example.com\r\nBcc: x@y", false },
		{ "<ops@example.com>", false },
		{ "o ps@example.com", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (mail_address_is_plain(str_of(rows[i].text)) != rows[i].good)
			fail_msg("%s", rows[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
