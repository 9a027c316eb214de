/* SPDX-License-Identifier: Apache-2.0 */
/* Domains: ids that follow bodies, refusals, leaving, history and audit. */
#include <stdlib.h>

#include "base/clock.h"
#include "hosting/domain_ops.h"
#include "hosting/label.h"
#include "hosting/policy_id.h"
#include "tests/store/engines.h"

#include "base/poison.h"

#define NOW 1795290000 /* 2026-11-21T19:40:00Z */

static struct domain_request request(int64_t now)
{
	return (struct domain_request){ .tenant = STORE_TENANT_DEFAULT,
		.name = STR("example.com"),
		.actor = STR("test"),
		.now = now };
}

static struct str mx_items[] = { { "mx1.example.com", 15 },
	{ "*.example.net", 13 } };
static const struct store_strs mx = { mx_items, 2 };

static struct store_domain add(struct engine *t, bool confirmed)
{
	struct domain_wish wish = { .mx = &mx, .mx_confirmed = confirmed };
	struct domain_request r = request(NOW);
	struct store_domain d;

	OK(domain_add(t->s, t->a, &r, &wish, &d, &t->e));
	return d;
}

/* As the keeper does when strangers can get the policy. */
static void serve(struct engine *t, struct store_domain *d)
{
	OK(store_domain_get(t->s, t->a, d->tenant, d->name, d, &t->e));
	d->proof = STORE_PROOF_CNAME;
	OK(store_domain_put_checked(t->s, d, true, &t->e));
	OK(store_domain_served(t->s, d->tenant, d->name, NOW, &t->e));
	OK(store_domain_get(t->s, t->a, d->tenant, d->name, d, &t->e));
}

static void id_follows_body(void **state)
{
	struct domain_wish wish = { .rua_https = DOMAIN_YES };
	struct engine *t = *state;
	struct domain_request r = request(NOW);
	struct store_domain d = add(t, true), next;
	struct store_policy *history;
	int64_t first, last;
	size_t n;

	assert_int_equal(d.label.n, LABEL_CHARS);
	assert_int_equal(strspn(d.label.p, "abcdefghijklmnopqrstuvwxyz234567"),
		LABEL_CHARS);
	assert_str(d.policy_id, "20261121T194000Z");
	assert_non_null(strstr(arena_str(t->a, d.policy_body).p,
		"mode: testing\r\nmx: mx1.example.com\r\n"));
	OK(store_change_range(t->s, &first, &last, &t->e));
	assert_true(d.policy_seq > 0 && d.policy_seq <= last);
	assert_str(d.dns_id, "");
	/* The body stays the same: so does the id. */
	r.now = NOW + 100;
	OK(domain_set_options(t->s, t->a, &r, &wish, &next, &t->e));
	assert_true(str_eq(next.policy_id, d.policy_id));
	assert_true(next.rua_https);
	/* What is not given stays. */
	wish.rua_https = DOMAIN_KEEP;
	wish.rua_mail = DOMAIN_NO;
	OK(domain_set_options(t->s, t->a, &r, &wish, &next, &t->e));
	assert_true(next.rua_https && !next.rua_mail);
	OK(domain_set_mode(t->s, t->a, &r, STORE_MODE_TESTING, &next, &t->e));
	assert_true(str_eq(next.policy_id, d.policy_id));
	/* Two changes in one second give two ids. */
	r.now = NOW;
	OK(domain_set_mode(t->s, t->a, &r, STORE_MODE_NONE, &next, &t->e));
	assert_str(next.policy_id, "20261121T194001Z");
	OK(domain_set_mode(t->s, t->a, &r, STORE_MODE_TESTING, &next, &t->e));
	assert_str(next.policy_id, "20261121T194002Z");
	OK(store_policy_list(
		t->s, t->a, d.tenant, d.name, 9, &history, &n, &t->e));
	assert_int_equal(n, 3);
	assert_str(history[0].actor, "test");
}

static void no_policy_before_the_mx_are_confirmed(void **state)
{
	struct engine *t = *state;
	struct domain_request r = request(NOW + 5);
	struct store_domain d = add(t, false);

	assert_str(d.policy_id, "");
	assert_int_equal(
		domain_set_mode(t->s, t->a, &r, STORE_MODE_ENFORCE, &d, &t->e),
		ST_INVALID);
	OK(domain_confirm_mx(t->s, t->a, &r, NULL, &d, &t->e));
	assert_int_equal(d.mx_confirmed, NOW + 5);
	assert_str(d.policy_id, "20261121T194005Z");
	assert_int_equal(d.mx.n, 2);
}

static void enforce_refuses(void **state)
{
	struct str drift[] = { STR("mx1.example.com"), STR("mx.other.org") };
	struct engine *t = *state;
	struct domain_request r = request(NOW + 5);
	struct store_domain d = add(t, true);

	assert_int_equal(
		domain_set_mode(t->s, t->a, &r, STORE_MODE_ENFORCE, &d, &t->e),
		ST_AGAIN);
	assert_non_null(strstr(t->e.text, "never served"));
	serve(t, &d);
	/* A list that nothing has compared with DNS yet. */
	assert_int_equal(
		domain_set_mode(t->s, t->a, &r, STORE_MODE_ENFORCE, &d, &t->e),
		ST_AGAIN);
	assert_non_null(strstr(t->e.text, "DNS was not asked"));
	/* It was asked, and told nothing about the MX hosts. */
	d.proof_next = NOW + 60;
	d.proof_checked = NOW + 10;
	d.mx_checked = NOW + 9;
	OK(store_domain_put_checked(t->s, &d, false, &t->e));
	assert_int_equal(
		domain_set_mode(t->s, t->a, &r, STORE_MODE_ENFORCE, &d, &t->e),
		ST_AGAIN);
	assert_non_null(strstr(t->e.text, "could not be looked up"));
	d.mx_checked = NOW + 10;
	d.mx_proposed = (struct store_strs){ drift, 2 };
	d.attention = STR("DNS names mx.other.org");
	OK(store_domain_put_checked(t->s, &d, false, &t->e));
	assert_int_equal(
		domain_set_mode(t->s, t->a, &r, STORE_MODE_ENFORCE, &d, &t->e),
		ST_AGAIN);
	assert_non_null(strstr(t->e.text, "mx.other.org"));
	assert_null(strstr(t->e.text, "mx1"));
	assert_null(strstr(t->e.text, "could not be looked up"));
	r.force = true;
	OK(domain_set_mode(t->s, t->a, &r, STORE_MODE_ENFORCE, &d, &t->e));
	assert_int_equal(d.mode, STORE_MODE_ENFORCE);
	/* Dropping from the list what DNS still names. */
	r.force = false;
	drift[1] = STR("mx2.example.com");
	assert_int_equal(domain_confirm_mx(t->s, t->a, &r,
				 &(struct store_strs){ drift, 1 }, &d, &t->e),
		ST_AGAIN);
	/* The proposed list is accepted as it is. */
	OK(domain_confirm_mx(t->s, t->a, &r, NULL, &d, &t->e));
	assert_str(d.mx.items[1], "mx.other.org");
	assert_int_equal(d.mx_proposed.n, 0);
	assert_str(d.attention, "");
}

static void leaving_takes_max_age(void **state)
{
	struct engine *t = *state;
	struct domain_request r = request(NOW + 10);
	struct store_domain d = add(t, true), *rows;
	int64_t until;
	size_t n;

	serve(t, &d);
	assert_int_equal(domain_remove(t->s, t->a, &r, &d, &t->e), ST_AGAIN);
	assert_non_null(strstr(t->e.text, "retire"));
	OK(domain_retire(t->s, t->a, &r, &d, &t->e));
	assert_int_equal(d.mode, STORE_MODE_NONE);
	until = d.not_none_until;
	assert_true(until >= NOW + 10 + DOMAIN_MAX_AGE_DEFAULT_S);
	OK(store_domain_retired(t->s, t->a, until - 1, 9, &rows, &n, &t->e));
	assert_int_equal(n, 0);
	OK(store_domain_retired(t->s, t->a, until, 9, &rows, &n, &t->e));
	assert_int_equal(n, 1);
	r.now = until - 1;
	assert_int_equal(domain_remove(t->s, t->a, &r, &d, &t->e), ST_AGAIN);
	assert_non_null(strstr(t->e.text, "until 2026-11-28T"));
	r.now = until;
	OK(domain_remove(t->s, t->a, &r, &d, &t->e));
	assert_int_equal(domain_remove(t->s, t->a, &r, &d, &t->e), ST_NOTFOUND);
	/* It comes back with another label and an id that grows. */
	d = add(t, true);
	assert_true(str_cmp(d.policy_id, STR("20261121T194010Z")) > 0);
}

static void never_served_leaves_at_once(void **state)
{
	struct domain_request r = request(NOW + 10);
	struct engine *t = *state;
	struct store_domain d = add(t, true);

	OK(domain_remove(t->s, t->a, &r, &d, &t->e));
	assert_int_equal(d.removed, NOW + 10);
}

static void nothing_is_half_done(void **state)
{
	struct domain_request r = request(NOW);
	struct engine *t = *state;
	struct store_audit *log;
	int64_t first, last, after;
	size_t n;

	(void)add(t, true);
	OK(store_change_range(t->s, &first, &last, &t->e));
	assert_int_equal(domain_set_mode(t->s, t->a, &r, STORE_MODE_ENFORCE,
				 NULL, &t->e),
		ST_AGAIN);
	assert_false(store_in_transaction(t->s));
	OK(store_change_range(t->s, &first, &after, &t->e));
	assert_int_equal(last, after);
	OK(store_audit_list(t->s, t->a, STR(""), STR("example.com"), STR(""), 9,
		&log, &n, &t->e));
	assert_int_equal(n, 1);
	assert_str(log[0].action, "domain.add");
}

static void bad_wishes(void **state)
{
	static const char *const names[] = { "", "com", "-a.example",
		"a..example", "192.0.2.1", "EXAMPLE_.com" };
	struct str bad_mx[] = { STR("*.*.example.com") };
	struct store_strs list = { bad_mx, 1 };
	struct domain_wish wish = { .mx = &mx };
	struct domain_request r = request(NOW);
	struct engine *t = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		r.name = str_of(names[i]);
		assert_int_equal(domain_add(t->s, t->a, &r, &wish, NULL, &t->e),
			ST_INVALID);
	}
	r.name = STR("example.com");
	wish.mx = &list;
	assert_int_equal(
		domain_add(t->s, t->a, &r, &wish, NULL, &t->e), ST_INVALID);
	wish.mx = &mx;
	wish.max_age = 60;
	assert_int_equal(
		domain_add(t->s, t->a, &r, &wish, NULL, &t->e), ST_INVALID);
	wish.max_age = 0;
	bad_mx[0] = STR("ftp://x");
	wish.rua_extra = &list;
	assert_int_equal(
		domain_add(t->s, t->a, &r, &wish, NULL, &t->e), ST_INVALID);
}

/* A record that no datagram carries is refused before it is anywhere. */
static void report_addresses_have_a_length(void **state)
{
	char text[DOMAIN_RUA_BYTES_MAX + 2] = "https://a.example/";
	struct str uri = { text, DOMAIN_RUA_BYTES_MAX + 1 };
	struct store_strs list = { &uri, 1 };
	struct domain_wish wish = { .rua_extra = &list };
	struct domain_request r = request(NOW);
	struct engine *t = *state;
	struct store_domain d;

	memset(text + strlen(text), 'a', sizeof(text) - strlen(text));
	(void)add(t, true);
	assert_int_equal(domain_set_options(t->s, t->a, &r, &wish, &d, &t->e),
		ST_INVALID);
	uri.n--;
	OK(domain_set_options(t->s, t->a, &r, &wish, &d, &t->e));
}

static void policy_ids(void **state)
{
	static const struct {
		const char *before, *want;
	} rows[] = {
		{ "", "20261121T194000Z" },
		{ "20261121T193959Z", "20261121T194000Z" },
		{ "20261121T194000Z", "20261121T194001Z" },
		{ "20261121T235959Z", "20261122T000000Z" },
		{ "somethingelse", "20261121T194000Z" },
	};
	struct engine *t = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_str(policy_id_next(t->a, str_of(rows[i].before), NOW),
			rows[i].want);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(id_follows_body),
		cmocka_unit_test(no_policy_before_the_mx_are_confirmed),
		cmocka_unit_test(enforce_refuses),
		cmocka_unit_test(leaving_takes_max_age),
		cmocka_unit_test(never_served_leaves_at_once),
		cmocka_unit_test(nothing_is_half_done),
		cmocka_unit_test(bad_wishes),
		cmocka_unit_test(report_addresses_have_a_length),
		cmocka_unit_test(policy_ids),
	};

	return RUN_ON_ENGINES("domain operations", tests);
}
