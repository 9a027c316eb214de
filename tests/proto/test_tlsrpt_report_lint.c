/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/testing.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/sbuf.h"
#include "proto/tlsrpt_report_lint.h"

#include "base/poison.h"

/* One member per line, so that a row can name its place; ' stands for ". */
#define ORG "'organization-name':'Company X',\n"
#define RANGE                                                                  \
	"'date-range':{'start-datetime':'2026-11-20T00:00:00Z',"               \
	"'end-datetime':'2026-11-20T23:59:59Z'},\n"
#define CONTACT "'contact-info':'tls@x.example',\n"
#define ID "'report-id':'r1',\n"
#define HEAD "{\n" ORG RANGE CONTACT ID
#define STS                                                                    \
	"'policy':{'policy-type':'sts','policy-string':['version: STSv1'],"    \
	"'policy-domain':'y.example','mx-host':['mx.y.example']}"
#define SUMMARY(ok, failed)                                                    \
	",\n'summary':{'total-successful-session-count':" ok ","               \
	"'total-failure-session-count':" failed "}"
#define REPORT(policy) HEAD "'policies':[\n{" policy "}]}"
#define POLICY(members) REPORT("'policy':{" members "}" SUMMARY("5", "0"))
#define TYPE "'policy-type':'sts'"
#define STRING ",'policy-string':['version: STSv1']"
#define DOMAIN ",'policy-domain':'y.example'"
#define MX ",'mx-host':['*.y.example']"
#define FAILURE(members)                                                       \
	REPORT(STS SUMMARY("5", "2") ",\n'failure-details':[{" members "}]")
#define EXPIRED "'result-type':'certificate-expired'"
#define IP ",'sending-mta-ip':'192.0.2.1'"
#define FAILED ",'failed-session-count':2"

static const struct {
	const char *text;
	const char *finding; /* "level line:column rule: text"; NULL: none */
} rows[] = {
	{ REPORT(STS SUMMARY("5", "0")), NULL },
	{ FAILURE(EXPIRED IP FAILED), NULL },
	{ "{", "error 1:2 RFC 8460 section 4: the text ends early: expected a "
	       "name in quotes" },
	{ "[]", "error 1:1 RFC 8460 section 4.4: a TLS report is a JSON "
		"object" },
	{ "\xef\xbb\xbf" REPORT(STS SUMMARY("5", "0")),
		"error 1:1 RFC 8259 section 8.1: the text begins with a byte "
		"order mark" },
	{ POLICY(TYPE STRING DOMAIN MX ",'x-\xe9':1"),
		"error 0:0 RFC 7493 section 2.1: the text has bytes or "
		"escapes that are not Unicode; note 7:127 RFC 8460 section "
		"4.4: the member x-\\xef\\xbf\\xbd is not defined; receivers "
		"pass over it" },
	{ POLICY(TYPE STRING DOMAIN MX MX),
		"error 0:0 RFC 7493 section 2.3: an object has two members of "
		"the same name" },
	/* section 4.4, the report */
	{ "{\n" RANGE CONTACT ID "'policies':[{" STS SUMMARY("5", "0") "}]}",
		"error 1:1 RFC 8460 section 4.4: organization-name is "
		"missing" },
	{ "{\n" ORG CONTACT ID "'policies':[{" STS SUMMARY("5", "0") "}]}",
		"error 1:1 RFC 8460 section 4.4: date-range is missing" },
	{ "{\n" ORG RANGE ID "'policies':[{" STS SUMMARY("5", "0") "}]}",
		"error 1:1 RFC 8460 section 4.4: contact-info is missing" },
	{ "{\n" ORG RANGE CONTACT "'policies':[{" STS SUMMARY("5", "0") "}]}",
		"error 1:1 RFC 8460 section 4.4: report-id is missing" },
	{ "{\n" ORG RANGE CONTACT "'report-id':'r1'}",
		"error 1:1 RFC 8460 section 4.4: policies is missing" },
	{ HEAD "'policies':[]}",
		"warning 6:12 RFC 8460 section 4.4: policies is empty" },
	{ HEAD "'policies':{" STS SUMMARY("5", "0") "}}",
		"error 6:12 RFC 8460 section 4.4: policies must be an array "
		"of objects" },
	{ "{\n" ORG RANGE "'contact-info':null,\n" ID
	  "'policies':[{" STS SUMMARY("5", "0") "}]}",
		"error 4:16 RFC 8460 section 4.4: contact-info must be a "
		"text" },
	{ "{\n" ORG RANGE "'contact-info':'mailto:a@b.example',\n" ID
	  "'policies':[{" STS SUMMARY("5", "0") "}]}",
		"error 4:16 RFC 8460 section 4.4: contact-info "
		"\"mailto:a@b.example\" is no mail address (addr-spec)" },
	{ "{\n" ORG RANGE "'contact-info':'the postmaster',\n" ID
	  "'policies':[{" STS SUMMARY("5", "0") "}]}",
		"error 4:16 RFC 8460 section 4.4: contact-info \"the "
		"postmaster\" is no mail address (addr-spec)" },
	{ "{\n" ORG RANGE CONTACT
	  "'report-id':'<1>',\n'policies':[{" STS SUMMARY("5", "0") "}]}",
		"warning 5:13 RFC 8460 section 4.4: report-id \"<1>\" has "
		"spaces or angle brackets" },
	{ "{\n" ORG "'date-range':{'start-datetime':'2026-11-20T00:00:00',"
	  "'end-datetime':'2026-11-20T23:59:59Z'},\n" CONTACT ID
	  "'policies':[{" STS SUMMARY("5", "0") "}]}",
		"error 3:32 RFC 8460 section 4.4: start-datetime "
		"\"2026-11-20T00:00:00\" is no date-time of RFC 3339 section "
		"5.6" },
	{ "{\n" ORG "'date-range':{'start-datetime':'2026-11-20T00:00:00Z',"
	  "'end-datetime':'2026-11-19T23:59:59Z'},\n" CONTACT ID
	  "'policies':[{" STS SUMMARY("5", "0") "}]}",
		"error 3:14 RFC 8460 section 4.4: the range ends before it "
		"starts" },
	{ "{\n" ORG "'date-range':{'start-datetime':'2026-11-20T00:00:00Z',"
	  "'end-datetime':'2026-11-26T23:59:59Z'},\n" CONTACT ID
	  "'policies':[{" STS SUMMARY("5", "0") "}]}",
		"warning 3:14 RFC 8460 section 4.1: the range should be one "
		"full UTC day" },
	{ "{\n" ORG
	  "'date-range':{'start-datetime':'2026-11-20T00:00:00Z'},\n" CONTACT ID
	  "'policies':[{" STS SUMMARY("5", "0") "}]}",
		"error 3:14 RFC 8460 section 4.4: end-datetime is missing" },
	/* a policy */
	{ HEAD "'policies':[7]}",
		"error 6:13 RFC 8460 section 4.4: policies must hold objects "
		"only" },
	{ POLICY("'policy-type':'Sts'" STRING DOMAIN MX),
		"error 7:26 RFC 8460 section 4.4: policy-type \"Sts\" is no "
		"policy-type" },
	{ POLICY(TYPE DOMAIN MX),
		"warning 7:11 RFC 8460 section 4.5: policy-string is "
		"missing" },
	{ POLICY(TYPE STRING DOMAIN),
		"warning 7:11 RFC 8460 section 4.4: mx-host is missing" },
	{ POLICY(TYPE STRING MX),
		"error 7:11 RFC 8460 section 4.4: policy-domain is missing" },
	{ POLICY("'policy-type':'no-policy-found'" DOMAIN), NULL },
	{ POLICY(TYPE STRING MX ",'policy-domain':'Y.example.'"),
		"error 7:109 RFC 8460 section 4.4: policy-domain "
		"\"Y.example.\" is no domain in A-label form" },
	{ POLICY(TYPE STRING DOMAIN ",'mx-host':'*.y.example'"),
		"error 7:105 RFC 8460 section 4.4, erratum 6241: mx-host must "
		"be an array of texts" },
	{ POLICY(TYPE STRING DOMAIN ",'mx-host':['mx: y.example']"),
		"error 7:106 RFC 8460 section 4.4: \"mx: y.example\" is no MX "
		"host pattern" },
	{ POLICY(TYPE DOMAIN MX ",'policy-string':['mode: testing\\r']"),
		"error 7:103 RFC 8460 section 4.5: \"mode: testing\\x0d\" is "
		"not one line of a policy" },
	{ POLICY(TYPE DOMAIN MX ",'policy-string':'mode: testing'"),
		"error 7:102 RFC 8460 section 4.4: policy-string must be an "
		"array of texts" },
	{ REPORT("'policy-type':'sts'" SUMMARY("5", "0")),
		"note 7:16 RFC 8460 section 4.4: the member policy-type is not "
		"defined; receivers pass over it; error 7:1 RFC 8460 section "
		"4.4: policy is missing" },
	{ REPORT(STS), "error 7:1 RFC 8460 section 4.4: summary is missing" },
	{ REPORT(STS SUMMARY("'5'", "0")),
		"error 8:45 RFC 8460 section 4.4: "
		"total-successful-session-count must be an integer" },
	{ REPORT(STS SUMMARY("5.0", "0")),
		"error 8:45 RFC 8460 section 4.4: "
		"total-successful-session-count \"5.0\" is no integer from 0 "
		"to 2^53 - 1 (RFC 7493)" },
	{ REPORT(STS ",\n'summary':{'total-successful-session-count':5}"),
		"error 8:11 RFC 8460 section 4.4: total-failure-session-count "
		"is missing" },
	/* failures */
	{ FAILURE(EXPIRED IP ",'failed-session-count':1"),
		"warning 7:1 RFC 8460 section 4.3: failure-details account "
		"for 1 of 2 failed sessions" },
	{ REPORT(STS SUMMARY("5", "0") ",'failure-details':[{" EXPIRED IP FAILED
				       "}]"),
		"error 7:1 RFC 8460 section 4.2: failure-details describe "
		"failures, but total-failure-session-count is 0" },
	{ FAILURE(EXPIRED FAILED),
		"warning 9:20 RFC 8460 section 4.4: sending-mta-ip is "
		"missing" },
	{ FAILURE(EXPIRED FAILED ",'sending-mta-ip':'x.x.x.x'"),
		"error 9:99 RFC 8460 section 4.4: sending-mta-ip "
		"\"x.x.x.x\" is no IP address" },
	{ FAILURE("'result-type':'Testing'" IP FAILED),
		"error 9:35 RFC 8460 section 4.3: \"Testing\" is no "
		"registered result type" },
	{ FAILURE("'result-type':'validation-failure'" IP FAILED),
		"warning 9:20 RFC 8460 section 4.3.1: validation-failure "
		"should come with a failure-reason-code" },
	{ FAILURE(EXPIRED IP FAILED ",'failure-error-code':'X'"),
		"error 9:132 RFC 8460 section 4.4: the member "
		"failure-error-code must be called failure-reason-code" },
	{ FAILURE(EXPIRED IP FAILED ",'x-own':'X'"),
		"note 9:119 RFC 8460 section 4.4: the member x-own is not "
		"defined; receivers pass over it" },
	{ FAILURE(EXPIRED IP FAILED ",'receiving-mx-helo':'a\\r\\nb'"),
		"warning 9:131 RFC 8460 section 4.4: receiving-mx-helo has "
		"several lines" },
	{ FAILURE(EXPIRED IP FAILED ",'additional-information':'the log'"),
		"error 9:136 RFC 8460 section 4.4: additional-information "
		"\"the log\" is no URI (RFC 3986)" },
	{ FAILURE(EXPIRED IP FAILED ",'receiving-mx-hostname':''"),
		"warning 9:135 RFC 8460 section 4.4: receiving-mx-hostname "
		"\"\" is empty" },
};

static struct str quoted(struct arena *a, const char *text)
{
	struct str s = str_of(text);
	char *p = arena_alloc(a, s.n + 1);

	for (size_t i = 0; i < s.n; i++)
		p[i] = (char)(s.p[i] == '\'' ? '"' : s.p[i]);
	return (struct str){ p, s.n };
}

/* All linters speak alike: a sentence that tells what to do, or nothing. */
static void assert_sentence(const char *remedy)
{
	struct str s = str_of(remedy);

	if (s.n == 0)
		return;
	assert_true(s.p[0] >= 'A' && s.p[0] <= 'Z');
	assert_true(str_ends(s, STR(".")));
}

static struct str shown(struct arena *a, const struct finding_list *list)
{
	struct sbuf b = sbuf_arena(a, 1u << 16);

	for (size_t i = 0; i < list->n; i++) {
		const struct finding *f = &list->items[i];

		sbuf_fmt(&b, "%s%s %u:%u %s: ", i > 0 ? "; " : "",
			finding_level_name(f->level), f->line, f->column,
			f->rule);
		sbuf_add(&b, f->text);
		assert_sentence(f->remedy);
	}
	sbuf_addc(&b, '\0');
	return sbuf_str(&b);
}

static void each_rule_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_must(0);
		struct finding_list found = finding_list_of(a);

		assert_int_equal(
			tlsrpt_report_lint(quoted(a, rows[i].text), &found),
			ST_OK);
		assert_string_equal(shown(a, &found).p,
			rows[i].finding == NULL ? "" : rows[i].finding);
		arena_free(&a);
	}
}

static void every_allocation_may_fail(void **state)
{
	struct arena *a = arena_must(0);
	struct str text = quoted(a, REPORT(TYPE));
	enum status st = ST_LIMIT;

	(void)state;
	for (unsigned long n = 1; st != ST_OK; n++) {
		struct arena *b = arena_must(0);
		struct finding_list found = finding_list_of(b);

		mem_fail_at(n);
		st = tlsrpt_report_lint(text, &found);
		mem_fail_at(0);
		assert_true(st == ST_OK || st == ST_LIMIT);
		arena_free(&b);
	}
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_is_found),
		cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
