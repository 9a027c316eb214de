/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "proto/tlsrpt_record.h"
#include "tests/parser_laws.h"

#include "base/poison.h"

#define V "v=TLSRPTv1; "

struct row {
	const char *texts[3];
	enum tlsrpt_record_outcome want;
	size_t n_rua;
	const char *first; /* address or host of the first one */
};

static void check(const struct row *row)
{
	struct arena *a = arena_must(0);
	struct tlsrpt_record got;
	struct str texts[3];
	struct err why = {};
	size_t n = 0;

	while (n < 3 && row->texts[n] != NULL) {
		texts[n] = str_of(row->texts[n]);
		n++;
	}
	assert_int_equal(tlsrpt_record_select(a, texts, n, &got, &why), ST_OK);
	if (got.outcome != row->want || got.n_rua != row->n_rua)
		fail_msg("%s: outcome %d, %zu rua, %s", row->texts[0],
			got.outcome, got.n_rua, why.text);
	if (row->want != TLSRPT_RECORD_VALID)
		assert_non_null(strstr(why.text, "RFC 8460"));
	if (row->first != NULL)
		assert_str(got.rua[0].scheme == TLSRPT_MAILTO
				   ? got.rua[0].address
				   : got.rua[0].host,
			row->first);
	arena_free(&a);
}

static void records(void **state)
{
	static const struct row rows[] = {
		/* RFC 8460 section 3, tlsrpt-record */
		{ { V "rua=mailto:tls@moat.test" }, TLSRPT_RECORD_VALID, 1,
			"tls@moat.test" },
		{ { "v=TLSRPTv1;rua=https://R.moat.test/v1/tlsrpt;" },
			TLSRPT_RECORD_VALID, 1, "r.moat.test" },
		{ { "v=TLSRPTv1 ;\trua=mailto:a@b.test , https://c.test" },
			TLSRPT_RECORD_VALID, 2, "a@b.test" },
		{ { V "x=1; rua=mailto:a@b.test; rua=mailto:c@d.test" },
			TLSRPT_RECORD_VALID, 2, "a@b.test" },
		/* white space at the end is tolerated */
		{ { V "rua=mailto:a@b.test  " }, TLSRPT_RECORD_VALID, 1,
			"a@b.test" },
		/* "=" in a URI is no "=" of a field */
		{ { V "rua=https://a.test/?x=1&y=2" }, TLSRPT_RECORD_VALID, 1,
			"a.test" },
		{ { V }, TLSRPT_RECORD_INVALID },
		{ { V "x=1" }, TLSRPT_RECORD_INVALID },
		{ { V "rua=" }, TLSRPT_RECORD_INVALID },
		{ { V "rua" }, TLSRPT_RECORD_INVALID },
		{ { V "RUA=mailto:a@b.test" }, TLSRPT_RECORD_INVALID },
		{ { V "rua=mailto:a@b.test,," }, TLSRPT_RECORD_INVALID, 1 },
		{ { V "rua=mailto:a@b.test;;" }, TLSRPT_RECORD_INVALID, 1 },
		{ { V "rua=mailto:a@b.test; y=" }, TLSRPT_RECORD_INVALID, 1 },
		{ { V "rua=mailto:a@b.test c" }, TLSRPT_RECORD_INVALID },
		/* what is good in a bad record may still be used */
		{ { V "rua=a@b.test,mailto:c@d.test" }, TLSRPT_RECORD_INVALID,
			1, "c@d.test" },
		/* selection */
		{ {}, TLSRPT_RECORD_NONE },
		{ { "v=TLSRPTv1" }, TLSRPT_RECORD_NONE },
		{ { "v=tlsrptv1; rua=mailto:a@b.test" }, TLSRPT_RECORD_NONE },
		{ { "v=TLSRPTv10; rua=mailto:a@b.test" }, TLSRPT_RECORD_NONE },
		{ { "rua=mailto:a@b.test; v=TLSRPTv1" }, TLSRPT_RECORD_NONE },
		{ { "x", V "rua=mailto:a@b.test" }, TLSRPT_RECORD_VALID, 1 },
		{ { V "rua=mailto:a@b.test", V }, TLSRPT_RECORD_SEVERAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i]);
}

static void uris(void **state)
{
	static const struct {
		const char *uri;
		enum tlsrpt_uri_fault want;
	} rows[] = {
		{ "mailto:a@b.test", TLSRPT_URI_GOOD },
		{ "MAILTO:a@b.test", TLSRPT_URI_GOOD },
		{ "mailto:a+b%21c@b.test?subject=tls", TLSRPT_URI_GOOD },
		{ "mailto:%22a%20b%22@b.test", TLSRPT_URI_GOOD },
		{ "https://a.test", TLSRPT_URI_GOOD },
		{ "https://a.test:8443/x?y=%2c#z", TLSRPT_URI_GOOD },
		{ "", TLSRPT_URI_EMPTY },
		{ "a@b.test", TLSRPT_URI_NO_SCHEME },
		{ "http://a.test/", TLSRPT_URI_BAD_SCHEME },
		{ "malto:a@b.test", TLSRPT_URI_BAD_SCHEME },
		{ ":a@b.test", TLSRPT_URI_BAD_SCHEME },
		{ "mailto:a@b.test!10m", TLSRPT_URI_RAW },
		{ "https://a.test/;x", TLSRPT_URI_RAW },
		{ "https://a.test/%", TLSRPT_URI_BAD_PERCENT },
		{ "https://a.test/%2", TLSRPT_URI_BAD_PERCENT },
		{ "https://a.test/%g0", TLSRPT_URI_BAD_PERCENT },
		{ "https://a.test/<", TLSRPT_URI_BAD_BYTE },
		{ "mailto:a b@c.test", TLSRPT_URI_BAD_BYTE },
		{ "mailto:\xc3\xa9@b.test", TLSRPT_URI_BAD_BYTE },
		{ "mailto:", TLSRPT_URI_NO_AT },
		{ "mailto:b.test", TLSRPT_URI_NO_AT },
		{ "mailto:a@b@c.test", TLSRPT_URI_NO_AT },
		{ "mailto:@b.test", TLSRPT_URI_BAD_LOCAL },
		{ "mailto:.a@b.test", TLSRPT_URI_BAD_LOCAL },
		{ "mailto:a..b@b.test", TLSRPT_URI_BAD_LOCAL },
		{ "mailto:a.@b.test", TLSRPT_URI_BAD_LOCAL },
		{ "mailto:%00@b.test", TLSRPT_URI_BAD_LOCAL },
		{ "mailto:a%0d%0a@b.test", TLSRPT_URI_BAD_LOCAL },
		{ "mailto:a@", TLSRPT_URI_BAD_HOST },
		{ "mailto:a@b", TLSRPT_URI_BAD_HOST },
		{ "mailto:a@b.test.", TLSRPT_URI_BAD_HOST },
		{ "mailto:a@192.0.2.1", TLSRPT_URI_BAD_HOST },
		{ "https://a/", TLSRPT_URI_BAD_HOST },
		{ "https:///x", TLSRPT_URI_BAD_HOST },
		{ "https://192.0.2.1/", TLSRPT_URI_BAD_HOST },
		{ "https://[2001/", TLSRPT_URI_BAD_HOST },
		{ "https:a.test", TLSRPT_URI_NO_SLASHES },
		{ "https://a.test:0/", TLSRPT_URI_BAD_PORT },
		{ "https://a.test:/", TLSRPT_URI_BAD_PORT },
		{ "https://a.test:65536/", TLSRPT_URI_BAD_PORT },
		{ "https://u@a.test/", TLSRPT_URI_USER },
	};
	struct arena *a = arena_must(0);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum tlsrpt_uri_fault fault;
		struct tlsrpt_uri out;

		assert_int_equal(
			tlsrpt_uri_parse(a, str_of(rows[i].uri), &out, &fault),
			ST_OK);
		if (fault != rows[i].want)
			fail_msg("%s %s", rows[i].uri,
				tlsrpt_uri_fault_text(fault));
	}
	arena_free(&a);
}

static void uri_parts(void **state)
{
	struct arena *a = arena_must(0);
	enum tlsrpt_uri_fault fault;
	struct tlsrpt_uri out;

	(void)state;
	assert_int_equal(
		tlsrpt_uri_parse(a, STR("https://Rpt.moat.test:8443/v1?x=1"),
			&out, &fault),
		ST_OK);
	assert_str(out.host, "rpt.moat.test");
	assert_int_equal(out.port, 8443);
	assert_str(out.path, "/v1?x=1");
	assert_int_equal(tlsrpt_uri_parse(a, STR("mailto:a%2Bb@Moat.test?x"),
				 &out, &fault),
		ST_OK);
	assert_str(out.address, "a+b@Moat.test");
	assert_str(out.host, "moat.test");
	arena_free(&a);
}

static void too_much_is_refused(void **state)
{
	char text[4200] = V "rua=";
	struct arena *a = arena_must(0);
	struct str s = { text, 0 };
	struct tlsrpt_record got;
	size_t n = strlen(text);

	(void)state;
	for (size_t i = 0; i < 33; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
			"%smailto:a%zu@b.test", i == 0 ? "" : ",", i);
	s.n = n;
	assert_int_equal(tlsrpt_record_select(a, &s, 1, &got, NULL), ST_OK);
	assert_int_equal(got.outcome, TLSRPT_RECORD_INVALID);
	assert_int_equal(got.n_rua, 32);
	memset(text + n, ' ', sizeof(text) - n);
	s.n = sizeof(text);
	assert_int_equal(tlsrpt_record_select(a, &s, 1, &got, NULL), ST_OK);
	assert_int_equal(got.outcome, TLSRPT_RECORD_INVALID);
	arena_free(&a);
}

static enum status parse(struct arena *a, struct str text)
{
	struct tlsrpt_record got;

	return tlsrpt_record_select(a, &text, 1, &got, NULL);
}

static void laws(void **state)
{
	const struct str rua[] = { STR("mailto:a@b.test"),
		STR("https://c.test/x") };
	struct arena *a = arena_must(0);
	struct sbuf b = sbuf_arena(a, 200);
	struct tlsrpt_record got;
	struct str s;

	(void)state;
	law_truncated(parse, STR(V "rua=mailto:a%21@b.test,https://c.test:1/x"
				   " ; y=1;"));
	law_no_memory(parse, STR(V "rua=mailto:a@b.test,https://c.test/x"));
	tlsrpt_record_write(&b, rua, 2);
	s = sbuf_str(&b);
	assert_int_equal(tlsrpt_record_select(a, &s, 1, &got, NULL), ST_OK);
	assert_int_equal(got.outcome, TLSRPT_RECORD_VALID);
	assert_int_equal(got.n_rua, 2);
	assert_true(str_eq(got.rua[0].text, rua[0]));
	assert_true(str_eq(got.rua[1].text, rua[1]));
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records),
		cmocka_unit_test(uris),
		cmocka_unit_test(uri_parts),
		cmocka_unit_test(too_much_is_refused),
		cmocka_unit_test(laws),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
