/* SPDX-License-Identifier: Apache-2.0 */
/* The share of failed sessions: who is judged, and who can hide whom. */
#include "alert/alert_rules.h"
#include "tests/testing.h"

#include "base/poison.h"

#define REPORTERS_MAX 5

struct share_row {
	struct {
		const char *name;
		int64_t sessions, failed;
	} of[REPORTERS_MAX];
	const char *what; /* NULL: no alert */
};

/* From 10 % of 20 sessions or more. */
static const struct share_row rows[] = {
	{ { { "a.example", 20, 2 } },
		"2 of 20 sessions failed, reported by a.example "
		"(1 of 1 reporters); 10 % is the limit" },
	{ { { "a.example", 20, 1 } }, NULL },
	{ { { "a.example", 19, 19 } }, NULL },
	/* Whatever a stranger counts, he hides nobody. */
	{ { { "a.example", 100, 90 }, { "evil.example", 10000000000, 0 } },
		"90 of 100 sessions failed, reported by a.example "
		"(1 of 2 reporters); 10 % is the limit" },
	/* Named are those that are over, and their sessions counted. */
	{ { { "a.example", 20, 10 }, { "b.example", 1000, 1 },
		  { "c.example", 100, 100 } },
		"110 of 120 sessions failed, reported by a.example, c.example "
		"(2 of 3 reporters); 10 % is the limit" },
	{ { { "a", 20, 9 }, { "b", 20, 9 }, { "c", 20, 9 }, { "d", 20, 9 },
		  { "e", 20, 9 } },
		"45 of 100 sessions failed, reported by a, b, c and others "
		"(5 of 5 reporters); 10 % is the limit" },
	/* Reporters with few sessions are many together. */
	{ { { "a", 10, 4 }, { "b", 9, 0 }, { "c", 5, 1 }, { "d", 500, 0 } },
		"5 of 15 sessions failed, reported by a, c "
		"(2 of 4 reporters); 10 % is the limit" },
	{ { { "a", 10, 1 }, { "b", 9, 0 }, { "c", 5, 0 }, { "d", 500, 49 } },
		NULL },
	{ { { NULL, 0, 0 } }, NULL },
};

static void each_reporter_has_its_share(void **state)
{
	const struct alert_rules rules = { .share = 10, .share_sessions = 20 };
	const struct alert_rules none = { .share_sessions = 20 };
	struct arena *a = arena_must(0);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct store_alert_reporter of[REPORTERS_MAX] = {};
		struct store_alert_facts f = { .reporters = of };
		struct alert_findings found;

		for (size_t j = 0; j < REPORTERS_MAX; j++) {
			if (rows[i].of[j].name == NULL)
				break;
			of[f.n_reporters++] = (struct store_alert_reporter){
				.name = str_of(rows[i].of[j].name),
				.sessions = rows[i].of[j].sessions,
				.failed = rows[i].of[j].failed,
			};
		}
		found = alert_rules_run(&rules, a, &f, 0);
		assert_int_equal(found.n, rows[i].what != NULL);
		if (found.n > 0) {
			assert_int_equal(
				found.items[0].kind, STORE_ALERT_SHARE);
			assert_str(found.items[0].what, rows[i].what);
		}
		assert_int_equal(alert_rules_run(&none, a, &f, 0).n, 0);
	}
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_reporter_has_its_share),
	};

	return cmocka_run_group_tests_name("alert_rules", tests, NULL, NULL);
}
