/* SPDX-License-Identifier: Apache-2.0 */
/* Policies fetched again in their time, alarms, history, the operator. */
#include "engine_fixture.h"
#include "io/public_suffix.h"

#include "base/poison.h"

/* 17: each day, by HTTPS, though the record is the same or gone. */
static void c17_refreshed_whatever_the_record(void **state)
{
	struct fixture *t = *state;

	know(t);
	pass(t, DAY);
	assert_true(t->asked[CALL_FETCH] >= 2);
	assert_true(entry(t).fetched_at > NOW);
	t->id = NULL;
	for (int day = 0; day < 20; day++) {
		int64_t before = entry(t).fetched_at;

		pass(t, DAY);
		assert_true(entry(t).fetched_at > before);
	}
	assert_str(entry(t).id, "id1");
	assert_int_equal(t->events[ENGINE_POLICY_GONE], 1);
	assert_ask(t, "example.com", DECISION_SECURE);
}

/* 17: the moment cannot be foreseen. */
static void c17_at_random_times(void **state)
{
	struct fixture *t = *state;
	int64_t least = INT64_MAX, most = 0;

	know(t);
	for (int i = 0; i < 40; i++) {
		int64_t wait;

		(void)ask_by(t, "example.com", &profile_sts, ENGINE_FETCH);
		wait = entry(t).next_refresh - t->utc;
		assert_in_range(wait, DAY / 2, DAY);
		least = wait < least ? wait : least;
		most = wait > most ? wait : most;
	}
	assert_true(most - least > DAY / 8);
}

/* 18: alarms at half of the life and at nine tenths, not for mode none. */
static void c18_alarms(void **state)
{
	struct fixture *t = *state;

	know(t);
	(void)ask(t, "example.com");
	t->text = NULL;
	pass(t, 3 * DAY);
	assert_true(t->events[ENGINE_REFRESH_FAILED] > 0);
	assert_int_equal(t->events[ENGINE_LIFE_HALF], 0);
	pass(t, DAY);
	assert_int_equal(t->events[ENGINE_LIFE_HALF], 1);
	pass(t, 2 * DAY);
	assert_int_equal(t->events[ENGINE_LIFE_LATE], 0);
	pass(t, DAY - 2 * HOUR);
	assert_int_equal(t->events[ENGINE_LIFE_HALF], 1);
	assert_int_equal(t->events[ENGINE_LIFE_LATE], 1);
	t->text = ENFORCE("604800");
	pass(t, HOUR);
	(void)ask_by(t, "example.com", &profile_sts, ENGINE_FETCH);
	assert_int_equal(entry(t).failures, 0);
	assert_int_equal(entry(t).alarm, 0);
	assert_true(t->events[ENGINE_FETCH_AGAIN] > 0);
}

static void c18_no_alarm_for_none(void **state)
{
	struct fixture *t = *state;

	t->id = "id1";
	t->text = NONE;
	assert_ask(t, "example.com", DECISION_NOTFOUND);
	t->text = NULL;
	pass(t, DAY - HOUR);
	assert_true(t->events[ENGINE_REFRESH_FAILED] > 0);
	assert_int_equal(t->events[ENGINE_LIFE_HALF], 0);
	assert_int_equal(t->events[ENGINE_LIFE_LATE], 0);
}

/* A host that is down is asked seldom, but often enough to live on. */
static void failing_refreshes_back_off(void **state)
{
	struct fixture *t = *state;
	size_t before;

	know(t);
	t->text = NULL;
	pass(t, DAY);
	before = t->asked[CALL_FETCH];
	pass(t, DAY);
	assert_in_range(t->asked[CALL_FETCH] - before, 3, 30);
}

/* Expired is told, kept as history, and asked for again by need. */
static void history_stays(void **state)
{
	struct fixture *t = *state;

	know(t);
	t->text = NULL;
	t->id = NULL;
	pass(t, 8 * DAY);
	assert_int_equal(t->events[ENGINE_POLICY_EXPIRED], 1);
	assert_ask(t, "example.com", DECISION_NOTFOUND);
	assert_str(entry(t).id, "id1");
	assert_true(entry(t).gone);
	t->id = "id2";
	t->text = ENFORCE("604800");
	leap(t, 301);
	assert_ask(t, "example.com", DECISION_SECURE);
	assert_int_equal(entry(t).first_seen, NOW);
	assert_int_equal(entry(t).n_past, 1);
}

/* Nobody asks: not refreshed, but in force to its end; then forgotten. */
static void unused_is_let_go_after_expiry(void **state)
{
	struct fixture *t = *state;
	struct policy_entry e;
	size_t before;

	t->opt.unused_s = 2 * DAY;
	restart(t);
	know(t);
	pass(t, 4 * DAY);
	before = t->asked[CALL_FETCH];
	pass(t, 3 * DAY);
	assert_int_equal(t->asked[CALL_FETCH], before);
	assert_int_equal(
		policy_cache_get(t->cache, t->a, STR("example.com"), &e),
		ST_OK);
	pass(t, 6 * DAY);
	assert_int_equal(t->events[ENGINE_POLICY_FORGOTTEN], 1);
	assert_int_equal(
		policy_cache_get(t->cache, t->a, STR("example.com"), &e),
		ST_NOTFOUND);
}

/* What lives longer than anybody looks ahead is not written all the time. */
static void unused_is_put_off_once(void **state)
{
	struct policy_cache_stats before, after;
	struct fixture *t = *state;

	t->opt.unused_s = DAY;
	restart(t);
	know(t);
	t->text = ENFORCE("31536000");
	(void)ask_by(t, "example.com", &profile_sts, ENGINE_FETCH);
	pass(t, 3 * DAY);
	policy_cache_stats(t->cache, &before);
	pass(t, 10 * HOUR);
	policy_cache_stats(t->cache, &after);
	/* The time is noted once an hour. */
	assert_in_range(after.commits - before.commits, 1, 15);
}

/* What is asked for is not let go. */
static void used_is_kept(void **state)
{
	struct fixture *t = *state;

	t->opt.unused_s = 2 * DAY;
	restart(t);
	know(t);
	for (int i = 0; i < 10; i++) {
		pass(t, DAY);
		assert_ask(t, "example.com", DECISION_SECURE);
	}
	assert_true(entry(t).used_at > NOW + 8 * DAY);
	assert_true(entry(t).fetched_at > NOW + 7 * DAY);
}

/* Many that are due at once are fetched a few at a time. */
static void refreshes_are_bounded(void **state)
{
	struct engine_stats stats;
	struct fixture *t = *state;

	t->opt.max_refreshes = 4;
	restart(t);
	t->id = "id1";
	t->text = ENFORCE("604800");
	for (int i = 0; i < 40; i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "d%d.example", i);
		assert_ask(t, name, DECISION_SECURE);
	}
	t->asked[CALL_FETCH] = 0;
	t->hold[CALL_RECORD] = true;
	leap(t, 2 * DAY);
	engine_tick(t->e);
	run(t);
	engine_stats(t->e, &stats);
	assert_int_equal(stats.running_sts, 4);
	t->hold[CALL_RECORD] = false;
	pass(t, 30 * 60);
	assert_int_equal(t->asked[CALL_FETCH], 40);
}

/* How many names with this end the world is being asked for. */
static size_t asked_below(const struct fixture *t, const char *suffix)
{
	size_t n = 0, len = strlen(suffix);

	for (size_t i = 0; i < t->n_calls; i++) {
		const char *name = t->calls[i].domain;

		n += t->calls[i].arg != NULL && strlen(name) > len &&
		     strcmp(name + strlen(name) - len, suffix) == 0;
	}
	return n;
}

/* PREFIX0SUFFIX and n - 1 more. */
static void know_many(
	struct fixture *t, const char *prefix, const char *suffix, int n)
{
	for (int i = 0; i < n; i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "%s%d%s", prefix, i, suffix);
		assert_ask(t, name, DECISION_SECURE);
	}
}

/* Whoever has many names whose hosts are slow keeps himself waiting. */
static void refreshes_are_shared(void **state)
{
	struct public_suffix *list = public_suffix_open();
	struct engine_stats stats;
	struct fixture *t = *state;

	t->opt.suffixes = list;
	restart(t);
	t->id = "id1";
	t->text = ENFORCE("604800");
	know_many(t, "h", ".one.example", 60);
	know_many(t, "h", ".two.example", 60);
	leap(t, DAY / 2);
	know_many(t, "h", ".three.example", 60);
	know_many(t, "good", ".example", 8);
	/* All are due, the good ones last; nobody gets an answer. */
	t->hold[CALL_RECORD] = true;
	leap(t, DAY);
	engine_tick(t->e);
	run(t);
	engine_stats(t->e, &stats);
	assert_int_equal(stats.running_sts, t->opt.max_refreshes);
	assert_int_equal(asked_below(t, ".one.example"), 3);
	assert_int_equal(asked_below(t, ".example"), 16);
	for (int i = 0; i < 8; i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "good%d.example", i);
		assert_int_equal(asked_below(t, name + 1), 1);
	}
	fixture_shut(t);
	public_suffix_close(&list);
	t->opt.suffixes = NULL;
	fixture_open(t);
}

/* Alone a registrable domain has its share, and no more. */
static void refreshes_of_one_owner(void **state)
{
	struct public_suffix *list = public_suffix_open();
	struct engine_stats stats;
	struct fixture *t = *state;

	t->opt.suffixes = list;
	restart(t);
	t->id = "id1";
	t->text = ENFORCE("604800");
	know_many(t, "h", ".one.example", 40);
	t->asked[CALL_FETCH] = 0;
	t->hold[CALL_RECORD] = true;
	leap(t, 2 * DAY);
	engine_tick(t->e);
	run(t);
	engine_stats(t->e, &stats);
	assert_int_equal(stats.running_sts, 4);
	t->hold[CALL_RECORD] = false;
	pass(t, 30 * 60);
	assert_int_equal(t->asked[CALL_FETCH], 40);
	fixture_shut(t);
	public_suffix_close(&list);
	t->opt.suffixes = NULL;
	fixture_open(t);
}

/* ---- the operator ---- */

static enum status set_rule(struct fixture *t, const char *profile,
	enum policy_rule_kind kind, int64_t expires)
{
	struct policy_rule rule = { str_of(profile), STR("example.com"), kind,
		STR("because"), t->utc, expires };

	return engine_rule_set(t->e, &rule, &t->err);
}

static enum status del_rule(struct fixture *t, const char *profile)
{
	return engine_rule_del(
		t->e, str_of(profile), STR("example.com"), &t->err);
}

static void rules(void **state)
{
	struct fixture *t = *state;

	know(t);
	t->changed = 0;
	assert_int_equal(
		set_rule(t, "sts", POLICY_RULE_OFF, t->utc + 100), ST_OK);
	assert_int_equal(t->changed, 1);
	assert_ask(t, "example.com", DECISION_NOTFOUND);
	assert_int_equal(t->answer.decision.why, DECISION_WHY_RULE_OFF);
	assert_int_equal(
		ask_by(t, "example.com", &profile_tlsrpt, ENGINE_USUAL),
		DECISION_SECURE);
	leap(t, 50);
	assert_ask(t, "example.com", DECISION_NOTFOUND);
	assert_true(t->answer.valid_ms <= 50000);
	leap(t, 50);
	assert_ask(t, "example.com", DECISION_SECURE);
	assert_int_equal(
		set_rule(t, "*", POLICY_RULE_TESTING, INT64_MAX), ST_OK);
	assert_ask(t, "example.com", DECISION_NOTFOUND);
	assert_int_equal(del_rule(t, "*"), ST_OK);
	assert_int_equal(del_rule(t, "*"), ST_NOTFOUND);
	assert_ask(t, "example.com", DECISION_SECURE);
}

static void rule_enforces_testing(void **state)
{
	struct fixture *t = *state;

	t->id = "id1";
	t->text = TESTING;
	assert_ask(t, "example.com", DECISION_NOTFOUND);
	assert_int_equal(
		set_rule(t, "*", POLICY_RULE_ENFORCE, INT64_MAX), ST_OK);
	assert_ask(t, "example.com", DECISION_SECURE);
}

/* A pinned policy is neither replaced nor does it end. */
static void pin(void **state)
{
	struct fixture *t = *state;

	assert_int_equal(
		set_rule(t, "*", POLICY_RULE_PIN, INT64_MAX), ST_NOTFOUND);
	know(t);
	assert_int_equal(
		set_rule(t, "sts", POLICY_RULE_PIN, INT64_MAX), ST_INVALID);
	assert_int_equal(set_rule(t, "*", POLICY_RULE_PIN, INT64_MAX), ST_OK);
	t->id = "id2";
	t->text = NONE;
	pass(t, 20 * DAY);
	assert_ask(t, "example.com", DECISION_SECURE);
	assert_str(entry(t).id, "id1");
	assert_int_equal(t->asked[CALL_FETCH], 1);
	assert_int_equal(del_rule(t, "*"), ST_OK);
	leap(t, 61);
	assert_ask(t, "example.com", DECISION_NOTFOUND);
	assert_int_equal(entry(t).policy.mode, STS_MODE_NONE);
}

static void purge(void **state)
{
	struct fixture *t = *state;

	assert_int_equal(
		engine_purge(t->e, STR("example.com"), &t->err), ST_NOTFOUND);
	know(t);
	t->changed = 0;
	assert_int_equal(
		engine_purge(t->e, STR("example.com"), &t->err), ST_OK);
	assert_int_equal(t->changed, 1);
	t->id = NULL;
	assert_ask(t, "example.com", DECISION_NOTFOUND);
	assert_int_equal(t->asked[CALL_RECORD], 2);
}

/* A pin keeps what is cached; it must not keep a domain without a policy. */
static void purge_of_a_pinned_policy(void **state)
{
	struct fixture *t = *state;

	know(t);
	assert_int_equal(set_rule(t, "*", POLICY_RULE_PIN, INT64_MAX), ST_OK);
	assert_int_equal(
		engine_purge(t->e, STR("example.com"), &t->err), ST_OK);
	t->id = "id2";
	assert_ask(t, "example.com", DECISION_SECURE);
	assert_str(entry(t).id, "id2");
}

/* What mail waited for is over: Postfix may try it again. */
static void the_operator_ends_trouble(void **state)
{
	struct fixture *t = *state;

	know(t);
	assert_int_equal(t->may_go, 0); /* its first policy ends none */
	assert_int_equal(set_rule(t, "*", POLICY_RULE_OFF, INT64_MAX), ST_OK);
	assert_int_equal(t->may_go, 1);
	assert_int_equal(del_rule(t, "*"), ST_OK);
	assert_int_equal(t->may_go, 2);
	assert_int_equal(
		engine_purge(t->e, STR("example.com"), &t->err), ST_OK);
	assert_int_equal(t->may_go, 3);
}

static void a_record_that_is_back_ends_trouble(void **state)
{
	struct fixture *t = *state;

	know(t);
	t->id = NULL;
	leap(t, 61);
	assert_ask(t, "example.com", DECISION_SECURE);
	assert_int_equal(t->began, 1);
	t->id = "id1";
	leap(t, DAY / 12);
	assert_ask(t, "example.com", DECISION_SECURE);
	assert_int_equal(t->ended, 1);
	assert_int_equal(t->may_go, 1);
}

/* 14: only the operator may fetch before the five minutes are over. */
static void refresh_by_hand(void **state)
{
	struct fixture *t = *state;

	t->id = "id1";
	assert_ask(t, "example.com", DECISION_NOTFOUND);
	t->text = ENFORCE("86400");
	assert_ask(t, "example.com", DECISION_NOTFOUND);
	assert_int_equal(ask_by(t, "example.com", &profile_sts, ENGINE_FETCH),
		DECISION_SECURE);
}

/* ---- what is not kept ---- */

/* Beyond the quota a policy is applied, but not kept for long. */
static void not_kept_is_applied(void **state)
{
	struct public_suffix *list = public_suffix_open();
	struct fixture *t = *state;
	struct policy_entry e;

	t->opt.suffixes = list;
	t->cache_opt.max_per_group = 1;
	restart(t);
	know(t);
	assert_ask(t, "a.example.com", DECISION_SECURE);
	assert_int_equal(t->events[ENGINE_NOT_KEPT], 1);
	assert_int_equal(
		policy_cache_get(t->cache, t->a, STR("a.example.com"), &e),
		ST_NOTFOUND);
	assert_ask(t, "a.example.com", DECISION_SECURE);
	assert_ask(t, "example.com", DECISION_SECURE);
	for (int i = 0; i < 600; i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "b%d.example.com", i);
		assert_ask(t, name, DECISION_SECURE);
	}
	fixture_shut(t);
	public_suffix_close(&list);
	t->opt.suffixes = NULL;
	fixture_open(t);
}

/* What is not kept may be replaced while its id is still needed. */
static void not_kept_changes(void **state)
{
	struct public_suffix *list = public_suffix_open();
	struct fixture *t = *state;

	t->opt.suffixes = list;
	t->cache_opt.max_per_group = 1;
	restart(t);
	know(t);
	assert_ask(t, "a.example.com", DECISION_SECURE);
	t->id = NULL;
	leap(t, 301);
	assert_ask(t, "a.example.com", DECISION_SECURE);
	assert_int_equal(t->events[ENGINE_POLICY_GONE], 1);
	t->id = "id1";
	leap(t, 301);
	assert_ask(t, "a.example.com", DECISION_SECURE);
	assert_int_equal(t->events[ENGINE_POLICY_BACK], 1);
	assert_int_equal(t->asked[CALL_FETCH], 2);
	t->id = NULL;
	(void)ask_by(t, "a.example.com", &profile_sts, ENGINE_FETCH);
	assert_int_equal(t->asked[CALL_FETCH], 3);
	fixture_shut(t);
	public_suffix_close(&list);
	t->opt.suffixes = NULL;
	fixture_open(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(c17_refreshed_whatever_the_record),
		TEST(c17_at_random_times),
		TEST(c18_alarms),
		TEST(c18_no_alarm_for_none),
		TEST(failing_refreshes_back_off),
		TEST(history_stays),
		TEST(unused_is_let_go_after_expiry),
		TEST(unused_is_put_off_once),
		TEST(used_is_kept),
		TEST(refreshes_are_bounded),
		TEST(refreshes_are_shared),
		TEST(refreshes_of_one_owner),
		TEST(rules),
		TEST(rule_enforces_testing),
		TEST(pin),
		TEST(purge),
		TEST(purge_of_a_pinned_policy),
		TEST(the_operator_ends_trouble),
		TEST(a_record_that_is_back_ends_trouble),
		TEST(refresh_by_hand),
		TEST(not_kept_is_applied),
		TEST(not_kept_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
