/* SPDX-License-Identifier: Apache-2.0 */
/* engine_answer: from what is known to the decision, and how long it holds. */
#include "outbound/engine_own.h"

#include "base/poison.h"

struct facts {
	struct dane_result dane;
	struct policy_entry entry;
	struct policy_rule rule;
	bool any, in_force, ruled;
};

static enum sts_rule rule_of(const struct facts *f)
{
	static const enum sts_rule rules[] = {
		[POLICY_RULE_OFF] = STS_RULE_OFF,
		[POLICY_RULE_ENFORCE] = STS_RULE_ENFORCE,
		[POLICY_RULE_TESTING] = STS_RULE_TESTING,
		[POLICY_RULE_PIN] = STS_RULE_NONE,
	};

	return f->ruled ? rules[f->rule.kind] : STS_RULE_NONE;
}

static enum status gather(struct engine *e, struct arena *a,
	const struct engine_profile *profile,
	const struct policy_domain *domain, struct site *s, struct hop *h,
	struct facts *f)
{
	enum status st = ST_OK;

	*f = (struct facts){ .dane = { .state = DANE_TEMP } };
	if (dane_known(e, h))
		st = dane_memo_read(h->memo, a, &f->dane);
	else
		(void)err_set(&f->dane.why, ST_TEMP,
			"it was not found out in time whether there is DANE");
	f->any = policy_now(e, s, a, &f->entry, &f->in_force) == ST_OK;
	f->ruled = policy_cache_rule(e->o.cache, a, profile->name, domain->name,
			   engine_now(e), &f->rule) == ST_OK;
	return st;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* How long nothing of what it rests on ends by itself. */
static int64_t valid_ms(struct engine *e, const struct site *s,
	const struct hop *h, const struct facts *f)
{
	int64_t now = engine_now(e), ms = VALID_MAX_MS;

	if (!sts_known(e, s) || !dane_known(e, h))
		return 0;
	ms = least(ms, s->until_ms - mono_ms(e));
	ms = least(ms, h->until_ms - mono_ms(e));
	if (f->any && policy_entry_expires(&f->entry) > now)
		ms = least(ms, (policy_entry_expires(&f->entry) - now) * 1000);
	if (f->ruled && f->rule.expires < now + VALID_MAX_MS)
		ms = least(ms, (f->rule.expires - now) * 1000);
	return ms;
}

/* Once a day, so that what is used is not let go. */
static void note_use(
	struct engine *e, struct site *s, struct policy_entry *entry)
{
	int64_t now = engine_now(e);

	if (s->loose != NULL || now - entry->used_at < USED_STEP_S)
		return;
	entry->used_at = now;
	(void)policy_put(e, s, entry, NULL);
}

/* Does it show that the policy's MX hosts are there, or that none is in force?
 * What an operator or a profile leaves out shows neither. */
static bool shows_mx(const struct decision *decision)
{
	return decision->action != DECISION_TEMP &&
	       decision->why != DECISION_WHY_RULE_OFF &&
	       decision->why != DECISION_WHY_STS_TESTING &&
	       decision->why != DECISION_WHY_STS_PENDING;
}

/* All its mail waits until the policy or the MX records are mended. */
static void note_mx(struct engine *e, struct site *s, struct hop *h,
	const struct decision *decision)
{
	bool none = decision->why == DECISION_WHY_STS_NO_MX;
	const char *why = none ? "no MX host matches the policy in force"
			       : "an MX host matches the policy again";

	if (none == event_in_trouble(s, h, ENGINE_TROUBLE_NO_MX) ||
		(!none && !shows_mx(decision)))
		return;
	event_tell(e, none ? ENGINE_NO_MX : ENGINE_MX_AGAIN, site_name(s),
		none ? "the policy in force permits none of its MX hosts: "
		       "undeliverable until one of the two is corrected"
		     : "");
	event_trouble(e, s, h, ENGINE_TROUBLE_NO_MX, none, why);
	if (!none)
		event_may_go(e, s, why);
}

/* What was not looked up for this ask but remembered, or left. */
static void tell(struct engine_ask *ask, const struct facts *f)
{
	struct engine_step steps[] = {
		{ ENGINE_STEP_CACHE, .note = "" },
		{ ENGINE_STEP_DANE, .note = "remembered" },
		{ ENGINE_STEP_RECORD,
			.note = "its id was compared a short while ago" },
		{ ENGINE_STEP_RULE, .note = "" },
		{ ENGINE_STEP_LATE,
			.note = "nobody waits longer; looking up goes on" },
	};
	bool skip[] = { false, ask->told_dane || ask->late,
		ask->told_sts || ask->late, !f->ruled, !ask->late };

	steps[0].entry = f->any ? &f->entry : NULL;
	steps[0].in_force = f->in_force;
	if (f->any && !f->in_force)
		steps[0].note = "it has expired and is not applied";
	steps[1].dane = &f->dane;
	steps[3].rule = &f->rule;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (!skip[i])
			ask_tell(ask, &steps[i]);
}

enum status answer_make(struct engine *e, struct arena *a,
	const struct engine_profile *profile,
	const struct policy_domain *domain, struct site *s, struct hop *h,
	struct engine_ask *ask, struct engine_answer *out)
{
	struct sts_decide_input in = { .profile = profile->profile,
		.domain = *domain };
	struct engine_step step = { .kind = ENGINE_STEP_DECISION, .note = "" };
	struct sts_policy *policy;
	struct facts *f = arena_alloc(a, sizeof(*f));
	enum status st = ST_LIMIT;

	if (f != NULL)
		st = gather(e, a, profile, domain, s, h, f);
	if (st != ST_OK)
		return st;
	if (ask != NULL && ask->step != NULL)
		tell(ask, f);
	in.dane = &f->dane;
	policy = &f->entry.policy;
	in.policy = f->in_force ? policy : NULL;
	in.pending = !s->asked ||
		     (ask != NULL && ask->late && !sts_known(e, s));
	in.failed = s->failed && !f->in_force;
	in.failure = s->failure;
	in.rule = rule_of(f);
	st = sts_decide(a, &in, &out->decision);
	if (st != ST_OK)
		return st;
	note_mx(e, s, h, &out->decision);
	out->valid_ms = valid_ms(e, s, h, f);
	if (f->any)
		note_use(e, s, &f->entry);
	if (ask != NULL) {
		step.decision = &out->decision;
		ask_tell(ask, &step);
	}
	return ST_OK;
}
