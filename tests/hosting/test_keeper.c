/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a wish to what strangers see: database, keeper, view; with a clock that
 * the test moves and looks at the world that the test makes up.
 */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "hosting/domain_ops.h"
#include "hosting/keeper.h"
#include "hosting/keeper_checks.h"
#include "proto/dns_rr.h"
#include "tests/io/tmpdir.h"
#include "tests/store/engines.h"

#include "base/poison.h"

#define NOW 1795290000 /* 2026-11-21T19:40:00Z */

struct world {
	char dir[64], db[96], path[96];
	struct store *s;
	struct keeper *k;
	struct view *v;
	struct arena *a;
	struct err e;
	int64_t now;
	struct clock clock;
	struct zone_address edge[2], server;
	struct str name_server;
	struct zone_config zone;
	struct cert_config cert;
	struct keeper_options options;
	struct keeper_checks_options checks;
};

static struct mono world_mono(void *ctx)
{
	return (struct mono){ ((struct world *)ctx)->now * 1000 };
}

static struct unix_time world_now(void *ctx)
{
	return (struct unix_time){ ((struct world *)ctx)->now };
}

static int setup(void **state)
{
	struct world *t = calloc(1, sizeof(*t));

	(void)snprintf(t->dir, sizeof(t->dir), "/tmp/moat-keeper-XXXXXX");
	tmpdir_make(t->dir);
	(void)snprintf(t->db, sizeof(t->db), "%s/moat.db", t->dir);
	(void)snprintf(t->path, sizeof(t->path), "%s/view.mdb", t->dir);
	t->a = arena_must(0);
	t->now = NOW;
	t->clock = (struct clock){ world_mono, world_now, t };
	t->edge[0] = (struct zone_address){ .bytes = { "\300\0\2\1", 4 } };
	t->edge[1] = (struct zone_address){
		.bytes = { "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16 }
	};
	t->name_server = STR("ns1.sts.example.net");
	t->server = (struct zone_address){ t->name_server,
		{ "\300\0\2\2", 4 } };
	t->zone = (struct zone_config){ .origin = STR("sts.example.net"),
		.name_servers = &t->name_server,
		.n_name_servers = 1,
		.server_addresses = &t->server,
		.n_server_addresses = 1,
		.edge = t->edge,
		.n_edge = 2,
		.report_host = STR("rua.sts.example.net") };
	t->options = (struct keeper_options){ .view_path = t->path,
		.view = VIEW_WRITER_DEFAULTS,
		.zone = &t->zone,
		.acme_directory = "https://ca/",
		.clock = &t->clock };
	t->options.view.commit_gap_ms = 0;
	t->options.view.no_sync = true;
	t->options.view.max_bytes = 64 << 20;
	t->cert.account.directory = STR("https://ca/");
	t->checks = (struct keeper_checks_options){ .database = t->db,
		.zone = &t->zone,
		.cert = &t->cert,
		.clock = &t->clock };
	OK(store_open(t->db, &t->s, &t->e));
	OK(keeper_open(t->s, &t->options, &t->k, &t->e));
	OK(view_open(t->path, &t->clock, &t->v, &t->e));
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct world *t = *state;

	keeper_close(&t->k);
	view_close(&t->v);
	store_close(&t->s);
	arena_free(&t->a);
	tmpdir_remove(t->dir);
	free(t);
	return 0;
}

/* Time goes on by four seconds, in eight looks. */
static void go_on(struct world *t)
{
	for (int i = 0; i < 8; i++) {
		t->now += i % 2;
		keeper_step(t->k);
	}
}

static struct domain_request request(struct world *t)
{
	return (struct domain_request){ .tenant = STORE_TENANT_DEFAULT,
		.name = STR("example.com"),
		.actor = STR("test"),
		.now = t->now };
}

static struct store_domain add(struct world *t)
{
	struct str mx[] = { STR("mx1.example.com") };
	struct store_strs list = { mx, 1 };
	struct domain_wish wish = { .mx = &list, .mx_confirmed = true };
	struct domain_request r = request(t);
	struct store_domain d;

	OK(domain_add(t->s, t->a, &r, &wish, &d, &t->e));
	return d;
}

static void found(struct world *t, enum proof_seen host)
{
	struct proof_look look = { .cname = { host } };
	struct store_strs mx = {};

	OK(keeper_found(&t->checks, t->s, t->a, STORE_TENANT_DEFAULT,
		STR("example.com"), &look, &mx, &t->e));
}

static void add_cert(struct world *t, const char *id)
{
	struct str der[] = { STR("leaf") };
	struct store_cert c = { .tenant = STORE_TENANT_DEFAULT,
		.host = STR("mta-sts.example.com"),
		.id = str_of(id),
		.chain = { der, 1 },
		.key_sealed = STR("sealed"),
		.not_after = NOW + 90 * UTC_DAY_S,
		.created = t->now,
		.renew_at = NOW + 60 * UTC_DAY_S };

	OK(store_cert_add(t->s, &c, &t->e));
}

#define ID_A "00000000000000000000000000000000000000000000000000000000000000aa"
#define ID_B "00000000000000000000000000000000000000000000000000000000000000bb"

/* The one TXT at PREFIX.label.zone, or an empty str. */
static struct str txt(struct world *t, const char *prefix, struct str label)
{
	struct view_name n;
	struct str owner = arena_fmt(
		t->a, "%s%.*s.sts.example.net", prefix, STR_ARG(label));
	struct str text = {};

	OK(view_name_get(t->v, t->a, owner, &n));
	for (size_t i = 0; i < n.n; i++)
		if (n.sets[i].type == DNS_TYPE_TXT)
			OK(dns_txt_read(t->a, n.sets[i].rdata[0], &text));
	return text;
}

static struct store_domain row(struct world *t)
{
	struct store_domain d;

	OK(store_domain_get(t->s, t->a, STORE_TENANT_DEFAULT,
		STR("example.com"), &d, &t->e));
	return d;
}

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

static void zone_serial(struct world *t, uint32_t *serial)
{
	struct view_zone z;

	OK(view_zone_get(t->v, t->a, &z));
	*serial = z.serial;
}

/* The view goes missing, is damaged, is asked for anew: it comes back. */
static void the_view_heals(void **state)
{
	struct world *t = *state;
	struct view_host h;
	uint32_t before, after;
	struct stat st;

	(void)add(t);
	found(t, PROOF_SEEN_US);
	add_cert(t, ID_A);
	go_on(t);
	zone_serial(t, &before);
	for (int round = 0; round < 3; round++) {
		if (round == 0)
			assert_int_equal(unlink(t->path), 0);
		if (round == 1)
			assert_int_equal(truncate(t->path, 8192), 0);
		if (round == 2)
			OK(store_change_add(t->s, STORE_CHANGE_REBUILD,
				STR("system"), STR(""), NULL, &t->e));
		t->now += 2;
		keeper_step(t->k);
		t->now += 2;
		assert_int_equal(stat(t->path, &st), 0);
		OK(view_host_get(t->v, t->a, STR("mta-sts.example.com"), &h));
		assert_int_equal(h.n_chain, 1);
		/* Secondaries must see a newer zone, whatever was lost. */
		zone_serial(t, &after);
		assert_true(dns_serial_newer(after, before));
		before = after;
	}
	/* A new keeper goes on with the file; with other settings it builds. */
	keeper_close(&t->k);
	OK(keeper_open(t->s, &t->options, &t->k, &t->e));
	t->now += 2;
	zone_serial(t, &after);
	assert_int_equal(before, after);
	keeper_close(&t->k);
	t->zone.n_edge = 1;
	OK(keeper_open(t->s, &t->options, &t->k, &t->e));
	t->now += 2;
	zone_serial(t, &after);
	assert_true(dns_serial_newer(after, before));
}

/* Promise 4 at this level: no database, no keeper, a fresh reader. */
static void the_database_is_gone(void **state)
{
	struct world *t = *state;
	char away[128];
	struct view_host h;
	struct str text;
	struct store_domain d = add(t);

	found(t, PROOF_SEEN_US);
	add_cert(t, ID_A);
	go_on(t);
	keeper_close(&t->k);
	store_close(&t->s);
	(void)snprintf(away, sizeof(away), "%s.away", t->db);
	assert_int_equal(rename(t->db, away), 0);
	view_close(&t->v);
	OK(view_open(t->path, &t->clock, &t->v, &t->e));
	OK(view_host_get(t->v, t->a, STR("mta-sts.example.com"), &h));
	assert_true(str_eq(h.policy, d.policy_body));
	assert_int_equal(h.n_chain, 1);
	text = txt(t, "_mta-sts.", d.label);
	assert_true(text.n > 0);
}

/* A restarted role makes an empty database: the view must outlive that. */
static void an_empty_database_empties_nothing(void **state)
{
	struct world *t = *state;
	char away[128];
	struct view_host h;

	(void)add(t);
	found(t, PROOF_SEEN_US);
	add_cert(t, ID_A);
	go_on(t);
	keeper_close(&t->k);
	store_close(&t->s);
	(void)snprintf(away, sizeof(away), "%s.away", t->db);
	assert_int_equal(rename(t->db, away), 0);
	OK(store_open(t->db, &t->s, &t->e));
	for (int i = 0; i < 20; i++)
		OK(store_change_add(t->s, STORE_CHANGE_DOMAIN,
			STORE_TENANT_DEFAULT, STR("example.com"), NULL, &t->e));
	OK(keeper_open(t->s, &t->options, &t->k, &t->e));
	go_on(t);
	OK(view_host_get(t->v, t->a, STR("mta-sts.example.com"), &h));
	assert_int_equal(h.n_chain, 1);
	/* Until somebody says that it is meant. */
	OK(store_change_add(t->s, STORE_CHANGE_REBUILD, STR("system"), STR(""),
		NULL, &t->e));
	go_on(t);
	assert_int_equal(
		view_host_get(t->v, t->a, STR("mta-sts.example.com"), &h),
		ST_NOTFOUND);
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

static size_t old_reports(struct world *t)
{
	struct store_report_filter all = { .tenant = STORE_TENANT_DEFAULT,
		.limit = 1000 };
	struct store_report *rows;
	size_t n;

	OK(store_report_list(t->s, t->a, &all, false, &rows, &n, &t->e));
	return n;
}

/* Once a day, some at a time: a change need not wait for all of it. */
static void old_rows_end(void **state)
{
	struct world *t = *state;
	struct store_report r = { .tenant = STORE_TENANT_DEFAULT };
	struct store_bad_report *bad,
		b = { .name = STR("b"), .received = NOW - 10 };
	size_t n;

	t->options.report_keep_s = UTC_DAY_S;
	keeper_close(&t->k);
	OK(keeper_open(t->s, &t->options, &t->k, &t->e));
	keeper_step(t->k);
	OK(store_begin(t->s, &t->e));
	for (int i = 0; i < 700; i++) {
		r.id = store_new_id(t->a);
		r.raw_sha256 = r.id;
		r.received = NOW - 10 + (i == 0 ? 1000 : 0);
		OK(store_report_add(t->s, &r, NULL, &t->e));
	}
	OK(store_bad_report_put(t->s, &b, &t->e));
	OK(store_commit(t->s, &t->e));
	t->now = NOW + UTC_DAY_S - 1;
	go_on(t);
	assert_int_equal(old_reports(t), 1);
	OK(store_bad_report_list(t->s, t->a, STR(""), 9, &bad, &n, &t->e));
	assert_int_equal(n, 0);
	t->now += 2000;
	go_on(t);
	assert_int_equal(old_reports(t), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
		T(the_view_heals),
		T(the_database_is_gone),
		T(an_empty_database_empties_nothing),
		T(renewed_certificate),
		T(system_hosts_are_ordered),
		T(old_rows_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
