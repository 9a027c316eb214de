/* SPDX-License-Identifier: Apache-2.0 */
/* engine_control: what the operator may change. It counts at once. */
#include "outbound/engine_own.h"

#include "base/poison.h"

/* What mail waited for may be over. */
static void changed(struct engine *e, struct str domain, const char *why)
{
	struct site *s = site_get(e, domain);

	event_changed(e, domain);
	event_trouble_over(e, s, why);
	event_may_go(e, s, why);
}

enum status engine_purge(struct engine *e, struct str domain, struct err *err)
{
	struct site *s = site_find(e, domain);
	enum status st = policy_cache_del(e->o.cache, domain, NULL, err);

	if (s != NULL) {
		if (s->loose != NULL || s->asked)
			st = st == ST_NOTFOUND ? ST_OK : st;
		site_tighten(e, s);
		site_forget(s);
	}
	if (st == ST_OK)
		changed(e, domain, "its policy was purged");
	return st;
}

static enum status may_pin(
	struct engine *e, const struct policy_rule *rule, struct err *err)
{
	struct arena *a = arena_must(0);
	struct policy_entry entry;
	enum status st;

	if (!str_eq(rule->profile, STR("*"))) {
		arena_free(&a);
		return err_set(err, ST_INVALID,
			"a policy is pinned for all profiles: the profile must "
			"be *");
	}
	st = policy_cache_get(e->o.cache, a, rule->domain, &entry);
	arena_free(&a);
	if (st != ST_OK)
		return err_set(err, ST_NOTFOUND,
			"there is no cached policy to be pinned");
	return ST_OK;
}

enum status engine_rule_set(
	struct engine *e, const struct policy_rule *rule, struct err *err)
{
	enum status st = ST_OK;

	if (rule->kind == POLICY_RULE_PIN)
		st = may_pin(e, rule, err);
	if (st == ST_OK)
		st = policy_cache_rule_put(e->o.cache, rule, NULL, err);
	if (st == ST_OK)
		changed(e, rule->domain, "there is a rule for it");
	return st;
}

enum status engine_rule_del(struct engine *e, struct str profile,
	struct str domain, struct err *err)
{
	enum status st = policy_cache_rule_del(
		e->o.cache, profile, domain, NULL, err);

	if (st == ST_OK)
		changed(e, domain, "its rule was removed");
	return st;
}
