/* SPDX-License-Identifier: Apache-2.0 */
/* Whose turn it is. */
#include "outbound/fair_queue.h"
#include "tests/testing.h"

#include "base/poison.h"

#define N 16

struct queue {
	struct fair_queue *q;
	struct fair_item items[N];
};

static struct queue with(size_t group_max)
{
	struct queue x = { .q = fair_queue_new(group_max) };

	return x;
}

/* A letter per item: its group; a capital for one that is known. */
static void fill(struct queue *x, const char *groups)
{
	for (size_t i = 0; groups[i] != '\0'; i++) {
		char name = chr_lower(groups[i]);

		fair_queue_add(x->q, &x->items[i], groups[i] != name,
			(struct str){ &name, 1 });
	}
}

static void takes(struct queue *x, bool strangers, const char *order)
{
	for (size_t i = 0; order[i] != '\0'; i++) {
		struct fair_item *item = fair_queue_take(x->q, strangers);

		assert_non_null(item);
		assert_int_equal(item - x->items, order[i] - '0');
	}
	assert_null(fair_queue_take(x->q, strangers));
}

static void empty(struct queue *x)
{
	for (size_t i = 0; i < N; i++)
		fair_queue_done(x->q, &x->items[i]);
	assert_int_equal(fair_queue_count(x->q), 0);
	fair_queue_free(&x->q);
	assert_null(x->q);
}

static void groups_take_turns(void **state)
{
	struct queue x = with(100);

	(void)state;
	fill(&x, "aaaabbc");
	assert_int_equal(fair_queue_count(x.q), 7);
	takes(&x, true, "0461523");
	empty(&x);
}

static void the_known_come_first(void **state)
{
	struct queue x = with(1);

	(void)state;
	fill(&x, "abAB");
	takes(&x, false, "23");
	assert_int_equal(fair_queue_count(x.q), 2);
	takes(&x, true, "01");
	empty(&x);
}

static void no_group_has_too_many(void **state)
{
	struct queue x = with(2);

	(void)state;
	fill(&x, "aaaab");
	takes(&x, true, "041");
	fair_queue_done(x.q, &x.items[1]);
	takes(&x, true, "2");
	empty(&x);
}

/* Who has many policies cached does not hold up others that have. */
static void the_known_take_turns(void **state)
{
	struct queue x = with(2);

	(void)state;
	fill(&x, "AAAABa");
	takes(&x, false, "041");
	fair_queue_done(x.q, &x.items[0]);
	takes(&x, true, "25");
	empty(&x);
}

static void leaving_while_waiting(void **state)
{
	struct queue x = with(9);

	(void)state;
	fill(&x, "aabbA");
	for (int i = 0; i < 2; i++) {
		fair_queue_done(x.q, &x.items[0]);
		fair_queue_done(x.q, &x.items[4]);
		fair_queue_done(x.q, &x.items[3]);
	}
	takes(&x, true, "12");
	empty(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_take_turns),
		cmocka_unit_test(the_known_come_first),
		cmocka_unit_test(no_group_has_too_many),
		cmocka_unit_test(the_known_take_turns),
		cmocka_unit_test(leaving_while_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
