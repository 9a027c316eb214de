/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_report_rule: what becomes of reports that nothing proves, and how many
 * there are of each kind, so that none goes unnoticed.
 */
#include "api/api.h"
#include "store/store.h"

#include "base/poison.h"

static const char *const words[STORE_REPORT_STATES] = {
	[STORE_REPORT_ACCEPTED] = "accept",
	[STORE_REPORT_QUARANTINED] = "quarantine",
	[STORE_REPORT_IGNORED] = "ignore",
};

static void put_counts(
	struct json_writer *w, const char *name, const int64_t *counts)
{
	json_open_object(w, name);
	for (int i = 0; i < STORE_REPORT_STATES; i++)
		json_put_int(w,
			store_report_state_name((enum store_report_state)i),
			counts[i]);
	json_close_object(w);
}

static void answer(struct api_call *c)
{
	struct store_report_counts counts;
	struct store_report_rule rule;
	struct str tenant = c->tenant;
	struct err e = {};
	enum status st = store_report_rule_get(
		c->env->store, tenant, &rule, &e);

	if (st == ST_OK)
		st = store_report_count(c->env->store, tenant, &counts, &e);
	if (st != ST_OK) {
		api_fail(c, st, &e);
		return;
	}
	json_open_object(&c->w, NULL);
	json_put_str(&c->w, "tenant", tenant);
	json_put_z(&c->w, "mail", words[rule.mail]);
	json_put_z(&c->w, "post", words[rule.post]);
	put_counts(&c->w, "proven", counts.proven);
	put_counts(&c->w, "unproven", counts.unproven);
	json_close_object(&c->w);
}

void api_report_rule_show(struct api_call *c)
{
	answer(c);
}

/* A member of the body that names what to do; false: it names nothing. */
static bool read_word(const struct api_call *c, const char *member,
	enum store_report_state *out)
{
	struct str word = json_get_str(c->json, member);

	if (json_get(c->json, member) == NULL)
		return true;
	for (int i = 0; i < STORE_REPORT_STATES; i++)
		if (str_eq(word, str_of(words[i]))) {
			*out = (enum store_report_state)i;
			return true;
		}
	return false;
}

static enum status write_rule(struct api_call *c, struct str tenant,
	const struct store_report_rule *rule, struct err *e)
{
	struct store_audit row = { .tenant = tenant,
		.at = c->now,
		.actor = c->actor,
		.action = STR("report.rule"),
		.object = tenant };
	enum status st;

	row.id = store_new_id(c->a);
	row.detail = arena_fmt(c->a, "mail: %s, post: %s", words[rule->mail],
		words[rule->post]);
	st = store_begin(c->env->store, e);
	if (st != ST_OK)
		return st;
	st = store_report_rule_put(c->env->store, tenant, rule, e);
	if (st == ST_OK)
		st = store_audit_add(c->env->store, &row, e);
	if (st == ST_OK)
		return store_commit(c->env->store, e);
	store_rollback(c->env->store);
	return st;
}

void api_report_rule_set(struct api_call *c)
{
	struct str tenant = c->tenant;
	struct store_report_rule rule;
	struct err e = {};
	enum status st = store_report_rule_get(
		c->env->store, tenant, &rule, &e);

	if (st == ST_OK && (!read_word(c, "mail", &rule.mail) ||
				   !read_word(c, "post", &rule.post))) {
		api_problem(c, 422, "that is no rule for reports", NULL, NULL,
			"mail and post are accept, quarantine or ignore");
		return;
	}
	if (st == ST_OK)
		st = write_rule(c, tenant, &rule, &e);
	if (st != ST_OK)
		api_fail(c, st, &e);
	else
		answer(c);
}
