/* SPDX-License-Identifier: Apache-2.0 */
/* However many addresses strangers name, the look-ups of an hour are bounded,
 * and what nobody answers does not stand in the way of the others. */
#include "intake/reverse_names.h"
#include "store/report_view.h"
#include "tests/store/engines.h"

#include "base/poison.h"

#define ADDRESSES 400
#define HOUR 3600
#define START (INT64_C(500000) * HOUR)

static int64_t now_s;

static struct unix_time fake_now(void *ctx)
{
	(void)ctx;
	return (struct unix_time){ now_s };
}

static const struct clock fake = { .now = fake_now };

static bool never(void *ctx)
{
	(void)ctx;
	return false;
}

static void take_report(struct engine *t)
{
	struct store_report_failure *f = arena_array(
		t->a, ADDRESSES, sizeof(*f));
	struct store_report_policy p = {
		.type = STR("sts"), .failures = f, .n_failures = ADDRESSES
	};
	struct store_report r = { .tenant = STORE_TENANT_DEFAULT,
		.id = STR("1"),
		.begin = START,
		.policies = &p,
		.n_policies = 1 };

	for (int i = 0; i < ADDRESSES; i++)
		f[i] = (struct store_report_failure){ .result_type = STR("odd"),
			.sending_ip = arena_fmt(
				t->a, "192.0.%d.%d", i / 200, i % 200),
			.sessions = 1 };
	OK(store_report_add(t->s, &r, NULL, &t->e));
}

static size_t wanted(struct engine *t)
{
	int64_t since = now_s - REVERSE_NAMES_KEEP_S;
	struct store_strs list;

	OK(store_reverse_name_wanted(t->s, t->a, since / UTC_DAY_S, since,
		ADDRESSES + 1, &list, &t->e));
	return list.n;
}

static void hour_of_steps(struct engine *t, struct reverse_names *r)
{
	for (int i = 0; i < HOUR; i++, now_s++)
		OK(reverse_names_step(r, &t->e));
}

static void look_ups_are_bounded(void **state)
{
	struct engine *t = *state;
	struct reverse_names r = { .store = t->s,
		.probe = { .path = "/nowhere/probe.sock" },
		.clock = &fake,
		.stop = never };
	struct store_reverse_name row = { .address = STR("192.0.0.0"),
		.name = STR("mail.s.example"),
		.state = STORE_REVERSE_CONFIRMED };
	struct store_reverse_name got;

	now_s = START;
	take_report(t);
	assert_int_equal(wanted(t), ADDRESSES);
	hour_of_steps(t, &r);
	assert_int_equal(wanted(t), ADDRESSES - REVERSE_NAMES_HOUR);
	hour_of_steps(t, &r);
	assert_int_equal(wanted(t), 0);
	/* What failed is tried again the next day, what is known in a month. */
	row.looked = now_s;
	OK(store_reverse_name_put(t->s, &row, &t->e));
	now_s += UTC_DAY_S;
	assert_int_equal(wanted(t), ADDRESSES - 1);
	OK(store_reverse_name_get(t->s, t->a, row.address, &got, &t->e));
	assert_str(got.name, "mail.s.example");
	OK(store_reverse_name_prune(t->s, now_s, &t->e));
	assert_int_equal(
		store_reverse_name_get(t->s, t->a, row.address, &got, &t->e),
		ST_NOTFOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(look_ups_are_bounded),
	};

	return RUN_ON_ENGINES("reverse_names", tests);
}
