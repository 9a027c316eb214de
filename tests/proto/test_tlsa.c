/* SPDX-License-Identifier: Apache-2.0 */
/* TLSA records as RFC 6698 writes them and RFC 7672 section 3.1 uses them. */
#include "tests/testing.h"

#include "proto/tlsa.h"

#include "base/poison.h"

#define RDATA_MAX 400

/* Outlines of a key, of a certificate, and of one with a length in two octets.
 */
#define ALGORITHM "\x30\x05\x06\x03\x2b\x65\x70"
#define BITS "\x03\x03\x00\xab\xab"
#define KEY "\x30\x0c" ALGORITHM BITS
#define CERT "\x30\x10\x30\x02\x05\x00" ALGORITHM BITS
#define LONG "\x30\x81\x10\x30\x02\x05\x00" ALGORITHM BITS

/* rdata of n bytes of data that begin with head. */
static struct str rdata_of(unsigned char *p, unsigned usage, unsigned selector,
	unsigned matching, const char *head, size_t head_n, size_t n)
{
	memset(p, 0xab, RDATA_MAX);
	p[0] = (unsigned char)usage;
	p[1] = (unsigned char)selector;
	p[2] = (unsigned char)matching;
	memcpy(p + 3, head, head_n);
	return (struct str){ (const char *)p, n + 3 };
}

static void usable_as_rfc_7672_says(void **state)
{
	static const struct {
		unsigned usage, selector, matching;
		const char *head;
		size_t head_n, n;
		enum tlsa_fault want;
	} rows[] = {
		/* 3.1.1, 3.1.2 */
		{ 3, 1, 1, "", 0, 32, TLSA_USABLE },
		{ 3, 0, 1, "", 0, 32, TLSA_USABLE },
		{ 2, 0, 1, "", 0, 32, TLSA_USABLE },
		{ 2, 1, 2, "", 0, 64, TLSA_USABLE },
		/* 3.1.3 */
		{ 0, 0, 1, "", 0, 32, TLSA_USAGE_PKIX },
		{ 1, 1, 1, "", 0, 32, TLSA_USAGE_PKIX },
		{ 4, 1, 1, "", 0, 32, TLSA_USAGE_UNKNOWN },
		{ 255, 1, 1, "", 0, 32, TLSA_USAGE_UNKNOWN },
		{ 3, 2, 1, "", 0, 32, TLSA_SELECTOR_UNKNOWN },
		{ 3, 255, 1, "", 0, 32, TLSA_SELECTOR_UNKNOWN },
		{ 3, 1, 3, "", 0, 32, TLSA_MATCHING_UNKNOWN },
		{ 3, 1, 255, "", 0, 32, TLSA_MATCHING_UNKNOWN },
		{ 3, 1, 1, "", 0, 31, TLSA_DATA_LENGTH },
		{ 3, 1, 1, "", 0, 33, TLSA_DATA_LENGTH },
		{ 3, 1, 1, "", 0, 64, TLSA_DATA_LENGTH },
		{ 3, 1, 2, "", 0, 32, TLSA_DATA_LENGTH },
		{ 3, 1, 1, "", 0, 0, TLSA_DATA_LENGTH },
		/* matching type 0: the whole certificate or key */
		{ 3, 1, 0, KEY, sizeof(KEY) - 1, 14, TLSA_USABLE },
		{ 2, 1, 0, KEY, sizeof(KEY) - 1, 14, TLSA_USABLE },
		{ 3, 0, 0, CERT, sizeof(CERT) - 1, 18, TLSA_USABLE },
		{ 3, 0, 0, LONG, sizeof(LONG) - 1, 19, TLSA_USABLE },
		/* the other selector */
		{ 3, 0, 0, KEY, sizeof(KEY) - 1, 14, TLSA_DATA_DER },
		{ 3, 1, 0, CERT, sizeof(CERT) - 1, 18, TLSA_DATA_DER },
		/* too short, too long, something else */
		{ 3, 1, 0, KEY, sizeof(KEY) - 1, 13, TLSA_DATA_DER },
		{ 3, 1, 0, KEY, sizeof(KEY) - 1, 15, TLSA_DATA_DER },
		{ 3, 1, 0, "\x30\x03\x02\x01\x01", 5, 5, TLSA_DATA_DER },
		{ 2, 0, 0, "\x31\x7e", 2, 128, TLSA_DATA_DER },
		{ 2, 0, 0, "\x30\x80", 2, 130, TLSA_DATA_DER },
		{ 2, 0, 0, "\x30\x84\x00\x00\x00\x10", 6, 22, TLSA_DATA_DER },
		{ 2, 0, 0, "\x30\x00", 2, 2, TLSA_DATA_DER },
		{ 2, 0, 0, "\x30", 1, 1, TLSA_DATA_DER },
		{ 2, 0, 0, "", 0, 0, TLSA_DATA_DER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unsigned char p[RDATA_MAX];
		struct tlsa t;

		assert_int_equal(
			tlsa_parse(rdata_of(p, rows[i].usage, rows[i].selector,
					   rows[i].matching, rows[i].head,
					   rows[i].head_n, rows[i].n),
				&t),
			ST_OK);
		assert_int_equal(tlsa_fault(&t), rows[i].want);
		assert_true(*tlsa_fault_text(rows[i].want) != '\0');
	}
}

static void three_octets_are_needed(void **state)
{
	struct tlsa t = { .usage = 9 };

	(void)state;
	for (size_t n = 0; n < 3; n++)
		assert_int_equal(
			tlsa_parse(str_upto(STR("\3\1\1"), n), &t), ST_INVALID);
	assert_int_equal(t.usage, 9);
	assert_int_equal(tlsa_parse(STR("\3\1\1"), &t), ST_OK);
	assert_int_equal(t.data.n, 0);
}

static void text_is_the_master_file_form(void **state)
{
	char p[64];
	struct sbuf b = sbuf_fixed(p, sizeof(p));
	struct tlsa t;

	(void)state;
	assert_int_equal(tlsa_parse(STR("\3\1\1\x0f\xa0\xff"), &t), ST_OK);
	tlsa_write(&b, &t);
	assert_str(sbuf_str(&b), "3 1 1 0FA0FF");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usable_as_rfc_7672_says),
		cmocka_unit_test(three_octets_are_needed),
		cmocka_unit_test(text_is_the_master_file_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
