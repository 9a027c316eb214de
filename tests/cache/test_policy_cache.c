/* SPDX-License-Identifier: Apache-2.0 */
/* Entries, quotas, what is due, rules: in memory, on disk, after a restart. */
#include "fixture.h"

#include "base/poison.h"

static void same_entry(
	const struct policy_entry *a, const struct policy_entry *b)
{
	assert_true(str_eq(a->domain, b->domain));
	assert_true(str_eq(a->id, b->id));
	assert_true(str_eq(a->text, b->text));
	assert_int_equal(a->policy.outcome, STS_POLICY_VALID);
	assert_int_equal(a->policy.mode, b->policy.mode);
	assert_int_equal(a->policy.max_age_s, b->policy.max_age_s);
	assert_int_equal(a->policy.n_mx, b->policy.n_mx);
	for (size_t i = 0; i < a->policy.n_mx; i++)
		assert_true(str_eq(a->policy.mx[i], b->policy.mx[i]));
	assert_int_equal(a->fetched_at, b->fetched_at);
	assert_int_equal(a->first_seen, b->first_seen);
	assert_int_equal(a->used_at, b->used_at);
	assert_int_equal(a->next_refresh, b->next_refresh);
	assert_int_equal(a->failed_since, b->failed_since);
	assert_int_equal(a->failures, b->failures);
	assert_int_equal(a->alarm, b->alarm);
	assert_int_equal(a->gone, b->gone);
	assert_int_equal(a->n_past, b->n_past);
	for (size_t i = 0; i < a->n_past; i++) {
		assert_int_equal(a->past[i].fetched_at, b->past[i].fetched_at);
		assert_int_equal(a->past[i].mode, b->past[i].mode);
		assert_true(str_eq(a->past[i].id, b->past[i].id));
	}
}

/* At once, once written, and after a restart. */
static void what_is_put_is_read(void **state)
{
	struct policy_past past[] = { { 17, STS_MODE_TESTING, STR("old") } };
	struct policy_entry in = entry_of("example.com"), out;
	struct fixture *t = *state;

	in.failed_since = NOW + 1;
	in.failures = 3;
	in.alarm = 50;
	in.gone = true;
	in.past = past;
	in.n_past = 1;
	OK(policy_cache_put(t->c, &in, (struct str){}, NOW, NULL, &t->e));
	OK(policy_cache_get(t->c, t->a, in.domain, &out));
	same_entry(&in, &out);
	settle(t);
	OK(policy_cache_get(t->c, t->a, in.domain, &out));
	same_entry(&in, &out);
	fixture_reopen(t);
	OK(policy_cache_get(t->c, t->a, in.domain, &out));
	same_entry(&in, &out);
	assert_int_equal(policy_entry_expires(&out), NOW + WEEK);
}

static void the_newest_wins(void **state)
{
	struct policy_entry in = entry_of("example.com"), out;
	struct policy_cache_stats stats;
	struct fixture *t = *state;

	for (int i = 1; i <= 50; i++) {
		in.policy.max_age_s = 1000u + (unsigned)i;
		in.next_refresh = NOW + i;
		OK(policy_cache_put(
			t->c, &in, (struct str){}, NOW, NULL, &t->e));
		OK(policy_cache_get(t->c, t->a, in.domain, &out));
		assert_int_equal(out.policy.max_age_s, 1000 + i);
	}
	fixture_reopen(t);
	OK(policy_cache_get(t->c, t->a, in.domain, &out));
	assert_int_equal(out.policy.max_age_s, 1050);
	policy_cache_stats(t->c, &stats);
	assert_int_equal(stats.entries, 1);
	assert_false(stats.was_damaged);
}

static void removed_stays_removed(void **state)
{
	struct fixture *t = *state;

	put(t, "example.com");
	settle(t);
	OK(policy_cache_del(t->c, STR("example.com"), NULL, &t->e));
	assert_false(has(t, "example.com"));
	assert_int_equal(
		policy_cache_del(t->c, STR("example.com"), NULL, &t->e),
		ST_NOTFOUND);
	fixture_reopen(t);
	assert_false(has(t, "example.com"));
}

/* A change is not durable while an earlier one of its key is under way. */
static void durable_means_on_disk(void **state)
{
	struct policy_entry in = entry_of("example.com");
	policy_change first, second, durable;
	struct fixture *t = *state;

	OK(policy_cache_put(t->c, &in, (struct str){}, NOW, &first, &t->e));
	in.failures = 1;
	OK(policy_cache_put(t->c, &in, (struct str){}, NOW, &second, &t->e));
	assert_true(second > first);
	settle(t);
	OK(policy_cache_settle(t->c, &durable, &t->e));
	assert_int_equal(durable, second);
}

static void not_an_entry(void **state)
{
	struct policy_entry in = entry_of("example.com");
	struct fixture *t = *state;

	in.id = STR("no id");
	assert_int_equal(
		policy_cache_put(t->c, &in, (struct str){}, NOW, NULL, &t->e),
		ST_INVALID);
	in = entry_of("");
	assert_int_equal(
		policy_cache_put(t->c, &in, (struct str){}, NOW, NULL, &t->e),
		ST_INVALID);
	assert_false(has(t, ""));
}

/* ---- quotas ---- */

static enum status put_in(
	struct fixture *t, const char *domain, int64_t fetched_at)
{
	struct policy_entry in = entry_of(domain);
	enum status st;

	in.fetched_at = fetched_at;
	st = policy_cache_put(t->c, &in, STR("example.com"), NOW, NULL, &t->e);
	settle(t);
	return st;
}

/* A full quota refuses what is new; what is there can still be renewed. */
static void quota_refuses_the_new(void **state)
{
	struct policy_cache_stats stats;
	struct fixture *t = *state;

	t->opt.max_per_group = 3;
	fixture_reopen(t);
	OK(put_in(t, "a.example.com", NOW));
	OK(put_in(t, "example.com", NOW));
	OK(put_in(t, "b.example.com", NOW));
	assert_int_equal(put_in(t, "c.example.com", NOW), ST_LIMIT);
	assert_non_null(strstr(t->e.text, "policy.cache_per_domain"));
	OK(put_in(t, "b.example.com", NOW + 1));
	assert_true(has(t, "a.example.com"));
	assert_false(has(t, "c.example.com"));
	put(t, "example.net");
	policy_cache_stats(t->c, &stats);
	assert_int_equal(stats.refused, 1);
	assert_int_equal(stats.entries, 4);
}

/* Names that only end alike are not of the group. */
static void quota_counts_whole_labels(void **state)
{
	struct fixture *t = *state;

	t->opt.max_per_group = 1;
	fixture_reopen(t);
	put(t, "badexample.com");
	put(t, "example.com.net");
	settle(t);
	OK(put_in(t, "www.example.com", NOW));
}

/* What has expired is history, and the oldest of it makes room. */
static void quota_lets_history_go(void **state)
{
	struct fixture *t = *state;

	t->opt.max_per_group = 3;
	fixture_reopen(t);
	OK(put_in(t, "a.example.com", NOW - WEEK - 1));
	OK(put_in(t, "b.example.com", NOW - WEEK - 100));
	OK(put_in(t, "c.example.com", NOW));
	OK(put_in(t, "d.example.com", NOW));
	assert_true(has(t, "a.example.com"));
	assert_false(has(t, "b.example.com"));
	OK(put_in(t, "e.example.com", NOW));
	assert_int_equal(put_in(t, "f.example.com", NOW), ST_LIMIT);
	assert_true(has(t, "c.example.com"));
}

/* ---- lists ---- */

static void list_in_pages(void **state)
{
	const char *names[] = { "b.example", "a.b.example", "a.example" };
	const char *order[] = { "a.example", "b.example", "a.b.example" };
	struct policy_entry *page;
	struct fixture *t = *state;
	struct str after = {};
	size_t n;

	for (size_t i = 0; i < 3; i++)
		put(t, names[i]);
	settle(t);
	for (size_t i = 0; i < 3; i++) {
		OK(policy_cache_list(t->c, t->a, &after, 1, &page, &n));
		assert_int_equal(n, 1);
		assert_str(page[0].domain, order[i]);
	}
	OK(policy_cache_list(t->c, t->a, &after, 1, &page, &n));
	assert_int_equal(n, 0);
}

static void put_due(struct fixture *t, const char *domain, int64_t at)
{
	struct policy_entry in = entry_of(domain);

	in.next_refresh = at;
	OK(policy_cache_put(t->c, &in, (struct str){}, NOW, NULL, &t->e));
}

static size_t due(struct fixture *t, size_t max, struct str **out)
{
	size_t n;

	OK(policy_cache_due(t->c, t->a, NOW, NOW + WEEK, max, out, &n));
	return n;
}

/* In order; and what a wrong clock has put far into the future, too. */
static void due_in_order(void **state)
{
	struct fixture *t = *state;
	struct str *out;

	put_due(t, "later.example", NOW + 1);
	put_due(t, "second.example", NOW);
	put_due(t, "first.example", NOW - 10);
	put_due(t, "clock.example", NOW + 2 * WEEK);
	settle(t);
	assert_int_equal(due(t, 10, &out), 3);
	assert_str(out[0], "first.example");
	assert_str(out[1], "second.example");
	assert_str(out[2], "clock.example");
	assert_int_equal(due(t, 1, &out), 1);
	put_due(t, "first.example", NOW + 5);
	put_due(t, "clock.example", NOW + 5);
	assert_int_equal(due(t, 10, &out), 1);
	settle(t);
	assert_int_equal(due(t, 10, &out), 1);
	OK(policy_cache_del(t->c, STR("second.example"), NULL, &t->e));
	settle(t);
	assert_int_equal(due(t, 10, &out), 0);
}

/* ---- rules ---- */

static void rule(struct fixture *t, const char *profile, const char *domain,
	enum policy_rule_kind kind, int64_t expires)
{
	struct policy_rule r = { str_of(profile), str_of(domain), kind,
		STR("ticket 17"), NOW, expires };

	OK(policy_cache_rule_put(t->c, &r, NULL, &t->e));
}

static int rule_kind(struct fixture *t, const char *profile)
{
	struct policy_rule r;
	enum status st = policy_cache_rule(
		t->c, t->a, str_of(profile), STR("example.com"), NOW, &r);

	if (st == ST_NOTFOUND)
		return -1;
	assert_int_equal(st, ST_OK);
	assert_str(r.reason, "ticket 17");
	return (int)r.kind;
}

static void rules_by_profile(void **state)
{
	struct fixture *t = *state;
	struct policy_rule *all;
	size_t n;

	assert_int_equal(rule_kind(t, "sts"), -1);
	rule(t, "*", "example.com", POLICY_RULE_OFF, INT64_MAX);
	rule(t, "mine", "example.com", POLICY_RULE_ENFORCE, NOW + 1);
	rule(t, "old", "example.com", POLICY_RULE_TESTING, NOW);
	rule(t, "*", "www.example.com", POLICY_RULE_PIN, INT64_MAX);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rule_kind(t, "sts"), POLICY_RULE_OFF);
		assert_int_equal(rule_kind(t, "mine"), POLICY_RULE_ENFORCE);
		assert_int_equal(rule_kind(t, "old"), POLICY_RULE_OFF);
		OK(policy_cache_rules(t->c, t->a, &all, &n));
		assert_int_equal(n, 4);
		if (i == 0)
			settle(t);
		else
			fixture_reopen(t);
	}
	OK(policy_cache_rule_del(
		t->c, STR("*"), STR("example.com"), NULL, &t->e));
	OK(policy_cache_rules(t->c, t->a, &all, &n));
	assert_int_equal(n, 3);
	assert_int_equal(rule_kind(t, "sts"), -1);
	assert_int_equal(rule_kind(t, "mine"), POLICY_RULE_ENFORCE);
}

static void rule_words(void **state)
{
	enum policy_rule_kind kind;

	(void)state;
	for (unsigned i = 0; i <= POLICY_RULE_PIN; i++) {
		const char *name = policy_rule_name((enum policy_rule_kind)i);

		assert_int_equal(policy_rule_parse(str_of(name), &kind), ST_OK);
		assert_int_equal(kind, i);
	}
	assert_int_equal(policy_rule_parse(STR("on"), &kind), ST_INVALID);
}

static void the_time_is_noted(void **state)
{
	struct fixture *t = *state;

	assert_int_equal(policy_cache_noted(t->c), 0);
	policy_cache_note(t->c, NOW);
	fixture_reopen(t);
	assert_int_equal(policy_cache_noted(t->c), NOW);
}

#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_put_is_read),
		TEST(the_newest_wins),
		TEST(removed_stays_removed),
		TEST(durable_means_on_disk),
		TEST(not_an_entry),
		TEST(quota_refuses_the_new),
		TEST(quota_counts_whole_labels),
		TEST(quota_lets_history_go),
		TEST(list_in_pages),
		TEST(due_in_order),
		TEST(rules_by_profile),
		cmocka_unit_test(rule_words),
		TEST(the_time_is_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
