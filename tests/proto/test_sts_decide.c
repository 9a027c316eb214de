/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "proto/sts_decide.h"
#include "tests/parser_laws.h"

#include "base/poison.h"

enum {
	STS = STS_PROFILE_STS,
	TLSRPT = STS_PROFILE_STS_TLSRPT,
	DANE = STS_PROFILE_DANE_STS,
};

/* What the MX hosts have. */
enum hosts {
	ALL,	   /* usable TLSA records */
	SOME,	   /* one has, the other has none */
	UNUSABLE,  /* one has such that nobody can use, the other none */
	SOME_TEMP, /* one cannot be looked up, the other has none */
	ABSENT,
	TEMP,
	OFF,
};

enum policy { NO_POLICY, ENFORCE, TESTING, NONE, FAILED, PENDING };

static struct mx_host two_hosts[] = {
	{ .name = { "mx2.example.com", 15 }, .preference = 20 },
	{ .name = { "mx1.example.com", 15 }, .preference = 10 },
};

static struct str mx[] = { { "mx1.example.com", 15 },
	{ "mx2.example.com", 15 } };

static struct dane_result dane_of(enum hosts h)
{
	static const struct {
		enum dane_state state;
		enum dane_host first, second;
	} rows[] = {
		[ALL] = { DANE_ALL, DANE_HOST_USABLE, DANE_HOST_USABLE },
		[SOME] = { DANE_SOME, DANE_HOST_USABLE, DANE_HOST_NONE },
		[UNUSABLE] = { DANE_SOME, DANE_HOST_UNUSABLE, DANE_HOST_NONE },
		[SOME_TEMP] = { DANE_SOME, DANE_HOST_TEMP, DANE_HOST_NONE },
		[ABSENT] = { DANE_ABSENT, DANE_HOST_NONE, DANE_HOST_NONE },
		[TEMP] = { DANE_TEMP, DANE_HOST_TEMP, DANE_HOST_TEMP },
		[OFF] = { DANE_OFF, DANE_HOST_UNKNOWN, DANE_HOST_UNKNOWN },
	};

	two_hosts[0].dane = rows[h].first;
	two_hosts[1].dane = rows[h].second;
	return (struct dane_result){ .state = rows[h].state,
		.mx_known = true,
		.mx = two_hosts,
		.n_mx = 2 };
}

struct row {
	int kind;
	enum hosts hosts;
	enum policy policy;
	enum decision_action action;
	enum decision_why why;
	enum sts_rule rule;
	bool visibility, enforce_testing, no_tlsrpt, no_dane;
};

static void decide_row(struct arena *a, const struct row *row,
	struct sts_policy *policy, struct decision *out)
{
	struct dane_result dane = dane_of(row->hosts);
	struct sts_decide_input in = {
		.profile = { (enum sts_profile_kind)row->kind,
			row->enforce_testing, !row->no_tlsrpt, row->visibility,
			row->no_dane },
		.domain = { .name = STR("example.com"), .port = SMTP_PORT },
		.dane = &dane,
		.pending = row->policy == PENDING,
		.failed = row->policy == FAILED,
		.failure = TLSRPT_STS_WEBPKI_INVALID,
		.rule = row->rule,
	};

	*policy = (struct sts_policy){ STS_POLICY_VALID, STS_MODE_ENFORCE, 60,
		mx, 2 };
	if (row->policy == TESTING)
		policy->mode = STS_MODE_TESTING;
	if (row->policy == NONE)
		policy->mode = STS_MODE_NONE;
	if (row->policy == ENFORCE || row->policy == TESTING ||
		row->policy == NONE)
		in.policy = policy;
	assert_int_equal(sts_decide(a, &in, out), ST_OK);
	assert_str(out->domain, "example.com");
}

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct arena *a = arena_must(0);
		struct sts_policy policy;
		struct decision d;

		decide_row(a, &rows[i], &policy, &d);
		if (d.action != rows[i].action || d.why != rows[i].why)
			fail_msg("row %zu (kind %d, hosts %d, policy %d): "
				 "%d %s, wanted %d %s",
				i, rows[i].kind, rows[i].hosts, rows[i].policy,
				d.action, decision_why_word(d.why),
				rows[i].action, decision_why_word(rows[i].why));
		assert_int_equal(d.action == DECISION_SECURE, d.n_match > 0);
		arena_free(&a);
	}
}

#define CHECK(rows) check((rows), sizeof(rows) / sizeof(*(rows)))

/* docs: which socketmap name gives what, cell by cell */
static void every_cell_of_the_table(void **state)
{
	static const struct row rows[] = {
		/* DANE usable for all MX: RFC 8461 section 2, DANE first */
		{ STS, ALL, ENFORCE, DECISION_NOTFOUND, DECISION_WHY_DANE },
		{ STS, ALL, NO_POLICY, DECISION_NOTFOUND, DECISION_WHY_DANE },
		{ TLSRPT, ALL, ENFORCE, DECISION_NOTFOUND, DECISION_WHY_DANE },
		{ DANE, ALL, ENFORCE, DECISION_DANE_ONLY, DECISION_WHY_DANE },
		{ DANE, ALL, NO_POLICY, DECISION_DANE_ONLY, DECISION_WHY_DANE },
		{ DANE, ALL, PENDING, DECISION_DANE_ONLY, DECISION_WHY_DANE },
		/* DANE for some MX */
		{ STS, SOME, NO_POLICY, DECISION_NOTFOUND,
			DECISION_WHY_DANE_PART },
		{ STS, SOME, TESTING, DECISION_NOTFOUND,
			DECISION_WHY_DANE_PART },
		{ STS, SOME, NONE, DECISION_NOTFOUND, DECISION_WHY_DANE_PART },
		{ STS, SOME, ENFORCE, DECISION_SECURE,
			DECISION_WHY_STS_ENFORCE },
		{ TLSRPT, SOME, NO_POLICY, DECISION_NOTFOUND,
			DECISION_WHY_DANE_PART },
		{ TLSRPT, SOME, ENFORCE, DECISION_SECURE,
			DECISION_WHY_STS_ENFORCE },
		{ DANE, SOME, NO_POLICY, DECISION_DANE,
			DECISION_WHY_DANE_PART },
		{ DANE, SOME, TESTING, DECISION_DANE, DECISION_WHY_DANE_PART },
		{ DANE, SOME, ENFORCE, DECISION_DANE_ONLY,
			DECISION_WHY_DANE_PART },
		/* nothing usable: dane-only would never deliver; MTA-STS adds
		 * what RFC 7672 section 2.2 leaves out */
		{ DANE, UNUSABLE, NO_POLICY, DECISION_DANE,
			DECISION_WHY_DANE_PART },
		{ DANE, UNUSABLE, ENFORCE, DECISION_SECURE,
			DECISION_WHY_STS_ENFORCE },
		{ STS, UNUSABLE, ENFORCE, DECISION_SECURE,
			DECISION_WHY_STS_ENFORCE },
		/* but a failing look-up may hide usable ones */
		{ DANE, SOME_TEMP, ENFORCE, DECISION_DANE_ONLY,
			DECISION_WHY_DANE_PART },
		/* DANE proven absent, MTA-STS enforce (checklist 30) */
		{ STS, ABSENT, ENFORCE, DECISION_SECURE,
			DECISION_WHY_STS_ENFORCE },
		{ TLSRPT, ABSENT, ENFORCE, DECISION_SECURE,
			DECISION_WHY_STS_ENFORCE },
		{ DANE, ABSENT, ENFORCE, DECISION_SECURE,
			DECISION_WHY_STS_ENFORCE },
		/* DNSSEC cannot be trusted: no DANE, mail goes on */
		{ STS, OFF, ENFORCE, DECISION_SECURE,
			DECISION_WHY_STS_ENFORCE },
		{ TLSRPT, OFF, ENFORCE, DECISION_SECURE,
			DECISION_WHY_STS_ENFORCE },
		{ DANE, OFF, ENFORCE, DECISION_SECURE,
			DECISION_WHY_STS_ENFORCE },
		{ STS, OFF, NO_POLICY, DECISION_NOTFOUND,
			DECISION_WHY_NO_POLICY },
		/* DANE temporary failure: MTA-STS is no way around it */
		{ STS, TEMP, ENFORCE, DECISION_TEMP, DECISION_WHY_DANE_TEMP },
		{ STS, TEMP, NO_POLICY, DECISION_TEMP, DECISION_WHY_DANE_TEMP },
		{ TLSRPT, TEMP, ENFORCE, DECISION_TEMP,
			DECISION_WHY_DANE_TEMP },
		{ DANE, TEMP, ENFORCE, DECISION_TEMP, DECISION_WHY_DANE_TEMP },
		{ DANE, TEMP, NO_POLICY, DECISION_TEMP,
			DECISION_WHY_DANE_TEMP },
	};

	(void)state;
	CHECK(rows);
}

/* Checklist 35 binds those who validate DANE; for others MTA-STS counts. */
static void an_mta_without_dane(void **state)
{
	static const struct row rows[] = {
		{ STS, ALL, ENFORCE, DECISION_SECURE, DECISION_WHY_STS_ENFORCE,
			.no_dane = true },
		{ STS, ALL, NO_POLICY, DECISION_NOTFOUND,
			DECISION_WHY_NO_POLICY, .no_dane = true },
		{ STS, ALL, TESTING, DECISION_NOTFOUND,
			DECISION_WHY_STS_TESTING, .no_dane = true },
		{ STS, SOME, ENFORCE, DECISION_SECURE, DECISION_WHY_STS_ENFORCE,
			.no_dane = true },
		{ STS, TEMP, ENFORCE, DECISION_SECURE, DECISION_WHY_STS_ENFORCE,
			.no_dane = true },
		{ STS, TEMP, NO_POLICY, DECISION_NOTFOUND,
			DECISION_WHY_NO_POLICY, .no_dane = true },
		{ STS, ALL, ENFORCE, DECISION_NOTFOUND, DECISION_WHY_RULE_OFF,
			STS_RULE_OFF, .no_dane = true },
		{ TLSRPT, ALL, ENFORCE, DECISION_SECURE,
			DECISION_WHY_STS_ENFORCE, .no_dane = true },
		/* a report at level may would put an unasked DANE aside */
		{ TLSRPT, ALL, TESTING, DECISION_NOTFOUND,
			DECISION_WHY_STS_TESTING, .visibility = true,
			.no_dane = true },
		/* who is told "dane-only" has DANE */
		{ DANE, ALL, ENFORCE, DECISION_DANE_ONLY, DECISION_WHY_DANE,
			.no_dane = true },
		{ DANE, TEMP, ENFORCE, DECISION_TEMP, DECISION_WHY_DANE_TEMP,
			.no_dane = true },
	};

	(void)state;
	CHECK(rows);
}

static void else_not_found(void **state)
{
	static const struct row rows[] = {
		/* checklist 4, 15: no policy, or none to be fetched */
		{ STS, ABSENT, NO_POLICY, DECISION_NOTFOUND,
			DECISION_WHY_NO_POLICY },
		{ STS, ABSENT, FAILED, DECISION_NOTFOUND,
			DECISION_WHY_STS_FAILED },
		{ STS, ABSENT, PENDING, DECISION_NOTFOUND,
			DECISION_WHY_STS_PENDING },
		/* checklist 31, 32 */
		{ STS, ABSENT, TESTING, DECISION_NOTFOUND,
			DECISION_WHY_STS_TESTING },
		{ STS, ABSENT, NONE, DECISION_NOTFOUND, DECISION_WHY_STS_NONE },
		{ TLSRPT, ABSENT, NO_POLICY, DECISION_NOTFOUND,
			DECISION_WHY_NO_POLICY },
		{ TLSRPT, ABSENT, FAILED, DECISION_NOTFOUND,
			DECISION_WHY_STS_FAILED },
		{ TLSRPT, ABSENT, TESTING, DECISION_NOTFOUND,
			DECISION_WHY_STS_TESTING },
		{ TLSRPT, ABSENT, NONE, DECISION_NOTFOUND,
			DECISION_WHY_STS_NONE },
		{ DANE, ABSENT, NO_POLICY, DECISION_NOTFOUND,
			DECISION_WHY_NO_POLICY },
		{ DANE, ABSENT, TESTING, DECISION_NOTFOUND,
			DECISION_WHY_STS_TESTING },
		{ DANE, ABSENT, FAILED, DECISION_NOTFOUND,
			DECISION_WHY_STS_FAILED },
	};

	(void)state;
	CHECK(rows);
}

static void visibility_is_asked_for(void **state)
{
	static const struct row rows[] = {
		/* checklist 31, 37: opt in, and only where DANE is absent */
		{ TLSRPT, ABSENT, TESTING, DECISION_MAY_REPORT,
			DECISION_WHY_STS_TESTING, .visibility = true },
		{ TLSRPT, ABSENT, FAILED, DECISION_MAY_REPORT,
			DECISION_WHY_STS_FAILED, .visibility = true },
		{ DANE, ABSENT, TESTING, DECISION_MAY_REPORT,
			DECISION_WHY_STS_TESTING, .visibility = true },
		{ TLSRPT, ABSENT, NONE, DECISION_NOTFOUND,
			DECISION_WHY_STS_NONE, .visibility = true },
		{ TLSRPT, ABSENT, NO_POLICY, DECISION_NOTFOUND,
			DECISION_WHY_NO_POLICY, .visibility = true },
		{ TLSRPT, ABSENT, PENDING, DECISION_NOTFOUND,
			DECISION_WHY_STS_PENDING, .visibility = true },
		/* may must not replace dane */
		{ TLSRPT, OFF, TESTING, DECISION_NOTFOUND,
			DECISION_WHY_STS_TESTING, .visibility = true },
		{ TLSRPT, SOME, TESTING, DECISION_NOTFOUND,
			DECISION_WHY_DANE_PART, .visibility = true },
		{ TLSRPT, ALL, TESTING, DECISION_NOTFOUND, DECISION_WHY_DANE,
			.visibility = true },
		/* a reader that does not know the attributes */
		{ STS, ABSENT, TESTING, DECISION_NOTFOUND,
			DECISION_WHY_STS_TESTING, .visibility = true },
		{ DANE, ABSENT, TESTING, DECISION_NOTFOUND,
			DECISION_WHY_STS_TESTING, .visibility = true,
			.no_tlsrpt = true },
		{ TLSRPT, ABSENT, ENFORCE, DECISION_MAY_REPORT,
			DECISION_WHY_STS_TESTING, STS_RULE_TESTING,
			.visibility = true },
	};

	(void)state;
	CHECK(rows);
}

static void rules(void **state)
{
	static const struct row rows[] = {
		{ STS, ABSENT, ENFORCE, DECISION_NOTFOUND,
			DECISION_WHY_RULE_OFF, STS_RULE_OFF },
		{ DANE, ALL, ENFORCE, DECISION_NOTFOUND, DECISION_WHY_RULE_OFF,
			STS_RULE_OFF },
		{ STS, TEMP, ENFORCE, DECISION_NOTFOUND, DECISION_WHY_RULE_OFF,
			STS_RULE_OFF },
		{ STS, ABSENT, TESTING, DECISION_SECURE,
			DECISION_WHY_STS_ENFORCE, STS_RULE_ENFORCE },
		{ STS, ABSENT, ENFORCE, DECISION_NOTFOUND,
			DECISION_WHY_STS_TESTING, STS_RULE_TESTING },
		{ STS, ABSENT, TESTING, DECISION_SECURE,
			DECISION_WHY_STS_ENFORCE, .enforce_testing = true },
		/* a rule for a domain goes before the profile */
		{ STS, ABSENT, TESTING, DECISION_NOTFOUND,
			DECISION_WHY_STS_TESTING, STS_RULE_TESTING,
			.enforce_testing = true },
		{ DANE, SOME, TESTING, DECISION_DANE_ONLY,
			DECISION_WHY_DANE_PART, STS_RULE_ENFORCE },
		{ DANE, SOME, ENFORCE, DECISION_DANE, DECISION_WHY_DANE_PART,
			STS_RULE_TESTING },
		/* RFC 8461 section 5: none is no policy to enforce */
		{ STS, ABSENT, NONE, DECISION_NOTFOUND, DECISION_WHY_STS_NONE,
			STS_RULE_ENFORCE },
		{ STS, ABSENT, NONE, DECISION_NOTFOUND, DECISION_WHY_STS_NONE,
			.enforce_testing = true },
		/* no rule makes a policy of nothing */
		{ STS, ABSENT, NO_POLICY, DECISION_NOTFOUND,
			DECISION_WHY_NO_POLICY, STS_RULE_ENFORCE },
	};

	(void)state;
	CHECK(rows);
}

static void tlsrpt_is_for_those_who_know_it(void **state)
{
	static const struct {
		struct row row;
		bool tlsrpt;
	} rows[] = {
		{ { STS, ABSENT, ENFORCE }, false },
		{ { TLSRPT, ABSENT, ENFORCE }, true },
		{ { TLSRPT, ABSENT, ENFORCE, .no_tlsrpt = true }, true },
		{ { DANE, ABSENT, ENFORCE }, true },
		{ { DANE, ABSENT, ENFORCE, .no_tlsrpt = true }, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena *a = arena_must(0);
		struct sts_policy policy;
		struct decision d;

		decide_row(a, &rows[i].row, &policy, &d);
		assert_int_equal(d.tlsrpt, rows[i].tlsrpt);
		assert_ptr_equal(d.policy, &policy);
		arena_free(&a);
	}
}

/* ---- names ---- */

/* Words apart by blanks. */
static size_t split(const char *text, struct str *out)
{
	struct str rest = str_of(text);
	size_t n = 0;

	while (rest.n > 0)
		out[n++] = str_cut(&rest, ' ');
	return n;
}

static struct str joined(struct arena *a, const struct str *v, size_t n)
{
	struct sbuf b = sbuf_arena(a, 1000);

	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			sbuf_addc(&b, ' ');
		sbuf_add(&b, v[i]);
	}
	return sbuf_str(&b);
}

static void names(void **state)
{
	static const struct {
		const char *patterns, *hosts; /* hosts NULL: not known */
		const char *match, *kept;
		enum decision_why why;
		bool is_host;
	} rows[] = {
		/* RFC 8461 section 4.1 (checklist 26): names as they are */
		{ "b.test a.test", "a.test b.test", "b.test a.test" },
		{ "b.test a.test", NULL, "b.test a.test" },
		{ "a.test a.test b.test a.test", "a.test", "a.test b.test",
			"a.test b.test" },
		/* one label is what "*" stands for: the hosts by name */
		{ "*.m.test", "a.m.test b.m.test", "a.m.test b.m.test" },
		{ "*.m.test", "a.b.m.test c.m.test", "c.m.test" },
		{ "*.m.test", "m.test a.m.test", "a.m.test" },
		{ "b.test *.m.test", "a.m.test b.test", "b.test a.m.test" },
		{ "a.m.test *.m.test", "a.m.test", "a.m.test" },
		{ "*.m.test *.n.test", "a.n.test a.m.test",
			"a.n.test a.m.test" },
		{ "*.test", "a.test", "a.test" },
		/* what is not known is left to the MTA */
		{ "*.m.test b.test", NULL, ".m.test b.test" },
		{ "*.m.test *.m.test", NULL, ".m.test", "*.m.test" },
		/* no host matches: nobody may get it (checklist 30) */
		{ "*.m.test", "a.evil.test", "no-mx-host-matches.invalid", NULL,
			DECISION_WHY_STS_NO_MX },
		{ "*.m.test", "a.b.m.test", "no-mx-host-matches.invalid", NULL,
			DECISION_WHY_STS_NO_MX },
		{ "*.m.test", "", "no-mx-host-matches.invalid", NULL,
			DECISION_WHY_STS_NO_MX },
		{ "b.test *.m.test", "a.evil.test", "b.test", NULL,
			DECISION_WHY_STS_NO_MX },
		{ "b.test", "a.evil.test", "b.test", NULL,
			DECISION_WHY_STS_NO_MX },
		/* words that Postfix reads as other names */
		{ "hostname b.test", NULL, "b.test" },
		{ "nexthop dot-nexthop hostname", NULL,
			"no-mx-host-matches.invalid" },
		{ "hostname", "a.evil.test", "no-mx-host-matches.invalid", NULL,
			DECISION_WHY_STS_NO_MX },
		/* a next hop in brackets is its own host, MX or not */
		{ "*.test", "a.evil.test", "hop.test", NULL, 0, true },
		{ "*.m.test", "a.m.test", "no-mx-host-matches.invalid", NULL,
			DECISION_WHY_STS_NO_MX, true },
		{ "*.test", NULL, "hop.test", NULL, 0, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena *a = arena_must(0);
		struct str patterns[8], hosts[8];
		struct mx_host mx_hosts[8] = {};
		struct sts_policy policy = { STS_POLICY_VALID, STS_MODE_ENFORCE,
			60, patterns, split(rows[i].patterns, patterns) };
		struct dane_result dane = { .state = DANE_ABSENT,
			.mx = mx_hosts,
			.mx_known = rows[i].hosts != NULL };
		struct sts_decide_input in = { .dane = &dane,
			.policy = &policy,
			.domain = { STR("hop.test"), rows[i].is_host, 25 } };
		struct decision d;

		if (dane.mx_known)
			dane.n_mx = split(rows[i].hosts, hosts);
		for (size_t k = 0; k < dane.n_mx; k++) {
			mx_hosts[k].name = hosts[k];
			mx_hosts[k].preference = (uint16_t)k;
		}
		assert_int_equal(sts_decide(a, &in, &d), ST_OK);
		if (!str_eq(joined(a, d.match, d.n_match),
			    str_of(rows[i].match)))
			fail_msg("%s at %s: %.*s", rows[i].patterns,
				rows[i].hosts,
				STR_ARG(joined(a, d.match, d.n_match)));
		assert_int_equal(d.why, rows[i].why == 0
						? DECISION_WHY_STS_ENFORCE
						: rows[i].why);
		if (rows[i].kept != NULL)
			assert_str(joined(a, d.patterns, d.n_patterns),
				rows[i].kept);
		arena_free(&a);
	}
}

/* DNS gives MX records in any order; what is said stays the same. */
static void hosts_in_any_order_and_number(void **state)
{
	enum { N = STS_DECIDE_HOSTS_MAX + 50 };
	static char text[N][32];
	struct mx_host hosts[N];
	struct str any = STR("*.m.test");
	struct sts_policy policy = { STS_POLICY_VALID, STS_MODE_ENFORCE, 60,
		&any, 1 };
	struct dane_result dane = {
		.state = DANE_ABSENT, .mx = hosts, .mx_known = true, .n_mx = N
	};
	struct sts_decide_input in = { .dane = &dane, .policy = &policy };
	struct arena *a = arena_must(0);
	struct decision d;

	(void)state;
	for (size_t i = 0; i < N; i++) {
		int n = snprintf(text[i], sizeof(text[i]), "h%03zu.m.test",
			(i * 37) % N);

		hosts[i] = (struct mx_host){ .name = { text[i], (size_t)n },
			.preference = (i * 37) % N < 2 ? 5 : 10 };
	}
	assert_int_equal(sts_decide(a, &in, &d), ST_OK);
	assert_int_equal(d.n_match, STS_DECIDE_HOSTS_MAX);
	for (size_t i = 0; i < d.n_match; i++) {
		char want[32];

		(void)snprintf(want, sizeof(want), "h%03zu.m.test", i);
		assert_str(d.match[i], want);
	}
	arena_free(&a);
}

static enum status decide_text(struct arena *a, struct str text)
{
	struct dane_result dane = dane_of(ABSENT);
	struct sts_policy policy;
	struct sts_decide_input in = { .dane = &dane, .policy = &policy };
	enum status st = sts_policy_parse(a, text, &policy, NULL);
	struct decision d;

	return st == ST_OK ? sts_decide(a, &in, &d) : st;
}

static void memory_may_run_out(void **state)
{
	(void)state;
	law_no_memory(decide_text,
		STR("version: STSv1\nmode: enforce\nmx: *.example.com\n"
		    "mx: a.test\nmx: *.b.test\nmax_age: 60\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_of_the_table),
		cmocka_unit_test(an_mta_without_dane),
		cmocka_unit_test(else_not_found),
		cmocka_unit_test(visibility_is_asked_for),
		cmocka_unit_test(rules),
		cmocka_unit_test(tlsrpt_is_for_those_who_know_it),
		cmocka_unit_test(names),
		cmocka_unit_test(hosts_in_any_order_and_number),
		cmocka_unit_test(memory_may_run_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
