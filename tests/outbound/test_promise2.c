/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cached, unexpired policy stays in force, whatever DNS or HTTPS say, until a
 * validly fetched one replaces it (RFC 8461 sections 3.1, 3.3 and 5.1).
 */
#include "engine_fixture.h"

#include "base/poison.h"

/* Each way to attack or break the look-ups, for the whole life of a policy. */
static void survives(struct fixture *t)
{
	struct policy_entry before;
	int64_t left;

	t->text = ENFORCE("604800");
	if (t->id == NULL)
		t->id = "id1";
	before = entry(t);
	left = policy_entry_expires(&before) - t->utc;
	while (left > 7200) {
		pass(t, 3600);
		left -= 3600;
		assert_ask(t, "example.com", DECISION_SECURE);
		assert_string_equal(t->match, "mx.example.net ");
	}
	assert_str(entry(t).id, "id1");
}

static void breaks(struct fixture *t, const char *id, bool dns_fails,
	bool hold_record, bool hold_fetch)
{
	struct policy_entry before;

	t->opt.answer_ms = 1000;
	restart(t);
	know(t);
	before = entry(t);
	t->id = id;
	t->text = NULL;
	t->dns_fails = dns_fails;
	t->hold[CALL_RECORD] = hold_record;
	t->hold[CALL_FETCH] = hold_fetch;
	for (int64_t h = 1; h < 7 * 24; h++) {
		pass(t, HOUR - 9);
		assert_ask(t, "example.com", DECISION_SECURE);
		assert_string_equal(t->match, "mx.example.net ");
		t->mono_ms = 1000000 + h * HOUR * 1000;
		t->utc = NOW + h * HOUR;
	}
	/* To the end, and not longer than max_age after the last fetch. */
	assert_int_equal(entry(t).fetched_at, before.fetched_at);
	t->utc = policy_entry_expires(&before) - 3;
	t->mono_ms = 1000000 + (t->utc - NOW) * 1000;
	engine_tick(t->e);
	run(t);
	assert_ask(t, "example.com", DECISION_SECURE);
	leap(t, 61);
	assert_int_not_equal(ask(t, "example.com"), DECISION_SECURE);
}

static void c07_record_gone(void **state)
{
	breaks(*state, NULL, false, false, false);
	assert_int_equal(
		((struct fixture *)*state)->events[ENGINE_POLICY_GONE], 1);
}

/* 7: a record that is no use does not take the policy away. */
static void c07_useless_record(struct fixture *t, enum sts_record_outcome what)
{
	t->no_record = what;
	breaks(t, NULL, false, false, false);
	assert_int_equal(t->events[ENGINE_POLICY_GONE], 1);
}

static void c07_several_records(void **state)
{
	c07_useless_record(*state, STS_RECORD_SEVERAL);
}

static void c07_invalid_record(void **state)
{
	c07_useless_record(*state, STS_RECORD_INVALID);
}

static void dns_fails(void **state)
{
	breaks(*state, "id1", true, false, false);
	/* No answer is no proof. */
	assert_int_equal(
		((struct fixture *)*state)->events[ENGINE_POLICY_GONE], 0);
}

static void dns_hangs(void **state)
{
	breaks(*state, "id1", false, true, false);
}

static void https_fails(void **state)
{
	breaks(*state, "id1", false, false, false);
}

static void https_hangs(void **state)
{
	breaks(*state, "id1", false, false, true);
}

static void id_flipped_https_fails(void **state)
{
	breaks(*state, "id2", false, false, false);
	assert_int_equal(
		((struct fixture *)*state)->events[ENGINE_ID_FLIPPED], 1);
}

static void id_flipped_https_hangs(void **state)
{
	breaks(*state, "id2", false, false, true);
}

/*
 * The downgrade that some senders fall for: one forged TXT answer with another
 * id, and port 443 blocked. Cold after a restart, too, and with a new id each
 * time.
 */
static void id_flip_is_no_downgrade(void **state)
{
	static const char *const ids[] = { "x1", "x2", "x3", "x4", "x5" };
	struct fixture *t = *state;

	know(t);
	t->text = NULL;
	for (size_t i = 0; i < 5; i++) {
		t->id = ids[i];
		leap(t, 61);
		assert_ask(t, "example.com", DECISION_SECURE);
		assert_str(entry(t).id, "id1");
		restart(t);
		assert_ask(t, "example.com", DECISION_SECURE);
	}
	assert_true(t->events[ENGINE_ID_FLIPPED] >= 5);
	assert_true(t->began > 0);
	/* The attack ends: the real id is there again. */
	t->id = "id1";
	leap(t, 61);
	assert_ask(t, "example.com", DECISION_SECURE);
}

/* Only a valid policy replaces it: what is invalid counts as not fetched. */
static void only_a_fetched_one_replaces(void **state)
{
	struct fixture *t = *state;

	know(t);
	t->id = "id2";
	t->text = NULL;
	leap(t, 61);
	assert_ask(t, "example.com", DECISION_SECURE);
	t->text = NONE;
	leap(t, 301);
	assert_ask(t, "example.com", DECISION_NOTFOUND);
	assert_int_equal(t->answer.decision.why, DECISION_WHY_STS_NONE);
}

/* A restart, and a crash, forget nothing. */
static void survives_restarts(void **state)
{
	struct fixture *t = *state;

	know(t);
	t->dns_fails = true;
	t->text = NULL;
	for (int i = 0; i < 10; i++) {
		restart(t);
		assert_ask(t, "example.com", DECISION_SECURE);
	}
	t->dns_fails = false;
	survives(t);
}

/* What floods in pushes nothing out. */
static void survives_floods(void **state)
{
	struct fixture *t = *state;

	t->opt.max_negative = 100;
	t->opt.max_live = 10;
	t->cache_opt.max_per_group = 50;
	restart(t);
	know(t);
	for (int i = 0; i < 500; i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "d%d.example", i);
		(void)ask(t, name);
	}
	t->id = NULL;
	t->text = NULL;
	for (int i = 0; i < 500; i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "n%d.example", i);
		(void)ask(t, name);
	}
	assert_ask(t, "example.com", DECISION_SECURE);
}

/* A mail server is told of a policy only when no crash can lose it. */
static void told_when_durable(void **state)
{
	struct policy_domain domain = domain_of("example.com");
	struct engine_ask one = {};
	struct policy_cache_stats stats;
	struct fixture *t = *state;

	t->id = "id1";
	t->text = ENFORCE("86400");
	engine_ask_start(&one, t->e, &profile_sts, &domain, ENGINE_USUAL,
		fixture_answer, t);
	while (t->answered == 0) {
		(void)fixture_reply(t);
		loop_turn(t->loop, false);
		policy_cache_stats(t->cache, &stats);
		if (t->answered == 0)
			continue;
		assert_int_equal(stats.entries, 1);
		assert_int_equal(stats.waiting, 0);
		assert_true(stats.commits > 0);
	}
	assert_int_equal(t->answer.decision.action, DECISION_SECURE);
}

/* Bad times for the clock end no policy in silence: see policy_clock.h. */
static void clock_jumps(void **state)
{
	struct fixture *t = *state;

	know(t);
	t->dns_fails = true;
	t->text = NULL;
	t->utc += 365 * DAY;
	engine_tick(t->e);
	pass(t, HOUR);
	assert_ask(t, "example.com", DECISION_SECURE);
	assert_int_equal(t->events[ENGINE_CLOCK_JUMPED], 1);
	t->utc -= 365 * DAY;
	pass(t, HOUR);
	assert_ask(t, "example.com", DECISION_SECURE);
	t->utc -= 365 * DAY;
	pass(t, HOUR);
	assert_ask(t, "example.com", DECISION_SECURE);
	assert_int_equal(t->events[ENGINE_CLOCK_JUMPED], 2);
}

/* The same when the machine starts with a bad clock. */
static void clock_wrong_at_start(void **state)
{
	struct fixture *t = *state;

	know(t);
	pass(t, 2);
	t->text = NULL;
	t->utc += 20 * 365 * (int64_t)DAY;
	restart(t);
	assert_int_equal(t->events[ENGINE_CLOCK_JUMPED], 1);
	assert_ask(t, "example.com", DECISION_SECURE);
	t->utc = 1000;
	restart(t);
	assert_int_equal(t->events[ENGINE_CLOCK_JUMPED], 2);
	assert_ask(t, "example.com", DECISION_SECURE);
}

/* After a day in doubt the new time is taken; what was fetched lives on. */
static void clock_is_taken(void **state)
{
	struct fixture *t = *state;

	know(t);
	t->utc += 365 * DAY;
	pass(t, DAY + HOUR);
	assert_int_equal(t->events[ENGINE_CLOCK_TAKEN], 1);
	assert_int_equal(engine_now(t->e), t->utc);
	assert_true(entry(t).fetched_at > NOW + 300 * DAY);
	t->text = NULL;
	assert_ask(t, "example.com", DECISION_SECURE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(c07_record_gone),
		TEST(c07_several_records),
		TEST(c07_invalid_record),
		TEST(dns_fails),
		TEST(dns_hangs),
		TEST(https_fails),
		TEST(https_hangs),
		TEST(id_flipped_https_fails),
		TEST(id_flipped_https_hangs),
		TEST(id_flip_is_no_downgrade),
		TEST(only_a_fetched_one_replaces),
		TEST(survives_restarts),
		TEST(survives_floods),
		TEST(told_when_durable),
		TEST(clock_jumps),
		TEST(clock_wrong_at_start),
		TEST(clock_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
