/* SPDX-License-Identifier: Apache-2.0 */
/* reports: what has been reported about domains, and a clock that stands. */
#pragma once

#include "tests/store/engines.h"

static int64_t now_s;

static struct unix_time fake_now(void *ctx)
{
	(void)ctx;
	return (struct unix_time){ now_s };
}

static const struct clock fake = { .now = fake_now };

struct told {
	const char *domain; /* NULL: d.example */
	const char *proof;
	int64_t begin, received, ok, failed;
	const char *type;  /* of the failures */
	size_t n_failures; /* each of them of all failed sessions */
};

/* Stores a report of one day. */
static void tell(struct engine *t, const struct told *told)
{
	static int number;
	struct store_report_failure *f = arena_array(
		t->a, told->n_failures + 1, sizeof(*f));
	struct store_report_policy p[2] = { { .type = STR("sts"),
		.ok = told->ok,
		.failed = told->failed,
		.failures = f,
		.n_failures = told->n_failures } };
	struct store_report r = { .tenant = STORE_TENANT_DEFAULT,
		.id = store_new_id(t->a),
		.domain = str_of(
			told->domain == NULL ? "d.example" : told->domain),
		.org = STR("Org"),
		.begin = told->begin,
		.end = told->begin + UTC_DAY_S - 1,
		.received = told->received,
		.proof = str_of(told->proof),
		.policies = p,
		.n_policies = 2 };
	bool added = false;

	for (size_t i = 0; i < told->n_failures; i++)
		f[i] = (struct store_report_failure){ .result_type = str_of(
							      told->type),
			.sessions = told->failed };
	/* Microsoft tells of the same sessions under two policies. */
	p[1] = p[0];
	p[1].type = STR("tlsa");
	r.report_id = arena_fmt(t->a, "r%d", ++number);
	r.raw_sha256 = r.report_id;
	OK(store_report_add(t->s, &r, &added, &t->e));
	assert_true(added);
}
