/* SPDX-License-Identifier: Apache-2.0 */
/* How far mailboxes are read, and trials of them. */
#include "engines.h"
#include "store/mailbox.h"

#include "base/poison.h"

static void mailboxes(void **state)
{
	struct store_mailbox m = { .name = STR("one"),
		.uidvalidity = 4294967295,
		.pending = STR("1:3,7"),
		.tried = 5,
		.pulled = 4,
		.failures = 3,
		.taken = 2,
		.left = 1,
		.error = STR("off \xff line") };
	struct store_mailbox got;
	struct engine *t = *state;

	assert_int_equal(store_mailbox_get(t->s, t->a, m.name, &got, &t->e),
		ST_NOTFOUND);
	OK(store_mailbox_put(t->s, &m, &t->e));
	m.pending = STR("9");
	OK(store_mailbox_put(t->s, &m, &t->e));
	OK(store_mailbox_get(t->s, t->a, m.name, &got, &t->e));
	assert_int_equal(got.uidvalidity, 4294967295);
	assert_str(got.pending, "9");
	assert_int_equal(got.tried, 5);
	assert_int_equal(got.pulled, 4);
	assert_int_equal(got.failures, 3);
	assert_int_equal(got.taken, 2);
	assert_int_equal(got.left, 1);
	assert_str(got.error, "off ? line");
}

static void trials(void **state)
{
	struct store_mailbox_trial m = { STR("one"), 7, 3, STR("") };
	struct store_mailbox_trial got;
	struct engine *t = *state;

	assert_int_equal(
		store_mailbox_trial_get(t->s, t->a, m.name, &got, &t->e),
		ST_NOTFOUND);
	OK(store_mailbox_trial_put(t->s, &m, &t->e));
	m.error = STR("refused");
	m.done = 7;
	OK(store_mailbox_trial_put(t->s, &m, &t->e));
	OK(store_mailbox_trial_get(t->s, t->a, m.name, &got, &t->e));
	assert_int_equal(got.asked, 7);
	assert_int_equal(got.done, 7);
	assert_str(got.error, "refused");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(mailboxes),
		cmocka_unit_test(trials),
	};

	return RUN_ON_ENGINES("mailbox", tests);
}
