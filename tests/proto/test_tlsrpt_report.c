/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/testing.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/mem.h"
#include "proto/tlsrpt_report.h"
#include "proto/tlsrpt_text.h"

#include "base/poison.h"

/* Reports are written here with ' for ", for the sake of the reader. */

#define NAME "'organization-name':'Company X',"
#define RANGE                                                                  \
	"'date-range':{'start-datetime':'2026-11-20T00:00:00Z',"               \
	"'end-datetime':'2026-11-20T23:59:59Z'},"
#define CONTACT "'contact-info':'tls@x.example',"
#define ID "'report-id':'r1',"
#define HEAD NAME RANGE CONTACT ID
#define STS                                                                    \
	"'policy':{'policy-type':'sts','policy-string':['version: STSv1'],"    \
	"'policy-domain':'y.example','mx-host':['mx.y.example']}"
#define SUMMARY                                                                \
	",'summary':{'total-successful-session-count':5,"                      \
	"'total-failure-session-count':3}"
#define REPORT(policy) "{" HEAD "'policies':[{" policy "}]}"
/* A report whose one policy has these members in policy, */
#define POLICY(members) REPORT("'policy':{" members "}" SUMMARY)
#define TYPE "'policy-type':'sts'"
#define DOMAIN ",'policy-domain':'y.example'"
/* these in summary, */
#define COUNTS(members) REPORT(STS ",'summary':{" members "}")
/* or this one failure. */
#define FAILURE(members)                                                       \
	REPORT(STS SUMMARY ",'failure-details':[{" members "}]")
#define EXPIRED "'result-type':'certificate-expired'"
#define FAILED ",'failed-session-count':2"

/* What each row must show, and what the report is when written again. */
static const struct {
	enum tlsrpt_quirk quirk;
	const char *text, *written;
} quirks[] = {
	{ TLSRPT_QUIRK_BOM, "\xef\xbb\xbf" REPORT(STS SUMMARY),
		"'report-id':'r1'" },
	{ TLSRPT_QUIRK_BAD_UTF8,
		FAILURE(EXPIRED FAILED ",'failure-reason-code':'caf\xe9'"),
		"'failure-reason-code':'caf\xef\xbf\xbd'" },
	{ TLSRPT_QUIRK_DUPLICATE_NAME, REPORT(STS SUMMARY "," STS),
		"'policy-type':'sts'" },
	{ TLSRPT_QUIRK_WRONG_TYPE,
		FAILURE(EXPIRED FAILED ",'failure-reason-code':true"),
		"'failed-session-count':2}" },
	{ TLSRPT_QUIRK_WRONG_TYPE, "{" HEAD "'policies':[7,{" STS SUMMARY "}]}",
		"'policies':[{'policy'" },
	{ TLSRPT_QUIRK_EMPTY_MEMBER,
		FAILURE(EXPIRED FAILED ",'sending-mta-ip':null"),
		"'failed-session-count':2}" },
	{ TLSRPT_QUIRK_EMPTY_MEMBER,
		FAILURE(EXPIRED FAILED ",'receiving-ip':''"),
		"'failed-session-count':2}" },
	{ TLSRPT_QUIRK_EMPTY_MEMBER, POLICY(TYPE DOMAIN ",'mx-host':null"),
		"'policy-domain':'y.example'}" },
	{ TLSRPT_QUIRK_EMPTY_MEMBER,
		POLICY(TYPE DOMAIN ",'policy-string':null"),
		"'policy-domain':'y.example'}" },

	{ TLSRPT_QUIRK_ORGANIZATION_MISSING,
		"{" RANGE CONTACT ID "'policies':[{" STS SUMMARY "}]}",
		"{'date-range'" },
	{ TLSRPT_QUIRK_CONTACT_MISSING,
		"{" NAME RANGE ID "'policies':[{" STS SUMMARY "}]}",
		"'},'report-id':'r1'" },
	{ TLSRPT_QUIRK_CONTACT_MAILTO,
		"{" NAME RANGE ID "'contact-info':'mailto:a@x.example',"
		"'policies':[{" STS SUMMARY "}]}",
		"'contact-info':'a@x.example'" },
	{ TLSRPT_QUIRK_CONTACT_NO_ADDRESS,
		"{" NAME RANGE ID "'contact-info':'the postmaster',"
		"'policies':[{" STS SUMMARY "}]}",
		"'contact-info':'the postmaster'" },
	{ TLSRPT_QUIRK_REPORT_ID_MISSING,
		"{" NAME RANGE CONTACT "'policies':[{" STS SUMMARY "}]}",
		"'tls@x.example','policies'" },
	{ TLSRPT_QUIRK_REPORT_ID_ODD,
		"{" NAME RANGE CONTACT "'report-id':'<1 2>',"
		"'policies':[{" STS SUMMARY "}]}",
		"'report-id':'<1 2>'" },
	{ TLSRPT_QUIRK_DATE_MISSING,
		"{" NAME CONTACT ID "'policies':[{" STS SUMMARY "}]}",
		"'date-range':{}" },
	{ TLSRPT_QUIRK_DATE_INVALID,
		"{" NAME CONTACT ID
		"'date-range':{'start-datetime':'yesterday',"
		"'end-datetime':'2026-11-20T23:59:59Z'},"
		"'policies':[{" STS SUMMARY "}]}",
		"'date-range':{'end-datetime':'2026-11-20T23:59:59Z'}" },
	{ TLSRPT_QUIRK_DATE_NO_ZONE,
		"{" NAME CONTACT ID
		"'date-range':{'start-datetime':'2026-11-20T00:00:00',"
		"'end-datetime':'2026-11-20T23:59:59Z'},"
		"'policies':[{" STS SUMMARY "}]}",
		"'start-datetime':'2026-11-20T00:00:00Z'" },
	{ TLSRPT_QUIRK_END_MIDNIGHT,
		"{" NAME CONTACT ID
		"'date-range':{'start-datetime':'2026-11-20T00:00:00Z',"
		"'end-datetime':'2026-11-21T00:00:00Z'},"
		"'policies':[{" STS SUMMARY "}]}",
		"'end-datetime':'2026-11-21T00:00:00Z'" },
	{ TLSRPT_QUIRK_END_BEFORE_START,
		"{" NAME CONTACT ID
		"'date-range':{'start-datetime':'2026-11-20T00:00:00Z',"
		"'end-datetime':'2026-11-19T23:59:59Z'},"
		"'policies':[{" STS SUMMARY "}]}",
		"'end-datetime':'2026-11-19T23:59:59Z'" },
	{ TLSRPT_QUIRK_NOT_ONE_DAY,
		"{" NAME CONTACT ID
		"'date-range':{'start-datetime':'2026-11-20T00:00:00Z',"
		"'end-datetime':'2026-11-26T23:59:59Z'},"
		"'policies':[{" STS SUMMARY "}]}",
		"'end-datetime':'2026-11-26T23:59:59Z'" },
	{ TLSRPT_QUIRK_POLICIES_EMPTY, "{" HEAD "'policies':[]}",
		"'policies':[]" },
	{ TLSRPT_QUIRK_POLICIES_EMPTY, "{" HEAD "'policies':null}",
		"'policies':[]" },
	{ TLSRPT_QUIRK_POLICIES_OBJECT,
		"{" HEAD "'policies':{" STS SUMMARY "}}",
		"'policies':[{'policy'" },

	{ TLSRPT_QUIRK_POLICY_UNWRAPPED,
		REPORT("'policy-type':'sts','policy-domain':'y."
		       "example'" SUMMARY),
		"{'policy':{'policy-type':'sts','policy-domain':'y.example'}" },
	{ TLSRPT_QUIRK_POLICY_TYPE_MISSING,
		POLICY("'policy-domain':'y.example'"),
		"{'policy':{'policy-domain':'y.example'}" },
	{ TLSRPT_QUIRK_POLICY_TYPE_CASE, POLICY("'policy-type':'STS'" DOMAIN),
		"'policy-type':'sts'" },
	{ TLSRPT_QUIRK_POLICY_TYPE_UNKNOWN,
		POLICY("'policy-type':'Testing'" DOMAIN),
		"'policy-type':'Testing'" },
	{ TLSRPT_QUIRK_POLICY_STRING_STRING,
		POLICY(TYPE DOMAIN
			",'policy-string':'version: STSv1\\nmode: testing'"),
		"'policy-string':['version: STSv1','mode: testing']" },
	{ TLSRPT_QUIRK_POLICY_STRING_JSON,
		POLICY("'policy-type':'tlsa'" DOMAIN
		       ",'policy-string':['[\\'3 1 1 AA\\',\\'2 1 1 BB\\']']"),
		"'policy-string':['3 1 1 AA','2 1 1 BB']" },
	{ TLSRPT_QUIRK_POLICY_STRING_CR,
		POLICY(TYPE DOMAIN ",'policy-string':['mode: testing\\r']"),
		"'policy-string':['mode: testing']" },
	{ TLSRPT_QUIRK_POLICY_STRING_NO_SPACE,
		POLICY(TYPE DOMAIN ",'policy-string':['version:STSv1']"),
		"'policy-string':['version:STSv1']" },
	{ TLSRPT_QUIRK_DOMAIN_MISSING,
		POLICY("'policy-type':'no-policy-found'"),
		"{'policy':{'policy-type':'no-policy-found'}" },
	{ TLSRPT_QUIRK_DOMAIN_SPELLING,
		POLICY(TYPE ",'policy-domain':'Y.Example.'"),
		"'policy-domain':'y.example'" },
	{ TLSRPT_QUIRK_DOMAIN_INVALID,
		POLICY(TYPE ",'policy-domain':'b\\u00fccher.example'"),
		"'policy-domain':'b\xc3\xbc"
		"cher.example'" },
	{ TLSRPT_QUIRK_MX_HOST_STRING,
		POLICY(TYPE DOMAIN ",'mx-host':'*.y.example'"),
		"'mx-host':['*.y.example']" },
	{ TLSRPT_QUIRK_MX_HOST_PREFIX,
		POLICY(TYPE DOMAIN ",'mx-host':['mx: a.example','b.example']"),
		"'mx-host':['a.example','b.example']" },
	{ TLSRPT_QUIRK_MX_HOST_KEY,
		POLICY(TYPE DOMAIN ",'mx-host-pattern':['a.example']"),
		"'mx-host':['a.example']" },
	{ TLSRPT_QUIRK_COUNT_MISSING,
		COUNTS("'total-successful-session-count':5"),
		"'total-failure-session-count':0" },
	{ TLSRPT_QUIRK_COUNT_MISSING, FAILURE(EXPIRED),
		"'failed-session-count':1" },
	{ TLSRPT_QUIRK_COUNT_STRING,
		COUNTS("'total-successful-session-count':'5',"
		       "'total-failure-session-count':0"),
		"'total-successful-session-count':5" },
	{ TLSRPT_QUIRK_COUNT_FLOAT,
		COUNTS("'total-successful-session-count':5.0,"
		       "'total-failure-session-count':0"),
		"'total-successful-session-count':5" },
	{ TLSRPT_QUIRK_COUNT_INVALID,
		COUNTS("'total-successful-session-count':-5,"
		       "'total-failure-session-count':0"),
		"'total-successful-session-count':0" },
	{ TLSRPT_QUIRK_COUNT_INVALID,
		COUNTS("'total-successful-session-count':9007199254740992,"
		       "'total-failure-session-count':0"),
		"'total-successful-session-count':0" },

	{ TLSRPT_QUIRK_FAILURES_OBJECT,
		REPORT(STS SUMMARY ",'failure-details':{" EXPIRED FAILED "}"),
		"'failure-details':[{'result-type'" },
	{ TLSRPT_QUIRK_FAILURES_SUM,
		REPORT(STS SUMMARY ",'failure-details':[{" EXPIRED FAILED
				   "},{" EXPIRED FAILED "}]"),
		"'total-failure-session-count':3" },
	{ TLSRPT_QUIRK_RESULT_MISSING, FAILURE("'failed-session-count':2"),
		"'result-type':'validation-failure'" },
	{ TLSRPT_QUIRK_RESULT_CASE,
		FAILURE("'result-type':'Certificate-Expired'" FAILED),
		"'result-type':'certificate-expired'" },
	{ TLSRPT_QUIRK_RESULT_UNKNOWN,
		FAILURE("'result-type':'tls-is-hard'" FAILED),
		"'result-type':'tls-is-hard'" },
	{ TLSRPT_QUIRK_IP_DECORATED,
		FAILURE(EXPIRED FAILED ",'receiving-ip':'[IPv6:2001:db8::1]'"),
		"'receiving-ip':'2001:db8::1'" },
	{ TLSRPT_QUIRK_IP_DECORATED,
		FAILURE(EXPIRED FAILED ",'sending-mta-ip':'fe80::1%eth0'"),
		"'sending-mta-ip':'fe80::1'" },
	{ TLSRPT_QUIRK_IP_INVALID,
		FAILURE(EXPIRED FAILED ",'sending-mta-ip':'x.x.x.x'"),
		"'sending-mta-ip':'x.x.x.x'" },
	{ TLSRPT_QUIRK_RECEIVING_MX_KEY,
		FAILURE(EXPIRED FAILED
			",'receiving-mx-host-name':'mx.y.example'"),
		"'receiving-mx-hostname':'mx.y.example'" },
	{ TLSRPT_QUIRK_HELO_LINES,
		FAILURE(EXPIRED FAILED
			",'receiving-mx-helo':'mx.y.example\\r\\nSTARTTLS'"),
		"'receiving-mx-helo':'mx.y.example'" },
	{ TLSRPT_QUIRK_INFO_KEY,
		FAILURE(EXPIRED FAILED
			",'additional-info-uri':'https://x.example/1'"),
		"'additional-information':'https://x.example/1'" },
	{ TLSRPT_QUIRK_INFO_OBJECT,
		FAILURE(EXPIRED FAILED ",'additional-information':{'a':[1]}"),
		"'additional-information':'{\\'a\\':[1]}'" },
	{ TLSRPT_QUIRK_INFO_NO_URI,
		FAILURE(EXPIRED FAILED
			",'additional-information':'see the log'"),
		"'additional-information':'see the log'" },
	{ TLSRPT_QUIRK_REASON_KEY,
		FAILURE(EXPIRED FAILED ",'failure-error-code':'X509'"),
		"'failure-reason-code':'X509'" },
};

static struct str quoted(struct arena *a, const char *text)
{
	struct str s = str_of(text);
	char *p = arena_alloc(a, s.n + 1);

	for (size_t i = 0; i < s.n; i++)
		p[i] = (char)(s.p[i] == '\'' ? '"' : s.p[i]);
	return (struct str){ p, s.n };
}

static struct tlsrpt_report *read_report(struct arena *a, struct str text)
{
	struct tlsrpt_report *r = NULL;
	struct err e = {};
	enum status st = tlsrpt_report_read(a, text, NULL, &r, &e);

	if (st != ST_OK)
		print_error("%s\n", e.text);
	assert_int_equal(st, ST_OK);
	return r;
}

static struct str written(struct arena *a, const struct tlsrpt_report *r)
{
	struct sbuf b = sbuf_arena(a, 1u << 20);
	struct json_writer w = json_writer_of(&b, 0);

	tlsrpt_report_write(&w, r);
	sbuf_addc(&b, '\0');
	assert_true(sbuf_ok(&b));
	return str_upto(sbuf_str(&b), b.n - 1);
}

static void each_quirk_is_read_and_noted(void **state)
{
	bool seen[TLSRPT_QUIRKS] = { [TLSRPT_QUIRK_TEXT_CUT] = true };

	(void)state;
	for (size_t i = 0; i < sizeof(quirks) / sizeof(quirks[0]); i++) {
		struct arena *a = arena_must(0);
		struct tlsrpt_report *r = read_report(
			a, quoted(a, quirks[i].text));
		struct str out = written(a, r);

		assert_true(r->deviations.n > 0);
		for (size_t j = 0; j < r->deviations.n; j++)
			assert_string_equal(
				tlsrpt_quirk_name(r->deviations.items[j].quirk),
				tlsrpt_quirk_name(quirks[i].quirk));
		if (strstr(out.p, quoted(a, quirks[i].written).p) == NULL)
			fail_msg("%s: %s", tlsrpt_quirk_name(quirks[i].quirk),
				out.p);
		/* Written, it reads again as the same report. */
		assert_str(written(a, read_report(a, out)), out.p);
		seen[quirks[i].quirk] = true;
		arena_free(&a);
	}
	for (int q = 0; q < TLSRPT_QUIRKS; q++)
		if (!seen[q])
			fail_msg("no report shows %s",
				tlsrpt_quirk_name((enum tlsrpt_quirk)q));
}

#define FULL                                                                   \
	REPORT(STS SUMMARY                                                     \
		",'failure-details':[{" EXPIRED FAILED                         \
		",'sending-mta-ip':'192.0.2.1',"                               \
		"'receiving-mx-hostname':'mx.y.example',"                      \
		"'receiving-mx-helo':'mx.y.example',"                          \
		"'receiving-ip':'2001:db8::1',"                                \
		"'additional-information':'https://x.example/?a=1',"           \
		"'failure-reason-code':'X509_V_ERR'}]")

static void a_faithful_report_has_no_deviations(void **state)
{
	struct arena *a = arena_must(0);
	struct tlsrpt_report *r = read_report(a, quoted(a, FULL));
	const struct tlsrpt_policy *p = r->policies.items;
	const struct tlsrpt_failure *f = p->failures.items;

	(void)state;
	assert_int_equal(r->deviations.n, 0);
	assert_str(r->organization, "Company X");
	assert_str(r->contact, "tls@x.example");
	assert_str(r->id, "r1");
	assert_int_equal(r->end.s - r->start.s, UTC_DAY_S - 1);
	assert_int_equal(r->policies.n, 1);
	assert_int_equal(p->type, TLSRPT_POLICY_STS);
	assert_str(p->domain, "y.example");
	assert_int_equal(p->successful_sessions, 5);
	assert_int_equal(p->failed_sessions, 3);
	assert_int_equal(p->failures.n, 1);
	assert_int_equal(f->result, TLSRPT_CERTIFICATE_EXPIRED);
	assert_str(f->sending_mta_ip, "192.0.2.1");
	assert_str(f->receiving_mx_hostname, "mx.y.example");
	assert_str(f->receiving_mx_helo, "mx.y.example");
	assert_str(f->receiving_ip, "2001:db8::1");
	assert_str(f->additional_information, "https://x.example/?a=1");
	assert_str(f->failure_reason_code, "X509_V_ERR");
	assert_int_equal(f->failed_sessions, 2);
	arena_free(&a);
}

static void what_is_no_report_is_refused(void **state)
{
	static const char *const rows[][2] = {
		{ "[]", "line 1, column 1: a TLS report is a JSON object "
			"(RFC 8460 section 4.4)" },
		{ "{'feedback':{}}",
			"line 1, column 1: no TLS report: policies is missing "
			"(RFC 8460 section 4)" },
		{ "{'policies':'none'}",
			"line 1, column 13: policies must be an array "
			"(RFC 8460 section 4)" },
		{ "<xml/>", "line 1, column 1: expected a JSON value" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_must(0);
		struct tlsrpt_report *r = NULL;
		struct err e = {};

		assert_int_equal(tlsrpt_report_read(a, quoted(a, rows[i][0]),
					 NULL, &r, &e),
			ST_INVALID);
		assert_string_equal(e.text, rows[i][1]);
		assert_null(r);
		arena_free(&a);
	}
}

static void hints_fill_what_is_missing(void **state)
{
	struct tlsrpt_hints hints = { STR("Y.example"), STR("x.example") };
	struct arena *a = arena_must(0);
	struct tlsrpt_report *r = NULL;

	(void)state;
	assert_int_equal(
		tlsrpt_report_read(a,
			quoted(a, "{'policies':[{'policy':{'policy-type':"
				  "'no-policy-found'}}]}"),
			&hints, &r, NULL),
		ST_OK);
	assert_str(r->organization, "x.example");
	assert_str(r->policies.items[0].domain, "y.example");
	arena_free(&a);
}

/* Long texts are cut between characters; too many things are refused. */
static void caps_hold(void **state)
{
	struct arena *a = arena_must(0);
	struct sbuf b = sbuf_arena(a, 1u << 22);
	struct tlsrpt_report *r;

	(void)state;
	sbuf_addz(&b, "{\"policies\":[],\"organization-name\":\"x");
	for (unsigned i = 0; i < TLSRPT_TEXT_MAX; i++)
		sbuf_addz(&b, "\xc3\xbc");
	sbuf_addz(&b, "\"}");
	r = read_report(a, sbuf_str(&b));
	assert_int_equal(r->organization.n, TLSRPT_TEXT_MAX - 1);
	assert_true(str_ends(r->organization, STR("\xc3\xbc")));

	b = sbuf_arena(a, 1u << 22);
	sbuf_addz(&b, "{\"policies\":[{}");
	for (unsigned i = 0; i < TLSRPT_POLICIES_MAX; i++)
		sbuf_addz(&b, ",{}");
	sbuf_addz(&b, "]}");
	assert_int_equal(
		tlsrpt_report_read(a, sbuf_str(&b), NULL, &r, NULL), ST_LIMIT);
	arena_free(&a);
}

static void every_truncation_is_refused(void **state)
{
	struct arena *a = arena_must(0);
	struct str text = quoted(a, FULL);

	(void)state;
	for (size_t n = 0; n < text.n; n++) {
		struct arena *b = arena_must(0);
		struct tlsrpt_report *r = NULL;
		char *copy = mem_must(n);

		memcpy(copy, text.p, n);
		assert_int_equal(tlsrpt_report_read(b, (struct str){ copy, n },
					 NULL, &r, NULL),
			ST_INVALID);
		mem_free(copy);
		arena_free(&b);
	}
	arena_free(&a);
}

static void every_allocation_may_fail(void **state)
{
	struct arena *a = arena_must(0);
	struct str text = quoted(a, FULL);
	enum status st = ST_LIMIT;

	(void)state;
	for (unsigned long n = 1; st != ST_OK; n++) {
		struct arena *b = arena_must(0);
		struct tlsrpt_report *r = NULL;

		mem_fail_at(n);
		st = tlsrpt_report_read(b, text, NULL, &r, NULL);
		mem_fail_at(0);
		assert_true(st == ST_OK || st == ST_LIMIT);
		assert_true((st == ST_OK) == (r != NULL));
		arena_free(&b);
	}
	/* The same through the arena's own cap: each size up to what it needs.
	 */
	st = ST_LIMIT;
	for (size_t cap = 1; st != ST_OK; cap += 16) {
		struct arena *b = arena_must(cap);
		struct tlsrpt_report *r = NULL;

		st = tlsrpt_report_read(b, text, NULL, &r, NULL);
		assert_true(st == ST_OK || st == ST_LIMIT);
		arena_free(&b);
	}
	arena_free(&a);
}

/* Against inet_ntop(3); half of the words are zero. */
static void addresses_have_one_spelling(void **state)
{
	struct arena *a = arena_must(0);
	uint32_t seed = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char want[INET6_ADDRSTRLEN], loud[64];
		struct sbuf b = sbuf_fixed(loud, sizeof(loud));
		unsigned char addr[16] = {};

		for (size_t k = 0; k < 8; k++) {
			uint32_t drawn = seed = seed * 1664525 + 1013904223;
			unsigned bits = drawn >> 29;

			if (bits > 3)
				drawn &= (0x10000u << 4 * (bits - 3)) - 1;
			else
				drawn = 0;
			addr[2 * k] = (unsigned char)(drawn >> 24);
			addr[2 * k + 1] = (unsigned char)(drawn >> 16);
			sbuf_fmt(&b, "%s%04X", k > 0 ? ":" : "",
				(unsigned)(addr[2 * k] << 8 | addr[2 * k + 1]));
		}
		assert_non_null(inet_ntop(AF_INET6, addr, want, sizeof(want)));
		assert_str(tlsrpt_ip_canonical(a, sbuf_str(&b)), want);
		assert_str(tlsrpt_ip_canonical(a, str_of(want)), want);
		arena_reset(a);
	}
	arena_free(&a);
}

static void small_grammars(void **state)
{
	struct arena *a = arena_must(0);

	(void)state;
	assert_true(tlsrpt_is_ip(STR("192.0.2.1")));
	assert_false(tlsrpt_is_ip(STR("192.0.2.1\0")));
	assert_false(tlsrpt_is_ip(STR("")));
	assert_str(tlsrpt_ip_canonical(a, STR("2001:DB8:abcd:0012::1")),
		"2001:db8:abcd:12::1");
	assert_str(tlsrpt_ip_canonical(a, STR("x.x.x.x")), "x.x.x.x");
	assert_true(tlsrpt_is_domain(STR("_a.xn--bcher-kva.example")));
	assert_false(tlsrpt_is_domain(STR("a..example")));
	assert_false(tlsrpt_is_domain(STR("a.example.")));
	assert_true(tlsrpt_is_mx_pattern(STR("*.a.example")));
	assert_false(tlsrpt_is_mx_pattern(STR("a.*.example")));
	assert_true(tlsrpt_is_uri(STR("https://x.example/")));
	assert_false(tlsrpt_is_uri(STR("see: the log")));
	assert_true(tlsrpt_is_address(STR("a@b.example")));
	assert_false(tlsrpt_is_address(STR("<a@b.example>")));
	assert_false(tlsrpt_is_address(STR("a@")));
	arena_free(&a);
}

static void names_and_sums(void **state)
{
	(void)state;
	for (int i = 1; i < TLSRPT_RESULTS; i++)
		assert_int_equal(tlsrpt_result_of(str_of(tlsrpt_result_name(
					 (enum tlsrpt_result)i))),
			i);
	for (int i = 0; i < TLSRPT_QUIRKS; i++) {
		assert_non_null(tlsrpt_quirk_name((enum tlsrpt_quirk)i));
		assert_non_null(tlsrpt_quirk_text((enum tlsrpt_quirk)i));
	}
	assert_int_equal(tlsrpt_count_add(2, 3), 5);
	assert_int_equal(tlsrpt_count_add(INT64_MAX, 3), INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_quirk_is_read_and_noted),
		cmocka_unit_test(a_faithful_report_has_no_deviations),
		cmocka_unit_test(what_is_no_report_is_refused),
		cmocka_unit_test(hints_fill_what_is_missing),
		cmocka_unit_test(caps_hold),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(addresses_have_one_spelling),
		cmocka_unit_test(small_grammars),
		cmocka_unit_test(names_and_sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
