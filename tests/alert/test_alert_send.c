/* SPDX-License-Identifier: Apache-2.0 */
/* One recipient's silence is not the silence of the others. */
#include "alert/alert_send.h"
#include "tests/store/engines.h"

#include "base/poison.h"

static int64_t now_s;

/* Whatever is done takes its time. */
static struct unix_time slow_now(void *ctx)
{
	int64_t *step = ctx;

	now_s += *step;
	return (struct unix_time){ now_s };
}

static bool never(void *ctx)
{
	(void)ctx;
	return false;
}

static void add(struct engine *t, const char *id, const char *target)
{
	struct store_notice n = { .id = str_of(id),
		.tenant = STORE_TENANT_DEFAULT,
		.channel = STR("mail"),
		.target = str_of(target),
		.event = STR("daily"),
		.day = 20000 };

	OK(store_notice_add(t->s, &n, &t->e));
}

static int64_t next_of(struct engine *t, const char *id, int64_t *attempts)
{
	struct store_notice n;

	OK(store_notice_get(t->s, t->a, str_of(id), &n, &t->e));
	*attempts = n.attempts;
	return n.next_at;
}

/* 1 fails and takes so long; are the others tried in the same step? */
static void step(struct engine *t, int64_t seconds, bool tried)
{
	struct clock clock = { .now = slow_now, .ctx = &seconds };
	struct alert_send s = { .o = { .mail = { .from = STR("m@x.example") },
					/* Nobody listens there. */
					.smtp = { .url = "smtp://127.0.0.1:1",
						.timeout_ms = 10000 } },
		.store = t->s,
		.clock = &clock,
		.stop = never };
	int64_t attempts;

	now_s = 20001 * UTC_DAY_S;
	add(t, "1", "a@x.example");
	add(t, "2", "a@x.example");
	add(t, "3", "b@x.example");
	OK(alert_send_step(&s, &t->e));
	(void)next_of(t, "1", &attempts);
	assert_int_equal(attempts, 1);
	/* The same recipient's waits in any case, another's is due. */
	assert_true(next_of(t, "2", &attempts) > now_s);
	assert_int_equal(attempts, tried);
	assert_int_equal(next_of(t, "3", &attempts) > now_s, tried);
}

static void all_that_is_due_is_tried(void **state)
{
	step(*state, 0, true);
}

static void who_is_slow_holds_up_none(void **state)
{
	step(*state, ALERT_SLOW_S, false);
}

/* Nobody knows any more what it was about. */
static void what_cannot_be_told_holds_up_none(void **state)
{
	struct engine *t = *state;
	int64_t seconds = 0, attempts;
	struct clock clock = { .now = slow_now, .ctx = &seconds };
	struct alert_send s = { .o = { .mail = { .from = STR("m@x.example") },
					.smtp = { .url = "smtp://127.0.0.1:1",
						.timeout_ms = 10000 },
					.per_hour = 10 },
		.store = t->s,
		.clock = &clock,
		.stop = never };
	struct store_notice n = { .id = STR("1"),
		.tenant = STORE_TENANT_DEFAULT,
		.alert = STR("gone"),
		.channel = STR("mail"),
		.target = STR("a@x.example"),
		.event = STR("opened") };

	now_s = 20001 * UTC_DAY_S;
	OK(store_notice_add(t->s, &n, &t->e));
	add(t, "2", "b@x.example");
	OK(alert_send_step(&s, &t->e));
	assert_true(next_of(t, "1", &attempts) > now_s);
	assert_int_equal(attempts, 1);
	(void)next_of(t, "2", &attempts);
	assert_int_equal(attempts, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_is_due_is_tried),
		cmocka_unit_test(who_is_slow_holds_up_none),
		cmocka_unit_test(what_cannot_be_told_holds_up_none),
	};

	return RUN_ON_ENGINES("alert_send", tests);
}
