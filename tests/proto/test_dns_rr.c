/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/testing.h"

#include "base/mem.h"
#include "proto/dns_rr.h"

#include "base/poison.h"

static struct dns_name name_of(const char *text)
{
	struct dns_name name;

	assert_int_equal(dns_name_parse(str_of(text), &name), ST_OK);
	return name;
}

static void assert_rdata(uint16_t type, struct str rdata, const char *want)
{
	char p[4096];
	struct sbuf b = sbuf_fixed(p, sizeof(p));

	dns_rdata_write(&b, type, rdata);
	assert_true(sbuf_ok(&b));
	assert_str(sbuf_str(&b), want);
}

static void soa_survives_and_breaks_when_cut(void **state)
{
	struct dns_soa soa = { .mname = name_of("ns1.example"),
		.rname = name_of("hostmaster.example"),
		.serial = 4000000000u,
		.refresh = 1,
		.retry = 2,
		.expire = 3,
		.minimum = 4 };
	unsigned char p[300];
	struct wire_out out = wire_out_of(p, sizeof(p));
	struct dns_soa back;
	struct str rdata;

	(void)state;
	dns_soa_write(&out, &soa);
	rdata = wire_out_str(&out);
	assert_int_equal(dns_soa_read(rdata, &back), ST_OK);
	assert_int_equal(back.serial, 4000000000u);
	assert_int_equal(back.minimum, 4);
	assert_rdata(DNS_TYPE_SOA, rdata,
		"ns1.example. hostmaster.example. 4000000000 1 2 3 4");
	for (size_t n = 0; n < rdata.n; n++)
		assert_int_equal(
			dns_soa_read(str_upto(rdata, n), &back), ST_INVALID);
}

static void compressed_rdata_is_refused(void **state)
{
	struct dns_name name;

	(void)state;
	assert_int_equal(
		dns_rr_name_read(STR("\001a\xc0\000"), &name), ST_INVALID);
	assert_int_equal(
		dns_rr_name_read(STR("\001a\000x"), &name), ST_INVALID);
}

/* RFC 1035 section 3.3.14, RFC 8461 section 3.1: joined without a blank. */
static void txt_is_split_at_255(void **state)
{
	static const size_t sizes[] = { 0, 1, 254, 255, 256, 510, 511, 2000 };
	char text[2000];
	unsigned char p[2100];
	struct arena *a = arena_must(0);

	(void)state;
	memset(text, 't', sizeof(text));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct wire_out out = wire_out_of(p, sizeof(p));
		size_t n = sizes[i], strings = n == 0 ? 1 : (n + 254) / 255;
		struct str back;

		dns_txt_write(&out, (struct str){ text, n });
		assert_int_equal(out.n, n + strings);
		assert_int_equal(
			dns_txt_read(a, wire_out_str(&out), &back), ST_OK);
		assert_true(str_eq(back, (struct str){ text, n }));
	}
	arena_free(&a);
}

static void txt_reader_is_strict(void **state)
{
	struct arena *a = arena_must(0);
	struct str text;

	(void)state;
	assert_int_equal(dns_txt_read(a, STR(""), &text), ST_INVALID);
	assert_int_equal(dns_txt_read(a, STR("\002a"), &text), ST_INVALID);
	mem_fail_at(1);
	assert_int_equal(dns_txt_read(a, STR("\001a"), &text), ST_LIMIT);
	mem_fail_at(0);
	arena_free(&a);
}

static void caa_survives_a_round_trip(void **state)
{
	unsigned char p[100];
	struct wire_out out = wire_out_of(p, sizeof(p));
	struct str tag, value;
	uint8_t flags;

	(void)state;
	dns_caa_write(&out, DNS_CAA_ISSUER_CRITICAL, STR("issue"),
		STR("ca.example; validationmethods=dns-01"));
	assert_int_equal(
		dns_caa_read(wire_out_str(&out), &flags, &tag, &value), ST_OK);
	assert_int_equal(flags, 128);
	assert_str(tag, "issue");
	assert_str(value, "ca.example; validationmethods=dns-01");
	assert_rdata(DNS_TYPE_CAA, wire_out_str(&out),
		"128 issue \"ca.example; validationmethods=dns-01\"");
	assert_int_equal(
		dns_caa_read(STR("\0\0"), &flags, &tag, &value), ST_INVALID);
	assert_int_equal(dns_caa_read(STR("\0\5issu"), &flags, &tag, &value),
		ST_INVALID);
}

static void rdata_prints_as_master_files_do(void **state)
{
	static const struct {
		uint16_t type;
		struct str rdata;
		const char *want;
	} rows[] = {
		{ DNS_TYPE_A, { "\xc0\0\2\1", 4 }, "192.0.2.1" },
		{ DNS_TYPE_A, { "\xc0\0\2", 3 }, "\\# 3 c00002" },
		{ DNS_TYPE_AAAA,
			{ "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16 },
			"2001:db8::1" },
		{ DNS_TYPE_CNAME, { "\1a\0", 3 }, "a." },
		{ DNS_TYPE_NS, { "\0", 1 }, "." },
		{ DNS_TYPE_MX, { "\0\12\1m\0", 5 }, "10 m." },
		{ DNS_TYPE_TXT, { "\3a\"b\1\n", 6 }, "\"a\\\"b\" \"\\010\"" },
		{ DNS_TYPE_TXT, { "", 0 }, "\\# 0" },
		{ 65280, { "\xab", 1 }, "\\# 1 ab" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_rdata(rows[i].type, rows[i].rdata, rows[i].want);
}

/* RFC 1982 section 3.2. */
static void serials_wrap(void **state)
{
	(void)state;
	assert_true(dns_serial_newer(1, 0));
	assert_true(dns_serial_newer(0, 0xffffffffu));
	assert_true(dns_serial_newer(44, 0xf0000000u));
	assert_false(dns_serial_newer(5, 5));
	assert_false(dns_serial_newer(0xffffffffu, 0));
	assert_false(dns_serial_newer(0x80000000u, 0));
	assert_false(dns_serial_newer(0, 0x80000000u));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(soa_survives_and_breaks_when_cut),
		cmocka_unit_test(compressed_rdata_is_refused),
		cmocka_unit_test(txt_is_split_at_255),
		cmocka_unit_test(txt_reader_is_strict),
		cmocka_unit_test(caa_survives_a_round_trip),
		cmocka_unit_test(rdata_prints_as_master_files_do),
		cmocka_unit_test(serials_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
