/* SPDX-License-Identifier: Apache-2.0 */
/* From a wish to what strangers see: database, keeper, view. */
#include "tests/hosting/keeper_fixture.h"

#include "base/poison.h"

/* The whole way of a domain, from the wish to the policy and back. */
static void life_of_a_domain(void **state)
{
	struct world *t = *state;
	struct store_acme_order order;
	struct domain_request r;
	struct view_label label;
	struct view_host h;
	struct store_domain d = add(t);
	struct str text;
	int64_t until;

	go_on(t);
	OK(view_label_get(t->v, t->a, d.label, &label));
	assert_str(label.domain, "example.com");
	text = txt(t, "_smtp._tls.", d.label);
	assert_true(str_starts(text, STR("v=TLSRPTv1; rua=mailto:")));
	assert_true(str_ends(text, STR("@rua.sts.example.net")));
	/* Nothing leads to us: nothing is served, nothing ordered. */
	found(t, PROOF_SEEN_MISSING);
	go_on(t);
	assert_int_equal(
		view_host_get(t->v, t->a, STR("mta-sts.example.com"), &h),
		ST_NOTFOUND);
	assert_int_equal(store_acme_order_last(t->s, t->a, d.tenant,
				 STR("mta-sts.example.com"), &order, &t->e),
		ST_NOTFOUND);
	/* The CNAME appears: an order is queued, the policy is ready. */
	found(t, PROOF_SEEN_US);
	go_on(t);
	OK(store_acme_order_last(t->s, t->a, d.tenant,
		STR("mta-sts.example.com"), &order, &t->e));
	assert_str(order.reason, "first");
	OK(view_host_get(t->v, t->a, STR("mta-sts.example.com"), &h));
	assert_true(str_eq(h.policy, d.policy_body));
	assert_int_equal(h.n_chain, 0);
	assert_int_equal(row(t).served_since, 0);
	/* No sender is told of a policy that cannot be fetched. */
	assert_str(txt(t, "_mta-sts.", d.label), "");
	add_cert(t, ID_A);
	go_on(t);
	OK(view_host_get(t->v, t->a, STR("mta-sts.example.com"), &h));
	assert_int_equal(h.n_chain, 1);
	assert_int_equal(h.cert_id.n, 32);
	assert_true(row(t).served_since > 0);
	text = arena_fmt(t->a, "v=STSv1; id=%.*s;", STR_ARG(d.policy_id));
	assert_true(str_eq(txt(t, "_mta-sts.", d.label), text));
	/* Leaving: none at once, removed when nobody can hold the policy. */
	r = request(t);
	OK(domain_retire(t->s, t->a, &r, &d, &t->e));
	until = d.not_none_until;
	go_on(t);
	OK(view_host_get(t->v, t->a, STR("mta-sts.example.com"), &h));
	assert_non_null(strstr(arena_str(t->a, h.policy).p, "mode: none"));
	t->now = until - 3;
	keeper_step(t->k);
	OK(view_host_get(t->v, t->a, STR("mta-sts.example.com"), &h));
	t->now = until + 1;
	go_on(t);
	assert_int_equal(
		view_host_get(t->v, t->a, STR("mta-sts.example.com"), &h),
		ST_NOTFOUND);
	assert_int_equal(
		view_label_get(t->v, t->a, d.label, &label), ST_NOTFOUND);
	assert_str(txt(t, "_smtp._tls.", d.label), "");
}

/* RFC 8461 section 8.3: the body first, then its id. */
static void body_before_id(void **state)
{
	struct world *t = *state;
	struct store_domain d = add(t);
	struct domain_request r;
	struct view_host h;
	struct str old, now;

	found(t, PROOF_SEEN_US);
	add_cert(t, ID_A);
	go_on(t);
	old = txt(t, "_mta-sts.", d.label);
	r = request(t);
	OK(domain_set_mode(t->s, t->a, &r, STORE_MODE_NONE, &d, &t->e));
	keeper_step(t->k);
	OK(view_host_get(t->v, t->a, STR("mta-sts.example.com"), &h));
	assert_true(str_eq(h.policy, d.policy_body));
	assert_true(str_eq(txt(t, "_mta-sts.", d.label), old));
	keeper_step(t->k);
	now = txt(t, "_mta-sts.", d.label);
	assert_true(str_eq(now,
		arena_fmt(t->a, "v=STSv1; id=%.*s;", STR_ARG(d.policy_id))));
}

/* A node that serves the old body still holds the id back, until it is dead. */
static void another_node_holds_the_id_back(void **state)
{
	struct world *t = *state;
	struct store_node other = { STR("other"), 0, NOW, 0 };
	struct store_domain d = add(t);

	found(t, PROOF_SEEN_US);
	add_cert(t, ID_A);
	OK(store_node_put(t->s, &other, &t->e));
	go_on(t);
	assert_str(txt(t, "_mta-sts.", d.label), "");
	t->now = NOW + STORE_NODE_DEAD_S + 20;
	go_on(t);
	assert_true(txt(t, "_mta-sts.", d.label).n > 0);
}

static void static_names(void **state)
{
	struct world *t = *state;
	struct view_name n;
	struct view_host h;

	OK(view_name_get(t->v, t->a, t->zone.origin, &n));
	assert_int_equal(n.n, 2); /* SOA, NS */
	OK(view_name_get(t->v, t->a, t->name_server, &n));
	assert_int_equal(n.sets[0].type, DNS_TYPE_A);
	OK(view_name_get(t->v, t->a, t->zone.report_host, &n));
	assert_int_equal(n.n, 3); /* A, AAAA, MX */
	OK(view_host_get(t->v, t->a, t->zone.report_host, &h));
	assert_int_equal(h.kind, VIEW_HOST_REPORT);
}

/* RFC 8657: only our account, only our methods. */
static void caa_names_our_account(void **state)
{
	struct store_acme_account acc = { .directory = STR("https://ca/"),
		.url = STR("https://ca/acct/1") };
	struct world *t = *state;
	struct store_domain d = add(t);
	struct str tag, value;
	struct view_name n;
	uint8_t flags;

	go_on(t);
	OK(store_acme_account_put(t->s, &acc, &t->e));
	OK(store_meta_put(t->s, STORE_META_CAA, STR("ca.example"), &t->e));
	go_on(t);
	t->now += 2;
	OK(view_name_get(t->v, t->a,
		arena_fmt(t->a, "%.*s.sts.example.net", STR_ARG(d.label)), &n));
	assert_int_equal(n.n, 3);
	assert_int_equal(n.sets[2].type, DNS_TYPE_CAA);
	OK(dns_caa_read(n.sets[2].rdata[0], &flags, &tag, &value));
	assert_str(tag, "issue");
	assert_str(value, "ca.example; accounturi=https://ca/acct/1; "
			  "validationmethods=http-01,tls-alpn-01,dns-01");
}

static void challenges_come_and_go(void **state)
{
	struct store_challenge c = { .tenant = STORE_TENANT_DEFAULT,
		.host = STR("mta-sts.example.com"),
		.type = STORE_CHALLENGE_DNS01,
		.token = STR("tok"),
		.value = STR("digest"),
		.expires = NOW + 100,
		.order_id = STR("o") };
	struct world *t = *state;
	struct store_domain d = add(t);
	struct view_host h;
	int64_t seq;

	found(t, PROOF_SEEN_US);
	OK(store_challenge_put(t->s, &c, &seq, &t->e));
	c.type = STORE_CHALLENGE_HTTP01;
	OK(store_challenge_put(t->s, &c, &seq, &t->e));
	keeper_step(t->k);
	assert_true(keeper_applied(t->k) >= seq);
	assert_str(txt(t, "_acme-challenge.", d.label), "digest");
	OK(view_host_get(t->v, t->a, c.host, &h));
	assert_int_equal(h.n_http01, 1);
	t->now = NOW + 101;
	go_on(t);
	assert_str(txt(t, "_acme-challenge.", d.label), "");
	OK(view_host_get(t->v, t->a, c.host, &h));
	assert_int_equal(h.n_http01, 0);
}

/* Promise 5 begins here: the host is whose proof holds now. */
static void two_tenants_claim_one_domain(void **state)
{
	struct store_tenant other = { STR("other"), STR("Other"), NOW };
	struct str mx[] = { STR("mx9.example.com") };
	struct store_strs list = { mx, 1 };
	struct domain_wish wish = { .mx = &list, .mx_confirmed = true };
	struct proof_look ours = { .cname = { PROOF_SEEN_US } };
	struct proof_look gone = { .cname = { PROOF_SEEN_OTHER } };
	struct world *t = *state;
	struct domain_request r = request(t);
	struct store_strs none = {};
	struct view_host h;

	(void)add(t);
	OK(store_tenant_add(t->s, &other, &t->e));
	r.tenant = other.id;
	OK(domain_add(t->s, t->a, &r, &wish, NULL, &t->e));
	found(t, PROOF_SEEN_US);
	go_on(t);
	OK(view_host_get(t->v, t->a, STR("mta-sts.example.com"), &h));
	assert_str(h.tenant, "default");
	/* The CNAME now leads to the other's label. */
	t->now += 10;
	OK(keeper_found(&t->checks, t->s, t->a, other.id, STR("example.com"),
		&ours, &none, &t->e));
	for (int i = 0; i < PROOF_LOST_AFTER; i++)
		OK(keeper_found(&t->checks, t->s, t->a, STORE_TENANT_DEFAULT,
			STR("example.com"), &gone, &none, &t->e));
	go_on(t);
	OK(view_host_get(t->v, t->a, STR("mta-sts.example.com"), &h));
	assert_str(h.tenant, "other");
	assert_non_null(strstr(arena_str(t->a, h.policy).p, "mx9"));
}

static void drift_is_proposed_not_applied(void **state)
{
	struct str mx[] = { STR("evil.example.org") };
	struct store_strs dns = { mx, 1 };
	struct proof_look look = { .cname = { PROOF_SEEN_US } };
	struct world *t = *state;
	struct store_domain d, before = add(t);

	OK(keeper_found(&t->checks, t->s, t->a, STORE_TENANT_DEFAULT,
		STR("example.com"), &look, &dns, &t->e));
	d = row(t);
	assert_int_equal(d.mx_proposed.n, 1);
	assert_true(str_eq(d.policy_body, before.policy_body));
	assert_non_null(strstr(d.attention.p, "evil.example.org"));
	mx[0] = STR("mx1.example.com");
	OK(keeper_found(&t->checks, t->s, t->a, STORE_TENANT_DEFAULT,
		STR("example.com"), &look, &dns, &t->e));
	d = row(t);
	assert_int_equal(d.mx_proposed.n, 0);
	assert_str(d.attention, "");
	/* An answer that is missing is none: enforce waits for it. */
	assert_int_equal(d.mx_checked, d.proof_checked);
	t->now += 10;
	found(t, PROOF_SEEN_US);
	d = row(t);
	assert_true(d.mx_checked < d.proof_checked);
}

/* Asked for while a look is under way, in the same second: done again. */
static void a_look_may_have_been_too_early(void **state)
{
	struct proof_look look = { .cname = { PROOF_SEEN_MISSING } };
	struct store_strs none = {};
	struct world *t = *state;
	struct domain_request r = request(t);
	struct store_domain d = add(t);

	look.due = d.proof_next;
	OK(domain_recheck(t->s, t->a, &r, &d, &t->e));
	OK(domain_recheck(t->s, t->a, &r, &d, &t->e));
	OK(keeper_found(&t->checks, t->s, t->a, STORE_TENANT_DEFAULT,
		STR("example.com"), &look, &none, &t->e));
	d = row(t);
	assert_true(d.proof_next <= t->now + 1);
	look.due = d.proof_next;
	OK(keeper_found(&t->checks, t->s, t->a, STORE_TENANT_DEFAULT,
		STR("example.com"), &look, &none, &t->e));
	d = row(t);
	assert_true(d.proof_next > t->now + 1);
}

static void renewed_certificate(void **state)
{
	struct world *t = *state;
	struct view_host h;

	(void)add(t);
	found(t, PROOF_SEEN_US);
	add_cert(t, ID_A);
	go_on(t);
	add_cert(t, ID_B);
	keeper_step(t->k);
	OK(view_host_get(t->v, t->a, STR("mta-sts.example.com"), &h));
	assert_int_equal((unsigned char)h.cert_id.p[31], 0xbb);
}

static void system_hosts_are_ordered(void **state)
{
	struct store_acme_order order;
	struct world *t = *state;

	OK(keeper_system_certs(&t->checks, t->s, &t->e));
	OK(keeper_system_certs(&t->checks, t->s, &t->e));
	OK(store_acme_order_last(t->s, t->a, STORE_TENANT_SYSTEM,
		t->zone.report_host, &order, &t->e));
	assert_int_equal(order.state, STORE_ORDER_QUEUED);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(life_of_a_domain),
		T(body_before_id),
		T(another_node_holds_the_id_back),
		T(static_names),
		T(caa_names_our_account),
		T(challenges_come_and_go),
		T(two_tenants_claim_one_domain),
		T(drift_is_proposed_not_applied),
		T(a_look_may_have_been_too_early),
		T(renewed_certificate),
		T(system_hosts_are_ordered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
