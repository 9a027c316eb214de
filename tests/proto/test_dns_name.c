/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/testing.h"

#include "proto/dns_name.h"

#include "base/poison.h"

static struct dns_name name_of(const char *text)
{
	struct dns_name name;

	assert_int_equal(dns_name_parse(str_of(text), &name), ST_OK);
	return name;
}

static void assert_text(const struct dns_name *name, const char *want)
{
	char p[DNS_NAME_TEXT_MAX];
	struct sbuf b = sbuf_fixed(p, sizeof(p));

	dns_name_write(&b, name);
	assert_true(sbuf_ok(&b));
	assert_str(sbuf_str(&b), want);
}

static void text_survives_a_round_trip(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "example.net", "example.net" },
		{ "Example.NET.", "Example.NET" },
		{ ".", "." },
		{ "a\\.b.c", "a\\.b.c" },
		{ "a\\\\b", "a\\\\b" },
		{ "\\000\\255.x", "\\000\\255.x" },
		{ "\\097", "a" },
		{ "_mta-sts.x", "_mta-sts.x" },
		{ "a b", "a\\032b" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct dns_name name = name_of(rows[i].in), again;

		assert_text(&name, rows[i].out);
		again = name_of(rows[i].out);
		assert_true(dns_name_eq(&name, &again));
	}
}

static void bad_text_is_refused(void **state)
{
	static const char *const bad[] = { "", "..", ".a", "a..b", "a..", "\\",
		"a\\", "\\25", "\\256", "\\2x6", "a.\\" };
	struct dns_name name = { .n = 77 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(
			dns_name_parse(str_of(bad[i]), &name), ST_INVALID);
	assert_int_equal(name.n, 77);
}

/* n labels of len bytes each, joined by dots. */
static struct str labels(char *p, size_t n, size_t len)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		memset(p + at, 'a', len);
		at += len;
		p[at++] = '.';
	}
	return (struct str){ p, at };
}

/* RFC 1035 section 2.3.4: labels of 63, names of 255 bytes. */
static void limits_are_63_and_255(void **state)
{
	struct dns_name name;
	char p[512];

	(void)state;
	assert_int_equal(dns_name_parse(labels(p, 1, 63), &name), ST_OK);
	assert_int_equal(dns_name_parse(labels(p, 1, 64), &name), ST_LIMIT);
	assert_int_equal(dns_name_parse(labels(p, 127, 1), &name), ST_OK);
	assert_int_equal(name.n, 255);
	assert_int_equal(dns_name_parse(labels(p, 128, 1), &name), ST_LIMIT);
	assert_int_equal(dns_name_parse(labels(p, 3, 63), &name), ST_OK);
	assert_int_equal(dns_name_parse(labels(p, 4, 63), &name), ST_LIMIT);
}

static void wire_follows_pointers_backwards_only(void **state)
{
	static const char msg[] = "\003www\007example\000"
				  "\001a\xc0\004" /* at 13: a.example */
				  "\xc0\021"	  /* at 17: itself */
				  "\xc0\377";	  /* at 19: forward */
	struct wire_in in = wire_in_of((struct str){ msg, sizeof(msg) - 1 });
	struct dns_name name = dns_name_read(&in);

	(void)state;
	assert_text(&name, "www.example");
	assert_int_equal(in.at, 13);
	name = dns_name_read(&in);
	assert_text(&name, "a.example");
	assert_int_equal(in.at, 17);
	name = dns_name_read(&in);
	assert_false(wire_ok(&in));
	assert_int_equal(name.n, 1);
	in = wire_in_of((struct str){ msg, sizeof(msg) - 1 });
	in.at = 19;
	(void)dns_name_read(&in);
	assert_false(wire_ok(&in));
}

static void cut_wire_fails_at_every_offset(void **state)
{
	static const char wire[] = "\003www\007example";

	(void)state;
	for (size_t n = 0; n < sizeof(wire); n++) {
		struct wire_in in = wire_in_of((struct str){ wire, n });

		(void)dns_name_read(&in);
		assert_false(wire_ok(&in));
	}
}

static void extended_labels_are_refused(void **state)
{
	struct wire_in in = wire_in_of(STR("\101a\000"));

	(void)state;
	(void)dns_name_read(&in);
	assert_false(wire_ok(&in));
}

static void names_compare_without_case(void **state)
{
	struct dns_name a = name_of("A.Example"), b = name_of("a.eXAMPLE");
	struct dns_name zone = name_of("example"), other = name_of("xample");
	struct dns_name sneaky = name_of("a\\007example");

	(void)state;
	assert_true(dns_name_eq(&a, &b));
	assert_true(dns_name_is_in(&a, &zone));
	assert_true(dns_name_is_in(&zone, &zone));
	assert_false(dns_name_is_in(&zone, &a));
	assert_false(dns_name_is_in(&a, &other));
	assert_false(dns_name_is_in(&sneaky, &zone));
	dns_name_lower(&a);
	assert_text(&a, "a.example");
}

/* The example of RFC 4034 section 6.1. */
static void order_is_canonical(void **state)
{
	static const char *const sorted[] = { "example", "a.example",
		"yljkjljk.a.example", "Z.a.example", "zABC.a.EXAMPLE",
		"z.example", "\\001.z.example", "*.z.example",
		"\\200.z.example" };
	const size_t n = sizeof(sorted) / sizeof(*sorted);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			struct dns_name a = name_of(sorted[i]);
			struct dns_name b = name_of(sorted[j]);
			char pa[DNS_NAME_KEY_MAX], pb[DNS_NAME_KEY_MAX];
			struct sbuf ka = sbuf_fixed(pa, sizeof(pa));
			struct sbuf kb = sbuf_fixed(pb, sizeof(pb));
			int k;

			dns_name_key(&ka, &a);
			dns_name_key(&kb, &b);
			k = str_cmp(sbuf_str(&ka), sbuf_str(&kb));
			assert_int_equal((k > 0) - (k < 0), (i > j) - (i < j));
		}
	}
}

static void labels_are_cut_off(void **state)
{
	struct dns_name up = name_of("_mta-sts.id.example");

	(void)state;
	assert_true(dns_name_cut(&up));
	assert_text(&up, "id.example");
	up = dns_name_root();
	assert_false(dns_name_cut(&up));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_survives_a_round_trip),
		cmocka_unit_test(bad_text_is_refused),
		cmocka_unit_test(limits_are_63_and_255),
		cmocka_unit_test(wire_follows_pointers_backwards_only),
		cmocka_unit_test(cut_wire_fails_at_every_offset),
		cmocka_unit_test(extended_labels_are_refused),
		cmocka_unit_test(names_compare_without_case),
		cmocka_unit_test(order_is_canonical),
		cmocka_unit_test(labels_are_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
