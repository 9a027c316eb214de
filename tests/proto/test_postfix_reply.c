/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/mem.h"
#include "proto/postfix_reply.h"
#include "proto/sts_limits.h"
#include "tests/postfix_grammar.h"
#include "tests/testing.h"

#include "base/poison.h"

#define ENFORCE "version: STSv1\nmode: enforce\nmax_age: 604800\n"

/* The reply to what a policy text and a profile make. */
static struct str reply(struct arena *a, enum sts_profile_kind kind,
	struct str text, struct postfix_policy *said)
{
	struct dane_result dane = { .state = DANE_ABSENT };
	struct sts_policy policy;
	struct sts_decide_input in = {
		.profile = { kind, .tlsrpt = true, .visibility = true },
		.domain = { STR("example.com"), false, SMTP_PORT },
		.dane = &dane,
	};
	struct decision d;
	struct sbuf b = sbuf_arena(a, 1u << 20);
	struct err why = {};

	assert_int_equal(sts_policy_parse(a, text, &policy, &why), ST_OK);
	in.failed = policy.outcome != STS_POLICY_VALID;
	in.failure = TLSRPT_STS_POLICY_INVALID;
	in.policy = in.failed ? NULL : &policy;
	assert_int_equal(sts_decide(a, &in, &d), ST_OK);
	assert_int_equal(postfix_reply_write(&b, &d), ST_OK);
	if (postfix_grammar(sbuf_str(&b), said, &why) != ST_OK)
		fail_msg("%.200s: %s", text.p, why.text);
	return sbuf_str(&b);
}

static void exact_replies(void **state)
{
	static const struct {
		enum sts_profile_kind kind;
		const char *policy, *reply;
	} rows[] = {
		{ STS_PROFILE_STS, ENFORCE "mx: mx1.example.com\n",
			"OK secure match=mx1.example.com servername=hostname" },
		{ STS_PROFILE_STS,
			ENFORCE "mx: mx.example.com\nmx: *.example.net\n",
			"OK secure match=mx.example.com:.example.net "
			"servername=hostname" },
		{ STS_PROFILE_STS_TLSRPT,
			ENFORCE "mx: MX.example.com\nmx: *.example.net\n"
				"mx: mx.example.com\nx-more: a b\n",
			"OK secure match=mx.example.com:.example.net "
			"servername=hostname policy_type=sts "
			"policy_domain=example.com "
			"{ policy_string = version: STSv1 } "
			"{ policy_string = mode: enforce } "
			"{ policy_string = mx: mx.example.com } "
			"{ policy_string = mx: *.example.net } "
			"{ policy_string = max_age: 604800 } "
			"mx_host_pattern=mx.example.com "
			"mx_host_pattern=*.example.net" },
		{ STS_PROFILE_STS_TLSRPT,
			"version: STSv1\nmode: testing\nmax_age: 60\nmx: a.b\n",
			"OK may servername=hostname policy_type=sts "
			"policy_domain=example.com "
			"{ policy_string = version: STSv1 } "
			"{ policy_string = mode: testing } "
			"{ policy_string = mx: a.b } "
			"{ policy_string = max_age: 60 } "
			"mx_host_pattern=a.b" },
		{ STS_PROFILE_STS_TLSRPT, "version: STSv2\n",
			"OK may servername=hostname policy_type=sts "
			"policy_domain=example.com "
			"policy_failure=sts-policy-invalid" },
		{ STS_PROFILE_STS, "version: STSv2\n", "NOTFOUND " },
		{ STS_PROFILE_STS, "version: STSv1\nmode: none\nmax_age: 1\n",
			"NOTFOUND " },
	};
	struct postfix_policy said;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena *a = arena_must(0);

		for (int again = 0; again < 2; again++)
			assert_str(reply(a, rows[i].kind,
					   str_of(rows[i].policy), &said),
				rows[i].reply);
		arena_free(&a);
	}
}

static void replies_without_a_policy(void **state)
{
	static const struct {
		enum decision_action action;
		const char *reply;
	} rows[] = {
		{ DECISION_NOTFOUND, "NOTFOUND " },
		{ DECISION_DANE, "OK dane" },
		{ DECISION_DANE_ONLY, "OK dane-only" },
		{ DECISION_TEMP,
			"TEMP DNS cannot tell whether DANE protects this "
			"domain (RFC 7672 section 2.1)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct decision d = { .action = rows[i].action,
			.domain = STR("example.com"),
			.tlsrpt = true };
		struct postfix_policy said;
		char room[128];
		struct sbuf b = sbuf_fixed(room, sizeof(room));
		struct err why = {};

		assert_int_equal(postfix_reply_write(&b, &d), ST_OK);
		assert_str(sbuf_str(&b), rows[i].reply);
		assert_int_equal(
			postfix_grammar(sbuf_str(&b), &said, &why), ST_OK);
		b = sbuf_fixed(room, 3);
		assert_int_equal(postfix_reply_write(&b, &d), ST_LIMIT);
	}
}

/* What others put into a reply as it came must not get through. */
static void hostile_policies(void **state)
{
	static const char *const texts[] = {
		ENFORCE "mx: mx.example.com\n"
			"foo: x } tafile=/etc/passwd { policy_string = y\n",
		ENFORCE "mx: mx.example.com\nmx: evil.example ciphers=low\n",
		ENFORCE "mx: mx.example.com\nmx: a.test,match=b.test\n",
		ENFORCE "mx: a.test:b.test\n",
		ENFORCE "mx: a.test}\nmx: {a.test\n",
		ENFORCE "mx: mx.example.com\nx: 5:NOTFOUND ,\n",
		ENFORCE "mx: 192.0.2.1\n",
		ENFORCE "mx: hostname\nmx: NextHop\nmx: dot-nexthop\n",
		ENFORCE "mx: mx.example.com\nmx: hostname\n",
		ENFORCE "mx: mx.example.com\nx: \xe2\x80\xa8 may\n",
		"version: STSv1\nmode: testing\nmax_age: 1\nmx: hostname\n",
		"version: STSv1 }\nmode: enforce\nmax_age: 1\nmx: a.b\n",
		"version: STSv1\nmode: enforce }{\nmax_age: 1\nmx: a.b\n",
		"version: STSv1\nmode: enforce\nmax_age: 1 }\nmx: a.b\n",
		"",
		"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		for (int kind = 0; kind <= STS_PROFILE_DANE_STS; kind++) {
			struct arena *a = arena_must(0);
			struct postfix_policy said;
			struct str r = reply(a, (enum sts_profile_kind)kind,
				str_of(texts[i]), &said);

			assert_null(memmem(r.p, r.n, "tafile", 6));
			assert_null(memmem(r.p, r.n, "ciphers", 7));
			assert_int_equal(
				postfix_match_count(&said, STR("hostname")), 0);
			assert_int_equal(
				postfix_match_count(&said, STR("nexthop")), 0);
			arena_free(&a);
		}
	}
}

/* Fills text to 64 KiB with as many names of n bytes as there are. */
static struct str largest(char *text, size_t n, bool wildcards)
{
	struct sbuf b = sbuf_fixed(text, STS_POLICY_BYTES_MAX);
	char name[64];

	sbuf_addz(&b, ENFORCE);
	for (unsigned i = 0; b.n + n + 16 < STS_POLICY_BYTES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "%0*u.a", (int)n - 2, i);
		sbuf_fmt(&b, "mx:%s%s\n", wildcards ? "*." : "", name);
	}
	assert_true(sbuf_ok(&b));
	return sbuf_str(&b);
}

/* A legal policy of 64 KiB gets an answer that can be used. */
static void the_largest_policies(void **state)
{
	static const struct {
		size_t n;
		bool wildcards, lines, tlsrpt;
	} rows[] = {
		{ 6, false, false, false },
		{ 6, true, false, false },
		{ 30, false, false, false },
		{ 60, false, false, false },
	};
	char *text = mem_must(STS_POLICY_BYTES_MAX);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (int kind = 0; kind <= STS_PROFILE_DANE_STS; kind++) {
			struct arena *a = arena_must(0);
			struct postfix_policy said;
			struct str r = reply(a, (enum sts_profile_kind)kind,
				largest(text, rows[i].n, rows[i].wildcards),
				&said);

			assert_true(r.n < SOCKETMAP_REPLY_BYTES_MAX);
			assert_str(said.level, "secure");
			assert_true(said.n_match > 900);
			arena_free(&a);
		}
	}
	mem_free(text);
}

/* What is left out first: the lines, then all that is for reports. */
static void trimmed_in_order(void **state)
{
	static const struct {
		size_t n_mx;
		bool tlsrpt, lines;
	} rows[] = {
		{ 100, true, true },
		{ 1000, true, true },
		{ 1500, true, false },
		{ 3000, false, false },
	};
	char *text = mem_must(STS_POLICY_BYTES_MAX);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sbuf b = sbuf_fixed(text, STS_POLICY_BYTES_MAX);
		struct arena *a = arena_must(0);
		struct postfix_policy said;

		sbuf_addz(&b, ENFORCE);
		for (size_t k = 0; k < rows[i].n_mx; k++)
			sbuf_fmt(&b, "mx: %04zu.example\n", k);
		(void)reply(a, STS_PROFILE_STS_TLSRPT, sbuf_str(&b), &said);
		assert_int_equal(said.n_match, rows[i].n_mx);
		assert_int_equal(
			said.n_patterns, rows[i].tlsrpt ? rows[i].n_mx : 0);
		assert_int_equal(said.tlsrpt, rows[i].tlsrpt);
		assert_int_equal(
			said.n_lines, rows[i].lines ? rows[i].n_mx + 3 : 0);
		arena_free(&a);
	}
	mem_free(text);
}

/* The grammar itself must not take everything. */
static void the_grammar_refuses(void **state)
{
	static const char *const bad[] = {
		"",
		"OK ",
		"OK secure",
		"OK secure match= servername=hostname",
		"OK secure match=a.b servername=hostname tafile=/etc/passwd",
		"OK secure match=a.b match=c.d",
		"OK secure match=a.b,c.d",
		"OK secure match=a.b:",
		"OK secure match=192.0.2.1",
		"OK secure match=hostname",
		"OK secure match=a.b servername=nexthop",
		"OK secure match=a.b  servername=hostname",
		"OK secure match=a.b policy_domain=a.b",
		"OK secure match=a.b policy_type=sts",
		"OK secure match=a.b policy_type=tlsa policy_domain=a.b",
		"OK secure match=a.b policy_type=sts policy_domain=a.b "
		"policy_failure=sts-policy-invalid",
		"OK secure match=a.b policy_type=sts policy_domain=a.b "
		"{ policy_string = foo: bar }",
		"OK secure match=a.b policy_type=sts policy_domain=a.b "
		"{ policy_string = mode: enforce",
		"OK may match=a.b",
		"OK dane policy_type=sts policy_domain=a.b",
		"OK none",
		"OK dane-only ",
		"NOTFOUND x",
		"NOTFOUND",
		"PERM ",
		"TEMP \x1b[2J",
		"TEMP \xc3\xbc",
		"OK secure match=a.b\nservername=hostname",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct postfix_policy said;
		struct err why = {};

		if (postfix_grammar(str_of(bad[i]), &said, &why) == ST_OK)
			fail_msg("it took \"%s\"", bad[i]);
		assert_true(why.text[0] != '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_replies),
		cmocka_unit_test(replies_without_a_policy),
		cmocka_unit_test(hostile_policies),
		cmocka_unit_test(the_largest_policies),
		cmocka_unit_test(trimmed_in_order),
		cmocka_unit_test(the_grammar_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
