/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "io/idn.h"
#include "proto/policy_domain.h"
#include "tests/parser_laws.h"

#include "base/poison.h"

#define LABEL63                                                                \
	"a23456789012345678901234567890123456789012345678901234567890123"

/* Written it is the same next hop; only a service has no name any more. */
static void assert_written(struct arena *a, const struct policy_domain *d)
{
	struct sbuf b = sbuf_arena(a, POLICY_DOMAIN_TEXT_MAX);
	struct policy_domain again;

	policy_domain_write(&b, d);
	assert_int_equal(
		policy_domain_parse(a, sbuf_str(&b), NULL, &again), ST_OK);
	assert_true(str_eq(again.name, d->name));
	assert_int_equal(again.is_host, d->is_host);
	assert_int_equal(again.port, d->port == 0 ? SMTP_PORT : d->port);
}

static void keys(void **state)
{
	static const struct {
		const char *key, *name; /* NULL: no policy domain */
		bool is_host;
		uint16_t port;
	} rows[] = {
		/* RFC 8461 section 2: the domain of the next hop */
		{ "example.com", "example.com", false, 25 },
		{ "Example.COM.", "example.com", false, 25 },
		{ "localhost", "localhost", false, 25 },
		/* section 3.4: a smart host is a policy domain (checklist 25)
		 */
		{ "[relay.example.com]", "relay.example.com", true, 25 },
		{ "[relay.example.com]:587", "relay.example.com", true, 587 },
		{ "[relay.example.com]:submission", "relay.example.com", true,
			0 },
		{ "[Relay.Example.com.]:25", "relay.example.com", true, 25 },
		{ "relay.example.com:587", "relay.example.com", false, 587 },
		{ "example.com:smtp", "example.com", false, 0 },
		/* RFC 5891: U-labels; UTS 46 folds and knows other dots */
		{ "b\xc3\xbc"
		  "cher.example",
			"xn--bcher-kva.example", false, 25 },
		{ "B\xc3\x9c"
		  "CHER.example",
			"xn--bcher-kva.example", false, 25 },
		{ "[b\xc3\xbc"
		  "cher.example]:26",
			"xn--bcher-kva.example", true, 26 },
		{ "b\xc3\xbc"
		  "cher\xe3\x80\x82"
		  "example",
			"xn--bcher-kva.example", false, 25 },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example", false, 25 },
		/* section 3.4: a sub-domain does not inherit from its parent */
		{ ".example.com", NULL },
		{ ".com", NULL },
		{ ".", NULL },
		{ "[.example.com]", NULL },
		/* section 3.4: no policies for address literals */
		{ "192.0.2.1", NULL },
		{ "192.0.2.1:25", NULL },
		{ "[192.0.2.1]", NULL },
		{ "[192.0.2.1]:25", NULL },
		{ "[2001:db8::1]", NULL },
		{ "[IPv6:2001:db8::1]:25", NULL },
		{ "2001:db8::1", NULL },
		{ "\xef\xbc\x91"
		  "92.0.2.1",
			NULL }, /* a wide 1 */
		/* what is no domain name */
		{ "", NULL },
		{ " ", NULL },
		{ "*", NULL },
		{ "*.example.com", NULL },
		{ "a..example.com", NULL },
		{ "-a.example.com", NULL },
		{ "a_b.example.com", NULL },
		{ "a b.example.com", NULL },
		{ "a.example.com\n", NULL },
		{ "user@example.com", NULL },
		{ "unix:/var/run/socket", NULL },
		{ LABEL63 "4.example", NULL },
		{ LABEL63 "." LABEL63 "." LABEL63 "." LABEL63, NULL },
		{ "xn--99999999.example", NULL },
		{ "\xff.example", NULL },
		{ "\xe2\x80\x8b.example", NULL },
		/* brackets and ports */
		{ "[]", NULL },
		{ "[example.com", NULL },
		{ "example.com]", NULL },
		{ "[example.com]25", NULL },
		{ "[example.com]:", NULL },
		{ "[[example.com]]", NULL },
		{ "example.com:", NULL },
		{ "example.com:0", NULL },
		{ "example.com:65536", NULL },
		{ "example.com:-1", NULL },
		{ "example.com:25:25", NULL },
		{ "example.com:sub mission", NULL },
		{ "example.com:a234567890123456", NULL },
		{ ":25", NULL },
	};
	struct arena *a = arena_must(0);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct policy_domain d;
		enum status st = policy_domain_parse(
			a, str_of(rows[i].key), idn_to_ascii, &d);

		if (st != (rows[i].name == NULL ? ST_NOTFOUND : ST_OK))
			fail_msg("\"%s\": %d", rows[i].key, st);
		if (st != ST_OK)
			continue;
		assert_str(d.name, rows[i].name);
		assert_int_equal(d.is_host, rows[i].is_host);
		assert_int_equal(d.port, rows[i].port);
		assert_written(a, &d);
	}
	arena_free(&a);
}

static void a_key_of_any_length(void **state)
{
	static char key[10000];
	struct arena *a = arena_must(0);
	struct policy_domain d;

	(void)state;
	for (size_t n = 0; n < sizeof(key); n += 100) {
		memset(key, n % 200 == 0 ? 'a' : '\xc3', n);
		assert_int_equal(policy_domain_parse(a, (struct str){ key, n },
					 idn_to_ascii, &d),
			ST_NOTFOUND);
	}
	assert_int_equal(
		policy_domain_parse(a, STR("a\0b.example"), idn_to_ascii, &d),
		ST_NOTFOUND);
	assert_int_equal(policy_domain_parse(a, STR("\xc3\xbc\0.example"),
				 idn_to_ascii, &d),
		ST_NOTFOUND);
	/* proto alone knows ASCII only */
	assert_int_equal(policy_domain_parse(a,
				 STR("b\xc3\xbc"
				     "cher.example"),
				 NULL, &d),
		ST_NOTFOUND);
	arena_free(&a);
}

static enum status parse(struct arena *a, struct str key)
{
	struct policy_domain d;
	enum status st = policy_domain_parse(a, key, idn_to_ascii, &d);

	return st == ST_NOTFOUND ? ST_INVALID : st;
}

static void laws(void **state)
{
	(void)state;
	law_truncated(parse, STR("[b\xc3\xbc"
				 "cher.example]:587"));
	law_no_memory(parse, STR("b\xc3\xbc"
				 "cher.example:25"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys),
		cmocka_unit_test(a_key_of_any_length),
		cmocka_unit_test(laws),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
