/* SPDX-License-Identifier: Apache-2.0 */
/* The laws of a parser for the values of the policy cache. */
#include "cache/policy_value.h"
#include "tests/parser_laws.h"

#include "base/poison.h"

static unsigned char bytes[POLICY_VALUE_MAX];

static struct str sample(void)
{
	static struct str mx[] = { { "mx.example.net", 14 } };
	static struct policy_past past[] = { { 5, STS_MODE_TESTING,
						     { "i1", 2 } },
		{ 3, STS_MODE_NONE, { "", 0 } } };
	struct policy_entry entry = { .domain = STR("example.com"),
		.id = STR("i2"),
		.policy = { STS_POLICY_VALID, STS_MODE_ENFORCE, 86400, mx, 1 },
		.text = STR("version: STSv1\n"),
		.fetched_at = 7,
		.past = past,
		.n_past = 2 };
	struct wire_out out = wire_out_of(bytes, sizeof(bytes));

	policy_entry_write(&out, STR("e"), &entry);
	assert_false(out.failed);
	return wire_out_str(&out);
}

static enum status parse(struct arena *a, struct str text)
{
	struct policy_entry entry;

	return policy_entry_read(a, STR("e"), text, &entry);
}

static void laws(void **state)
{
	(void)state;
	law_truncated(parse, sample());
	law_no_memory(parse, sample());
}

/* No byte can change unnoticed, nor a value move to another key. */
static void every_byte_counts(void **state)
{
	struct str value = sample();
	struct policy_entry entry;
	struct arena *a = arena_must(0);

	(void)state;
	assert_int_equal(parse(a, value), ST_OK);
	assert_int_equal(
		policy_entry_read(a, STR("f"), value, &entry), ST_INVALID);
	for (size_t i = 0; i < value.n; i++) {
		bytes[i] ^= 1;
		assert_int_equal(parse(a, value), ST_INVALID);
		bytes[i] ^= 1;
	}
	assert_int_equal(parse(a, value), ST_OK);
	arena_free(&a);
}

/* Written by a later version: not ours to throw away. */
static void a_newer_format_is_told_apart(void **state)
{
	struct wire_out out = wire_out_of(bytes, sizeof(bytes));
	int64_t noted;

	(void)state;
	policy_state_write(&out, 99);
	assert_int_equal(policy_state_read(wire_out_str(&out), &noted), ST_OK);
	assert_int_equal(noted, 99);
	bytes[0]++;
	assert_int_equal(
		policy_state_read(wire_out_str(&out), &noted), ST_PERM);
}

/* The largest policy that can be fetched has room. */
static void the_largest_policy_fits(void **state)
{
	static struct str mx[STS_POLICY_BYTES_MAX / sizeof("mx:a.b")];
	struct wire_out out = wire_out_of(bytes, sizeof(bytes));
	size_t n = STS_POLICY_BYTES_MAX / sizeof("mx:a.b");
	struct policy_entry entry = { .domain = STR("example.com"),
		.policy = { STS_POLICY_VALID, STS_MODE_ENFORCE, 1, mx, n } };
	struct arena *a = arena_must(0);

	(void)state;
	for (size_t i = 0; i < n; i++)
		mx[i] = STR("a.b");
	policy_entry_write(&out, STR("e"), &entry);
	assert_false(out.failed);
	assert_int_equal(parse(a, wire_out_str(&out)), ST_OK);
	arena_free(&a);
}

static void keys_follow_names(void **state)
{
	struct policy_key zone, below, other, time;

	(void)state;
	assert_int_equal(policy_key_entry(STR("example.com"), &zone), ST_OK);
	assert_int_equal(policy_key_entry(STR("A.Example.com"), &below), ST_OK);
	assert_int_equal(
		policy_key_entry(STR("badexample.com"), &other), ST_OK);
	assert_true(str_starts(policy_key_str(&below), policy_key_str(&zone)));
	assert_false(str_starts(policy_key_str(&other), policy_key_str(&zone)));
	assert_int_equal(policy_key_entry(STR(""), &zone), ST_INVALID);
	assert_int_equal(policy_key_entry(STR("."), &zone), ST_INVALID);
	policy_key_times(1234567890123, policy_key_str(&below), &time);
	assert_int_equal(policy_key_time(policy_key_str(&time)), 1234567890123);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(laws),
		cmocka_unit_test(every_byte_counts),
		cmocka_unit_test(a_newer_format_is_told_apart),
		cmocka_unit_test(the_largest_policy_fits),
		cmocka_unit_test(keys_follow_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
