/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/mem.h"
#include "outbound/answers.h"
#include "tests/testing.h"

#include "base/poison.h"

#define MAX 65536u

static const struct mono soon = { 1000 }, later = { 2000 };

static struct str request_of(unsigned i)
{
	static char text[64];

	return (struct str){ text,
		(size_t)snprintf(text, sizeof(text), "sts d%u.example", i) };
}

static void put(struct answers *a, unsigned i, const char *domain)
{
	answers_put(a, request_of(i), str_of(domain), STR("NOTFOUND "), later);
}

static bool has(struct answers *a, unsigned i, struct mono now)
{
	return answers_get(a, request_of(i), now).p != NULL;
}

static void kept_as_they_are_sent(void **state)
{
	struct answers *a = answers_new(MAX);

	(void)state;
	answers_put(a, STR("sts a.example"), STR("a.example"), STR("OK dane"),
		later);
	assert_str(answers_get(a, STR("sts a.example"), soon), "7:OK dane,");
	/* the name of the map is part of the question */
	assert_null(answers_get(a, STR("sts-tlsrpt a.example"), soon).p);
	assert_null(answers_get(a, STR("sts a.exampl"), soon).p);
	assert_null(answers_get(a, STR(""), soon).p);
	answers_put(a, STR("sts a.example"), STR("a.example"), STR("NOTFOUND "),
		later);
	assert_str(answers_get(a, STR("sts a.example"), soon), "9:NOTFOUND ,");
	answers_free(&a);
	assert_null(a);
}

static void good_until_a_time(void **state)
{
	struct answers *a = answers_new(MAX);

	(void)state;
	put(a, 1, "d1.example");
	assert_true(has(a, 1, (struct mono){ later.ms - 1 }));
	assert_false(has(a, 1, later));
	answers_free(&a);
}

static void dropped_by_domain_and_all(void **state)
{
	struct answers *a = answers_new(MAX);

	(void)state;
	put(a, 1, "one.example");
	put(a, 2, "one.example"); /* [one.example]:25, say */
	put(a, 3, "two.example");
	answers_drop(a, STR("one.example"));
	assert_false(has(a, 1, soon));
	assert_false(has(a, 2, soon));
	assert_true(has(a, 3, soon));
	put(a, 1, "one.example");
	assert_true(has(a, 1, soon));
	answers_drop(a, STR(""));
	assert_false(has(a, 1, soon));
	assert_false(has(a, 3, soon));
	put(a, 3, "two.example");
	assert_true(has(a, 3, soon));
	answers_free(&a);
}

static void memory_is_bounded(void **state)
{
	struct answers *a = answers_new(MAX);
	struct answers_stats s;

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		put(a, i, "d.example");
		answers_stats(a, &s);
		assert_true(s.bytes <= MAX);
		assert_true(has(a, i, soon));
	}
	assert_true(s.entries > 300);
	assert_int_equal(s.evicted, 10000 - s.entries);
	answers_free(&a);
}

/* A flood of what nobody asks again does not displace what is asked. */
static void what_is_asked_stays(void **state)
{
	struct answers *a = answers_new(MAX);
	unsigned lost = 0;

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		put(a, i, "d.example");
	for (unsigned i = 1000; i < 11000; i++) {
		put(a, i, "d.example");
		for (unsigned k = 0; k < 20 && i % 20 == 0; k++)
			lost += !has(a, k, soon);
	}
	assert_int_equal(lost, 0);
	answers_free(&a);
}

/* Of all sizes, replaced and pushed out: what is there is what was put. */
static void replies_are_never_mixed_up(void **state)
{
	struct answers *a = answers_new(MAX);
	uint32_t seed = 1, at[200] = {};
	char text[1200];
	unsigned found = 0;

	(void)state;
	memset(text, 'a', sizeof(text));
	for (unsigned i = 1; i < 50000; i++) {
		unsigned k, n;
		struct str got;

		seed = seed * 1103515245 + 12345;
		k = seed >> 16 & 127;
		n = 4 + (seed >> 8) % 1000;
		memcpy(text, &n, sizeof(n));
		answers_put(a, request_of(k), STR("d.example"),
			(struct str){ text, n }, later);
		at[k] = n;
		k = seed >> 20 & 127;
		got = answers_get(a, request_of(k), soon);
		if (got.p == NULL)
			continue;
		found++;
		got = str_from(got, strcspn(got.p, ":") + 1);
		assert_int_equal(got.n, at[k] + 1);
		assert_memory_equal(got.p, &at[k], sizeof(at[k]));
	}
	assert_true(found > 10000);
	answers_free(&a);
}

static void what_is_too_large_is_not_kept(void **state)
{
	struct answers *a = answers_new(MAX);
	struct answers_stats s;
	char *text = mem_must(MAX);

	(void)state;
	memset(text, 'a', MAX);
	answers_put(a, STR("sts a"), STR("a"), (struct str){ text, MAX / 8 },
		later);
	answers_put(a, (struct str){ text, 10001 }, STR("a"), STR("x"), later);
	answers_stats(a, &s);
	assert_int_equal(s.entries, 0);
	assert_int_equal(s.bytes, 0);
	mem_free(text);
	answers_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_as_they_are_sent),
		cmocka_unit_test(good_until_a_time),
		cmocka_unit_test(dropped_by_domain_and_all),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(what_is_asked_stays),
		cmocka_unit_test(replies_are_never_mixed_up),
		cmocka_unit_test(what_is_too_large_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
