/* SPDX-License-Identifier: Apache-2.0 */
/* Which policy texts that senders held are ours, however they wrote them. */
#include "api/api_report_served.h"
#include "tests/store/engines.h"

#include "base/poison.h"

#define D "d.example"
#define BODY(mode, mx, age)                                                    \
	"version: STSv1\r\nmode: " mode "\r\n" mx "max_age: " age "\r\n"

static void add_policy(
	struct engine *t, const char *id, const char *body, int64_t since)
{
	struct store_policy p = { .tenant = STORE_TENANT_DEFAULT,
		.domain = STR(D),
		.id = str_of(id),
		.body = str_of(body),
		.max_age = 86400,
		.since = since };

	OK(store_policy_add(t->s, &p, &t->e));
}

static void texts(void **state)
{
	static const char now[] = BODY(
		"enforce", "mx: a.d.example\r\nmx: *.e.example\r\n", "86400");
	static const struct {
		const char *type, *text, *word;
	} rows[] = {
		{ "sts",
			"version:STSv1\nmode:enforce\nmx:*.E.example\n"
			"mx:a.d.example\nmax_age:86400",
			"current" },
		{ "sts",
			"version: STSv1\nmode: testing\nmx: a.d.example\n"
			"max_age: 86400",
			"stale" },
		{ "sts",
			"version: STSv1\nmode: enforce\nmx: a.d.example\n"
			"max_age: 86400",
			"never" },
		{ "sts",
			"version: STSv1\nmode: enforce\nmx: a.d.example\n"
			"mx: *.e.example\nmax_age: 86401",
			"never" },
		{ "sts", "mode: enforce", NULL },
		{ "sts", "", NULL },
		{ "tlsa", "3 1 1 00", NULL },
	};
	struct engine *t = *state;
	struct store_domain d = domain_of("default", D, "dddddddddddddddd");
	struct api_served *served;

	d.policy_body = str_of(now);
	d.policy_id = STR("2");
	OK(store_domain_add(t->s, &d, &t->e));
	add_policy(t, "1", BODY("testing", "mx: a.d.example\r\n", "86400"), 1);
	add_policy(t, "2", now, 2);
	OK(api_served_get(
		t->s, t->a, STORE_TENANT_DEFAULT, STR(D), &served, &t->e));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *word = api_served_name(served, t->a,
			str_of(rows[i].type), str_of(rows[i].text));

		if (!str_eq(str_of(word), str_of(rows[i].word)))
			fail_msg("row %zu: %s", i, word ? word : "NULL");
	}
	OK(api_served_get(t->s, t->a, STORE_TENANT_DEFAULT, STR("x.example"),
		&served, &t->e));
	assert_null(api_served_name(
		served, t->a, STR("sts"), str_of(rows[0].text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
	};

	return RUN_ON_ENGINES("report_served", tests);
}
