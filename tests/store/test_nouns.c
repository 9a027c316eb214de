/* SPDX-License-Identifier: Apache-2.0 */
/* Every noun: what is written is read again, and each list finds its rows. */
#include "engines.h"

#include "base/poison.h"

static void meta_and_tenants(void **state)
{
	struct store_tenant t1 = { STR("acme-7"), STR("Acme"), 5 };
	struct store_tenant bad = { STR("Acme"), STR("x"), 5 };
	struct store_tenant *list;
	struct engine *t = *state;
	struct str v;
	size_t n;

	assert_int_equal(
		store_meta_get(t->s, t->a, STR("k"), &v, &t->e), ST_NOTFOUND);
	OK(store_meta_put(t->s, STR("k"), STR("one"), &t->e));
	OK(store_meta_put(t->s, STR("k"), STR("two"), &t->e));
	OK(store_meta_get(t->s, t->a, STR("k"), &v, &t->e));
	assert_str(v, "two");
	OK(store_tenant_add(t->s, &t1, &t->e));
	assert_int_equal(store_tenant_add(t->s, &t1, &t->e), ST_INVALID);
	assert_int_equal(store_tenant_add(t->s, &bad, &t->e), ST_INVALID);
	OK(store_tenant_list(t->s, t->a, &list, &n, &t->e));
	assert_int_equal(n, 2);
	assert_str(list[0].id, "acme-7");
	assert_str(list[1].id, "default");
	OK(store_tenant_get(t->s, t->a, STR("acme-7"), &t1, &t->e));
	assert_int_equal(t1.created, 5);
}

static void domain_round_trip(void **state)
{
	struct str mx[] = { STR("mx1.example.com"), STR("*.example.net") };
	struct store_domain d = domain_of("default", "example.com", "aaaa");
	struct store_domain got;
	struct engine *t = *state;

	d.mx = (struct store_strs){ mx, 2 };
	d.rua_mail = true;
	d.policy_id = STR("20261121T194000Z");
	d.policy_body = STR("version: STSv1\r\n");
	d.dns_id = STR("old");
	d.cname[STORE_CNAME_TLSRPT].state = STORE_CNAME_ELSEWHERE;
	d.cname[STORE_CNAME_TLSRPT].found = STR("other.example");
	d.not_none_until = INT64_MAX;
	OK(store_domain_add(t->s, &d, &t->e));
	OK(store_domain_get(t->s, t->a, d.tenant, d.name, &got, &t->e));
	assert_str(got.label, "aaaa");
	assert_int_equal(got.mx.n, 2);
	assert_str(got.mx.items[1], "*.example.net");
	assert_int_equal(got.mx_proposed.n, 0);
	assert_true(got.rua_mail);
	assert_false(got.rua_https);
	assert_int_equal(got.mode, STORE_MODE_TESTING);
	assert_str(got.policy_body, "version: STSv1\r\n");
	assert_int_equal(
		got.cname[STORE_CNAME_TLSRPT].state, STORE_CNAME_ELSEWHERE);
	assert_str(got.cname[STORE_CNAME_TLSRPT].found, "other.example");
	assert_int_equal(got.not_none_until, INT64_MAX);
	assert_str(got.attention, "");
	/* Another tenant does not see it, and may claim it too. */
	assert_int_equal(store_domain_get(t->s, t->a, STR("system"), d.name,
				 &got, &t->e),
		ST_NOTFOUND);
}

static void checks_do_not_undo_wishes(void **state)
{
	struct store_domain d = domain_of("default", "example.com", "aaaa");
	struct store_domain stale, got;
	int64_t first, before, after;
	struct engine *t = *state;

	OK(store_domain_add(t->s, &d, &t->e));
	stale = d;
	d.mode = STORE_MODE_ENFORCE;
	OK(store_domain_put(t->s, &d, &t->e));
	OK(store_change_range(t->s, &first, &before, &t->e));
	stale.proof = STORE_PROOF_CNAME;
	stale.attention = STR("look");
	OK(store_domain_put_checked(t->s, &stale, false, &t->e));
	OK(store_change_range(t->s, &first, &after, &t->e));
	assert_int_equal(before, after);
	OK(store_domain_put_checked(t->s, &stale, true, &t->e));
	OK(store_change_range(t->s, &first, &after, &t->e));
	assert_int_equal(before + 1, after);
	OK(store_domain_get(t->s, t->a, d.tenant, d.name, &got, &t->e));
	assert_int_equal(got.mode, STORE_MODE_ENFORCE);
	assert_int_equal(got.proof, STORE_PROOF_CNAME);
	assert_str(got.attention, "look");
}

static void labels_are_never_given_again(void **state)
{
	struct store_domain d = domain_of("default", "example.com", "aaaa");
	struct store_domain again = domain_of("default", "example.com", "bbbb");
	struct store_domain got;
	struct engine *t = *state;

	OK(store_domain_add(t->s, &d, &t->e));
	assert_int_equal(store_domain_add(t->s, &again, &t->e), ST_INVALID);
	d.removed = 7;
	OK(store_domain_put(t->s, &d, &t->e));
	assert_int_equal(
		store_domain_get(t->s, t->a, d.tenant, d.name, &got, &t->e),
		ST_NOTFOUND);
	OK(store_domain_by_label(t->s, t->a, STR("AAAA"), &got, &t->e));
	assert_int_equal(got.removed, 7);
	d.removed = 0;
	assert_int_equal(store_domain_add(t->s, &d, &t->e), ST_INVALID);
	OK(store_domain_add(t->s, &again, &t->e));
	/* The old label still says whose reports these are. */
	OK(store_domain_by_label(t->s, t->a, STR("aaaa"), &got, &t->e));
	assert_str(got.label, "bbbb");
	assert_int_equal(got.removed, 0);
}

static void domain_lists(void **state)
{
	struct store_tenant t2 = { STR("beta"), STR("Beta"), 1 };
	static const char *const names[] = { "a.example", "b.example",
		"c.example" };
	struct store_domain_filter f = { .limit = 2 };
	struct store_domain *rows;
	struct engine *t = *state;
	char label[] = "aaaa";
	size_t n;

	OK(store_tenant_add(t->s, &t2, &t->e));
	for (int i = 0; i < 6; i++, label[0]++) {
		struct store_domain d = domain_of(
			i < 3 ? "beta" : "default", names[i % 3], label);

		d.proof_next = 100 * i;
		d.policy_id = STR("2");
		d.dns_id = i == 4 ? STR("1") : STR("2");
		d.policy_seq = 9;
		d.retiring = i == 5;
		d.not_none_until = 50;
		OK(store_domain_add(t->s, &d, &t->e));
	}
	OK(store_domain_list(t->s, t->a, &f, &rows, &n, &t->e));
	assert_int_equal(n, 2);
	assert_str(rows[1].name, "b.example");
	f.after_tenant = rows[1].tenant;
	f.after_name = rows[1].name;
	OK(store_domain_list(t->s, t->a, &f, &rows, &n, &t->e));
	assert_int_equal(n, 2);
	assert_str(rows[0].name, "c.example");
	assert_str(rows[1].tenant, "default");
	f = (struct store_domain_filter){ .tenant = STR("default"),
		.limit = 10 };
	OK(store_domain_list(t->s, t->a, &f, &rows, &n, &t->e));
	assert_int_equal(n, 3);
	OK(store_domain_claims(t->s, t->a, STR("b.example"), &rows, &n, &t->e));
	assert_int_equal(n, 2);
	OK(store_domain_checks_due(t->s, t->a, 200, 10, &rows, &n, &t->e));
	assert_int_equal(n, 3);
	OK(store_domain_checks_due(t->s, t->a, 400, 2, &rows, &n, &t->e));
	assert_int_equal(n, 2);
	assert_str(rows[0].tenant, "beta");
	assert_str(rows[1].tenant, "default");
	OK(store_domain_flips_due(t->s, t->a, 8, 10, &rows, &n, &t->e));
	assert_int_equal(n, 0);
	OK(store_domain_flips_due(t->s, t->a, 9, 10, &rows, &n, &t->e));
	assert_int_equal(n, 1);
	assert_str(rows[0].name, "b.example");
	OK(store_domain_retired(t->s, t->a, 49, 10, &rows, &n, &t->e));
	assert_int_equal(n, 0);
	OK(store_domain_retired(t->s, t->a, 50, 10, &rows, &n, &t->e));
	assert_int_equal(n, 1);
}

static void policies(void **state)
{
	struct store_policy p = { .tenant = STR("default"),
		.domain = STR("example.com"),
		.id = STR("1"),
		.body = STR("b"),
		.since = 10,
		.actor = STR("me"),
		.reason = STR("mode") };
	struct store_policy *rows;
	struct engine *t = *state;
	size_t n;

	OK(store_policy_add(t->s, &p, &t->e));
	assert_int_equal(store_policy_add(t->s, &p, &t->e), ST_INVALID);
	p.id = STR("2");
	p.since = 20;
	OK(store_policy_add(t->s, &p, &t->e));
	OK(store_policy_list(
		t->s, t->a, p.tenant, p.domain, 5, &rows, &n, &t->e));
	assert_int_equal(n, 2);
	assert_str(rows[0].id, "2");
}

static void certificates(void **state)
{
	struct str der[] = { { "\0\n\xff", 3 }, STR("intermediate") };
	struct store_cert c = { .tenant = STR("default"),
		.host = STR("mta-sts.example.com"),
		.id = STR("01"),
		.chain = { der, 2 },
		.key_sealed = { "\0k", 2 },
		.not_after = 1000,
		.created = 5,
		.renew_at = 600 };
	struct store_domain d = domain_of("default", "example.com", "aaaa");
	struct store_cert got, *rows;
	struct engine *t = *state;
	int64_t first, last;
	size_t n;

	OK(store_cert_add(t->s, &c, &t->e));
	c.id = STR("02");
	c.renew_at = 700;
	OK(store_cert_add(t->s, &c, &t->e));
	OK(store_change_range(t->s, &first, &last, &t->e));
	assert_int_equal(last, 2);
	OK(store_cert_current(t->s, t->a, c.tenant, c.host, &got, &t->e));
	assert_str(got.id, "02");
	assert_int_equal(got.chain.n, 2);
	assert_int_equal(got.chain.items[0].n, 3);
	assert_memory_equal(got.chain.items[0].p, "\0\n\xff", 3);
	assert_int_equal(got.key_sealed.n, 2);
	OK(store_cert_due(t->s, t->a, 699, 5, &rows, &n, &t->e));
	assert_int_equal(n, 0);
	OK(store_cert_due(t->s, t->a, 700, 5, &rows, &n, &t->e));
	assert_int_equal(n, 1);
	got.ari_next = 650;
	got.renew_at = 900;
	OK(store_cert_put_times(t->s, &got, &t->e));
	OK(store_cert_due(t->s, t->a, 650, 5, &rows, &n, &t->e));
	assert_int_equal(n, 1);
	OK(store_cert_list(t->s, t->a, c.tenant, c.host, 5, &rows, &n, &t->e));
	assert_int_equal(n, 2);
	assert_str(rows[0].id, "02");
	assert_int_equal(rows[0].chain.n, 0);
	OK(store_cert_count(t->s, &first, &t->e));
	assert_int_equal(first, 1);
	OK(store_cert_first_end(t->s, t->a, &got, &t->e));
	assert_str(got.id, "02");
	d.removed = 3;
	OK(store_domain_add(t->s, &d, &t->e));
	OK(store_cert_count(t->s, &first, &t->e));
	assert_int_equal(first, 0);
	assert_int_equal(
		store_cert_first_end(t->s, t->a, &got, &t->e), ST_NOTFOUND);
	OK(store_cert_prune(t->s, 2000, 5, NULL, &t->e));
	OK(store_cert_list(t->s, t->a, c.tenant, c.host, 5, &rows, &n, &t->e));
	assert_int_equal(n, 1);
}

static void orders(void **state)
{
	struct store_acme_order o = { .id = STR("1"),
		.tenant = STR("default"),
		.host = STR("mta-sts.example.com"),
		.reason = STR("first"),
		.next_at = 100 };
	struct store_acme_account acc = { .directory = STR("https://ca/"),
		.key_sealed = { "\0", 1 } };
	struct store_acme_bucket b = { STR("b"), 1500, 3 };
	struct store_acme_order got, *rows;
	struct engine *t = *state;
	int64_t unfinished, failing;
	size_t n;

	OK(store_acme_order_add(t->s, &o, &t->e));
	o.id = STR("2");
	assert_int_equal(store_acme_order_add(t->s, &o, &t->e), ST_INVALID);
	OK(store_acme_order_get(t->s, t->a, STR("1"), &got, &t->e));
	got.state = STORE_ORDER_VALIDATING;
	got.problem_detail = STR("CAA says no");
	OK(store_acme_order_put(t->s, &got, &t->e));
	OK(store_acme_order_due(t->s, t->a, 99, 5, &rows, &n, &t->e));
	assert_int_equal(n, 0);
	OK(store_acme_order_due(t->s, t->a, 100, 5, &rows, &n, &t->e));
	assert_int_equal(n, 1);
	assert_str(rows[0].problem_detail, "CAA says no");
	got.attempts = 1;
	OK(store_acme_order_put(t->s, &got, &t->e));
	OK(store_acme_order_count(t->s, &unfinished, &failing, &t->e));
	assert_true(unfinished == 1 && failing == 1);
	got.state = STORE_ORDER_FAILED;
	OK(store_acme_order_put(t->s, &got, &t->e));
	OK(store_acme_order_count(t->s, &unfinished, &failing, &t->e));
	assert_true(unfinished == 0 && failing == 1);
	got.state = STORE_ORDER_DONE;
	OK(store_acme_order_put(t->s, &got, &t->e));
	OK(store_acme_order_add(t->s, &o, &t->e));
	OK(store_acme_order_count(t->s, &unfinished, &failing, &t->e));
	assert_true(unfinished == 1 && failing == 0);
	OK(store_acme_order_last(t->s, t->a, o.tenant, o.host, &got, &t->e));
	assert_str(got.id, "2");
	OK(store_acme_order_list(
		t->s, t->a, STR(""), STR(""), 5, &rows, &n, &t->e));
	assert_int_equal(n, 2);

	OK(store_acme_account_put(t->s, &acc, &t->e));
	acc.url = STR("https://ca/acct/1");
	OK(store_acme_account_put(t->s, &acc, &t->e));
	OK(store_acme_account_get(t->s, t->a, acc.directory, &acc, &t->e));
	assert_str(acc.url, "https://ca/acct/1");
	assert_int_equal(acc.key_sealed.n, 1);
	assert_int_equal(store_acme_bucket_get(t->s, t->a, b.name, &b, &t->e),
		ST_NOTFOUND);
	OK(store_acme_bucket_put(t->s, &b, &t->e));
	OK(store_acme_bucket_get(t->s, t->a, STR("b"), &b, &t->e));
	assert_int_equal(b.level_milli, 1500);
}

static void challenges(void **state)
{
	struct store_challenge c = { .tenant = STR("default"),
		.host = STR("mta-sts.example.com"),
		.type = STORE_CHALLENGE_HTTP01,
		.token = STR("tok"),
		.value = STR("tok.print"),
		.expires = 500,
		.order_id = STR("o1") };
	struct store_challenge *rows;
	struct engine *t = *state;
	int64_t seq, first, last;
	size_t n;

	OK(store_challenge_put(t->s, &c, &seq, &t->e));
	assert_int_equal(seq, 1);
	c.type = STORE_CHALLENGE_ALPN01;
	c.cert_der = (struct str){ "\0d", 2 };
	OK(store_challenge_put(t->s, &c, &seq, &t->e));
	OK(store_challenge_list(
		t->s, t->a, c.tenant, c.host, &rows, &n, &t->e));
	assert_int_equal(n, 2);
	assert_int_equal(rows[1].cert_der.n, 2);
	OK(store_challenge_expire(t->s, 499, &t->e));
	OK(store_challenge_drop(t->s, STR("o1"), &t->e));
	OK(store_challenge_list(
		t->s, t->a, c.tenant, c.host, &rows, &n, &t->e));
	assert_int_equal(n, 0);
	OK(store_change_range(t->s, &first, &last, &t->e));
	assert_int_equal(last, 4);
	OK(store_challenge_put(t->s, &c, NULL, &t->e));
	OK(store_challenge_expire(t->s, 500, &t->e));
	OK(store_challenge_list(
		t->s, t->a, c.tenant, c.host, &rows, &n, &t->e));
	assert_int_equal(n, 0);
}

/* A host's newest order says how it stands, however old it is. */
static void orders_end(void **state)
{
	struct store_acme_order o = { .id = STR("1"),
		.tenant = STORE_TENANT_DEFAULT,
		.host = STR("a.example"),
		.state = STORE_ORDER_DONE,
		.updated = 10 };
	struct store_acme_order *rows;
	struct engine *t = *state;
	int64_t dropped;
	size_t n;

	OK(store_acme_order_add(t->s, &o, &t->e));
	o.id = STR("2");
	o.state = STORE_ORDER_FAILED;
	OK(store_acme_order_add(t->s, &o, &t->e));
	o.id = STR("3");
	o.updated = 99;
	OK(store_acme_order_add(t->s, &o, &t->e));
	o.id = STR("4");
	o.updated = 10;
	OK(store_acme_order_add(t->s, &o, &t->e));
	o.id = STR("5");
	o.host = STR("b.example");
	OK(store_acme_order_add(t->s, &o, &t->e));
	OK(store_acme_order_prune(t->s, 99, 1, &dropped, &t->e));
	assert_int_equal(dropped, 1);
	OK(store_acme_order_prune(t->s, 99, 9, &dropped, &t->e));
	assert_int_equal(dropped, 1);
	OK(store_acme_order_list(
		t->s, t->a, STR(""), STR(""), 9, &rows, &n, &t->e));
	assert_int_equal(n, 3);
	assert_str(rows[0].id, "5");
	assert_str(rows[1].id, "4");
	assert_str(rows[2].id, "3");
}

static void nodes_and_leases(void **state)
{
	struct store_node n1 = { STR("a"), 7, 1000, 1 };
	struct store_node n2 = { STR("b"), 3, 1000, 1 };
	struct engine *t = *state;
	struct store_node *rows;
	int64_t seq, until;
	size_t n;

	assert_int_equal(
		store_node_applied(t->s, 1000, &seq, &t->e), ST_NOTFOUND);
	OK(store_node_put(t->s, &n1, &t->e));
	OK(store_node_put(t->s, &n2, &t->e));
	OK(store_node_applied(t->s, 1000, &seq, &t->e));
	assert_int_equal(seq, 3);
	n1.seen = 1000 + STORE_NODE_DEAD_S;
	OK(store_node_put(t->s, &n1, &t->e));
	OK(store_node_applied(t->s, n1.seen + 1, &seq, &t->e));
	assert_int_equal(seq, 7); /* b is silent, it holds nobody back */
	OK(store_node_list(t->s, t->a, &rows, &n, &t->e));
	assert_int_equal(n, 2);

	OK(store_lease_take(
		t->s, STR("acme"), STR("a"), 100, 30, &until, &t->e));
	assert_int_equal(until, 130);
	assert_int_equal(store_lease_take(t->s, STR("acme"), STR("b"), 129, 30,
				 &until, &t->e),
		ST_AGAIN);
	assert_int_equal(until, 130);
	OK(store_lease_take(t->s, STR("acme"), STR("a"), 120, 30, NULL, &t->e));
	OK(store_lease_take(
		t->s, STR("acme"), STR("b"), 150, 30, &until, &t->e));
	assert_int_equal(until, 180);
	OK(store_lease_drop(t->s, STR("acme"), STR("a"), &t->e));
	assert_int_equal(store_lease_take(t->s, STR("acme"), STR("a"), 151, 30,
				 NULL, &t->e),
		ST_AGAIN);
	OK(store_lease_drop(t->s, STR("acme"), STR("b"), &t->e));
	OK(store_lease_take(t->s, STR("acme"), STR("a"), 151, 30, NULL, &t->e));
}

static void audit_log(void **state)
{
	struct store_audit row = { .tenant = STR("default"),
		.at = 1,
		.actor = STR("me"),
		.action = STR("domain.add"),
		.object = STR("example.com") };
	struct store_audit *rows;
	struct engine *t = *state;
	size_t n;

	OK(store_audit_add(t->s, &row, &t->e));
	row.object = STR("example.org");
	row.id = STR("zzz");
	OK(store_audit_add(t->s, &row, &t->e));
	OK(store_audit_list(
		t->s, t->a, STR(""), STR(""), STR(""), 5, &rows, &n, &t->e));
	assert_int_equal(n, 2);
	assert_str(rows[0].object, "example.org");
	OK(store_audit_list(t->s, t->a, STR("default"), STR("example.com"),
		STR(""), 5, &rows, &n, &t->e));
	assert_int_equal(n, 1);
	OK(store_audit_list(
		t->s, t->a, STR(""), STR(""), STR("zzz"), 5, &rows, &n, &t->e));
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].id.n, 26);
}

/* What one engine refuses must not creep in through the other. */
static void text_must_be_text(void **state)
{
	static const struct str bad[] = {
		{ "a\0b", 3 },		   /* PostgreSQL has no NUL in text */
		{ "\xff", 1 },		   /* RFC 3629 section 3 */
		{ "\xc0\x80", 2 },	   /* overlong */
		{ "\xed\xa0\x80", 3 },	   /* a surrogate */
		{ "\xf4\x90\x80\x80", 4 }, /* above U+10FFFF */
		{ "\xe2\x82", 2 },	   /* cut */
	};
	struct engine *t = *state;
	struct str v;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(store_meta_put(t->s, STR("k"), bad[i], &t->e),
			ST_INVALID);
	OK(store_meta_put(
		t->s, STR("k"), STR("\xe2\x82\xac\xf0\x9f\x92\x8c"), &t->e));
	OK(store_meta_get(t->s, t->a, STR("k"), &v, &t->e));
	assert_int_equal(v.n, 7);
}

/*
 * What a CA says, or an error text that was cut, must not keep a row from being
 * written: an order that cannot note its failure is tried again at once, for
 * ever.
 */
static void words_of_strangers_are_mended(void **state)
{
	static const struct {
		struct str said, kept;
	} rows[] = {
		{ STR("caf\xc3\xa9 closed"), STR("caf\xc3\xa9 closed") },
		{ STR("cut caf\xc3"), STR("cut caf?") },
		{ STR("caf\xe9 \xff\xfe"), STR("caf? ??") },
		{ STR("nul\0l"), STR("nul?l") },
		{ {}, STR("") },
	};
	struct store_acme_order o = { .id = STR("1"),
		.tenant = STR("default"),
		.host = STR("mta-sts.example.com"),
		.directory = STR("https://ca/dir") };
	struct engine *t = *state;

	OK(store_acme_order_add(t->s, &o, &t->e));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		o.problem_type = o.problem_detail = rows[i].said;
		OK(store_acme_order_put(t->s, &o, &t->e));
		OK(store_acme_order_get(t->s, t->a, o.id, &o, &t->e));
		assert_true(str_eq(o.problem_detail, rows[i].kept));
		assert_true(str_eq(o.problem_type, rows[i].kept));
	}
}

static void small_arena(void **state)
{
	struct store_domain d = domain_of("default", "example.com", "aaaa");
	struct engine *t = *state;
	struct arena *small = arena_must(64);
	struct store_domain got = { .created = 77 };

	OK(store_domain_add(t->s, &d, &t->e));
	assert_int_equal(
		store_domain_get(t->s, small, d.tenant, d.name, &got, &t->e),
		ST_LIMIT);
	assert_int_equal(got.created, 77);
	arena_free(&small);
}

static void ids_sort_as_they_were_made(void **state)
{
	struct engine *t = *state;
	struct str last = store_new_id(t->a);

	for (int i = 0; i < 1000; i++) {
		struct str next = store_new_id(t->a);

		assert_int_equal(next.n, 26);
		assert_true(str_cmp(last, next) < 0);
		last = next;
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(meta_and_tenants),
		cmocka_unit_test(domain_round_trip),
		cmocka_unit_test(checks_do_not_undo_wishes),
		cmocka_unit_test(labels_are_never_given_again),
		cmocka_unit_test(domain_lists),
		cmocka_unit_test(policies),
		cmocka_unit_test(certificates),
		cmocka_unit_test(orders),
		cmocka_unit_test(challenges),
		cmocka_unit_test(orders_end),
		cmocka_unit_test(nodes_and_leases),
		cmocka_unit_test(audit_log),
		cmocka_unit_test(text_must_be_text),
		cmocka_unit_test(words_of_strangers_are_mended),
		cmocka_unit_test(small_arena),
		cmocka_unit_test(ids_sort_as_they_were_made),
	};

	return RUN_ON_ENGINES("nouns", tests);
}
