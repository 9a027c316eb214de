/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flood of unknown domains: bounded memory, nothing live evicted, nobody else
 * starved. 200,000 domains in the long round, a tenth in the short one.
 */
#include <malloc.h>

#include "engine_fixture.h"
#include "io/public_suffix.h"

#include "base/poison.h"

#define FLOOD 20000
#define FLOOD_FULL 200000
#define AT_ONCE 1000

static size_t flood_size(void)
{
	return getenv("MOAT_FULL") != NULL ? FLOOD_FULL : FLOOD;
}

/* n asks at once for names "PREFIXi.SUFFIX" from i = first on. */
struct crowd {
	struct fixture *t;
	struct engine_ask asks[AT_ONCE];
	size_t answered;
};

static void on_answer(void *ctx, const struct engine_answer *answer)
{
	(void)answer;
	((struct crowd *)ctx)->answered++;
}

static void crowd_ask(struct crowd *c, const char *suffix, size_t first)
{
	c->answered = 0;
	for (size_t i = 0; i < AT_ONCE; i++) {
		struct policy_domain domain;
		char name[64];

		(void)snprintf(
			name, sizeof(name), "f%zu.%s", first + i, suffix);
		domain = domain_of(name);
		c->asks[i].step = NULL;
		engine_ask_start(&c->asks[i], c->t->e, &profile_sts, &domain,
			ENGINE_USUAL, on_answer, c);
	}
}

static void crowd_leave(struct crowd *c)
{
	for (size_t i = 0; i < AT_ONCE; i++)
		engine_ask_cancel(&c->asks[i]);
	loop_turn(c->t->loop, false);
}

static size_t heap(void)
{
	return mallinfo2().uordblks + mallinfo2().hblkhd;
}

static void memory_is_bounded(void **state)
{
	struct fixture *t = *state;
	struct crowd *c = calloc(1, sizeof(*c));
	struct engine_stats stats;
	size_t half = 0;

	t->opt.max_negative = 5000;
	restart(t);
	know(t);
	t->id = NULL;
	t->text = NULL;
	c->t = t;
	for (size_t i = 0; i < flood_size(); i += AT_ONCE) {
		crowd_ask(c, "example", i);
		run(t);
		assert_int_equal(c->answered, AT_ONCE);
		if (i == flood_size() / 2)
			half = heap();
	}
	engine_stats(t->e, &stats);
	assert_in_range(stats.negative, 4900, 5100);
	assert_int_equal(stats.live, 1);
	/* With sanitizers the heap is not malloc's. */
	if (!MOAT_SANITIZED)
		assert_true(heap() < half + (1 << 20));
	t->asked[CALL_RECORD] = t->asked[CALL_DANE] = 0;
	assert_ask(t, "example.com", DECISION_SECURE);
	assert_int_equal(t->asked[CALL_RECORD] + t->asked[CALL_DANE], 0);
	free(c);
}

/* One who floods waits for himself; known domains and others go on. */
static void nobody_starves(void **state)
{
	struct public_suffix *list = public_suffix_open();
	struct fixture *t = *state;
	struct crowd *c = calloc(1, sizeof(*c));
	struct engine_stats stats;

	t->opt.suffixes = list;
	t->opt.max_running = 64;
	restart(t);
	know(t);
	leap(t, 61);
	t->hold[CALL_RECORD] = t->hold[CALL_DANE] = true;
	c->t = t;
	crowd_ask(c, "flood.example", 0);
	run(t);
	engine_stats(t->e, &stats);
	assert_int_equal(stats.running_sts, 16);
	/* What comes now is looked up at once. */
	t->asked[CALL_RECORD] = t->asked[CALL_DANE] = 0;
	{
		struct policy_domain a = domain_of("example.com");
		struct policy_domain b = domain_of("other.example");
		struct engine_ask asks[2] = {};

		engine_ask_start(&asks[0], t->e, &profile_sts, &a, ENGINE_USUAL,
			fixture_answer, t);
		engine_ask_start(&asks[1], t->e, &profile_sts, &b, ENGINE_USUAL,
			fixture_answer, t);
		assert_int_equal(t->asked[CALL_RECORD], 2);
		assert_int_equal(t->asked[CALL_DANE], 2);
		engine_ask_cancel(&asks[0]);
		engine_ask_cancel(&asks[1]);
	}
	crowd_leave(c);
	fixture_shut(t);
	public_suffix_close(&list);
	t->opt.suffixes = NULL;
	fixture_open(t);
	free(c);
}

/* Many registrable domains: some places are left for those that are known. */
static void places_for_the_known(void **state)
{
	struct policy_domain known = domain_of("example.com");
	struct fixture *t = *state;
	struct crowd *c = calloc(1, sizeof(*c));
	struct engine_stats stats;
	struct engine_ask one = {};

	t->opt.max_running = 64;
	restart(t);
	know(t);
	leap(t, 61);
	t->hold[CALL_RECORD] = t->hold[CALL_DANE] = true;
	c->t = t;
	crowd_ask(c, "example", 0);
	run(t);
	engine_stats(t->e, &stats);
	assert_int_equal(stats.running_sts, 48);
	t->asked[CALL_RECORD] = 0;
	engine_ask_start(&one, t->e, &profile_sts, &known, ENGINE_USUAL,
		fixture_answer, t);
	assert_int_equal(t->asked[CALL_RECORD], 1);
	engine_ask_cancel(&one);
	crowd_leave(c);
	free(c);
}

/* More than may wait: answered at once, by what is known. */
static void too_many_are_answered_unasked(void **state)
{
	struct fixture *t = *state;
	struct crowd *c = calloc(1, sizeof(*c));

	t->opt.max_running = 8;
	t->opt.max_waiting = 100;
	restart(t);
	t->hold[CALL_RECORD] = t->hold[CALL_DANE] = true;
	c->t = t;
	crowd_ask(c, "example", 0);
	run(t);
	assert_true(c->answered >= AT_ONCE - 8 - 100 - 8);
	assert_true(c->answered < AT_ONCE);
	assert_true(t->events[ENGINE_BUSY] > 0);
	t->hold[CALL_RECORD] = t->hold[CALL_DANE] = false;
	run(t);
	assert_int_equal(c->answered, AT_ONCE);
	free(c);
}

/* A flood of strangers does not have those that are known answered unasked. */
static void the_known_are_looked_up(void **state)
{
	struct policy_domain known = domain_of("example.com");
	struct fixture *t = *state;
	struct crowd *c = calloc(1, sizeof(*c));
	struct engine_ask one = {};
	unsigned before;

	t->opt.max_running = 8;
	t->opt.max_waiting = 100;
	restart(t);
	know(t);
	leap(t, 61);
	t->hold[CALL_RECORD] = t->hold[CALL_DANE] = true;
	c->t = t;
	crowd_ask(c, "example", 0);
	run(t);
	assert_true(c->answered > 0);
	before = t->events[ENGINE_BUSY];
	t->asked[CALL_RECORD] = t->asked[CALL_DANE] = 0;
	engine_ask_start(&one, t->e, &profile_sts, &known, ENGINE_USUAL,
		fixture_answer, t);
	assert_int_equal(t->events[ENGINE_BUSY], before);
	assert_int_equal(t->asked[CALL_RECORD], 1);
	assert_int_equal(t->asked[CALL_DANE], 1);
	engine_ask_cancel(&one);
	crowd_leave(c);
	free(c);
}

/* What is needed for a hundred thousand policies is on disk, not in memory. */
static void many_policies(void **state)
{
	struct fixture *t = *state;
	struct crowd *c = calloc(1, sizeof(*c));
	struct policy_cache_stats stats;
	size_t before, n = flood_size() / 2;

	t->opt.max_live = 1000;
	restart(t);
	t->id = "20261121T000000";
	t->text = ENFORCE("604800");
	c->t = t;
	before = heap();
	for (size_t i = 0; i < n; i += AT_ONCE) {
		crowd_ask(c, "example", i);
		run(t);
		assert_int_equal(c->answered, AT_ONCE);
	}
	policy_cache_stats(t->cache, &stats);
	assert_int_equal(stats.entries, n);
	if (!MOAT_SANITIZED)
		assert_true(heap() < before + (8 << 20));
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(memory_is_bounded),
		TEST(nobody_starves),
		TEST(places_for_the_known),
		TEST(too_many_are_answered_unasked),
		TEST(the_known_are_looked_up),
		TEST(many_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
